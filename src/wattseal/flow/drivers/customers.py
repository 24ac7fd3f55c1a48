"""Reports about customers: taken only where they were asked for, and kept no longer than they are needed."""

import msgspec

from wattseal.base.ids import StationId
from wattseal.flow.documents import put, read, removal
from wattseal.flow.history import prefix
from wattseal.flow.memory import Memory
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.ports import Batch
from wattseal.flow.stations.shelf import numbered
from wattseal.flow.step import Step
from wattseal.flow.turn import Handlers, Turn
from wattseal.flow.world import World
from wattseal.model.customer import CustomerAsked, CustomerReported, KeptCustomer
from wattseal.model.message import Command, Replied

CUSTOMER = "customer_report"
"""Document kind: a report, by `station/request id`."""
MAX_REPORTS = 20
"""Reports kept per station; the oldest goes."""
MAX_PARTS = 200
"""Parts kept of one report, each of at most 512 characters; further ones are left out."""
_PAGE = 1000


def expect(memory: Memory, command: Command, now_ms: int) -> None:
    """Note that a report will come: it may do so before the answer to the question is processed."""
    if isinstance(command, CustomerAsked):
        number = command.request_id
        memory.customers[number] = KeptCustomer(
            memory.station.id, number, now_ms, report=command.report, clear=command.clear
        )


async def report(turn: Turn, fact: CustomerReported) -> Replied:
    """Keep a part of a report that was asked for; any other is answered and forgotten."""
    known = await _known(turn.world, turn.memory, fact.request_id)
    if known is None:
        turn.world.count("customer_report_unasked")
        return Replied()
    parts = dict(known.parts)
    if 0 <= fact.seq_no < MAX_PARTS:
        parts[fact.seq_no] = fact.data
    last = known.last if fact.tbc else fact.seq_no
    step = turn.step()
    _keep(step, turn.memory, msgspec.structs.replace(known, parts=parts, last=last, at_ms=turn.now_ms))
    await step.commit()
    return Replied()


async def _asked(answered: Answered, command: CustomerAsked, answer: Replied) -> None:
    known = await _known(answered.world, answered.memory, command.request_id)
    if known is not None:
        kept = msgspec.structs.replace(known, asked_by=answered.asked_by, answer=answer.status)
        _keep(answered.step, answered.memory, kept)


async def forget(world: World, memory: Memory, request_id: int) -> bool:
    """Remove a report; return whether there was one."""
    if await _known(world, memory, request_id) is None:
        return False
    memory.customers.pop(request_id, None)
    gone = removal(CUSTOMER, _key(memory.station.id, request_id), world.now_ms())
    await world.journal.commit(Batch(world.tenant, puts=(gone,)))
    return True


async def forget_old(world: World, keep_ms: int) -> int:
    """Remove the reports older than `keep_ms`; return how many."""
    now_ms, after, count = world.now_ms(), "", 0
    while page := await world.journal.documents(world.tenant, CUSTOMER, after=after, limit=_PAGE):
        after = page[-1].key
        old = [document for document in page if document.updated_at_ms + keep_ms <= now_ms]
        gone = tuple(removal(CUSTOMER, document.key, now_ms) for document in old)
        await world.journal.commit(Batch(world.tenant, puts=gone))
        count += len(gone)
    for memory in world.stations.values():
        for number, kept in tuple(memory.customers.items()):
            if kept.at_ms + keep_ms <= now_ms:
                del memory.customers[number]
    return count


async def _known(world: World, memory: Memory, request_id: int) -> KeptCustomer | None:
    known = memory.customers.get(request_id)
    if known is None:
        key = _key(memory.station.id, request_id)
        document = await world.journal.document(world.tenant, CUSTOMER, key)
        known = None if document is None else read(document, KeptCustomer)
        if known is not None:
            known = memory.customers.setdefault(request_id, known)
    return known


def _keep(step: Step, memory: Memory, kept: KeptCustomer) -> None:
    number = kept.request_id
    memory.customers[number] = kept
    while len(memory.customers) > MAX_REPORTS:
        oldest = min(memory.customers.values(), key=lambda one: one.at_ms).request_id
        del memory.customers[oldest]
        step.puts.append(removal(CUSTOMER, _key(memory.station.id, oldest), step.now_ms))

    def write() -> None:
        latest = memory.customers.get(number)
        if latest is not None:
            station_id = StationId(memory.station.id)
            step.puts.append(put(CUSTOMER, _key(station_id, number), latest, step.now_ms, station_id=station_id))

    step.finally_do(write)


def _key(station_id: str, request_id: int) -> str:
    return prefix(station_id) + numbered(request_id)


HANDLERS: Handlers = {CustomerReported: report}
EFFECTS: Effects = {CustomerAsked: _asked}
