"""How sure it is who charged, as the verifier tells it: from signed records alone, with whose word it is."""

import json
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from tests.bundle.test_meter_evidence import METER_KEY, B, E, record, signed
from tests.support.charges import EMSP, ORIGIN, START_MS, pen, seeded, signing_key
from tests.support.worlds import (
    CSMS_KEY,
    EDGE_KEY,
    MemoryLog,
    authorisation,
    enrolled,
    entries,
    entry,
    sealed_charge,
    tariff_record,
    trust,
)

from wattseal.bundle.build import build_bundle, openings_of
from wattseal.bundle.check import check_bundle
from wattseal.bundle.files import FileReport
from wattseal.bundle.report import Identification, Outcome, Report
from wattseal.cli.verify import describe
from wattseal.model.token import TokenStatus
from wattseal.seal.fields import Decision, Identity, Meter
from wattseal.seal.groups import unwrap
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.registry import Role
from wattseal.seal.writer import GroupDraft, SubjectKeys

HASH = bytes(range(32))
BILLING_KEY = signing_key("billing of the CPO")
HIDDEN = Identification(None, "hidden")


def by_the_cpo_alone(identified: tuple[str, bytes] | None, fields: dict[int, object]) -> tuple[Item, Item]:
    """Return a request that the CSMS recorded, open to all, and the CPO's own decision on it."""
    desk = pen(ORIGIN, key=CSMS_KEY, stream=0, seed="desk")
    desk.write(Kind.BOOT, START_MS - 5000)
    groups = {Group.IDENTITY: GroupDraft(fields)}
    request = desk.write(Kind.REQUEST, START_MS - 4000, SubjectKeys.new(seeded("tx")), groups=groups)
    billing = pen("CPO/billing", key=BILLING_KEY, stream=0, seed="billing")
    billing.write(Kind.BOOT, START_MS - 3500)
    told = Decision(TokenStatus.ACCEPTED, bytes(16), START_MS + 3_600_000, identified=identified)
    refs = (request.hash, tariff_record().hash)
    return request, billing.write(Kind.DECISION, START_MS - 3000, refs=refs, public=told.to_public())


def with_level(evidence: tuple[str, bytes], level: str) -> tuple[str, bytes]:
    """Return a meter's record with another identification level, signed by the meter."""
    payload = evidence[1].split(b"|")[1].replace(b'"IL":"NONE"', b'"IL":"%b"' % level.encode())
    assert level.encode() in payload
    rs = METER_KEY.sign(payload)
    der = encode_dss_signature(int.from_bytes(rs[:32]), int.from_bytes(rs[32:])).hex()
    signature = json.dumps({"SA": "ECDSA-secp256r1-SHA256", "SD": der}).encode()
    return evidence[0], b"OCMF|" + payload + b"|" + signature


def found(
    authorised: tuple[Item, Item], *, levels: tuple[str, str] = ("", ""), shown: bool = False, meter_known: bool = True
) -> Identification | None:
    """Judge a charge of two records whose meter signs the levels named, "" for no evidence at all."""
    request, decision = authorised
    p = pen(key=EDGE_KEY)
    p.write(Kind.BOOT, START_MS - 1000)
    pages = [signed(5, B), signed(6, E)]
    evidence = [(with_level(page, level),) if level else () for page, level in zip(pages, levels, strict=True)]
    items = [
        record(p, Kind.STARTED, 0, Meter(Decimal(1000), evidence=evidence[0]), seq_no=0, refs=(decision.hash,)),
        record(p, Kind.ENDED, 30, Meter(Decimal(5000), evidence=evidence[1]), seq_no=1),
    ]
    log = MemoryLog()
    log.add([request, decision, *items])
    named = unwrap(request, Group.IDENTITY, EMSP)
    secrets: dict[int, bytes] = {} if named is None else {Group.IDENTITY: named}
    more = [entry(Role.BILLING, "CPO", BILLING_KEY.public.spki, "CPO/*")]
    if meter_known:
        more.append(entry(Role.METER, "METER", METER_KEY.public.spki, ORIGIN, custodian="SITE", meter_id="METER-1"))
    bundle = build_bundle(
        items,
        others=[request, decision],
        entries=(*entries(), *map(enrolled, more)),
        proofs=[log.proof(item, log.checkpoint()) for item in items],
        openings=(
            *openings_of(items, (Group.METER, Group.OPS)),
            *(openings_of([request], [Group.IDENTITY], secrets) if shown else ()),
        ),
    )
    report = check_bundle(bundle.encode(), trust())
    assert report.verdict is Outcome.VALID, report.failure
    return report.identification


def test_a_card_that_is_not_shown_is_told_as_hidden_and_its_reader_is_told_more() -> None:
    bundle = sealed_charge().bundle.encode()
    assert check_bundle(bundle, trust()).identification == HIDDEN
    for_its_reader = check_bundle(bundle, trust(), [EMSP]).identification
    assert for_its_reader == Identification("HEARSAY", "token", "recorder", "SITE (edge)")


