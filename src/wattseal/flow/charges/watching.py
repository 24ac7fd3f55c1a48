"""What the detectors are shown of a charge: one message, its session so far, and its EVSE's sessions before it."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from wattseal.flow.alarms import cleared_by
from wattseal.flow.documents import EVSE, put
from wattseal.flow.live import Live
from wattseal.flow.memory import Memory
from wattseal.flow.step import Step
from wattseal.flow.turn import Turn
from wattseal.model.continuity import LastEnd, Span
from wattseal.model.metering import Reading
from wattseal.model.verdict import Finding, Source
from wattseal.watch.detector import Moment, Seen
from wattseal.watch.neighbours import ASTRAY, base_of, with_span
from wattseal.watch.pages import pages_of, ranges
from wattseal.watch.power import taken
from wattseal.watch.unaccounted_session import DETECTOR, SESSION_WH, WAIT_MS

FREE = "Available"
"""What a connector is told to be with no vehicle at it."""
UNACCOUNTED = DETECTOR.code
POWER = "Power.Active.Import"
_TIMELESS = frozenset({"time_implausible", "end_before_start", "clock_jumped"})
"""Notes after which a session's times say nothing of its neighbours."""


class Told(Struct, frozen=True, gc=False):
    """What a message says to the detectors: the station's time, the register and when it was read, signed records."""

    at_ms: int
    register_wh: Decimal | None = None
    read_ms: int | None = None
    valid: Sequence[bytes] = ()
    offline: bool = False


def at_start(turn: Turn, live: bytes | Live, evse_id: int, told: Told) -> Seen:
    """Return what is seen at the start of a session: of a new one by its subject, of one known by later messages."""
    subject = live.subject if isinstance(live, Live) else live
    pages = pages_of(told.valid)
    running = _running(turn.memory, evse_id, subject)
    return Seen(
        now_ms=turn.now_ms,
        at_ms=told.at_ms,
        subject=subject.hex(),
        register_wh=told.register_wh,
        offline=told.offline,
        heard_for_ms=turn.memory.heard_for_ms(told.at_ms, turn.now_ms),
        pages=pages,
        own_pages=tuple(live.meter_pages) if isinstance(live, Live) else (),
        spans=_spans(turn.memory, evse_id, subject),
        meter_spans=_meter_spans(turn.memory, evse_id) if pages else (),
        running=running is not None,
        running_wh=_stood_wh(running, told.at_ms),
        counts_on=_counts_on(turn.memory, evse_id),
    )


def at_reading(turn: Turn, live: Live, told: Told, *, late: bool) -> list[Finding]:
    """Return what is noted on a reading; the hot path: most have a register and nothing else to look at."""
    if told.register_wh is None and not told.valid:
        return []
    transaction = live.transaction
    place = transaction.place
    pages = pages_of(told.valid) if told.valid else ()
    highest_wh = live.highest_wh if transaction.end_wh is None else transaction.end_wh
    seen = Seen(
        now_ms=turn.now_ms,
        at_ms=told.at_ms,
        subject=transaction.id,
        register_wh=told.register_wh,
        read_ms=told.read_ms,
        pages=pages,
        before_wh=transaction.start_wh if late else live.highest_wh,
        before_ms=live.read_ms,
        after_wh=highest_wh if late else None,
        own_pages=tuple(live.meter_pages) if pages else (),
        rated_w=_rated_w(turn.memory, place),
        meter_spans=_meter_spans(turn.memory, place) if pages else (),
    )
    return turn.world.watch.look(Moment.LATE if late else Moment.READING, seen)


def at_idle(turn: Turn, evse_id: int, register_wh: Decimal | None, at_ms: int) -> list[Finding]:
    """Return what is noted on a register told outside of sessions: once for each end before it, and not at once."""
    memory = turn.memory
    spans = _spans(memory, evse_id, b"")
    if register_wh is None or not spans:
        return []
    seen = Seen(
        now_ms=turn.now_ms,
        at_ms=at_ms,
        register_wh=register_wh,
        spans=spans,
        running=_running(memory, evse_id, b"") is not None,
        counts_on=_counts_on(memory, evse_id),
    )
    found = turn.world.watch.look(Moment.IDLE, seen)
    record, since_ms = memory.unaccounted.get(evse_id, ("", None))
    if not found or record != spans[-1].record:
        memory.unaccounted[evse_id] = spans[-1].record if found else "", turn.now_ms
        return []
    if since_ms is None or turn.now_ms - since_ms < WAIT_MS:
        return []
    memory.unaccounted[evse_id] = record, None
    return found


