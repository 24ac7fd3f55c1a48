"""The offline verifier: honest bundles are valid, no mutant ever is, and the failing step is named."""

import dataclasses
import random
from decimal import Decimal

import pytest
from msgspec import structs
from tests.support.charges import EMSP, ORIGIN, START_MS, charge, pen, signing_key
from tests.support.mutants import MUTATIONS
from tests.support.worlds import (
    CSMS_KEY,
    EDGE_KEY,
    EMSP_KEY,
    LOG_KEY,
    WITNESSES,
    enrolled,
    entries,
    entry,
    sealed_charge,
    tariff,
    tariff_record,
    trust,
)

from wattseal.bundle.build import build_bundle, openings_of
from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome, Report, StepResult, place_text
from wattseal.bundle.trust import LogKey, Trust
from wattseal.crypto.keys import Algorithm
from wattseal.log.keys import SignatureType, SigningKey
from wattseal.log.proof import TlogProof
from wattseal.model.verdict import Grade, Source
from wattseal.seal import dcbor
from wattseal.seal.item import Kind
from wattseal.seal.registry import Role

MUTANTS_EACH = 400


def step_of(report: Report) -> int | None:
    return report.failure.number if report.failure else None


def test_a_sealed_charge_is_valid_at_g4_for_anybody_with_the_trust_file() -> None:
    report = check_bundle(sealed_charge().bundle.encode(), trust())
    assert (report.verdict, report.grade, report.source) == (Outcome.VALID, Grade.G4, Source.EDGE)
    assert report.energy_wh == Decimal(2000)
    assert all(step.result is StepResult.OK for step in report.steps)


def test_a_reader_opens_a_bundle_that_shows_nothing_to_others() -> None:
    closed = sealed_charge(opened=False).bundle.encode()
    outsider = check_bundle(closed, trust())
    assert (outsider.verdict, step_of(outsider), outsider.energy_wh) == (Outcome.INCOMPLETE, 5, None)
    reader = check_bundle(closed, trust(), [EMSP])
    assert (reader.verdict, reader.grade, reader.energy_wh) == (Outcome.VALID, Grade.G4, Decimal(2000))


def test_without_a_trust_file_nothing_is_valid() -> None:
    report = check_bundle(sealed_charge().bundle.encode(), None)
    assert report.verdict is Outcome.INCOMPLETE
    assert report.failure is not None
    assert report.failure.reason == "trust"
    assert report.grade is None


@pytest.mark.parametrize("kind", list(MUTATIONS))
def test_no_mutant_is_valid_and_the_failing_step_is_named(kind: str) -> None:
    honest = sealed_charge().bundle.encode()
    dice = random.Random(kind)  # noqa: S311 - repeatable on purpose
    for _ in range(MUTANTS_EACH):
        mutant = MUTATIONS[kind](honest, dice)
        if mutant == honest:
            continue
        report = check_bundle(mutant, trust())
        assert report.verdict is not Outcome.VALID, mutant.hex()
        assert report.failure is not None
        assert report.failure.reason


def test_an_entry_in_another_spelling_is_refused_though_the_honest_one_was_read_before() -> None:
    data = sealed_charge().bundle.encode()
    assert check_bundle(data, trust()).verdict is Outcome.VALID
    entry_bytes = min(sealed_charge().bundle.entries, key=lambda e: e.encode()).encode()
    assert entry_bytes[:2] == b"\xd2\x84"
    longer = data.replace(entry_bytes, b"\xd2\x98\x04" + entry_bytes[2:])
    report = check_bundle(longer, trust())
    assert (report.verdict, step_of(report)) == (Outcome.UNREADABLE, 0)


def test_entries_are_in_order_each_once() -> None:
    encoded = sorted(e.encode() for e in sealed_charge().bundle.entries)
    value = dcbor.decode(sealed_charge().bundle.encode())
    for order in ([encoded[1], encoded[0], *encoded[2:]], [encoded[0], *encoded]):
        altered = dcbor.encode(value | {3: [dcbor.decode(e) for e in order]})
        report = check_bundle(altered, trust())
        assert (report.verdict, report.failure and report.failure.field) == (Outcome.UNREADABLE, "entries")


