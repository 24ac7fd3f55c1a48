"""What a process does by the clock beside billing: proving again, unsigned tails, ports, running charges, its clock."""

from collections.abc import Callable
from typing import Any

from tests.simulation.actors.actor import Actor
from tests.simulation.broken import broken
from tests.simulation.checkpoints import Seen

from wattseal.flow.charges import costs, stopping
from wattseal.flow.charges.reproof import broken_sessions
from wattseal.flow.charges.reproof_rounds import Reprover
from wattseal.flow.charges.tails import load_open_chains, sign_tails
from wattseal.flow.documents import ALARM, read
from wattseal.flow.drivers import app_codes
from wattseal.flow.drivers.reservations import expire
from wattseal.flow.fleet.uptime import Ports
from wattseal.flow.limits import tariff_installing
from wattseal.flow.money import watching
from wattseal.flow.own_clock import OwnClock
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm

TAILS_MS = 60_000
BROKEN_ALARM = "session_broken"


class Clockwork(Actor):
    """No session that nobody touched is found broken."""

    name = "clockwork"
    left = 0
    finds = frozenset({"stop_not_authorised"})

    def began(self) -> None:
        """Have the timers begin anew."""
        world = self.storm.world
        world.lines = self.storm.lines
        self.ports: Ports | None = None
        self.watch, self.clock = watching.Watch(), OwnClock(world)
        self.told, self.installed = costs.Told(), tariff_installing.Installed()
        self.reprover = Reprover(world, Seen(self.storm.disk), 4)

    def jobs(self) -> list[tuple[str, Callable[[], Any]]]:
        """Return all of them."""
        world = self.storm.world
        return [
            ("reprover", self.reprover.turn),
            ("tails", self._tails),
            ("ports", self._look),
            ("watched", self._watched),
            ("costs", self._costs),
            ("tariffs", self._tariffs),
            ("own clock", self.clock.round),
            ("reservations", lambda: expire(world)),
            ("codes", lambda: app_codes.forget_old(world)),
        ]

    async def _tails(self) -> None:
        if self.ports is None:
            await load_open_chains(self.storm.world)
        self.did["tails signed"] += await sign_tails(self.storm.world, TAILS_MS)

    async def _look(self) -> None:
        if self.ports is None:
            self.ports = await Ports.load(self.storm.world, lambda name: self.storm.lines.version(name) is not None)
        self.did["port changes"] += await self.ports.look()

    async def _watched(self) -> None:
        await watching.look(self.storm.world, self.watch)
        for one in stopping.due(self.storm.world, self.watch.stopping):
            self.did["stops asked for"] += 1
            await stopping.ask(self.storm.world, self.watch.stopping, one)

    async def _costs(self) -> None:
        for one in await costs.due(self.storm.world, self.told):
            self.did["costs told"] += 1
            await costs.tell(self.storm.world, self.told, one)

    async def _tariffs(self) -> None:
        for one in await tariff_installing.due(self.storm.world, self.installed):
            await tariff_installing.install(self.storm.world, self.installed, one)

    async def hold(self, world: World) -> None:
        """Look for alarms about what nobody did."""
        alarms = [read(put, Alarm) for put in self.storm.documents(ALARM)]
        wrong = [one for one in alarms if one.code == BROKEN_ALARM]
        if wrong or (sessions := await broken_sessions(world)):
            broken(11, f"sessions are found broken that nobody touched: {wrong or sessions}")