def at_end(turn: Turn, live: Live, told: Told, source: Source) -> list[Finding]:
    """Return what is noted on an end."""
    transaction = live.transaction
    place, subject = transaction.place, live.subject
    pages = pages_of(told.valid)
    memory = turn.memory
    seen = Seen(
        now_ms=turn.now_ms,
        at_ms=told.at_ms,
        subject=transaction.id,
        register_wh=told.register_wh,
        offline=told.offline,
        heard_for_ms=turn.memory.heard_for_ms(told.at_ms, turn.now_ms),
        pages=pages,
        started_ms=transaction.started_ms,
        start_wh=transaction.start_wh,
        began_ms=transaction.recorded_ms,
        before_wh=live.highest_wh,
        before_ms=live.read_ms,
        told_ms=live.at_ms,
        own_pages=tuple(live.meter_pages),
        gap=live.numbers.gap,
        power=live.power,
        source=source,
        sealed=transaction.sealed,
        pin=turn.station.pin,
        rated_w=_rated_w(memory, place),
        spans=_spans(memory, place, subject),
        meter_spans=_meter_spans(memory, place) if pages or live.meter_pages else (),
        running=_running(memory, place, subject) is not None,
        counts_on=_counts_on(memory, place),
        rolled_back=any(note.code == "register_rolled_back" for note in transaction.alarms),
    )
    return turn.world.watch.look(Moment.END, seen)


def overtaken(memory: Memory, live: Live, now_ms: int) -> Seen:
    """Return what is seen of an open session by the clock: whether its EVSE has gone on without it."""
    transaction = live.transaction
    place, began_ms = transaction.place, transaction.recorded_ms
    later = [
        other.transaction.recorded_ms
        for other in memory.live.values()
        if other.transaction.place == place
        and other.transaction.recorded_ms > began_ms
        and _began_later(other.transaction.started_ms, transaction.started_ms)
    ]
    last = memory.last_end.get(place)
    if last is not None and last.began_ms > began_ms:
        begun = any(_began_later(span.started_ms, transaction.started_ms) for span in last.spans)
        later.extend([last.began_ms] if begun else [])
    later.extend(_free_ms(memory, place, began_ms))
    next_ms = min(later, default=None) if place else None
    return Seen(now_ms=now_ms, at_ms=now_ms, subject=transaction.id, next_ms=next_ms)


def _began_later(one_ms: int | None, other_ms: int | None) -> bool:
    """Return whether one session began after another by the station's times; what was kept may be told after it."""
    return one_ms is None or other_ms is None or one_ms > other_ms


def _free_ms(memory: Memory, place: int, began_ms: int) -> list[int]:
    """Return since when an EVSE's connectors have been free again after a session began; () while one is not."""
    states = [state for state in (memory.connectors or {}).values() if place and state.evse_id == place]
    if not states or any(state.status != FREE for state in states):
        return []
    return [since for since in [max(state.since_ms for state in states)] if since > began_ms]


def take(live: Live, told: Told, power_w: int | None = None, *, good: bool) -> None:
    """Remember what a message said; `good` where its register is as good as any."""
    live.at_ms = max(told.at_ms, live.at_ms or 0)
    if told.valid:
        live.meter_pages.update(dict.fromkeys(pages_of(told.valid)))
    if not good or told.register_wh is None:
        return
    if live.highest_wh is None or told.register_wh >= live.highest_wh:
        live.highest_wh = told.register_wh
        live.read_ms = told.at_ms if told.read_ms is None else told.read_ms
    if power_w is not None and live.read_ms is not None:
        live.power = taken(live.power, live.read_ms, power_w, told.register_wh)


def is_astray(notes: Sequence[Finding]) -> bool:
    """Return whether nothing is to be held against the register of a message with these notes."""
    return any(note.code in ASTRAY for note in notes)


def power_of(readings: Sequence[Reading]) -> int | None:
    """Return the total power that a message tells, in whole W."""
    for reading in readings:
        if reading.measurand == POWER and reading.phase is None and reading.value is not None:
            return int(reading.value)
    return None