def test_what_is_remembered_of_one_bundle_makes_no_other_valid() -> None:
    """Proofs, entries and checkpoints are remembered by all their bytes: each altered one fails before and after."""
    honest = sealed_charge().bundle
    first = TlogProof.parse(honest.proofs[0])
    altered = [
        structs.replace(first, index=first.index ^ 1),
        structs.replace(first, hashes=first.hashes[::-1]),
        structs.replace(first, hashes=(bytes(32), *first.hashes[1:])),
    ]
    spoilt = [dataclasses.replace(honest, proofs=(p.encode(), *honest.proofs[1:])).encode() for p in altered]
    before = [check_bundle(data, trust()).to_json() for data in spoilt]
    assert check_bundle(honest.encode(), trust()).verdict is Outcome.VALID
    assert [check_bundle(data, trust()).to_json() for data in spoilt] == before
    assert {(r["verdict"], r["steps"][8]["result"]) for r in before} == {("INVALID", "failed")}


def test_honest_bundles_of_all_lengths_are_valid() -> None:
    for readings in range(0, 40, 3):
        data = sealed_charge(readings=readings, start_wh=readings * 7).bundle.encode()
        assert check_bundle(data, trust()).verdict is Outcome.VALID


def test_a_bundle_forged_whole_with_fresh_keys_is_never_valid() -> None:
    honest = sealed_charge()
    root = signing_key("forger root")
    forged = dataclasses.replace(honest.bundle, entries=entries(root=root))
    report = check_bundle(forged.encode(), trust())
    assert report.verdict is Outcome.INCOMPLETE
    assert step_of(report) == 2
    assert check_bundle(forged.encode(), None).verdict is Outcome.INCOMPLETE


def test_a_cpo_cannot_enrol_its_own_edge() -> None:
    edge = entry(Role.EDGE, "SITE", EDGE_KEY.public.spki, ORIGIN)
    honest = sealed_charge()
    for consent in (None, CSMS_KEY, signing_key("nobody")):
        alone = tuple(e for e in entries() if EDGE_KEY.public.spki not in e.payload)
        bundle = dataclasses.replace(honest.bundle, entries=(*alone, enrolled(edge, consent=consent)))
        report = check_bundle(bundle.encode(), trust())
        assert (report.verdict, step_of(report)) == (Outcome.INVALID, 2)
        assert report.failure is not None
        assert report.failure.reason == "no_consent_of_a_party_other_than_the_cpo"


def test_a_record_signed_by_the_cpo_instead_of_the_edge_shows_its_true_source() -> None:
    """The CPO may record what it is told, but that is G1 from the CSMS, not G4 from the edge."""
    honest = sealed_charge()
    _, decision, _ = honest.others
    items = charge(pen(key=CSMS_KEY), sealed=False, refs=(decision.hash,))
    honest.log.add(items)
    signed = honest.log.checkpoint()
    proofs = [honest.log.proof(i, signed) for i in items if i.signature is not None]
    shown = openings_of(items, (2, 4))
    bundle = build_bundle(items, proofs=proofs, entries=entries(), others=honest.others, openings=shown)
    report = check_bundle(bundle.encode(), trust())
    assert (report.verdict, report.grade, report.source) == (Outcome.VALID, Grade.G1, Source.CSMS)


