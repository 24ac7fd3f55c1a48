"""Charges that are to stop because nobody pays any more: noted in a record first, then asked of the station.

The note is what is durable: whoever starts this process again goes on asking. A station that does not obey, or is
offline, is billed for what it delivers; nothing here ends a transaction but its station's word.
"""

from dataclasses import dataclass, field

from wattseal.base.ids import StationId, TransactionId
from wattseal.flow import commands
from wattseal.flow.commands import Done
from wattseal.flow.live import Live
from wattseal.flow.ramp import Passing
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.model.remote import StopRequested
from wattseal.rules.transactions import is_accepted

HOLD_USED_UP, CAP_REACHED, NOT_AUTHORISED, BY_PARTY = (
    "hold_used_up",
    "cap_reached",
    "stop_not_authorised",
    "stop_by_party",
)
STOPS = frozenset({HOLD_USED_UP, CAP_REACHED, NOT_AUTHORISED, BY_PARTY})
"""Notes on a transaction that say it is to stop, and why."""
AGAIN_MS = 60_000
"""After a refusal, or no answer, a station is asked again."""
AGREED_MS = 300_000
"""One that agreed and charges on all the same is asked again, too."""
MAX_ASKED = 10
"""So often a connected station is asked about one transaction."""
DEADLINE_S = 20.0
MAX_KEPT = 20_000
"""Transactions that are remembered to have been asked about; the oldest is forgotten and asked about again."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A transaction to be stopped; `id` is ours, `transaction_id` the station's."""

    id: str
    station_id: str
    transaction_id: str


@dataclass(slots=True)
class Stopping:
    """When a station may be asked again about a transaction (by our id), and how often it was."""

    next_ms: dict[str, int] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)


def to_stop(live: Live) -> bool:
    """Return whether a note says that a running transaction is to stop."""
    transaction = live.transaction
    codes = {note.code for note in (*transaction.findings, *transaction.alarms)} & STOPS
    if is_accepted(transaction):
        codes -= {NOT_AUTHORISED}
    return transaction.active and bool(codes)


def due(world: World, stopping: Stopping) -> tuple[Stop, ...]:
    """Return the stops to ask for now, of connected stations only; `stopping` remembers them."""
    found, now_ms = [], world.now_ms()
    for station_id, memory in tuple(world.stations.items()):
        if world.lines.version(station_id) is None:
            continue
        for number, live in tuple(memory.live.items()):
            key = live.transaction.id
            if not to_stop(live) or stopping.next_ms.get(key, 0) > now_ms or stopping.times.get(key, 0) >= MAX_ASKED:
                continue
            stopping.next_ms[key] = now_ms + AGAIN_MS
            stopping.times[key] = stopping.times.get(key, 0) + 1
            _bound(stopping)
            found.append(Stop(key, memory.station.id, number))
    return tuple(found)


async def ask(world: World, stopping: Stopping, one: Stop) -> None:
    """Ask a station to stop a transaction; the command is a record like any other."""
    principal = Principal(world.tenant, "billing", frozenset(), frozenset({"*"}))
    command = StopRequested(TransactionId(one.transaction_id))
    outcome = await commands.send(
        world, principal, StationId(one.station_id), command, DEADLINE_S, passing=Passing.AT_ONCE
    )
    if isinstance(outcome, Done) and getattr(outcome.answer, "status", None) == "Accepted":
        stopping.next_ms[one.id] = world.now_ms() + AGREED_MS


def put_off(stopping: Stopping, one: Stop) -> None:
    """Forget that a stop was due: nobody could be found to ask for it now."""
    stopping.next_ms.pop(one.id, None)
    stopping.times[one.id] = max(0, stopping.times.get(one.id, 0) - 1)


def _bound(stopping: Stopping) -> None:
    while len(stopping.next_ms) > MAX_KEPT:
        oldest = next(iter(stopping.next_ms))
        del stopping.next_ms[oldest]
        stopping.times.pop(oldest, None)
