"""Readings of a direct station as records, and what all of its records have in common."""

from collections.abc import Sequence

from wattseal.base.ids import EvseId
from wattseal.evidence.format import Moment
from wattseal.flow.alarms import cleared_by
from wattseal.flow.charges.gaps import follow
from wattseal.flow.charges.sealed import is_relayed, relay
from wattseal.flow.charges.watching import Told, at_idle, at_reading, power_of, take
from wattseal.flow.live import Live
from wattseal.flow.step import Plain, Step
from wattseal.flow.turn import Turn, raise_alarms
from wattseal.model.metering import Reading, begin_register_wh, energy_register_wh
from wattseal.model.verdict import Finding
from wattseal.pricing.periods import Point
from wattseal.rules.metered import NONE, Metered, examine, reconcile
from wattseal.rules.recorded import MAX_PART, UNREMARKABLE, Observed
from wattseal.rules.retries import payload_mark
from wattseal.rules.transactions import BEGIN_LATER, MISSING, MISSING_STOP, apply, milliseconds, told_anew
from wattseal.rules.vehicle import CONFIRMED, Contracts, compare
from wattseal.seal.fields import Meter, Ops
from wattseal.seal.item import Kind, parse_item
from wattseal.seal.plain import Written
from wattseal.watch.detector import Moment as At
from wattseal.watch.detector import Seen

MAX_RECENT = 128
"""Meter values outside transactions remembered per station, to recognise retries."""


async def record_reading(
    turn: Turn,
    live: Live,
    readings: Sequence[Reading],
    ops: Ops | None,
    mark: int,
    *,
    step: Step,
    notes: tuple[Finding, ...] = (),
) -> None:
    """Record readings of a transaction, told by the message of this `mark`; the caller has made its chain ready."""
    transaction = live.transaction
    stream = transaction.evse_id
    metered = examine_here(turn, readings, "reading", None, transaction.place)
    plain_wh = energy_register_wh(tuple(readings))
    register_wh, differs = reconcile(plain_wh, metered)
    seq_no = ops.seq_no if ops else None
    read_ms = milliseconds(readings[-1].at) if readings else None
    told_ms = ops.station_ms if ops is not None else None
    told = Told(told_ms or read_ms or turn.now_ms, register_wh, read_ms, metered.valid)
    behind = _is_behind(live, seq_no, readings, read_ms)
    live.take(seq_no, metered.valid)
    found = at_reading(turn, live, told, late=behind)
    if behind:
        found = _judge_behind(live, found, numbered=seq_no is not None)
    elif not transaction.active:
        found.append(Finding("event_after_end", "transaction_id"))
    before_wh = transaction.start_wh if behind or live.highest_wh is None else live.highest_wh
    judged = [*found, *differs, *notes, *compare(metered.shown, before_wh, register_wh, live.token)]
    if transaction.start_wh is None and (begin_wh := begin_register_wh(readings)) is not None:
        judged.append(Finding(BEGIN_LATER, "register_wh", f"{begin_wh:f}"))
    plain = Plain(
        kind=Kind.READING,
        ops=ops,
        meter=None if register_wh is None else Meter(register_wh, evidence=metered.evidence),
        observed=observe(turn, metered, tuple(judged)),
        frame=turn.frame,
        mark=mark,
    )
    good = not behind and (not judged or all(note.code in _SOUND for note in judged))
    if good and register_wh is not None:
        live.latest_ms = turn.now_ms
    if register_wh is not None and live.points is not None:
        live.measured(Point(turn.now_ms if told_ms is None else told_ms, register_wh))
    take(live, told, power_of(readings), good=good)
    put_record(turn, step, live, plain, stream)
    await step.hand_over()


_SOUND = frozenset({BEGIN_LATER, "update_without_start", CONFIRMED, "receipt_of_another_meter"})
"""Notes on a message whose register is as good as any."""


def _is_behind(live: Live, seq_no: int | None, readings: Sequence[Reading], read_ms: int | None) -> bool:
    """Return whether a message is of a time before one that has arrived: by its number or, in 1.6, by its time."""
    if seq_no is not None:
        return live.numbers.highest is not None and seq_no < live.numbers.highest
    ended_ms = live.transaction.ended_ms
    if ended_ms is not None:
        return all(milliseconds(reading.at) <= ended_ms for reading in readings)
    return read_ms is not None and live.read_ms is not None and read_ms < live.read_ms


