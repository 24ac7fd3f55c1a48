"""One message of one station: what `handle` passes on to the flow of its kind."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from wattseal.base.ids import StationId, Subject
from wattseal.evidence import iso15118_receipt
from wattseal.flow.alarms import raised
from wattseal.flow.documents import EVSE, STATION, TRANSACTION, read
from wattseal.flow.drivers.authorization import authorization_of
from wattseal.flow.live import Live
from wattseal.flow.memory import Memory
from wattseal.flow.money.held import holds_of
from wattseal.flow.ports import Flush
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.continuity import LastEnd
from wattseal.model.message import Answer, Fact
from wattseal.model.station import Station
from wattseal.model.token import IdToken
from wattseal.model.transaction import MESSAGE, VEHICLE, EvidenceVerdict, Transaction
from wattseal.model.verdict import Finding, Verdict
from wattseal.rules.notes import is_alarm
from wattseal.rules.recorded import Observed, Recorded, read_item
from wattseal.rules.retries import event_mark, payload_mark, transaction_key
from wattseal.seal.item import Item, Kind, parse_item
from wattseal.watch.neighbours import ASTRAY
from wattseal.watch.pages import pages_of
from wattseal.wire.ocpp.signed import payload_in

MAX_LIVE = 64
"""Open transactions kept in memory per station: more than it has EVSEs are leftovers of lost stops."""
MAX_ENDED = 32
"""Ended transactions kept in memory per station, to answer retries; others are read from the journal."""
EVENTS = {Kind.STARTED: "Started", Kind.READING: "Updated", Kind.ENDED: "Ended"}


class _Value(msgspec.Struct):
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]


class _MeterValues(msgspec.Struct):
    meterValue: list[_Value]  # noqa: N815 - the name on the wire


_METER_VALUES = msgspec.json.Decoder(_MeterValues)


class Turn(msgspec.Struct, frozen=True, gc=False):
    """A decoded call. `frame` is the whole message as it came, `payload` its payload, which names no message id.

    `flushes` are the commits that its answer waits for.
    """

    world: World
    memory: Memory
    frame: bytes
    payload: bytes
    now_ms: int
    ocpp16: bool
    findings: tuple[Finding, ...] = ()
    verdicts: tuple[EvidenceVerdict, ...] = ()
    flushes: list[Flush] = []

    @property
    def station(self) -> Station:
        """The station's enrolment."""
        return self.memory.station

    @property
    def origin(self) -> str:
        """The chain this CSMS writes for the station."""
        return self.memory.origin

    def step(self) -> Step:
        """Start a step for this station."""
        return Step(self.world, self.memory.station.id, self.now_ms, flushes=self.flushes)

    def observed(self, *more: Finding) -> Observed:
        """Return what decoding and the rules observed, each note once."""
        return Observed(tuple(dict.fromkeys((*self.findings, *more))), self.verdicts)


Handlers = Mapping[type[Fact] | str, Callable[[Turn, Any], Awaitable[Answer]]]
"""By kind of fact (for `Told` by its action) the function that decides on it.

One that raises `StoreError` has made nothing durable.
"""


async def remember_station(world: World, station_id: StationId) -> Memory | None:
    """Return what is kept of an enrolled station, rebuilding it from the journal where it is not in memory."""
    memory = world.stations.get(station_id)
    if memory is not None:
        return memory
    document = await world.journal.document(world.tenant, STATION, station_id.casefold())
    if document is None:
        return None
    station = read(document, Station)
    memory = Memory(station, world.origin_of(station))
    for found in await world.journal.documents(world.tenant, TRANSACTION, station_id=station_id, active=True):
        live = await revive(world, read(found, Transaction))
        if live.transaction.transaction_id is not None:
            keep_live(memory, live.transaction.transaction_id, live)
    for found in await world.journal.documents(world.tenant, EVSE, station_id=station_id):
        last = read(found, LastEnd)
        memory.last_end[last.evse_id] = last
    return world.stations.setdefault(station_id, memory)


async def revive(world: World, transaction: Transaction) -> Live:
    """Rebuild a transaction's memory from its records: registers, and the marks that recognise retries."""
    subject = bytes.fromhex(transaction.id)
    live = Live(transaction, subject)
    held = await holds_of(world, transaction.id)
    live.held = held if held is not None and held.open else None
    started = False
    for kept in await world.journal.items_by_subject(world.tenant, Subject(subject)):
        started = started or kept.item.kind == Kind.STARTED
        _recall(live, parse_item(kept.item.item), started=started)
    return live


_NOT_A_METERS = frozenset({MESSAGE, VEHICLE})


def _recall(live: Live, item: Item, *, started: bool) -> None:
    record = read_item(item)
    if record.continued:
        return
    if record.identity is not None:
        live.token = IdToken(record.identity.id_token, record.identity.type).key()
    if record.decision is not None:
        live.authorization = authorization_of(record.decision, item)
        live.decided((record,))
    if record.kind in EVENTS and _is_told(live, record):
        live.told_ms = record.ms
        told = any(v.verdict is Verdict.VALID and v.record not in _NOT_A_METERS for v in record.observed.verdicts)
        signed = record.meter.evidence if record.meter is not None and told else ()
        pages = tuple(data for name, data in signed if name != iso15118_receipt.NAME)
        live.take(record.ops.seq_no if record.ops else None, pages)
        live.follow_gap(record.ms, started=started)
        live.meter_pages.update(dict.fromkeys(pages_of(pages)))
    if record.kind in EVENTS and record.kind is not Kind.ENDED:
        _recall_register(live, record)


