"""Step 6: what meters signed, found inside records, against the meters enrolled for the station."""

from collections.abc import Sequence
from decimal import Decimal

from wattseal import evidence
from wattseal.base.errors import InputError
from wattseal.base.units import ROUNDING_WH
from wattseal.bundle import vehicle
from wattseal.bundle.case import Case, Trouble, failed
from wattseal.bundle.report import RecordReport, place_text
from wattseal.evidence import iso15118_receipt
from wattseal.evidence.findings import Effect, effect_of
from wattseal.evidence.format import Checked, Clock, Direction, Meaning, Moment, SignedReading
from wattseal.model.identity_level import ERRORS, RISING
from wattseal.model.verdict import Finding, Verdict
from wattseal.seal.fields import Meter, Ops
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.registry import Entry, Role

CLOCKS_AGREE_WITHIN_S = 60
"""A meter with a synchronised clock and its station name the same moment within this time."""


def check(case: Case, known: Sequence[tuple[Item, Meter]]) -> Trouble | None:
    """Verify each piece of evidence under the enrolled meter keys and compare meter, time and value with its record."""
    origin = case.bundle.items[0].payload.origin
    enrolled = {entry.spki: entry for entry in case.registry.meters(origin)}
    valid: list[tuple[Item, bytes, Checked]] = []
    for item, meter in known:
        for format_name, raw in meter.evidence:
            if format_name == iso15118_receipt.NAME or iso15118_receipt.sniff(raw):
                continue
            checked = evidence.check(raw, tuple(enrolled))
            case.evidence.append(_report(item, format_name, checked))
            if checked.verdict in {Verdict.INVALID, Verdict.UNREADABLE}:
                return failed(checked.reason or "evidence_invalid", "evidence", item)
            if checked.key is None or checked.meaning is None:
                continue
            trouble = _compare(case, item, meter, enrolled[checked.key], checked.meaning)
            if trouble is not None:
                return trouble
            valid.append((item, raw, checked))
            case.meter_keys.setdefault(item.hash, []).append(enrolled[checked.key])
        _keep_level(case, item, valid, enrolled)
    if valid:
        _conclude(case, known, valid, enrolled)
    vehicle.check(case, known)
    return None


def _keep_level(
    case: Case, item: Item, valid: Sequence[tuple[Item, bytes, Checked]], enrolled: dict[bytes, Entry]
) -> None:
    """Keep the first identification level that meters signed with a start or end."""
    for of, _, checked in valid:
        if of is item and item.payload.kind in _MOMENTS and checked.key is not None and checked.meaning is not None:
            level = checked.meaning.identity_level
            if level in ERRORS or level in RISING:
                case.meter_levels.append((enrolled[checked.key], level))
                return


_HALVES = frozenset({"begin_missing", "end_missing"})
"""Of no account in one record where start and end are signed apart; the pair is judged in `_conclude`."""


def _report(item: Item, format_name: str, checked: Checked) -> RecordReport:
    return RecordReport(
        verdict=checked.verdict,
        format=checked.format or format_name,
        reason=checked.reason,
        findings=tuple(f for f in checked.findings if f.code not in _HALVES),
        record=place_text(item.payload.place),
        kind="evidence",
    )


def _compare(case: Case, item: Item, meter: Meter, entry: Entry, meaning: Meaning) -> Trouble | None:
    if entry.meter_id is not None and entry.meter_id not in meaning.serials():
        return failed("evidence_of_another_meter", "meter_id", item)
    if item.payload.ms < entry.from_ms or (entry.revoked_ms is not None and item.payload.ms >= entry.revoked_ms):
        return failed("meter_key_not_valid_then", "kid", item)
    reading = _reading(meaning, Kind(item.payload.kind))
    if reading is not None and reading.value_wh != meter.register_wh:
        return failed("evidence_value_differs", "register_wh", item)
    return _compare_time(case, item, meaning)


def _compare_time(case: Case, item: Item, meaning: Meaning) -> Trouble | None:
    """Compare times: a start's begin and an end's end with their record, any begin or end with the whole session.

    Without the latter, a begin of an earlier session, truly signed, would lend its register to this one.
    """
    told_at_s = {kind: _told_at_s(case, case.of_kind(kind)) for kind in _MOMENTS}
    started_s, ended_s = told_at_s[Kind.STARTED], told_at_s[Kind.ENDED]
    for reading in meaning.readings:
        if reading.at is None or reading.moment not in _BOUNDS:
            continue
        at_s = reading.at.timestamp()
        outside = (started_s is not None and at_s < started_s - CLOCKS_AGREE_WITHIN_S) or (
            ended_s is not None and at_s > ended_s + CLOCKS_AGREE_WITHIN_S
        )
        if outside and reading.clock is Clock.SYNCHRONISED:
            return failed("evidence_outside_session", "station_ms", item)
        kind = Kind(item.payload.kind)
        own_s = told_at_s[kind] if reading.moment in {_MOMENTS.get(kind), Moment.UNSTATED} else None
        apart_s = 0 if own_s is None else abs(at_s - own_s)
        if apart_s > CLOCKS_AGREE_WITHIN_S and reading.clock is Clock.SYNCHRONISED:
            return failed("evidence_time_differs", "station_ms", item)
        if outside or apart_s > CLOCKS_AGREE_WITHIN_S:
            case.findings.append(Finding("clocks_disagree", "station_ms", f"signed {reading.moment.value}"))
    return None


