"""One storm: a CPO's core, stations and an eMSP, and a schedule of faults drawn from a seed.

The process is killed wherever anything waits, commits fail before and after they are durable, messages are lost,
doubled, told out of order, swallowed on the way, clocks jump by a day, stations reboot, the eMSP is slow or silent.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from tests.simulation.actors import ACTORS
from tests.simulation.before import PLACES, made, prepare
from tests.simulation.broken import broken
from tests.simulation.checkpoints import IN_LINE, Log, Seen
from tests.simulation.disk import Disk, Journal
from tests.simulation.driver import Driver
from tests.simulation.emsp import Emsp
from tests.simulation.faults import Faults
from tests.simulation.lines import Lines
from tests.simulation.site import Site
from tests.simulation.traffic import Traffic
from tests.simulation.weather import StormClock, Weather, dice

from wattseal.app import log_keeper
from wattseal.base.errors import StoreError
from wattseal.flow.charges.open_transactions import OpenKeeper
from wattseal.flow.money import holds
from wattseal.flow.money.billing import Biller
from wattseal.flow.ports import Journal as JournalPort
from wattseal.flow.ports import Put
from wattseal.flow.stations.silence import SilenceKeeper
from wattseal.flow.world import World
from wattseal.lab.null import swapped
from wattseal.model.principal import Principal

MAX_STEPS = 60_000
AFTER = 250
"""Steps that a storm lasts beyond the stations' last word, where others have something to do."""
CALM = (0, 2, 2, 2, 2, 120, 120)
"""Minutes between the rounds in which nothing goes wrong any more, stations are heard, and all comes to its end."""
_OPERATOR = Principal(cast("Any", "default"), "system", frozenset({"operator"}), frozenset({"operator"}))


@dataclass
class Storm:
    """A storm of one seed; `trace` is told what happens."""

    seed: int
    weather: Weather
    folder: Path
    trace: Callable[[str], None] = lambda _: None
    disk: Disk = field(default_factory=Disk)
    clock: StormClock = field(default_factory=StormClock)
    spoil_process: Callable[["Storm"], None] = lambda _: None
    lose_power: Callable[["Storm"], None] = lambda _: None
    """What no real process or disk does, for controls: when a process begins, and when it dies."""
    survey: dict[str, list[int]] | None = None
    """Where given, it is told on which ways through the code anything waits, and after how many waits each time."""
    log: Log = field(init=False)
    world: World = field(init=False)
    journal: Journal = field(init=False)
    driver: Driver = field(init=False)
    sites: list[Site] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    counted: set[str] = field(default_factory=set)
    account: str = ""
    tariff: bytes = b""
    calm: bool = False

    def __post_init__(self) -> None:
        self.dice = dice(self.seed)
        self.starts = self.steps = self.broken_for = self.commits = self.waits = 0
        self.faults, self.traffic, self.emsp = Faults(self), Traffic(self), Emsp(self)
        self.lines = Lines(self)
        self.disk.true_ms = self.clock.true_ms
        self.log = Log(self.folder / "log", self.clock)
        self.actors = [made_by(self) for name, made_by in ACTORS.items() if name in self.weather.actors]
        prepare(self)
        self.sites = [
            Site(f"ST{n}", version, dice(f"{self.seed}/{n}"), self.clock.true_ms(), self.weather.sessions, tokens)
            for n, (version, tokens) in enumerate(PLACES)
        ]
        self.restart()

    def restart(self) -> None:
        """Start the process on what is on the disk."""
        self.starts += 1
        self.journal = Journal(self.disk)
        self.world = made(self, cast("JournalPort", self.journal), f"{self.seed}/{self.starts}")
        self.driver = Driver(self.dice)
        self.broken_for = 0
        proofs = Seen(self.disk)
        biller, keeper = Biller(self.world, proofs), OpenKeeper(self.world, _OPERATOR)
        silence = SilenceKeeper(self.world, self.world.now_ms())
        self.jobs: list[tuple[str, Callable[[], Any]]] = [
            ("bill", biller.round),
            ("tidy", lambda: holds.tidy(self.world)),
            ("open", keeper.round),
            ("silence", silence.round),
            ("checkpoint", self.log.process(cast("JournalPort", self.journal), self.dice).step),
        ]
        for actor in self.actors:
            actor.began()
            self.jobs += actor.jobs()
        self.spoil_process(self)

    def kill(self) -> list[str]:
        """End the process where it is; return where that was."""
        self.commits += self.journal.asked
        self.waits += self.driver.suspended
        self.journal.die()
        for site in self.sites:
            site.cut()
        return self.driver.die()

    def run(self) -> None:
        """Play the storm, then let it calm down and everything come to its end."""
        with swapped(log_keeper, "asyncio", IN_LINE):
            self._run()

    def _run(self) -> None:
        after = AFTER if any(actor.left for actor in self.actors) else 0
        while after > 0 or not self._over():
            after -= self._over()
            self._step()
        self.calm = True
        self._settle()
        self.journal.broken = None
        for minutes in CALM:
            self.clock.at += timedelta(minutes=minutes)
            for site in self.sites:
                self.traffic.beat(site)
                self._settle()
            for actor in self.actors:
                actor.act()
                self._settle()
            for name, job in self.jobs:
                self.driver.start(name, job(), self.done)
                self._settle()
        self.counted |= self.world.counters.keys()
        self.kill()
        self.restart()

    def _over(self) -> bool:
        return all(site.done for site in self.sites) and not any(actor.unfinished for actor in self.actors)

    def still(self) -> World:
        """Return the world as it is on the disk, now that nothing happens any more."""
        return made(self, self.disk, f"{self.seed}/after")

    def documents(self, kind: str) -> list[Put]:
        """Return what is on the disk of a kind, to look at and to draw from."""
        return [put for (known, _), put in sorted(self.disk.documents_by_key.items()) if known == kind]

    def done(self, came_to: Any) -> None:
        """Take what something came to that nobody waits for."""
        if isinstance(came_to, StoreError):
            self.texts.append(str(came_to))
        elif isinstance(came_to, Exception):
            raise came_to

    def _settle(self) -> None:
        while self.driver.running:
            self._step()

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            broken(1, f"no end after {MAX_STEPS} steps: somebody waits for ever")
        self.faults.maybe()
        if self.journal.broken is not None:
            self.broken_for += 1
            if self.broken_for > 20 and not self.driver.step():
                self.broken_for = 0
                self.journal.recover()
                self.journal.broken = None
                return
        acts: list[Callable[[], None]] = [self._go_on, self._go_on, self._go_on, self._flush, self._flush]
        if not self.calm:
            acts += [self.traffic.live, self.traffic.send, self.traffic.send, self._do_a_job, self._go_on]
            acts += [actor.act for actor in self.actors]
        self.dice.choice(acts)()

    def _go_on(self) -> None:
        self.driver.step()

    def _flush(self) -> None:
        if self.journal.queue:
            self.journal.flush(self.dice.randint(1, len(self.journal.queue)))

    def _do_a_job(self) -> None:
        if self.dice.random() < 0.05:
            self.traffic.stranger()
            return
        name, job = self.dice.choice(self.jobs)
        if not self.driver.busy(name):
            self.driver.start(name, job(), self.done)


def storm(seed: int, **more: Any) -> Storm:
    """Return the storm of a seed; `weather` and others of its fields in the place of what would be drawn."""
    return Storm(seed, more.pop("weather", None) or Weather.drawn(dice(f"weather {seed}"), ACTORS), **more)
