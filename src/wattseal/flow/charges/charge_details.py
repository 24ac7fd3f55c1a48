"""What can be told of one transaction beside its projection: how many messages, which are missing, who began it."""

from dataclasses import dataclass

from wattseal.base.ids import Subject
from wattseal.flow.documents import put, read
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.world import World
from wattseal.model.remote import StartRequested, StartResponded
from wattseal.model.transaction import Transaction
from wattseal.rules.recorded import read_item
from wattseal.seal.item import Kind, parse_item

REMOTE_START = "remote_start"
"""Document kind, by station and remote start id: the command a transaction may have begun with."""
MAX_MISSING = 100
"""Missing sequence numbers that are named."""
_EVENTS = frozenset({Kind.STARTED, Kind.READING, Kind.ENDED})


@dataclass(frozen=True, slots=True)
class RemoteStart:
    """Document: a remote start with its id, who asked, and the payload hash of the command's record in hex."""

    station_id: str
    remote_start_id: int
    asked_by: str
    record: str
    status: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Records of a transaction: all of them, its station's messages, those with a register; and 2.x numbers missing."""

    records: int
    messages: int
    readings: int
    missing: tuple[int, ...]


async def counts(world: World, transaction: Transaction) -> Counts:
    """Count a transaction's records; a message whose end was recorded twice counts once."""
    marks: set[int] = set()
    numbers: set[int] = set()
    records = messages = readings = 0
    for kept in await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(transaction.id))):
        records += 1
        if kept.item.kind not in _EVENTS:
            continue
        record = read_item(parse_item(kept.item.item))
        if record.continued or (record.mark is not None and record.mark in marks):
            continue
        if record.mark is not None:
            marks.add(record.mark)
        number = record.ops.seq_no if record.ops is not None else None
        if number is not None:
            if record.kind is Kind.ENDED and number in numbers:
                continue
            numbers.add(number)
        messages += bool(record.frame or record.mark is not None or record.sealed)
        readings += record.meter is not None
    lowest, highest = min(numbers, default=0), max(numbers, default=-1)
    span = range(lowest, highest + 1) if highest - lowest < 10 * MAX_MISSING + len(numbers) else range(0)
    return Counts(records, messages, readings, tuple(n for n in span if n not in numbers)[:MAX_MISSING])


async def remote_start_of(world: World, transaction: Transaction) -> RemoteStart | None:
    """Return the command that a transaction began with, where its station told the id."""
    if transaction.remote_start_id is None:
        return None
    key = _key(transaction.station_id, transaction.remote_start_id)
    document = await world.journal.document(world.tenant, REMOTE_START, key)
    return None if document is None else read(document, RemoteStart)


def _key(station_id: str, number: int) -> str:
    return f"{station_id.casefold()}/{number:012d}"


async def _started(answered: Answered, command: StartRequested, answer: StartResponded) -> None:
    """Keep a remote start by its id, so that the transaction it brings can name it (2.x C05.FR.03)."""
    number = command.remote_start_id
    if number is None:
        return
    told = RemoteStart(answered.station_id, number, answered.asked_by, answered.record.hex(), answer.status)
    now_ms = answered.step.now_ms
    key = _key(answered.station_id, number)
    answered.step.puts.append(put(REMOTE_START, key, told, now_ms, station_id=answered.station_id))


EFFECTS: Effects = {StartRequested: _started}