def _told_at_s(case: Case, item: Item | None) -> float | None:
    """Return the station's time of a record in Unix seconds, where it is shown."""
    content = case.contents.get((item.hash, Group.OPS)) if item else None
    station_ms = Ops.read(content.fields).station_ms if content else None
    return None if station_ms is None else station_ms / 1000


_MOMENTS = {Kind.STARTED: Moment.BEGIN, Kind.ENDED: Moment.END}
_BOUNDS = frozenset({Moment.BEGIN, Moment.END, Moment.UNSTATED})


def _reading(meaning: Meaning, kind: Kind) -> SignedReading | None:
    """Return the signed import reading that a record of this kind should repeat: begin, end, or the last one."""
    moment = _MOMENTS.get(kind)
    readings = [
        r
        for r in meaning.readings
        if r.direction is Direction.IMPORT
        and r.value_wh is not None
        and (moment is None or r.moment in {moment, Moment.UNSTATED})
    ]
    return readings[-1] if readings else None


def _conclude(
    case: Case,
    known: Sequence[tuple[Item, Meter]],
    valid: Sequence[tuple[Item, bytes, Checked]],
    enrolled: dict[bytes, Entry],
) -> None:
    """Decide whether one enrolled meter signed start and end, and whether its records and the OCPP seqNo have gaps."""
    keys = {checked.key for _, _, checked in valid}
    if len(keys) != 1:
        case.findings.append(Finding("meter_changed", "evidence"))
        return
    bounds = [raw for item, raw, checked in valid if item.payload.kind in _MOMENTS or _is_bound(checked)]
    if not bounds:
        return
    try:
        meaning = evidence.parse_transaction(tuple(dict.fromkeys(bounds)))
        gaps = evidence.continuity(tuple(dict.fromkeys(raw for _, raw, _ in valid)))
    except InputError:
        case.findings.append(Finding("evidence_mixed", "evidence"))
        return
    case.findings.extend(f for f in meaning.findings if f.code not in _BETWEEN)
    _compare_energy(case, known, meaning.energy_wh)
    case.meter_party = enrolled[next(k for k in keys if k is not None)].party
    case.findings.extend(gap for gap in gaps if gap not in case.findings)
    told = (*(f for f in meaning.findings if f.code not in _BETWEEN), *gaps)
    doubtful = any(effect_of(f) is not Effect.NOTE for f in told)
    case.meter_complete = not doubtful and _sequence_complete(case)


_BETWEEN = frozenset({"page_gap"})
"""Judged over all records: the page between begin and end may be one of a reading in between."""


def _compare_energy(case: Case, known: Sequence[tuple[Item, Meter]], signed_wh: Decimal | None) -> None:
    """Find the energy of the records signed for, exactly, or but for the rounding of a station that the CSMS heard.

    Another energy than the meter signed is the CSMS's word alone, and a finding.
    """
    registers = {item.payload.kind: meter.register_wh for item, meter in known}
    if signed_wh is None or Kind.STARTED not in registers or Kind.ENDED not in registers:
        return
    told_wh = registers[Kind.ENDED] - registers[Kind.STARTED]
    started = case.of_kind(Kind.STARTED)
    signer = case.signers.get(started.hash) if started else None
    heard = signer is not None and signer.role is Role.CSMS
    case.meter_signed = signed_wh == told_wh or (heard and abs(signed_wh - told_wh) < ROUNDING_WH)
    if not case.meter_signed:
        case.findings.append(Finding("energy_not_signed", "register_wh", f"{told_wh} told, {signed_wh} signed"))
    elif signed_wh != told_wh:
        case.meter_energy_wh = signed_wh
        case.findings.append(Finding("register_rounded", "register_wh", f"{told_wh} told, {signed_wh} signed"))


def _is_bound(checked: Checked) -> bool:
    """Return whether a record may tell a begin or an end: OCPP 1.6 has these in meter values of their own, too."""
    return checked.meaning is not None and any(r.moment in _BOUNDS for r in checked.meaning.readings)


def _sequence_complete(case: Case) -> bool:
    """Return whether the OCPP seqNo of the transaction's records are all readable and without a gap."""
    started = case.of_kind(Kind.STARTED)
    numbers = []
    for item in case.bundle.items:
        if started is None or item.payload.subject != started.payload.subject:
            continue
        content = case.contents.get((item.hash, Group.OPS))
        numbers.append(Ops.read(content.fields).seq_no if content else None)
    known = [n for n in numbers if n is not None]
    return len(known) == len(numbers) and sorted(set(known)) == list(range(min(known), min(known) + len(known)))