def test_fewer_witnesses_than_the_quorum_is_incomplete_and_a_false_cosignature_invalid() -> None:
    honest = sealed_charge()
    one = honest.log.checkpoint(parties=("MSP",))
    proofs = [honest.log.proof(i, one) for i in honest.items if i.signature is not None]
    lacking = dataclasses.replace(honest.bundle, proofs=tuple(proofs))
    report = check_bundle(lacking.encode(), trust())
    assert (report.verdict, step_of(report)) == (Outcome.INCOMPLETE, 9)
    enough = check_bundle(lacking.encode(), trust(quorum=1))
    assert (enough.verdict, enough.grade) == (Outcome.VALID, Grade.G2)
    late = honest.log.checkpoint(at_s=START_MS // 1000 + 3 * 86400)
    proofs = [honest.log.proof(i, late) for i in honest.items if i.signature is not None]
    too_late = check_bundle(dataclasses.replace(honest.bundle, proofs=tuple(proofs)).encode(), trust())
    assert (too_late.verdict, too_late.grade) == (Outcome.VALID, Grade.G2)


def test_a_record_without_its_proof_is_incomplete_and_named() -> None:
    honest = sealed_charge()
    last = [item for item in honest.items if item.signature is not None][-1]
    shortened = dataclasses.replace(honest.bundle, proofs=honest.bundle.proofs[:-1])
    report = check_bundle(shortened.encode(), trust())
    assert (report.verdict, step_of(report)) == (Outcome.INCOMPLETE, 8)
    assert {step.record for step in report.steps[8:10]} == {place_text(last.payload.place)}


def test_a_witness_of_the_logs_own_party_does_not_count() -> None:
    own = tuple(dataclasses.replace(w, party="CPO") if w.party == "DSO" else w for w in trust().witnesses)
    report = check_bundle(sealed_charge().bundle.encode(), trust(witnesses=own))
    assert (report.verdict, step_of(report)) == (Outcome.INCOMPLETE, 9)


def test_an_unknown_log_is_a_matter_of_trust() -> None:
    stranger = SigningKey("CPO/log", SignatureType.ED25519, bytes(32))
    report = check_bundle(sealed_charge().bundle.encode(), trust(logs=(LogKey(stranger.verifier, "CPO"),)))
    assert report.verdict is not Outcome.VALID
    assert step_of(report) == 9


def test_two_roots_of_one_size_are_a_split_view() -> None:
    honest = sealed_charge()
    other = sealed_charge(start_wh=5)
    mixed = (*honest.bundle.proofs[:-1], other.bundle.proofs[-1])
    report = check_bundle(dataclasses.replace(honest.bundle, proofs=mixed).encode(), trust())
    assert report.verdict is Outcome.INVALID


def test_revocation_strikes_what_was_witnessed_after_it_and_spares_what_was_before() -> None:
    honest = sealed_charge()
    base = entry(Role.EDGE, "SITE", EDGE_KEY.public.spki, ORIGIN, custodian="SITE")
    witnessed_ms = (START_MS // 1000 + 3600) * 1000
    for revoked_ms, outcome in ((witnessed_ms + 1, Outcome.VALID), (witnessed_ms, Outcome.INVALID)):
        revoked = enrolled(dataclasses.replace(base, version=2, revoked_ms=revoked_ms))
        report = check_bundle(honest.bundle.encode(), trust(entries=(*entries(), revoked)))
        assert report.verdict is outcome


def test_a_revocation_the_verifier_holds_wins_over_an_old_entry_in_the_bundle() -> None:
    base = entry(Role.EDGE, "SITE", EDGE_KEY.public.spki, ORIGIN, custodian="SITE")
    revoked = enrolled(dataclasses.replace(base, version=2, revoked_ms=START_MS))
    report = check_bundle(sealed_charge().bundle.encode(), trust(entries=(*entries(), revoked)))
    assert (report.verdict, step_of(report)) == (Outcome.INVALID, 9)
    negative_control = check_bundle(sealed_charge().bundle.encode(), trust())
    assert negative_control.verdict is Outcome.VALID


def test_a_start_that_the_billing_party_refused_is_invalid_and_a_missing_decision_incomplete() -> None:
    honest = sealed_charge()
    report = check_bundle(dataclasses.replace(honest.bundle, others=()).encode(), trust())
    assert (report.verdict, step_of(report)) == (Outcome.INCOMPLETE, 10)
    only_decision = tuple(o for o in honest.bundle.others if o.payload.kind in {Kind.DECISION, Kind.TARIFF})
    report = check_bundle(dataclasses.replace(honest.bundle, others=only_decision).encode(), trust())
    assert (report.verdict, step_of(report)) == (Outcome.INCOMPLETE, 10)


def test_a_trust_file_survives_its_text() -> None:
    full = trust(entries=entries())
    assert Trust.parse(full.to_json()).to_json() == full.to_json()
    assert {w.party for w in Trust.parse(full.to_json()).witnesses} == set(WITNESSES)
    assert LOG_KEY.verifier in {log.key for log in full.logs}
    assert EMSP_KEY.public.spki


@pytest.mark.parametrize(
    ("number", "value"),
    [(1, "other"), (2, 1), (3, START_MS), (4, [0, 1999]), (5, "USD"), (6, [-2, 1]), (7, [-2, 162]), (8, bytes(32))],
)
def test_a_cdr_that_says_anything_else_than_the_records_is_not_valid(number: int, value: object) -> None:
    honest = sealed_charge()
    altered = dataclasses.replace(honest.bundle, cdr=honest.bundle.cdr | {number: value})
    report = check_bundle(altered.encode(), trust())
    assert report.verdict is (Outcome.INCOMPLETE if number == 8 else Outcome.INVALID)
    assert step_of(report) == 11


def test_a_cdr_under_another_tariff_than_the_driver_was_authorised_with_is_invalid() -> None:
    honest = sealed_charge()
    dearer = tariff_record(tariff("0.99"))
    others = (*honest.bundle.others, dearer)
    altered = dataclasses.replace(honest.bundle, others=others, cdr=honest.bundle.cdr | {8: dearer.hash})
    report = check_bundle(altered.encode(), trust())
    assert (report.verdict, step_of(report)) == (Outcome.INVALID, 11)
    assert report.failure is not None
    assert report.failure.reason == "tariff_differs_from_decision"


def test_a_dearer_tariff_does_not_stand_in_for_the_agreed_one_that_is_left_out() -> None:
    """Priced by itself all would fit: what the decision refers to is missing, so nothing is proven."""
    honest = sealed_charge()
    request, decision, _ = honest.others
    dearer = sealed_charge(terms=tariff("0.99"))
    altered = dataclasses.replace(
        honest.bundle,
        others=(request, decision, dearer.others[2]),
        cdr=dearer.bundle.cdr,
        price_trace=dearer.bundle.price_trace,
    )
    report = check_bundle(altered.encode(), trust())
    assert (report.verdict, step_of(report)) == (Outcome.INCOMPLETE, 11)
    assert report.failure is not None
    assert report.failure.reason == "tariff"
    assert report.failure.record == place_text(decision.payload.place)


def test_a_decision_that_the_start_does_not_refer_to_agrees_to_no_tariff() -> None:
    """An operator's own billing key may decide for its own customers: not for this charge."""
    honest = sealed_charge()
    priced, dearer = sealed_charge(terms=tariff("0.99")).bundle, tariff_record(tariff("0.99"))
    billing = signing_key("billing", Algorithm.ED25519)
    desk = pen("CPO/billing", key=billing, stream=0, seed="own desk")
    desk.write(Kind.BOOT, START_MS - 3500)
    own = desk.write(
        Kind.DECISION,
        START_MS - 3000,
        refs=(honest.others[0].hash, dearer.hash),
        public=honest.others[1].payload.public,
    )
    altered = dataclasses.replace(
        honest.bundle,
        entries=entries(entry(Role.BILLING, "CPO", billing.public.spki, "CPO/billing")),
        others=(*honest.others, dearer, own),
        cdr=priced.cdr | {8: dearer.hash},
        price_trace=priced.price_trace,
    )
    report = check_bundle(altered.encode(), trust())
    assert (report.verdict, step_of(report)) == (Outcome.INVALID, 11)
    assert report.failure is not None
    assert report.failure.reason == "tariff_differs_from_decision"


def test_true_is_not_one_in_a_price_trace() -> None:
    honest = sealed_charge()
    trace = [[*line[:2], False if line[2] == 0 else line[2], *line[3:]] for line in honest.bundle.price_trace]
    assert trace == honest.bundle.price_trace
    report = check_bundle(dataclasses.replace(honest.bundle, price_trace=trace).encode(), trust())
    assert (report.verdict, step_of(report)) == (Outcome.INVALID, 11)


def test_an_altered_price_trace_is_invalid() -> None:
    honest = sealed_charge()
    trace = [[*honest.bundle.price_trace[0][:-1], [0, 0]], *honest.bundle.price_trace[1:]]
    report = check_bundle(dataclasses.replace(honest.bundle, price_trace=trace).encode(), trust())
    assert (report.verdict, step_of(report)) == (Outcome.INVALID, 11)