@pytest.mark.parametrize(
    ("presented", "level"),
    [("ISO14443", "HEARSAY"), ("Central", "TRUSTED"), ("NoAuthorization", "NONE"), ("new", "HEARSAY")],
)
def test_the_kind_of_a_token_that_is_shown_says_how_sure_it_is(presented: str, level: str) -> None:
    told = found(authorisation(presented=presented), shown=True)
    assert told == Identification(level, "token", "recorder", "SITE (edge)")


def test_what_was_proved_to_whoever_decided_is_their_word_and_named_by_its_hash() -> None:
    told = found(authorisation(identified=("SECURE", HASH)))
    assert told == Identification("SECURE", "decision", "decider", "MSP (emsp)", HASH.hex())


def test_what_the_operator_alone_says_is_called_its_own_word() -> None:
    card = Identity("04E1A7C39D5B82", "Central").to_fields()
    assert found(by_the_cpo_alone(None, card), shown=True) == Identification(
        "TRUSTED", "token", "operator", "CPO (csms)"
    )
    decided = found(by_the_cpo_alone(("SECURE", HASH), card), shown=True)
    assert decided == Identification("SECURE", "decision", "operator", "CPO (billing)", HASH.hex())


@pytest.mark.parametrize("level", ["SUPERB", "MISMATCH", "secure", ""])
def test_a_decision_that_names_no_level_says_nothing(level: str) -> None:
    assert found(authorisation(identified=(level, HASH))) == HIDDEN


def test_an_identity_that_cannot_be_read_says_nothing() -> None:
    told = found(by_the_cpo_alone(None, {1: "04E1A7C39D5B82", 2: 7}), shown=True)
    assert told == Identification(None, "not_told")


@pytest.mark.parametrize("level", ["NONE", "TRUSTED", "VERIFIED", "CERTIFIED", "SECURE"])
def test_a_meter_makes_nobody_surer_of_a_number_whether_it_is_shown_or_not(level: str) -> None:
    assert found(authorisation(), levels=(level, level)) == Identification(None, "hidden", meter=level)
    shown = found(authorisation(), levels=(level, level), shown=True)
    assert shown == Identification("HEARSAY", "token", "recorder", "SITE (edge)", meter=level)


def test_a_meter_raises_a_contract_and_lowers_what_the_operator_says() -> None:
    contract = authorisation(presented="eMAID")
    by_meter = Identification("CERTIFIED", "meter", "meter", "METER (meter)", meter="CERTIFIED")
    assert found(contract, levels=("CERTIFIED", "CERTIFIED"), shown=True) == by_meter
    lowered = found(contract, levels=("HEARSAY", "HEARSAY"), shown=True)
    assert lowered == Identification("HEARSAY", "meter", "meter", "METER (meter)", meter="HEARSAY")


@pytest.mark.parametrize("levels", [("MISMATCH", "SECURE"), ("SECURE", "MISMATCH"), ("MISMATCH", "")])
def test_an_error_that_the_meter_signs_stands_against_everybody(levels: tuple[str, str]) -> None:
    told = found(authorisation(identified=("SECURE", HASH)), levels=levels)
    assert told == Identification("MISMATCH", "meter", "meter", "METER (meter)", HASH.hex(), "MISMATCH")


def test_a_meter_that_nobody_enrolled_says_nothing() -> None:
    assert found(authorisation(), levels=("MISMATCH", "MISMATCH"), meter_known=False) == HIDDEN
    assert found(authorisation(), levels=("MISMATCH", "MISMATCH")) != HIDDEN, "control: an enrolled one does"


def test_no_level_is_told_of_what_is_not_proved() -> None:
    honest = sealed_charge(identified=("SECURE", HASH)).bundle.encode()
    assert check_bundle(honest, trust()).identification is not None
    assert check_bundle(honest, None).identification is None
    forged = honest.replace(b"\x66SECURE", b"\x66HEARSA")
    assert forged != honest
    assert check_bundle(forged, trust()).identification is None


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (HIDDEN, "who charged: not shown here: the identity group is not open"),
        (
            Identification(None, "hidden", meter="VERIFIED"),
            "who charged: not shown here: the identity group is not open; the meter signed VERIFIED",
        ),
        (
            Identification("SECURE", "decision", "decider", "MSP (emsp)", HASH.hex()),
            "who charged: SECURE (proved by a key); the word of whoever decided, MSP (emsp)",
        ),
        (
            Identification("HEARSAY", "token", "operator", "CPO (csms)"),
            "who charged: HEARSAY (a number, which a copy has too); the operator's own word, CPO (csms)",
        ),
        (
            Identification("MISMATCH", "meter", "meter", "METER (meter)", meter="MISMATCH"),
            "who charged: MISMATCH (the meter says that it failed); signed by the meter, METER (meter)",
        ),
    ],
)
def test_the_command_says_it_in_a_line(told: Identification, line: str) -> None:
    report = Report(Outcome.VALID, (), identification=told)
    assert f"  {line}" in describe("a.wsb", FileReport(report))
