"""How sure it is who charged: bare numbers are hearsay whatever a meter signs, errors of the meter stand."""

import pytest

from wattseal.model.identity_level import BARE, level_of, with_signed
from wattseal.model.token import TokenStatus
from wattseal.rules.identity_level import signed_level
from wattseal.seal.fields import Decision


@pytest.mark.parametrize("kind", sorted(BARE))
@pytest.mark.parametrize("signed", ["NONE", "HEARSAY", "TRUSTED", "VERIFIED", "CERTIFIED", "SECURE"])
def test_a_bare_number_is_never_strong(kind: str, signed: str) -> None:
    assert with_signed(level_of(kind), signed) == "HEARSAY"


@pytest.mark.parametrize("kind", ["ISO14443", "Central", "eMAID", "NoAuthorization"])
@pytest.mark.parametrize("signed", ["MISMATCH", "INVALID", "OUTDATED", "UNKNOWN"])
def test_an_error_that_the_meter_signs_stands(kind: str, signed: str) -> None:
    assert with_signed(level_of(kind), signed) == signed
    assert with_signed(signed, "SECURE") == signed


def test_a_contract_is_as_sure_as_the_meter_signs_and_no_identity_in_the_meter_takes_nothing() -> None:
    assert with_signed(level_of("eMAID"), "CERTIFIED") == "CERTIFIED"
    assert with_signed(level_of("eMAID"), "HEARSAY") == "HEARSAY"
    assert with_signed(level_of("Central"), "NONE") == "TRUSTED"
    assert with_signed(None, "VERIFIED") == "VERIFIED", "where the token is sealed the meter's word is all there is"
    assert level_of("NoAuthorization") == "NONE"


@pytest.mark.parametrize(
    ("data", "level"),
    [
        (b'OCMF|{"FV":"1.0","IL":"VERIFIED","RD":[]}|{"SD":"00"}', "VERIFIED"),
        (b'OCMF|{"FV":"1.0","ID":"\\"IL\\":\\"SECURE\\"","IL":"NONE"}|{"SD":"00"}', "NONE"),
        (b'OCMF|{"FV":"1.0"}|{"SD":"00"}', None),
        (b'OCMF|{"IL":"SUPERB"}|{}', None),
        (b'OCMF|{"IL":7}|{}', None),
        (b"OCMF|", None),
        (b"<signedMeterValue/>", None),
    ],
)
def test_the_level_is_read_from_what_is_signed(data: bytes, level: str | None) -> None:
    assert signed_level((("OCMF", data),)) == level


@pytest.mark.parametrize("told", ["SECURE", ["SECURE"], ["SECURE", b"short"], [b"SECURE", bytes(32)], {1: "SECURE"}])
def test_what_a_decision_says_of_it_in_another_shape_says_nothing(told: object) -> None:
    public = Decision(TokenStatus.ACCEPTED, bytes(16), 1).to_public()
    assert Decision.read(public | {6: told}).identified is None
    assert Decision.read(public | {6: ["SECURE", bytes(32)]}).identified == ("SECURE", bytes(32))
