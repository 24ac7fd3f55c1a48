"""Codes of apps: one spelling, one signer, one place, minutes; whatever else is told by name."""

import base64

import pytest
from tests.support.app_codes import EMSP, NOW_S, a_code, signed
from tests.support.cpo_world import own_entry, signing_key

from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.rules.app_codes import Fault, Verifier, fault_of
from wattseal.seal import dcbor
from wattseal.seal.app_code import PREFIX, AppCode, AppCodeError, read_text, text_of
from wattseal.seal.registry import Entry, Registry, Role
from wattseal.seal.signed import Domain, sign

KEY = signing_key("emsp")


def registry(*entries: Entry) -> Registry:
    made = Registry({})
    for entry in entries or (own_entry(f"{EMSP}/*", Role.EMSP, KEY.public.spki, party=EMSP),):
        made.trust(entry)
    return made


def judged(text: str, known: Registry | None = None, now_s: float = NOW_S, cpo: str = "CPO") -> Fault | None:
    return fault_of(read_text(text), Verifier(cpo, known or registry(), int(now_s * 1000)), "st1", 1)


def test_a_good_code_is_read_as_it_was_made_and_fits_a_qr_code_of_letters_and_digits() -> None:
    text = signed(a_code(), KEY)
    assert read_text(text).code == a_code()
    assert judged(text) is None
    assert len(text) < 300
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.")


def test_another_key_may_not_sign_for_the_party_whatever_its_own_role() -> None:
    other = signing_key("other")
    text = signed(a_code(), other)
    assert judged(text) is Fault.UNKNOWN_KEY
    for role, origin, party in (
        (Role.EMSP, "ELSE/*", "ELSE"),
        (Role.BILLING, f"{EMSP}/billing", EMSP),
        (Role.CSMS, f"{EMSP}/*", EMSP),
        (Role.EDGE, f"{EMSP}/authorisation", EMSP),
    ):
        assert judged(text, registry(own_entry(origin, role, other.public.spki, party=party))) is (
            Fault.ISSUER_NOT_ENTITLED
        )


def test_a_cpos_own_billing_key_signs_for_it_and_for_no_other() -> None:
    billing = signing_key("billing")
    known = registry(own_entry("CPO/billing", Role.BILLING, billing.public.spki))
    assert judged(signed(a_code(issuer="CPO"), billing), known) is None
    assert judged(signed(a_code(issuer="CPO"), billing, "OTHER"), known, cpo="OTHER") is Fault.ISSUER_NOT_ENTITLED


def test_a_revoked_key_is_good_for_no_code_however_old() -> None:
    entry = own_entry(f"{EMSP}/*", Role.EMSP, KEY.public.spki, party=EMSP)
    revoked = registry(Entry(2, entry.origin, entry.role, EMSP, EMSP, entry.spki, entry.use, 0, NOW_S * 1000 + 1000))
    assert judged(signed(a_code(), KEY), revoked) is None
    assert judged(signed(a_code(), KEY), revoked, NOW_S + 1) is Fault.KEY_REVOKED


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (a_code(issued_s=NOW_S + 31, expires_s=NOW_S + 60), Fault.NOT_YET_VALID),
        (a_code(issued_s=NOW_S - 400, expires_s=NOW_S - 30), Fault.EXPIRED),
        (a_code(expires_s=NOW_S + 901), Fault.LIVES_TOO_LONG),
        (a_code(station_id="ST2"), Fault.OTHER_PLACE),
        (a_code(evse_id=2), Fault.OTHER_PLACE),
    ],
)
def test_the_verifier_bounds_time_and_place_whoever_signed(code: AppCode, fault: Fault) -> None:
    assert judged(signed(code, KEY)) is fault


def test_no_bit_of_a_code_can_be_changed() -> None:
    data = a_code().sign(KEY, "CPO").encode()
    for place in range(len(data)):
        edited = bytearray(data)
        edited[place] ^= 1
        text = PREFIX + base64.b32encode(edited).decode().rstrip("=")
        try:
            assert judged(text) is not None, place
        except AppCodeError:
            continue


def test_a_code_for_another_cpo_and_what_was_signed_for_another_purpose_are_no_codes_here() -> None:
    assert judged(signed(a_code(), KEY, "OTHER")) is Fault.SIGNATURE_INVALID
    fields = read_text(signed(a_code(), KEY)).statement.fields
    for domain in set(Domain) - {Domain.APP_CODE}:
        assert judged(text_of(sign(fields, KEY, domain, "CPO"))) is Fault.SIGNATURE_INVALID


def test_the_algorithm_is_the_enrolled_keys_and_not_the_codes_to_choose() -> None:
    statement = a_code().sign(KEY, "CPO")
    for algorithm in (-9, -19, -7, -8, 5, 0):
        protected = dcbor.encode({1: algorithm, 4: KEY.public.kid})
        forged = dcbor.encode(dcbor.sign1([protected, {}, statement.payload, bytes(64)]))
        try:
            assert judged(PREFIX + base64.b32encode(forged).decode().rstrip("=")) is Fault.SIGNATURE_INVALID
        except AppCodeError:
            continue


def test_a_p256_key_issues_codes_as_well() -> None:
    key = SigningKey.from_seed(Algorithm.ESP256, b"p" * 32)
    known = registry(own_entry(f"{EMSP}/*", Role.EMSP, key.public.spki, party=EMSP))
    assert judged(signed(a_code(), key), known) is None


@pytest.mark.parametrize(
    "spelling",
    [str.lower, lambda text: text + "=", lambda text: text + "A", lambda text: text[:-3], lambda text: " " + text],
)
def test_a_code_has_one_spelling(spelling: type[str]) -> None:
    with pytest.raises(AppCodeError):
        read_text(spelling(signed(a_code(), KEY)))


def test_what_is_far_too_long_is_not_even_decoded() -> None:
    with pytest.raises(AppCodeError):
        read_text(PREFIX + "A" * 100_000)
