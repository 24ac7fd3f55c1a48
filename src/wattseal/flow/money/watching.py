"""Running charges, looked at by the clock: what they come to against what was agreed, and what is to stop.

Everything is in memory; only what is found out costs a record.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from wattseal.flow.charges.costs import cost
from wattseal.flow.charges.loose_ends import note_open
from wattseal.flow.charges.measured import points_so_far, with_next
from wattseal.flow.charges.stopping import CAP_REACHED, HOLD_USED_UP, NOT_AUTHORISED, Stopping, to_stop
from wattseal.flow.drivers.own_risk import EXCEEDED
from wattseal.flow.live import Live
from wattseal.flow.memory import Memory
from wattseal.flow.money.holds import extend
from wattseal.flow.money.tariffs import tariff_by_record
from wattseal.flow.world import World
from wattseal.rules.holding import in_units
from wattseal.rules.transactions import is_accepted

IDLE_STATES = frozenset({"EVConnected", "Idle"})
"""OCPP chargingState while no energy flows."""
AGAIN_MS = 60_000
"""So often a charge is priced of which nothing new is told: what it costs may grow by time alone."""
MAX_PACES = 20_000
"""Transactions whose pace is remembered; the oldest is forgotten and found out again."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The last two readings of a transaction: when they came, and the energy until then."""

    at_ms: int
    energy_wh: Decimal
    before_ms: int
    before_wh: Decimal

    def ahead_wh(self, now_ms: int, least_ms: int) -> Decimal:
        """Return the energy by the next reading at the present power, in whole Wh, for that is what prices are of."""
        took_ms = self.at_ms - self.before_ms
        if took_ms <= 0:
            return self.energy_wh
        rate = (self.energy_wh - self.before_wh) / took_ms
        more_wh = max(rate, Decimal(0)) * (max(0, now_ms - self.at_ms) + max(took_ms, least_ms))
        return (self.energy_wh + more_wh).to_integral_value(ROUND_CEILING)


@dataclass(slots=True)
class Watch:
    """What is remembered from one look to the next; `again_ms` is when a charge without a new reading is priced again.

    Both are by our ids of transactions.
    """

    paces: dict[str, Pace] = field(default_factory=dict)
    again_ms: dict[str, int] = field(default_factory=dict)
    stopping: Stopping = field(default_factory=Stopping)

    def keep(self, transaction_id: str, pace: Pace, again_ms: int) -> None:
        """Remember a charge; the one remembered for longest is forgotten when there are too many."""
        self.paces[transaction_id], self.again_ms[transaction_id] = pace, again_ms
        if len(self.paces) > MAX_PACES:
            oldest = next(iter(self.paces))
            del self.paces[oldest], self.again_ms[oldest]


async def look(world: World, watch: Watch) -> None:
    """Look at all running charges once."""
    for memory, live in running(world):
        await look_at(world, watch, memory, live)


async def look_at(world: World, watch: Watch, memory: Memory, live: Live) -> None:
    """Look at one charge; that it is to stop is noted on it (`flow.charges.stopping.due` asks)."""
    if to_stop(live) or not live.transaction.active:
        return
    if _goes_unpaid(world, live):
        await note_open(world, memory, live, NOT_AUTHORISED)
        return
    ahead_wh = _ahead_wh(world, watch, live)
    if ahead_wh is None:
        return
    if _beyond_cap(live, ahead_wh):
        await note_open(world, memory, live, CAP_REACHED)
    elif await _uses_up(world, live, ahead_wh):
        await note_open(world, memory, live, HOLD_USED_UP)


def running(world: World) -> tuple[tuple[Memory, Live], ...]:
    """Return the charges under way, as they are now."""
    return tuple(_running(world))


def _running(world: World) -> Iterator[tuple[Memory, Live]]:
    for memory in tuple(world.stations.values()):
        for live in tuple(memory.live.values()):
            if live.transaction.active and live.transaction.started is not None:
                yield memory, live


def _goes_unpaid(world: World, live: Live) -> bool:
    """Return whether a station charges though it was told that nobody pays, and has had time to stop by itself."""
    transaction = live.transaction
    if transaction.authorization is None or is_accepted(transaction) or live.token is None or transaction.sealed:
        return False
    waited_ms = world.now_ms() - transaction.recorded_ms
    return (
        waited_ms >= world.settings.billing.holds.stop_after_s * 1000 and transaction.charging_state not in IDLE_STATES
    )


async def _uses_up(world: World, live: Live, ahead_wh: Decimal) -> bool:
    """Return whether a charge is about to use up what is held for it, after that has been extended if it can be."""
    held, transaction, policy = live.held, live.transaction, world.settings.billing.holds
    if held is None or not held.open or held.tariff is None or policy.hold <= 0:
        return False
    tariff = await tariff_by_record(world, held.tariff)
    if tariff is None or transaction.start_wh is None or live.highest_wh is None:
        return False
    points = await points_so_far(world, live, tariff)
    now, ahead = cost(tariff, points), cost(tariff, with_next(points, ahead_wh))
    if now is None or ahead is None:
        return False
    amount = in_units(held.amount, held.currency)
    if ahead < amount and now < policy.extend_at * amount:
        return False
    larger = await extend(world, held, lambda: live.transaction.active and live.held is held)
    if larger is not None:
        live.held = larger
        amount = in_units(larger.amount, larger.currency)
    return ahead >= amount


def _beyond_cap(live: Live, energy_wh: Decimal) -> bool:
    """Return whether a charge at the CPO's own risk is about to go beyond what was let through."""
    given = live.authorization
    if given is None or given.reason not in EXCEEDED or given.cap_wh is None:
        return False
    return energy_wh >= given.cap_wh


def _ahead_wh(world: World, watch: Watch, live: Live) -> Decimal | None:
    """Return what a charge will have drawn by its next reading.

    None where its register is not known here, nobody is bound by it, or there is nothing new to say of it.
    """
    start_wh, now_wh, at_ms = live.transaction.start_wh, live.highest_wh, live.latest_ms
    if start_wh is None or now_wh is None or at_ms is None or not _is_bound(live):
        return None
    key, now_ms = live.transaction.id, world.now_ms()
    known, energy_wh = watch.paces.get(key), now_wh - start_wh
    if known is not None and known.at_ms == at_ms and now_ms < watch.again_ms[key]:
        return None
    if known is None:
        known = Pace(at_ms, energy_wh, at_ms, energy_wh)
    elif known.at_ms != at_ms:
        known = Pace(at_ms, energy_wh, known.at_ms, known.energy_wh)
    watch.keep(key, known, now_ms + AGAIN_MS)
    return known.ahead_wh(now_ms, int(world.settings.billing.holds.watch_s * 1000))


def _is_bound(live: Live) -> bool:
    """Return whether a charge has a hold, or a cap at the CPO's own risk: others cost nothing to look at."""
    return live.held is not None or (live.authorization is not None and live.authorization.reason in EXCEEDED)
