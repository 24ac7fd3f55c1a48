"""Gaps in the numbers of a session's messages (2.x): open, filled, or never filled.

A gap that is filled was an outage; one that stays open although its station is heard is an alarm, and over when the
messages come after all. Each open one is a document, so that a restart forgets none, also of sessions that have ended.
"""

from dataclasses import dataclass

import msgspec

from wattseal.base.ids import StationId
from wattseal.flow.alarms import over, raised
from wattseal.flow.charges.charge_details import counts
from wattseal.flow.documents import put, read, removal
from wattseal.flow.live import Live
from wattseal.flow.memory import Memory
from wattseal.flow.ports import Put
from wattseal.flow.step import Step
from wattseal.flow.turn import recall, remember_station
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.verdict import Finding
from wattseal.rules.recorded import Observed, read_item
from wattseal.rules.transactions import MISSING, apply
from wattseal.seal import dcbor
from wattseal.seal.item import Group, Kind, parse_item
from wattseal.seal.plain import PlainDraft
from wattseal.watch.detector import Moment, Seen

GAP = "message_gap"
"""Document kind: a gap in the messages of a session, by the session's id and since when.

One that opens after another was filled is its own, whatever has yet to be done about that one."""
AT_ONCE = 50
"""Gaps looked at in one round; the others wait for the next."""
FILLING_MS = 3_600_000
"""While messages come that were missing a queue is being emptied; for no longer than an hour."""
START = "the start"


@dataclass(frozen=True, slots=True)
class OpenGap:
    """Document: since when messages are missing, and when they had all come; None while they have not."""

    since_ms: int
    filled_ms: int | None = None


def follow(step: Step, live: Live, now_ms: int) -> None:
    """Note with a message of a session that a gap has opened before it, or that it has filled the last one."""
    before = live.gap
    if before is None and not live.missing:
        return
    live.follow_gap(now_ms)
    if live.gap is not None and before is None:
        step.puts.append(_put(live, OpenGap(live.gap.since_ms), now_ms))
    elif live.gap is None and before is not None:
        step.puts.append(_put(live, OpenGap(before.since_ms, now_ms), now_ms))


def healed(live: Live, seq_no: int | None) -> tuple[Finding, ...]:
    """Return the note that a message with this number, the start perhaps, leaves nothing missing of what was told of.

    It is asked before the message is counted.
    """
    numbers = live.numbers
    if seq_no is None or numbers.highest is None or numbers.lowest is None or not live.is_told(MISSING):
        return ()
    whole = max(numbers.highest, seq_no) - min(numbers.lowest, seq_no) == numbers.count
    return (Finding("sequence_healed", "seq_no"),) if whole else ()


async def look_after(world: World) -> None:
    """Tell of gaps that stay open, and end the alarms about those that were filled."""
    for document in await world.journal.documents(world.tenant, GAP, active=True, limit=AT_ONCE):
        gap = read(document, OpenGap)
        if gap.filled_ms is not None:
            await _over(world, document, gap)
        else:
            await _judge(world, document, gap)


async def _over(world: World, document: Put, gap: OpenGap) -> None:
    now_ms, key = world.now_ms(), _alarm_key(_session(document), gap.since_ms)
    step = Step(world, document.station_id or "", now_ms)
    step.puts.extend(await over(world, key, now_ms, gap.filled_ms or now_ms))
    step.puts.append(removal(GAP, document.key, now_ms))
    await step.commit()


async def _judge(world: World, document: Put, gap: OpenGap) -> None:
    """Tell of a gap that is still open; one that was filled meanwhile may have been followed by another."""
    memory = await remember_station(world, StationId(document.station_id or ""))
    live = None if memory is None else await recall(world, memory, _session(document))
    if memory is None or live is None:
        return
    transaction = live.transaction
    now_ms = world.now_ms()
    heard_ms = memory.seen_ms if world.lines.version(StationId(memory.station.id)) is None else now_ms
    if live.gap is None or not _is_open(live, gap):
        return
    since_ms = min(live.gap.filled_ms, live.gap.since_ms + FILLING_MS)
    open_ms = heard_ms - max(since_ms, memory.back_ms)
    seen = Seen(now_ms=now_ms, at_ms=now_ms, gap_open_ms=open_ms, gap_messages=live.gap.messages)
    if not world.watch.look(Moment.OPEN, seen):
        return
    missing = (await counts(world, transaction)).missing
    named = ", ".join([START] * (transaction.started is None) + [str(number) for number in missing])
    found = world.watch.look(Moment.OPEN, msgspec.structs.replace(seen, missing=named))
    await world.chains.ready(memory.origin, transaction.evse_id)
    if _is_open(live, gap):
        await _tell(world, memory, live, found[0], gap)


def _is_open(live: Live, gap: OpenGap) -> bool:
    return live.gap is not None and live.gap.since_ms == gap.since_ms


async def _tell(world: World, memory: Memory, live: Live, found: Finding, gap: OpenGap) -> None:
    """Write the note as a record of the session, and the alarm; the gap is not looked at again until it is filled."""
    step = Step(world, memory.station.id, world.now_ms())
    groups = ((int(Group.RAW), dcbor.encode(Observed((found,)).to_fields(b""))),)
    draft = PlainDraft(Kind.READING, step.now_ms, groups)
    written = step.write((memory.origin, live.transaction.evse_id), world.csms_key, draft, live.subject)
    live.transaction = apply(live.transaction, read_item(parse_item(written.item)))
    step.project(live.transaction)
    about = live.transaction.id
    told = Alarm(found.code, memory.station.id, step.now_ms, found.field, found.detail, written.hash.hex(), about)
    step.puts.append(raised(world, told, _alarm_key(about, gap.since_ms))[1])
    step.puts.append(_put(live, gap, step.now_ms, looked_at=False))
    await step.commit()


def _put(live: Live, gap: OpenGap, now_ms: int, *, looked_at: bool = True) -> Put:
    transaction = live.transaction
    key = f"{transaction.id}-{gap.since_ms:015d}"
    return put(GAP, key, gap, now_ms, station_id=transaction.station_id, active=looked_at)


def _session(document: Put) -> str:
    return document.key.partition("-")[0]


def _alarm_key(transaction_id: str, since_ms: int) -> str:
    return f"{since_ms:015d}-{transaction_id[:16]}-{MISSING}"
