"""One storm: a CPO's core, stations and an eMSP, and a schedule of faults drawn from a seed.

The process is killed wherever anything waits, commits fail before and after they are durable, messages are lost,
doubled, told out of order, swallowed on the way, clocks jump by a day, stations reboot, the eMSP is slow or silent.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, cast

from tests.simulation.checkpoints import IN_LINE, Log
from tests.simulation.disk import Disk, Journal
from tests.simulation.driver import Driver, Pause, place_of
from tests.simulation.site import Message, Site
from tests.support.cpo_world import AT, LOG, SeededRandom, TestPartners, add_token, make_world, signing_key
from tests.support.money import energy_tariff
from tests.support.paying import card_of, pay_in
from tests.support.proved import Proved, register

from wattseal.app import log_keeper
from wattseal.base.errors import StoreError
from wattseal.flow.charges.open_transactions import OpenKeeper
from wattseal.flow.documents import put_station
from wattseal.flow.handle import handle
from wattseal.flow.money import holds
from wattseal.flow.money.accounts import open_account
from wattseal.flow.money.billing import Biller
from wattseal.flow.money.tariff_changes import set_tariff
from wattseal.flow.money.tariffs import tariff_for
from wattseal.flow.ports import Batch
from wattseal.flow.ports import Journal as JournalPort
from wattseal.flow.settings import Settings
from wattseal.flow.stations.silence import SilenceKeeper
from wattseal.flow.world import World
from wattseal.lab.null import swapped
from wattseal.model.account import Account, AccountKind
from wattseal.model.principal import Principal
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.token import TokenStatus
from wattseal.rules.billing_policy import BillingPolicy
from wattseal.seal.chain import NO_HEAD
from wattseal.seal.fields import Decision
from wattseal.seal.item import ClockQuality, Kind, parse_item
from wattseal.seal.registry import Entry, Role, Use
from wattseal.seal.writer import Draft, SubjectKeys, Writer
from wattseal.wire.ocpp.rpc import Call, Connection
from wattseal.wire.ocpp.version import Refusal, Version

V16, V201, V21 = Version
SETTINGS = Settings(billing=BillingPolicy(wait_ms=0))
MSP = signing_key("msp")
DAY = timedelta(days=1)
STRANGERS = (
    Principal(cast("Any", "other"), "ST0", frozenset({"station"}), frozenset({"station"})),
    Principal(cast("Any", "default"), "ST0", frozenset(), frozenset()),
    Principal(cast("Any", "default"), "NOBODY", frozenset({"station"}), frozenset({"station"})),
)
"""Peers that are not who they say, or are nobody here."""
MAX_STEPS = 60_000
CALM = (0, 2, 2, 2, 2, 120, 120)
"""Minutes between the rounds in which nothing goes wrong any more, stations are heard, and all comes to its end."""


class BrokenPromiseError(AssertionError):
    """A promise (1 to 12) that did not hold."""

    def __init__(self, promise: int, text: str) -> None:
        super().__init__(f"promise {promise}: {text}")
        self.promise = promise


@dataclass(frozen=True)
class Weather:
    """How often what happens, each the chance at one step; `crash_at` kills at exactly that wait, and never else."""

    crash: float = 0.0
    crash_at: int | None = None
    fail: float = 0.0
    lose: float = 0.0
    double: float = 0.0
    disorder: float = 0.0
    swallow: float = 0.0
    reboot: float = 0.0
    jump: float = 0.0
    silent: float = 0.0
    sessions: int = 2
    faults: int = 12

    @classmethod
    def drawn(cls, dice: Random) -> "Weather":
        """Draw one: some faults are there, others are not, so that each combination is seen."""

        def chance(*some: float) -> float:
            return dice.choice((0.0, *some))

        return cls(
            crash=chance(0.002, 0.01, 0.04),
            fail=chance(0.02, 0.1),
            lose=chance(0.1, 0.3),
            double=chance(0.1, 0.3),
            disorder=chance(0.3, 1.0),
            swallow=chance(0.0, 0.05),
            reboot=chance(0.01, 0.05),
            jump=chance(0.0, 0.01),
            silent=chance(0.2, 0.5),
            sessions=dice.randint(1, 3),
            faults=dice.randint(3, 20),
        )


@dataclass
class StormClock:
    """The CSMS's clock: true time, and what it is off by."""

    at: datetime = AT
    off: timedelta = timedelta(0)

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at + self.off


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
    survey: dict[str, int] | None = None
    """Where given, it is told at which places of the code anything waits, and after how many waits first."""
    happened: Counter[str] = field(default_factory=Counter)
    died_at: set[str] = field(default_factory=set)
    log: Log = field(init=False)
    world: World = field(init=False)
    journal: Journal = field(init=False)
    driver: Driver = field(init=False)
    sites: list[Site] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    counted: set[str] = field(default_factory=set)
    account: str = ""
    calm: bool = False

    def __post_init__(self) -> None:
        self.dice = dice(self.seed)
        self.starts = self.steps = self.broken_for = 0
        self.msp_writer = Writer.new("MSP/words", LOG, MSP, SeededRandom("msp").bytes)
        _, self.msp_head = self.msp_writer.append(NO_HEAD, 0, Draft(Kind.BOOT, 1, ClockQuality.SYNCHRONISED), None)
        self.log = Log(self.folder / "log", self.clock)
        self._prepare()
        self.sites = [
            Site(f"ST{n}", version, dice(f"{self.seed}/{n}"), self._ms(), self.weather.sessions, tokens)
            for n, (version, tokens) in enumerate(PLACES)
        ]
        self.restart()

    def restart(self) -> None:
        """Start the process on what is on the disk."""
        self.starts += 1
        self.journal = Journal(self.disk)
        self.world = self._made(cast("JournalPort", self.journal), f"{self.seed}/{self.starts}")
        self.driver = Driver(self.dice)
        self.broken_for = 0
        proofs = Proved(self.disk)
        biller, keeper = Biller(self.world, proofs), OpenKeeper(self.world, _OPERATOR)
        silence = SilenceKeeper(self.world, self.world.now_ms())
        self.jobs: list[tuple[str, Callable[[], Any]]] = [
            ("bill", biller.round),
            ("tidy", lambda: holds.tidy(self.world)),
            ("open", keeper.round),
            ("silence", silence.round),
            ("checkpoint", self.log.process(cast("JournalPort", self.journal), self.dice).step),
        ]
        self.spoil_process(self)

    def run(self) -> None:
        """Play the storm, then let it calm down and everything come to its end."""
        with swapped(log_keeper, "asyncio", IN_LINE):
            self._run()

    def _run(self) -> None:
        while not all(site.done for site in self.sites):
            self._step()
        self.calm = True
        self._settle()
        self.journal.broken = None
        for minutes in CALM:
            self.clock.at += timedelta(minutes=minutes)
            for site in self.sites:
                self._beat(site)
            for name, job in self.jobs:
                self.driver.start(name, job(), self._done)
                self._settle()
        self.counted |= self.world.counters.keys()
        self._kill()
        self.restart()

    def still(self) -> World:
        """Return the world as it is on the disk, now that nothing happens any more."""
        return self._made(self.disk, f"{self.seed}/after")

    def _settle(self) -> None:
        while self.driver.running:
            self._step()

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise BrokenPromiseError(1, f"no end after {MAX_STEPS} steps: somebody waits for ever")
        self._maybe_fault()
        if self.journal.broken is not None:
            self.broken_for += 1
            if self.broken_for > 20 and not self.driver.step():
                self.broken_for = 0
                self.journal.recover()
                self.journal.broken = None
                return
        acts: list[Callable[[], None]] = [self._go_on, self._go_on, self._go_on, self._flush, self._flush]
        if not self.calm:
            acts += [self._live, self._send, self._send, self._do_a_job, self._go_on]
        self.dice.choice(acts)()

    def _go_on(self) -> None:
        self.driver.step()

    def _flush(self) -> None:
        if self.journal.queue:
            self.journal.flush(self.dice.randint(1, len(self.journal.queue)))

    def _live(self) -> None:
        site = self.dice.choice(self.sites)
        if len(site.queue) < 4:
            site.live_on()
            self._follow(site)

    def _follow(self, site: Site) -> None:
        self.clock.at = max(self.clock.at, datetime.fromtimestamp(site.now_ms / 1000, UTC))

    def _send(self) -> None:
        site = self.dice.choice(self.sites)
        able = site.sendable()
        if not able or self.driver.busy(site.name):
            return
        message = able[0]
        if self._draw(self.weather.disorder) and "BootNotification" not in {m.action for m in able}:
            message = self.dice.choice(able)
            self.happened["told out of order"] += message is not able[0]
        if self._draw(self.weather.swallow) and (gone := site.swallow()) is not None:
            self._tell("swallowed", f"{site.name} {gone.action} {gone.sent}")
            return
        frame = site.frame(message, again=self.dice.random() < 0.5)
        self.trace(f"  {site.name} > {frame.decode()}")
        if self._draw(self.weather.lose):
            self._tell("lost", f"{site.name} {message.message_id}")
            site.cut()
            return
        self._arrive(site, message, frame)

    def _arrive(self, site: Site, message: Message, frame: bytes) -> None:
        event = Connection(site.version).receive(frame, self.clock.now())
        assert isinstance(event, Call), event
        connection = site.connection
        principal = Principal(self.world.tenant, site.name, frozenset({"station"}), frozenset({"station"}))

        def told(came_to: Any) -> None:
            self._answer(site, message, connection, came_to)
            if self._draw(self.weather.double):
                self._tell("doubled", f"{site.name} {message.message_id}")
                self.driver.start(site.name, handle(self.world, principal, site.version, event), self._done)

        self.driver.start(site.name, handle(self.world, principal, site.version, event), told)

    def _answer(self, site: Site, message: Message, connection: int, came_to: Any) -> None:
        self.trace(f"  {site.name} < {message.message_id} {came_to!r}")
        if isinstance(came_to, StoreError):
            self.texts.append(str(came_to))
            site.cut()
        elif isinstance(came_to, Exception):
            raise came_to
        elif isinstance(came_to, Refusal):
            self.texts.append(str(came_to))
            if message.session is not None:
                raise BrokenPromiseError(1, f"a message of a transaction was refused: {came_to}")
            site.cut()
        elif self._draw(self.weather.lose):
            self._tell("answer lost", f"{site.name} {message.message_id}")
            site.cut()
        else:
            site.answered(message, connection, came_to)

    def _beat(self, site: Site) -> None:
        event = Connection(site.version).receive(b'[2,"beat","Heartbeat",{}]', self.clock.now())
        assert isinstance(event, Call)
        principal = Principal(self.world.tenant, site.name, frozenset({"station"}), frozenset({"station"}))
        self.driver.start(site.name, handle(self.world, principal, site.version, event), self._done)
        self._settle()

    def _do_a_job(self) -> None:
        if self.dice.random() < 0.05:
            self._stranger()
            return
        name, job = self.dice.choice(self.jobs)
        if not self.driver.busy(name):
            self.driver.start(name, job(), self._done)

    def _stranger(self) -> None:
        """Have somebody speak who is not let in; nothing on the disk may follow from it."""
        frame = b'[2,"x","Heartbeat",{}]'
        event = Connection(V16).receive(frame, self.clock.now())
        assert isinstance(event, Call)

        def told(came_to: Any) -> None:
            if isinstance(came_to, StoreError):
                return
            if not isinstance(came_to, Refusal):
                raise BrokenPromiseError(8, f"a stranger was answered {came_to!r}")
            self.texts.append(str(came_to))

        self.driver.start("stranger", handle(self.world, self.dice.choice(STRANGERS), V16, event), told)

    def _done(self, came_to: Any) -> None:
        if isinstance(came_to, StoreError):
            self.texts.append(str(came_to))
        elif isinstance(came_to, Exception):
            raise came_to

    def _draw(self, chance: float) -> bool:
        if self.calm or not chance or self.happened.total() >= self.weather.faults:
            return False
        return self.dice.random() < chance

    def _tell(self, what: str, detail: str = "") -> None:
        self.happened[what] += 1
        self.trace(f"{self.steps:6} {what} {detail}")

    def _maybe_fault(self) -> None:
        weather, driver = self.weather, self.driver
        if self.survey is not None and driver.last is not None:
            self.survey.setdefault(place_of(driver.last.coroutine), driver.suspended)
        due = weather.crash_at is not None and driver.suspended >= weather.crash_at and self.starts == 1
        if due or self._draw(weather.crash / 4):
            self._crash()
        elif self.journal.queue and self._draw(weather.fail):
            kept = self.dice.choice((0, 0, 1, len(self.journal.queue)))
            self._tell("commit failed", f"{min(kept, len(self.journal.queue))} of {len(self.journal.queue)} kept")
            self.journal.fail(StoreError("the disk is full", code="disk_full"), kept)
        elif self._draw(weather.reboot / 4):
            site = self.dice.choice(self.sites)
            self._tell("rebooted", site.name)
            site.reboot()
        elif self._draw(weather.jump):
            self.clock.off = self.dice.choice((-DAY, timedelta(0), DAY))
            self._tell("clock jumped", str(self.clock.off))

    def _crash(self) -> None:
        flushed = self.dice.randint(0, len(self.journal.queue))
        self.journal.flush(flushed)
        self.lose_power(self)
        self.counted |= self.world.counters.keys()
        places = self._kill()
        self.died_at.update(place for place in places if place)
        self._tell("died", f"{flushed} more commits durable; at {', '.join(filter(None, places))}")
        self.restart()

    def _kill(self) -> list[str]:
        self.journal.die()
        for site in self.sites:
            site.cut()
        return self.driver.die()

    def _ms(self) -> int:
        return round(self.clock.at.timestamp() * 1000)

    def _made(self, journal: JournalPort, seed: str) -> World:
        world = make_world(journal, SETTINGS, seed=seed)
        world.clock = self.clock
        world.registry.trust(Entry(1, "MSP/*", Role.EMSP, "MSP", "MSP", MSP.public.spki, Use.SIGN, 0))
        assert isinstance(world.partners, TestPartners)
        world.partners.parties_by_name["MSP"] = self._emsp
        return world

    def _prepare(self) -> None:
        """Set up what was there before: stations, tokens, an account with money on it, a tariff."""
        world = self._made(self.disk, f"{self.seed}/before")

        async def prepare() -> str:
            await register(world)
            for n in range(len(PLACES)):
                station = Station(id=f"ST{n}", evses=(EvseEnrolment(id=1),))
                await world.journal.commit(Batch(world.tenant, puts=(put_station(station, 0),)))
            await set_tariff(world, energy_tariff())
            prepaid = await open_account(world, Account("", AccountKind.PREPAID, "EUR", Decimal(0)), "test")
            await pay_in(world, prepaid, 50)
            await card_of(world, prepaid, "COINS")
            await add_token(world, "CARD")
            await add_token(world, "BLOCKED", TokenStatus.BLOCKED)
            await add_token(world, "GUEST", party="MSP")
            current = await tariff_for(world, Station(id="ST0"), None, world.now_ms())
            assert current is not None
            self.account = prepaid.id
            return current.record

        try:
            prepare_it = prepare()
            while True:
                prepare_it.send(None)
        except StopIteration as ended:
            self.tariff = bytes.fromhex(ended.value)

    async def _emsp(self, _party: str, items: Sequence[bytes]) -> tuple[bytes, ...] | None:
        """Decide as an eMSP does: after a while, or never in time."""
        until = self.steps + self.dice.choice((0, 5, 60))
        await Pause(lambda: self.steps >= until)
        if self._draw(self.weather.silent):
            self._tell("eMSP silent")
            return None
        request = parse_item(items[0])
        public = Decision(TokenStatus.ACCEPTED, b"a" * 16, 2_000_000_000_000).to_public()
        refs = (request.hash, self.tariff)
        draft = Draft(Kind.DECISION, self._ms(), ClockQuality.SYNCHRONISED, refs=refs, public=public)
        keys = SubjectKeys(request.payload.subject or b"", bytes(32))
        item, self.msp_head = self.msp_writer.append(self.msp_head, 0, draft, keys)
        return (item.encode(),)


_OPERATOR = Principal(cast("Any", "default"), "system", frozenset({"operator"}), frozenset({"operator"}))
PLACES: tuple[tuple[Version, tuple[str, ...]], ...] = (
    (V16, ("CARD", "COINS", "NOBODYS", "BLOCKED")),
    (V201, ("CARD", "COINS", "GUEST")),
    (V21, ("GUEST", "COINS", "CARD", "NOBODYS")),
)


def dice(seed: int | str) -> Random:
    """Return what draws faults, the same for the same seed."""
    return Random(seed)  # noqa: S311 - it draws faults, not keys


def storm(seed: int, **more: Any) -> Storm:
    """Return the storm of a seed; `weather` and others of its fields in the place of what would be drawn."""
    return Storm(seed, more.pop("weather", None) or Weather.drawn(dice(f"weather {seed}")), **more)
