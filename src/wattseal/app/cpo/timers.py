"""What the CPO does by the clock: checkpoints, signatures over chains' tails, and what is to be sent on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from wattseal.app.alive import Statements
from wattseal.app.background import Background
from wattseal.app.log_keeper import LogKeeper
from wattseal.app.payments import IMPORT_INTERVAL_S, PAYMENTS_INTERVAL_S, import_payouts, look_after_payments
from wattseal.app.rollouts import INTERVAL_S as ROLLOUTS_INTERVAL_S
from wattseal.app.rollouts import Rollouts
from wattseal.base.errors import WattsealError
from wattseal.dial.witness import Outcome
from wattseal.flow.alarm_keeper import AlarmKeeper
from wattseal.flow.charges import costs, stopping
from wattseal.flow.charges.open_transactions import OpenKeeper
from wattseal.flow.charges.reproof_rounds import Reprover
from wattseal.flow.charges.tails import sign_tails
from wattseal.flow.courier import Courier
from wattseal.flow.drivers import app_codes
from wattseal.flow.drivers.list_keeper import ListKeeper
from wattseal.flow.drivers.reservations import expire
from wattseal.flow.fleet.uptime import Ports
from wattseal.flow.limits import tariff_installing
from wattseal.flow.limits.fallback import FallbackKeeper
from wattseal.flow.money import holds, watching
from wattseal.flow.money.billing import Biller
from wattseal.flow.own_clock import OwnClock
from wattseal.flow.stations.silence import SilenceKeeper
from wattseal.flow.waiting import Sender
from wattseal.flow.world import World

LOG_BATCH = 16
"""Each checkpoint covers a multiple of so many entries, padding included, whatever happened meanwhile."""
COURIER_INTERVAL_S = 0.25
BILLING_INTERVAL_S = 1.0
"""How often ended sessions are looked at that are not billed yet."""
LOOK_INTERVAL_S = 5.0
"""How often ports are looked at for their uptime."""
RESERVATIONS_INTERVAL_S = 10.0
OPEN_INTERVAL_S = 5.0
"""How often open transactions are looked after."""
SILENCE_INTERVAL_S = 10.0
"""How often stations are looked for that say nothing any more."""
ALARMS_INTERVAL_S = 1.0
"""How often what became of alarms is put on record."""
TARIFFS_INTERVAL_S = 30.0
"""How often 2.1 stations are looked for whose tariff has changed."""
AT_ONCE = 32
"""Running charges looked at before everybody else has their turn."""
HOLDS_INTERVAL_S = 30.0
"""How often holds are looked for that are held for nothing any more."""
LISTS_INTERVAL_S = 2.0
"""How often stations are looked for whose local lists are to follow the tokens."""
FALLBACKS_INTERVAL_S = 2.0
"""How often stations are looked for whose limits have changed or ended."""
RAMP_INTERVAL_S = 0.05
"""How often commands are looked for whose turn on the ramp has come."""
_LOGGER = logging.getLogger("wattseal.cpo")
_ALARMING = {Outcome.AHEAD, Outcome.INCONSISTENT}


@dataclass(frozen=True, slots=True)
class Timers:
    """What the timers work on, and how often."""

    world: World
    keeper: LogKeeper
    courier: Courier
    checkpoint_interval_s: float
    heartbeat_interval_s: float
    ports: Ports
    lists: ListKeeper
    rollouts: Rollouts
    open: OpenKeeper
    silence: SilenceKeeper
    clock: OwnClock
    biller: Biller
    background: Background
    reprover: Reprover
    reproof_interval_s: float
    alarms: AlarmKeeper
    sender: Sender
    fallbacks: FallbackKeeper
    statements: Statements
    told_costs: costs.Told = field(default_factory=costs.Told)
    installed: tariff_installing.Installed = field(default_factory=tariff_installing.Installed)
    watch: watching.Watch = field(default_factory=watching.Watch)

    async def checkpoint(self) -> None:
        """Publish what was recorded, and have it cosigned."""
        result = await self.keeper.step(LOG_BATCH)
        for asked in result.asked:
            if asked.outcome is not Outcome.COSIGNED:
                self.world.count(f"witness_{asked.outcome}")
                level = logging.ERROR if asked.outcome in _ALARMING else logging.WARNING
                _LOGGER.log(level, "witness_did_not_cosign %s %s", asked.peer.key.name, asked.outcome)

    async def tails(self) -> None:
        """Sign what has been unsigned for long."""
        await sign_tails(self.world, int(self.heartbeat_interval_s * 1000))

    async def bill(self) -> None:
        """Bill what has ended."""
        await self.biller.round()

    async def look(self) -> None:
        """Note which ports have changed."""
        await self.ports.look()

    async def send(self) -> None:
        """Send what waits."""
        while await self.courier.round():
            pass

    async def ramp(self) -> None:
        """Send what waited for the ramp."""
        await self.sender.round()

    async def fall_back(self) -> None:
        """Keep fallbacks beneath limits that end."""
        await self.fallbacks.round()

    async def listen(self) -> None:
        """Look at our own clock, and for stations that say nothing any more."""
        await self.clock.round()
        await self.silence.round()

    async def reservations(self) -> None:
        """End those whose time is over."""
        await expire(self.world)

    async def follow(self) -> None:
        """Bring local lists up to date with the tokens."""
        await self.lists.round()

    async def costs(self) -> None:
        """Tell stations what running transactions cost; what finds no room now waits for the next turn."""
        for one in await costs.due(self.world, self.told_costs):
            if not self.background.start(partial(costs.tell, self.world, self.told_costs, one)):
                self.told_costs.costs.pop(one.id, None)

    async def tariffs(self) -> None:
        """Give stations the tariffs that apply to them; what finds no room now waits for the next turn."""
        for one in await tariff_installing.due(self.world, self.installed):
            self.background.start(partial(tariff_installing.install, self.world, self.installed, one))

    async def watched(self) -> None:
        """Look at running charges; what finds no room to be stopped now is asked for at the next turn."""
        for number, (memory, live) in enumerate(watching.running(self.world)):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            await watching.look_at(self.world, self.watch, memory, live)
        for one in stopping.due(self.world, self.watch.stopping):
            if not self.background.start(partial(stopping.ask, self.world, self.watch.stopping, one)):
                stopping.put_off(self.watch.stopping, one)

    async def tidied(self) -> None:
        """Give back what is held for nothing any more, and forget old codes of apps."""
        await holds.tidy(self.world)
        await app_codes.forget_old(self.world)

    async def roll_out(self) -> None:
        """Give the stations of rollouts their turn."""
        await self.rollouts.round()


@asynccontextmanager
async def run_timers(timers: Timers) -> AsyncIterator[None]:
    """Run the timers meanwhile; one that fails is tried again at its next turn."""
    jobs: list[tuple[Callable[[], Awaitable[None]], float]] = [
        (timers.checkpoint, timers.checkpoint_interval_s),
        (timers.tails, min(timers.heartbeat_interval_s / 4, 30)),
        (timers.send, COURIER_INTERVAL_S),
        (timers.ramp, RAMP_INTERVAL_S),
        (timers.fall_back, FALLBACKS_INTERVAL_S),
        (timers.look, LOOK_INTERVAL_S),
        (timers.bill, BILLING_INTERVAL_S),
        (timers.reprover.turn, timers.reproof_interval_s),
        (timers.reservations, RESERVATIONS_INTERVAL_S),
        (timers.follow, LISTS_INTERVAL_S),
        (timers.roll_out, ROLLOUTS_INTERVAL_S),
        (timers.open.round, OPEN_INTERVAL_S),
        (timers.listen, SILENCE_INTERVAL_S),
        (timers.alarms.round, ALARMS_INTERVAL_S),
        (timers.statements.step, timers.statements.every_s),
        (timers.tidied, HOLDS_INTERVAL_S),
        (timers.watched, timers.world.settings.billing.holds.watch_s),
        (look_after_payments(timers.world, timers.background), PAYMENTS_INTERVAL_S),
        (import_payouts(timers.world), IMPORT_INTERVAL_S),
    ]
    interval_s = timers.world.settings.charging.cost_interval_s
    if interval_s:
        jobs.append((timers.costs, float(interval_s)))
    if timers.world.settings.charging.install_tariffs:
        jobs.append((timers.tariffs, TARIFFS_INTERVAL_S))
    tasks = [asyncio.create_task(every(interval_s, job)) for job, interval_s in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await timers.rollouts.close()


async def every(interval_s: float, job: Callable[[], Awaitable[None]]) -> None:
    """Do a job again and again, for ever; one that fails is tried again at its next turn."""
    while True:
        await asyncio.sleep(interval_s)
        try:
            await job()
        except WattsealError as error:
            _LOGGER.warning("timer_failed %s %s", getattr(job, "__name__", "job"), error.code)
        except Exception:
            _LOGGER.exception("timer_failed %s", getattr(job, "__name__", "job"))
