"""A fleet of simulated stations in one process, to try a CSMS with: many stations, mixed versions, scenarios."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from wattseal.app.station import Station
from wattseal.app.station_plan import Plan, Report, Settings
from wattseal.base.errors import InputError
from wattseal.dial.ocpp import Backoff
from wattseal.net.conversation import Outcome
from wattseal.parties.station import Fate
from wattseal.wire.ocpp.rpc import CallError, CallResult
from wattseal.wire.ocpp.version import Version

MAX_STATIONS = 50_000
MAX_LATENCIES = 200_000
"""Latencies kept per action; of more messages only the first so many count for the percentiles."""
ENDLESS = 2**31
SETTLE_S = 60.0
"""How long stations may take at the end until everything is acknowledged."""


class Scenario(StrEnum):
    """What happens to the fleet.

    `day`: drivers come and go. `offline`: half-way a share of the stations loses its network and goes on charging.
    `herd`: half-way every connection ends at once.
    """

    DAY = "day"
    OFFLINE = "offline"
    HERD = "herd"


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """A fleet: `member` is what all stations have in common, its station_id their prefix.

    `mix` gives the versions' shares; `connect_per_s` how many stations dial at first; after `duration_s` no more
    drivers come. `outage_s` and `share` belong to the scenario `offline`.
    """

    member: Settings
    count: int
    mix: Mapping[Version, int]
    duration_s: float
    connect_per_s: float = 200.0
    scenario: Scenario = Scenario.DAY
    outage_s: float = 10.0
    share: float = 0.5


@dataclass(frozen=True, slots=True)
class Timing:
    """Calls of one action: how many were answered, how many refused or never answered, and how long answers took."""

    answered: int
    refused: int
    unanswered: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class FleetReport:
    """What came of it. `ok`: every session that was started has been acknowledged to its end."""

    ok: bool
    stations: int
    connected_peak: int
    versions: Mapping[str, int]
    sessions: Mapping[str, int]
    refused_tokens: int
    waiting: int
    disconnections: int
    back_after_s: float | None
    actions: Mapping[str, Timing]


def parse_mix(text: str) -> dict[Version, int]:
    """Read shares such as "1.6=50,2.0.1=40,2.1=10"; an `InputError` says how they are written."""
    mix: dict[Version, int] = {}
    for part in text.split(","):
        name, _, share = part.strip().partition("=")
        if name not in set(Version) or not share.isdecimal() or Version(name) in mix:
            raise InputError('shares are written like "1.6=50,2.0.1=40,2.1=10"', code="bad_mix", subject=part)
        mix[Version(name)] = int(share)
    if not sum(mix.values()):
        raise InputError("at least one version has a share above 0", code="bad_mix", subject=text)
    return mix


def versions_of(mix: Mapping[Version, int], count: int) -> list[Version]:
    """Return the version of each station: in every stretch of stations the shares are as close as they can be."""
    total = sum(mix.values())
    given: Counter[Version] = Counter()
    out = []
    for number in range(1, count + 1):
        behind = max(mix, key=lambda version: mix[version] * number / total - given[version])
        given[behind] += 1
        out.append(behind)
    return out


@dataclass(slots=True)
class _Actions:
    """Counts calls by action."""

    latencies_s: dict[str, list[float]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)

    def observe(self, action: str, seconds: float, outcome: Outcome) -> None:
        match outcome:
            case CallResult():
                self.answered[action] += 1
                kept = self.latencies_s.setdefault(action, [])
                if len(kept) < MAX_LATENCIES:
                    kept.append(seconds)
            case CallError():
                self.refused[action] += 1
            case _:
                self.unanswered[action] += 1

    def timings(self) -> dict[str, Timing]:
        names = sorted({*self.answered, *self.refused, *self.unanswered})
        return {name: self._timing(name) for name in names}

    def _timing(self, name: str) -> Timing:
        ordered = sorted(self.latencies_s.get(name, ()))
        p50_s, p99_s = (ordered[len(ordered) * share // 100] if ordered else 0.0 for share in (50, 99))
        counts = self.answered[name], self.refused[name], self.unanswered[name]
        return Timing(*counts, round(1e3 * p50_s, 2), round(1e3 * p99_s, 2))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the fleet is."""

    connected: int
    started: int
    ended: int
    messages: int


