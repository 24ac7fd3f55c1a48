"""What a charge costs, told to drivers: the running cost now and then (I02), and the total at the end (I03).

It is the price of what was measured so far under the tariff that the charge's decision names, or the one that applies
at the station where nobody decided; none where that cannot be said exactly, or where the readings are sealed from this
CPO. Taxes are in it where the tariff states them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace

from wattseal.base.ids import StationId
from wattseal.bundle.cdr import price_charge
from wattseal.flow import commands
from wattseal.flow.charges.bundling import others_of, tariff_record
from wattseal.flow.charges.measured import points_for, points_so_far
from wattseal.flow.commands import Declined
from wattseal.flow.limits.station_tariffs import tariff_at
from wattseal.flow.live import Live
from wattseal.flow.money.tariffs import tariff_by_record
from wattseal.flow.turn import Turn
from wattseal.flow.world import World
from wattseal.model.answers import TransactionAnswer
from wattseal.model.facts import TransactionEnded
from wattseal.model.message import Asked
from wattseal.model.principal import Principal
from wattseal.model.tariff import Tariff
from wattseal.pricing.periods import Point
from wattseal.pricing.price import Priced
from wattseal.wire.ocpp.version import Version

MAX_TOLD = 20_000
"""Transactions whose last told cost is remembered; the oldest is forgotten and told again."""
_DEADLINE_S = 10.0
_UNKNOWN = frozenset({"NotImplemented", "NotSupported"})


@dataclass(frozen=True, slots=True)
class Due:
    """A running cost to be told; `id` is the transaction's here, `transaction_id` the station's."""

    id: str
    station_id: str
    transaction_id: str
    total: Decimal


async def with_total(turn: Turn, fact: TransactionEnded, answer: TransactionAnswer) -> TransactionAnswer:
    """Return the answer to an end with the total cost, where that is known (I03.FR.02)."""
    live = turn.memory.ended.get(str(fact.transaction_id))
    tariff = None if live is None else await _tariff(turn.world, live)
    if live is None or tariff is None or live.transaction.energy_wh is None:
        return answer
    total = cost(tariff, await points_for(turn.world, live.transaction, tariff))
    return answer if total is None else replace(answer, total_cost=total)


@dataclass(slots=True)
class Told:
    """What was told: the latest cost of a transaction by its id, and the stations that do not know CostUpdated."""

    costs: dict[str, Decimal] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)


async def due(world: World, told: Told) -> tuple[Due, ...]:
    """Return the running costs that have changed since they were told; `told` remembers them."""
    found = []
    for memory in tuple(world.stations.values()):
        if memory.station.id in told.deaf or world.lines.version(StationId(memory.station.id)) in {None, Version.V16}:
            continue
        for number, live in tuple(memory.live.items()):
            total = await _running(world, live)
            if total is None or told.costs.get(live.transaction.id) == total:
                continue
            told.costs[live.transaction.id] = total
            found.append(Due(live.transaction.id, memory.station.id, number, total))
            if len(told.costs) > MAX_TOLD:
                del told.costs[next(iter(told.costs))]
    return tuple(found)


async def tell(world: World, told: Told, one: Due) -> None:
    """Send a running cost (CostUpdated); a station that does not know the message is told none any more."""
    principal = Principal(world.tenant, "system", frozenset(), frozenset({"*"}))
    command = Asked("CostUpdated", {"totalCost": one.total, "transactionId": one.transaction_id})
    outcome = await commands.send(world, principal, StationId(one.station_id), command, _DEADLINE_S)
    if isinstance(outcome, Declined) and outcome.code in _UNKNOWN:
        told.deaf.add(one.station_id)


async def _running(world: World, live: Live) -> Decimal | None:
    if live.highest_wh is None or live.transaction.start_wh is None:
        return None
    tariff = await _tariff(world, live)
    return None if tariff is None else cost(tariff, await points_so_far(world, live, tariff))


def cost(tariff: Tariff, points: Sequence[Point]) -> Decimal | None:
    """Return what a charge measured at these points costs with tax, None where that cannot be said exactly."""
    priced = price_charge(tariff, points)
    if not isinstance(priced, Priced):
        return None
    return priced.total.before_tax if priced.total.after_tax is None else priced.total.after_tax


async def _tariff(world: World, live: Live) -> Tariff | None:
    """Return what a charge is priced under: what its decision names; where there is no decision, what applies there.

    A decision that names no tariff leaves the charge without a price. Its records are read only where what it refers to
    is not at hand.
    """
    transaction = live.transaction
    if transaction.decision is None:
        memory = world.stations.get(StationId(transaction.station_id))
        return None if memory is None else await tariff_at(world, memory.station)
    if live.terms is not None and live.terms[0] == transaction.decision:
        named = [ref.hex() for ref in live.terms[1]]
        found = [await tariff_by_record(world, ref) for ref in named if ref != transaction.request]
        return next((tariff for tariff in found if tariff is not None), None)
    record = await tariff_record(world, await others_of(world, transaction))
    return None if record is None else await tariff_by_record(world, record.hash.hex())