def _judge_behind(live: Live, found: list[Finding], *, numbered: bool) -> list[Finding]:
    """Judge a message that came after later ones; a gap in the numbers that it closes is no gap any more.

    Where the order is told by no numbers, a register that does not fit comes from another time, after the end.
    """
    transaction = live.transaction
    if found and not numbered and not transaction.active:
        return [Finding("event_after_end", "transaction_id")]
    notes = list(found)
    if not transaction.active:
        notes.append(Finding("event_late", "transaction_id"))
    said = any(note.code == "sequence_gap" for note in transaction.findings)
    if (said and not live.numbers.gap) or (live.is_told(MISSING) and not live.missing):
        notes.append(Finding("sequence_healed", "seq_no"))
    return notes


async def record_stray(
    turn: Turn, evse_id: EvseId, readings: Sequence[Reading], transaction_id: str | None, station_ms: int | None
) -> None:
    """Record readings that belong to no transaction of this station; nothing is posted from them."""
    marks = turn.memory.marks
    mark = payload_mark(turn.payload)
    if mark in marks:
        return
    marks[mark] = None
    if len(marks) > MAX_RECENT:
        marks.popitem(last=False)
    await turn.world.chains.ready(turn.origin, evse_id)
    register_wh = energy_register_wh(tuple(readings))
    notes = [] if transaction_id is None else [Finding("unknown_transaction", "transaction_id")]
    metered = examine_here(turn, readings, "reading", None, evse_id)
    seen = Seen(now_ms=turn.now_ms, at_ms=turn.now_ms, register_wh=register_wh)
    if transaction_id is None and readings:
        notes.extend(at_idle(turn, evse_id, register_wh, milliseconds(readings[-1].at)))
    plain = Plain(
        kind=Kind.READING,
        ops=None if station_ms is None else Ops(station_ms=station_ms),
        meter=None if register_wh is None else Meter(register_wh, evidence=metered.evidence),
        observed=observe(turn, metered, (*notes, *turn.world.watch.look(At.READING, seen))),
        frame=turn.frame,
        mark=mark,
    )
    step = turn.step()
    written = step.write((turn.origin, evse_id), turn.world.csms_key, plain.draft(turn.now_ms), None)
    if len(turn.frame) > MAX_PART:
        step.write_frame((turn.origin, evse_id), turn.frame, written, None)
    raise_alarms(step, plain.observed, written.hash)
    await step.hand_over()


def put_record(turn: Turn, step: Step, live: Live, plain: Plain, stream: int) -> Written:
    """Write a record of a transaction; its document changes unless it is a reading with nothing to note or new."""
    place = (turn.origin, stream)
    live.told_ms = turn.now_ms
    written = step.write(place, turn.world.csms_key, plain.draft(turn.now_ms), live.subject)
    if len(turn.frame) > MAX_PART:
        step.write_frame(place, turn.frame, written, live.subject)
    quiet = plain.kind is Kind.READING and plain.observed is UNREMARKABLE
    if quiet and not told_anew(live.transaction, plain.kind, plain.ops):
        follow(step, live, turn.now_ms)
        return written
    live.transaction = apply(live.transaction, plain.recorded(written))
    follow(step, live, turn.now_ms)
    if plain.kind is Kind.ENDED and live.is_told(MISSING_STOP):
        cleared_by(step, MISSING_STOP, live.transaction.id)
    step.project(live.transaction)
    raise_alarms(step, plain.observed, written.hash, live.transaction)
    if plain.kind is not Kind.READING and is_relayed(turn.world, live.transaction):
        relay(step, live.transaction, parse_item(written.item))
    return written


def examine_here(turn: Turn, readings: Sequence[Reading], record: str, moment: Moment | None, evse_id: int) -> Metered:
    """Check what was signed among `readings`: by the meter of the EVSE, under its key, and by the vehicle."""
    for reading in readings:  # most have none, and are told from those that do without further ado
        if reading.evidence is not None:
            break
    else:
        return NONE
    station = turn.station
    contracts = Contracts(turn.world.contract_roots, turn.now_ms)
    key, serial = station.meter_key(evse_id), station.meter_serial(evse_id)
    return examine(readings, record, moment, key, serial, contracts=contracts)


def observe(turn: Turn, metered: Metered, notes: tuple[Finding, ...]) -> Observed:
    """Return all that was observed about the message."""
    if not (notes or turn.findings or turn.verdicts) and metered is NONE:
        return UNREMARKABLE
    observed = turn.observed(*metered.observed.notes, *notes)
    for told in (*observed.verdicts, *metered.observed.verdicts):
        turn.world.count(f"verification_{told.verdict.value.lower()}")
    return Observed(observed.notes, (*observed.verdicts, *metered.observed.verdicts))