class Fleet:
    """Many stations. `run` charges as the settings say and returns what came of it."""

    def __init__(self, settings: FleetSettings) -> None:
        """Check the settings; dial nothing yet."""
        if not 1 <= settings.count <= MAX_STATIONS:
            raise InputError(f"a fleet has 1 to {MAX_STATIONS} stations", subject="count")
        self.settings = settings
        self._versions = versions_of(settings.mix, settings.count)
        self._connected: set[int] = set()
        self._peak = 0
        self._events: Counter[str] = Counter()
        self._actions = _Actions()
        self._back: asyncio.Event | None = None
        self._back_after_s: float | None = None

    @property
    def progress(self) -> Progress:
        """Return how far the fleet is."""
        messages = sum(self._actions.answered.values())
        return Progress(len(self._connected), self._events["started"], self._events["ended"], messages)

    async def run(self) -> FleetReport:
        """Connect, charge, let the scenario happen, wind down."""
        stations = [self._station(number) for number in range(self.settings.count)]
        try:
            async with asyncio.TaskGroup() as group:
                await self._live(stations, group)
        except* InputError as refused:
            raise refused.exceptions[0] from None
        return self._report([station.report(1) for station in stations])

    async def _live(self, stations: list[Station], group: asyncio.TaskGroup) -> None:
        tasks = []
        for number, station in enumerate(stations):
            tasks.append(group.create_task(station.run()))
            if number % 10 == 9:
                await asyncio.sleep(10 / self.settings.connect_per_s)
        await self._happen(stations)
        for station in stations:
            station.regain_connection()
            station.wind_down()
        _, late = await asyncio.wait(tasks, timeout=SETTLE_S)
        for task in late:
            task.cancel()

    def _station(self, number: int) -> Station:
        member = self.settings.member
        name = f"{member.station_id}{number + 1:05d}"
        plan = replace(member.plan, sessions=ENDLESS)
        own = replace(member, station_id=name, version=self._versions[number], plan=plan)
        return Station(own, self._teller(number), self._actions.observe)

    def _teller(self, number: int) -> Callable[[str, dict[str, object]], None]:
        def tell(event: str, _about: dict[str, object]) -> None:
            self._events[event] += 1
            if event == "connected":
                self._connected.add(number)
                self._peak = max(self._peak, len(self._connected))
                if self._back is not None and len(self._connected) == self.settings.count:
                    self._back.set()
            elif event == "disconnected":
                self._connected.discard(number)

        return tell

    async def _happen(self, stations: list[Station]) -> None:
        half_s = self.settings.duration_s / 2
        await asyncio.sleep(half_s)
        match self.settings.scenario:
            case Scenario.DAY:
                await asyncio.sleep(half_s)
            case Scenario.OFFLINE:
                struck = stations[: round(len(stations) * self.settings.share)]
                for station in struck:
                    station.lose_connection()
                await asyncio.sleep(self.settings.outage_s)
                await self._return(struck)
            case Scenario.HERD:
                for station in stations:
                    station.lose_connection()
                await asyncio.sleep(0)
                await self._return(stations)

    async def _return(self, struck: list[Station]) -> None:
        """Let stations dial again and take the time until all are back, half the duration at most."""
        self._back = asyncio.Event()
        loop = asyncio.get_running_loop()
        began = loop.time()
        for station in struck:
            station.regain_connection()
        try:
            async with asyncio.timeout(max(self.settings.duration_s, SETTLE_S)):
                await self._back.wait()
        except TimeoutError:
            return
        self._back_after_s = round(loop.time() - began, 3)
        await asyncio.sleep(max(0.0, self.settings.duration_s / 2 - self._back_after_s))

    def _report(self, reports: list[Report]) -> FleetReport:
        fates = Counter({fate.value: 0 for fate in Fate})
        for report in reports:
            fates.update(session.fate.value for session in report.sessions)
        started = self._events["started"]
        waiting = sum(report.waiting for report in reports)
        ok = started > 0 and self._events["ended"] == started and not (waiting or fates[Fate.LOST])
        return FleetReport(
            ok=ok,
            stations=len(reports),
            connected_peak=self._peak,
            versions=Counter(str(version) for version in self._versions),
            sessions={"started": started, "ended": self._events["ended"], "lost": fates[Fate.LOST]},
            refused_tokens=sum(report.refused_tokens for report in reports),
            waiting=waiting,
            disconnections=self._events["disconnected"],
            back_after_s=self._back_after_s,
            actions=self._actions.timings(),
        )


def member(settings: Settings, plan: Plan) -> Settings:
    """Return what a fleet's stations have in common: quick to dial again, patient, without a data directory."""
    return replace(settings, plan=plan, data=None, backoff=Backoff(0.2, 5.0), give_up_after_s=None)
