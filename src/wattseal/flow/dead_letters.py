"""Messages of a transaction that could not be processed: put aside whole, so that nothing is lost with them.

A station repeats what is answered with an error a few times and then drops it (1.6 section 3.7.1, 2.x E13). What would
be lost with it is kept here as it came, and an alarm says so. Where the fault is this program's the station is told
that it was taken, so that its queue goes on; StartTransaction needs an id in its answer, and is answered with the
error. So is what departs from its schema.
"""

from dataclasses import dataclass

from wattseal.base.ids import StationId
from wattseal.flow.alarms import raised
from wattseal.flow.documents import put
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.rules.retries import payload_mark
from wattseal.wire.ocpp import signed
from wattseal.wire.ocpp.rpc import Call

DEAD_LETTER = "dead_letter"
"""Document kind: a message that could not be processed, by `station/mark of its payload`."""
MAX_LETTERS = 100
"""Kept of one station; further ones are answered with the error, for the station to keep."""
_NOTHING_TO_SAY = frozenset({"StopTransaction", "TransactionEvent", "MeterValues"})
_KEPT = _NOTHING_TO_SAY | {"StartTransaction"}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Document: the frame as it came, when, and what fault of ours it met, or has itself."""

    station_id: str
    action: str
    at_ms: int
    frame: bytes
    fault: str


async def put_aside(world: World, station_id: StationId, call: Call, fault: str) -> bytes | None:
    """Keep a message durably and return the answer it gets; None where it is to be answered with an error."""
    action = call.action.removesuffix(signed.SUFFIX)
    if action not in _KEPT:
        return None
    key = f"{station_id.casefold()}/{payload_mark(bytes(call.payload)):016x}"
    kept = await world.journal.documents(world.tenant, DEAD_LETTER, station_id=station_id, limit=MAX_LETTERS)
    world.count("dead_letters")
    if len(kept) >= MAX_LETTERS and all(document.key != key for document in kept):
        return None
    now_ms = world.now_ms()
    letter = DeadLetter(station_id, action, now_ms, call.raw, fault)
    alarm = Alarm("message_not_processed", station_id, now_ms, action, key.rpartition("/")[2])
    puts = (
        put(DEAD_LETTER, key, letter, now_ms, station_id=station_id),
        raised(world, alarm)[1],
    )
    await world.journal.commit(Batch(world.tenant, puts=puts))
    if action not in _NOTHING_TO_SAY:
        return None
    signer = world.message_signer
    if action == call.action or signer is None:
        return b"{}"
    return signer.sign(b"{}", action, signed.RESULT)