def _recall_register(live: Live, record: Recorded) -> None:
    """Take the register of a start or reading, and the station's time of it, as they were taken when it came."""
    told_ms = record.ops.station_ms if record.ops is not None else _read_ms(record)
    if told_ms is not None:
        live.at_ms = max(told_ms, live.at_ms or 0)
    if record.meter is None or any(note.code in ASTRAY for note in record.observed.notes):
        return
    live.latest_ms = record.ms
    if live.highest_wh is None or record.meter.register_wh >= live.highest_wh:
        live.highest_wh, live.read_ms = record.meter.register_wh, told_ms


def _read_ms(record: Recorded) -> int | None:
    """Return when the values of a 1.6 MeterValues were read: its record has the time in its frame alone."""
    if not record.frame:
        return None
    try:
        values = _METER_VALUES.decode(payload_in(record.frame)).meterValue
    except (msgspec.MsgspecError, ValueError):
        return None
    return int(values[-1].timestamp.timestamp() * 1000) if values else None


def _is_told(live: Live, record: Recorded) -> bool:
    """Return whether a record tells a message for the first time; what this CSMS noted by itself tells none."""
    if record.mark is not None:
        return not live.seen(record.mark)
    if record.frame:
        return not live.seen(_mark(record.kind, record.ops.seq_no if record.ops else None, record.frame))
    return record.meter is not None or record.sealed


def _mark(kind: Kind, seq_no: int | None, frame: bytes) -> int:
    if seq_no is not None:
        return event_mark(EVENTS[kind], seq_no)
    return payload_mark(payload_in(frame))


def find_in_memory(world: World, transaction: Transaction) -> Live | None:
    """Return the transaction's memory if its station has it at hand."""
    memory = world.stations.get(StationId(transaction.station_id))
    if memory is None:
        return None
    return kept_by_id(memory, transaction.id)


def kept_by_id(memory: Memory, subject: str) -> Live | None:
    """Return what a station's memory has of a transaction by our id; what is asked for has mostly just ended."""
    for kept in (memory.live, memory.ended):
        for live in reversed(kept.values()):
            if live.transaction.id == subject:
                return live
    return None


async def memory_of(world: World, transaction: Transaction) -> Live | None:
    """Return the one memory of a transaction, read back where its station has it no more; see `recall`."""
    memory = await remember_station(world, StationId(transaction.station_id))
    return None if memory is None else await recall(world, memory, transaction.id)


async def recall(world: World, memory: Memory, subject: str, name: str | None = None) -> Live | None:
    """Return a transaction's memory by our id, read back and kept where its station has it no more; None without one.

    It is kept under `name`, or else under the id that its station tells.

    There is one such memory, and who writes to the transaction does so through it: while this one was read another
    may have read it too, and written.
    """
    if (live := kept_by_id(memory, subject)) is not None:
        return live
    document = await world.journal.document(world.tenant, TRANSACTION, subject)
    if document is None:
        return None
    read_back = await revive(world, read(document, Transaction))
    if (live := kept_by_id(memory, subject)) is not None:
        return live
    name = name or read_back.transaction.transaction_id
    if name is not None:
        (keep_live if read_back.transaction.active else keep_ended)(memory, name, read_back)
    return read_back


async def transaction_by_id(world: World, transaction_id: str) -> Transaction | None:
    """Return a transaction by our id, as it is now."""
    document = await world.journal.document(world.tenant, TRANSACTION, transaction_id)
    if document is None:
        return None
    found = read(document, Transaction)
    live = find_in_memory(world, found)
    return found if live is None else live.transaction


async def find_live(turn: Turn, transaction_id: str) -> Live | None:
    """Return a transaction of this very station, open or ended; another station's is never found."""
    memory, world = turn.memory, turn.world
    live = memory.live.get(transaction_id) or memory.ended.get(transaction_id)
    if live is not None:
        return live
    station_id = StationId(memory.station.id)
    subject = await world.journal.answer(world.tenant, station_id, transaction_key(transaction_id))
    if subject is None:
        return None
    return await recall(world, memory, subject.hex(), transaction_id)


def keep_live(memory: Memory, transaction_id: str, live: Live) -> None:
    """Keep an open transaction in memory; the oldest goes when there are too many, and is read back when it goes on."""
    memory.live[transaction_id] = live
    if len(memory.live) > MAX_LIVE:
        memory.live.popitem(last=False)


def keep_ended(memory: Memory, transaction_id: str, live: Live) -> None:
    """Keep an ended transaction for retries; the oldest goes when there are too many.

    An authorisation given for it is good for no other.
    """
    memory.ended[transaction_id] = live
    for token in [token for token, grant in memory.grants.items() if grant.subject == live.subject]:
        del memory.grants[token]
    if len(memory.ended) > MAX_ENDED:
        memory.ended.popitem(last=False)


def raise_alarms(step: Step, observed: Observed, record: bytes, transaction: Transaction | None = None) -> None:
    """Raise every alarm among the notes on `record` (a payload hash)."""
    for note in observed.notes:
        if is_alarm(note):
            about = None if transaction is None else transaction.id
            told = Alarm(note.code, step.station_id, step.now_ms, note.field, note.detail, record.hex(), about)
            step.puts.append(raised(step.world, told)[1])
