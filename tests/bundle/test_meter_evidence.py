"""A direct charge whose meter signs: what the verifier makes of the meter's records, honest and not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.support.charges import START_MS, Pen, pen, seeded, signing_key
from tests.support.worlds import CSMS_KEY, MemoryLog, authorisation, enrolled, entries, entry, trust

from wattseal.bundle.build import build_bundle, openings_of
from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome, Report
from wattseal.bundle.trust import Trust
from wattseal.crypto.keys import SigningKey
from wattseal.evidence.format import Clock
from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build
from wattseal.model.verdict import Grade, Source
from wattseal.seal.fields import Meter, Ops
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.registry import Role
from wattseal.seal.writer import GroupDraft, SubjectKeys

METER_KEY = signing_key("a meter")
STATE = MeterState("METER-1", page=5)
ORIGIN = "CPO/DIRECT"
NOON = datetime.fromtimestamp(START_MS / 1000, UTC)
ENDS_AT_MIN = 30
B, E = ("B", "1000.0", 0), ("E", "5000.0", ENDS_AT_MIN)
Reading = tuple[str, str, int]


def signed(
    page: int,
    *readings: Reading,
    key: SigningKey = METER_KEY,
    state: MeterState = STATE,
    clock: Clock = Clock.SYNCHRONISED,
) -> tuple[str, bytes]:
    told = [ReadingToSign(NOON + timedelta(minutes=m), tx, Decimal(wh), clock) for tx, wh, m in readings]
    return "OCMF", build(replace(state, page=page), told, key)


def record(
    p: Pen,
    kind: Kind,
    minute: int,
    meter: Meter,
    *,
    seq_no: int | None,
    refs: tuple[bytes, ...] = (),
) -> Item:
    at_ms = START_MS + minute * 60_000
    ops = Ops(transaction_id="T", evse_id=1, station_ms=at_ms, seq_no=seq_no)
    groups = {
        Group.METER: GroupDraft(meter.to_fields()),
        Group.OPS: GroupDraft(ops.to_fields()),
    }
    return p.write(kind, at_ms, SubjectKeys.new(seeded("tx")), groups=groups, refs=refs)


def judged(
    *,
    start: tuple[tuple[str, bytes], ...] = (),
    reading: tuple[tuple[str, bytes], ...] = (),
    end: tuple[tuple[str, bytes], ...] = (),
    start_wh: str = "1000.0",
    end_wh: str = "5000.0",
    reading_wh: str | None = None,
    numbered: bool = False,
    trusted: Trust | None = None,
) -> Report:
    """Judge a charge of three records that carry the evidence named."""
    request, decision = authorisation(station=ORIGIN)
    p = pen(ORIGIN, key=CSMS_KEY)
    p.write(Kind.BOOT, START_MS - 1000)
    numbers = (0, 1, 2) if numbered else (None, None, None)
    items = [
        record(p, Kind.STARTED, 0, Meter(Decimal(start_wh), evidence=start), seq_no=numbers[0], refs=(decision.hash,)),
        record(p, Kind.READING, 10, Meter(Decimal(reading_wh or start_wh), evidence=reading), seq_no=numbers[1]),
        record(p, Kind.ENDED, ENDS_AT_MIN, Meter(Decimal(end_wh), evidence=end), seq_no=numbers[2]),
    ]
    log = MemoryLog()
    log.add([request, decision, *items])
    proofs = [log.proof(item, log.checkpoint()) for item in items if item.signature is not None]
    made = entry(Role.METER, "METER", METER_KEY.public.spki, ORIGIN, custodian="SITE", meter_id="METER-1")
    bundle = build_bundle(
        items,
        others=[request, decision],
        entries=(*entries(), enrolled(made)),
        proofs=proofs,
        openings=openings_of(items, (Group.METER, Group.OPS)),
    )
    return check_bundle(bundle.encode(), trusted or trust())


def summary(report: Report) -> tuple[Outcome, Grade | None, Source | None, Decimal | None]:
    return report.verdict, report.grade, report.source, report.energy_wh


G2 = (Outcome.VALID, Grade.G2, Source.METER, Decimal(4000))
CARRIED: dict[str, Any] = {
    "start and end": {"start": (signed(5, B),), "end": (signed(6, E),)},
    "both in the end": {"end": (signed(5, B), signed(6, E))},
    "one record in the end": {"end": (signed(5, B, E),)},
    "begin in a reading": {"reading": (signed(5, B),), "end": (signed(6, E),)},
    "both in a reading": {"reading": (signed(5, B, E),), "reading_wh": "5000.0"},
}


@pytest.mark.parametrize("where", CARRIED)
def test_a_meter_that_signed_begin_and_end_counts_wherever_the_station_put_them(where: str) -> None:
    assert summary(judged(**CARRIED[where])) == G2


def test_a_page_in_between_is_no_gap() -> None:
    pages: dict[str, Any] = {"start": (signed(5, B),), "end": (signed(7, E),), "reading_wh": "3000.0", "numbered": True}
    gap = judged(**pages)
    whole = judged(**pages, reading=(signed(6, ("C", "3000.0", 10)),))
    assert "page_gap" in [finding.code for finding in gap.findings]
    assert "page_gap" not in [finding.code for finding in whole.findings]
    assert summary(whole)[:3] == (Outcome.VALID, Grade.G3, Source.METER)


def test_a_register_rounded_to_whole_wh_gives_way_to_the_meters() -> None:
    report = judged(end=(signed(5, ("B", "1000.4", 0), E),), start_wh="1000")
    assert summary(report) == (Outcome.VALID, Grade.G2, Source.METER, Decimal("3999.6"))
    assert "register_rounded" in [finding.code for finding in report.findings]


def test_a_register_that_differs_by_a_whole_wh_is_not_the_meters() -> None:
    report = judged(end=(signed(5, ("B", "1001.0", 0), E),), start_wh="1000")
    assert summary(report)[1:3] == (Grade.G1, Source.CSMS)
    assert "energy_not_signed" in [finding.code for finding in report.findings]


def test_with_numbered_events_and_pages_the_chain_is_complete() -> None:
    report = judged(start=(signed(5, B),), end=(signed(6, E),), numbered=True)
    assert summary(report) == (Outcome.VALID, Grade.G3, Source.METER, Decimal(4000))


def test_a_missing_page_keeps_it_from_being_complete() -> None:
    assert summary(judged(start=(signed(5, B),), end=(signed(7, E),), numbered=True)) == G2


def test_without_evidence_it_is_the_csms_word() -> None:
    assert summary(judged()) == (Outcome.VALID, Grade.G1, Source.CSMS, Decimal(4000))


def test_half_the_evidence_is_the_csms_word() -> None:
    assert summary(judged(end=(signed(6, E),)))[1:3] == (Grade.G1, Source.CSMS)


def test_a_key_nobody_enrolled_gives_no_grade() -> None:
    assert summary(judged(end=(signed(5, B, E, key=signing_key("forger")),)))[2] is not Source.METER


def failure(report: Report) -> tuple[Outcome, str | None]:
    return report.verdict, None if report.failure is None else report.failure.reason


@pytest.mark.parametrize("where", ["in the end", "in a reading"])
def test_a_cpo_cannot_begin_a_session_with_the_meters_begin_of_an_earlier_one(where: str) -> None:
    stale = signed(3, ("B", "200.0", -120))
    carried = {"end": (stale, signed(6, E))} if where == "in the end" else {"reading": (stale,), "end": (signed(6, E),)}
    report = judged(start_wh="200.0", **carried)
    assert failure(report) == (Outcome.INVALID, "evidence_outside_session")


def test_nor_end_it_with_the_end_of_a_later_one() -> None:
    late = signed(8, ("E", "9000.0", 200))
    report = judged(start=(signed(5, B),), reading=(late,), reading_wh="9000.0", end_wh="9000.0")
    assert failure(report) == (Outcome.INVALID, "evidence_outside_session")


def test_a_meter_whose_clock_is_not_set_is_only_remarked() -> None:
    early = signed(5, ("B", "1000.0", -120), clock=Clock.UNKNOWN)
    report = judged(reading=(early,), end=(signed(6, E),))
    assert summary(report) == G2
    assert "clocks_disagree" in [finding.code for finding in report.findings]


def test_a_signed_value_other_than_the_records_is_invalid() -> None:
    report = judged(end=(signed(5, B, E),), end_wh="6000.0")
    assert failure(report) == (Outcome.INVALID, "evidence_value_differs")


def test_altered_evidence_is_invalid() -> None:
    name, raw = signed(5, B, E)
    report = judged(end=((name, raw.replace(b"5000.0", b"6000.0")),), end_wh="6000.0")
    assert report.verdict is not Outcome.VALID or report.source is not Source.METER


def test_another_meters_record_is_invalid() -> None:
    other = signed(5, B, E, state=MeterState("METER-2"))
    assert failure(judged(end=(other,))) == (Outcome.INVALID, "evidence_of_another_meter")


def test_a_station_time_that_is_none_raises_nothing_and_nobody_prices_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(judged().points) == 3
    monkeypatch.setattr(Ops, "to_fields", lambda _: {6: "noon"})
    report = judged()
    assert (report.verdict, report.energy_wh, report.points) == (Outcome.VALID, Decimal(4000), ())