def span_before(seen: Seen) -> Span | None:
    """Return the session that a start follows, whose end its record refers to."""
    return base_of(seen) if seen.counts_on else None


def remember_end(turn: Turn, step: Step, live: Live, evse_id: int, notes: Sequence[Finding]) -> None:
    """Keep how a session ended for the EVSE's next one; `live.transaction` has its end."""
    if not evse_id:
        return
    memory, transaction = turn.memory, live.transaction
    meter = memory.station.meter_name(evse_id)
    last = memory.last_end.get(evse_id)
    codes = {note.code for note in notes} | {note.code for note in transaction.alarms}
    timeless = bool(codes & _TIMELESS)
    span = Span(
        subject=transaction.id,
        record=transaction.ended or "",
        started_ms=None if timeless else transaction.started_ms,
        ended_ms=None if timeless else transaction.ended_ms,
        start_wh=transaction.start_wh,
        end_wh=_end_wh(live, {note.code for note in notes}),
        pages=ranges(live.meter_pages),
    )
    spans = with_span(() if last is None else last.sessions(meter), span)
    kept = LastEnd(
        evse_id=evse_id,
        record=spans[-1].record,
        register_wh=spans[-1].end_wh,
        meter=meter,
        began_ms=max(transaction.recorded_ms, 0 if last is None else last.began_ms),
        at_ms=turn.now_ms,
        spans=spans,
    )
    memory.last_end[evse_id] = kept
    _account_for(step, memory, evse_id, span)
    station_id = memory.station.id
    step.puts.append(put(EVSE, f"{station_id}/{evse_id}", kept, turn.now_ms, station_id=station_id))


def _account_for(step: Step, memory: Memory, evse_id: int, span: Span) -> None:
    """End the alarm about energy before a session's start that one told after it accounts for."""
    end_wh = span.end_wh
    if end_wh is None or not step.world.alarms.standing:
        return
    starts = [(each.subject, each.start_wh) for each in memory.last_end[evse_id].spans]
    running = (live.transaction for live in memory.live.values() if live.transaction.place == evse_id)
    starts.extend((each.id, each.start_wh) for each in running)
    for subject, start_wh in starts:
        if start_wh is not None and 0 <= start_wh - end_wh <= SESSION_WH:
            cleared_by(step, UNACCOUNTED, subject)


def _end_wh(live: Live, codes: set[str]) -> Decimal | None:
    """Return where the register stands after an end; where it fell, no lower than it had been."""
    end_wh = live.transaction.end_wh
    if end_wh is None or codes & ASTRAY:
        return None
    return end_wh if live.highest_wh is None else max(end_wh, live.highest_wh)


def _spans(memory: Memory, evse_id: int, subject: bytes) -> tuple[Span, ...]:
    last = memory.last_end.get(evse_id)
    if last is None or not evse_id:
        return ()
    own = subject.hex()
    return tuple(span for span in last.sessions(memory.station.meter_name(evse_id)) if span.subject != own)


def _meter_spans(memory: Memory, evse_id: int) -> tuple[Span, ...]:
    """Return the sessions on the meter of an EVSE, which several may share."""
    station = memory.station
    key = station.meter_key(evse_id)
    ends = ((each, last) for each, last in memory.last_end.items() if station.meter_key(each) == key)
    return tuple(span for each, last in ends for span in last.sessions(station.meter_name(each)))


def _running(memory: Memory, evse_id: int, subject: bytes) -> Live | None:
    """Return a session of the EVSE that has begun since the last one that ended, and not ended."""
    last = memory.last_end.get(evse_id)
    since_ms = 0 if last is None else last.at_ms
    for live in memory.live.values():
        transaction = live.transaction
        if live.subject != subject and transaction.place == evse_id and transaction.recorded_ms > since_ms:
            return live
    return None


def _stood_wh(running: Live | None, at_ms: int) -> Decimal | None:
    """Return where the register of a running session stood at a time; None where it was read later than that."""
    if running is None or (running.read_ms is not None and running.read_ms > at_ms):
        return None
    return running.highest_wh


def _rated_w(memory: Memory, evse_id: int) -> int | None:
    evse = memory.station.evse(evse_id)
    return None if evse is None else evse.rated_power_w


def _counts_on(memory: Memory, evse_id: int) -> bool:
    evse = memory.station.evse(evse_id)
    return evse is None or not evse.register_per_session
