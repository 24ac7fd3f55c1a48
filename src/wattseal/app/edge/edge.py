"""The edge process: a station dials it as its CSMS, and it dials the CSMS as that station."""

import asyncio
import hmac
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from wattseal.app.edge.links import CsmsLink, StationLink
from wattseal.app.edge.memory import EdgeMemory
from wattseal.app.edge.station import BUDGET_S, StationSide
from wattseal.app.edge.trust import DirectoryFile, read_trust, readers_for
from wattseal.app.edge.uplink import CsmsSide
from wattseal.app.patience import Patience
from wattseal.app.stop import stop_signal
from wattseal.app.system import SystemClock, SystemRandom
from wattseal.base.errors import StoreError
from wattseal.base.ids import StationId, TenantId
from wattseal.dial.ocpp import Surroundings, Target
from wattseal.parties.edge.state import Mode, Site
from wattseal.rules.edge_settings import station_settings
from wattseal.seal.writer import Writer
from wattseal.serve.ocpp_ws import Admitted, Arrival, Endpoint, OcppServer, StationConnection
from wattseal.stores.edge_home import EdgeHome
from wattseal.stores.sqlite import SqliteJournal
from wattseal.wire.ocpp.rpc import Call
from wattseal.wire.ocpp.version import Refusal, Version

PATHS = ("/ocpp/", "/")
"""A station may point at the edge with the CSMS's path or with none."""
MAX_HEARTBEAT_S = 300.0
PACE_S = 10.0
RESTART_S = 1.0
_LOOPBACK = ("127.", "::1")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """What an edge is told. `password` is the station's, towards edge and CSMS alike.

    `seal_for` are the parties that may read meter values; `route` is the one that decides on authorisations and is
    told the token. `heartbeat_s` is at most 300. `pace_s` is how often a message goes up while a car charges; what is
    only signed needs none. With `signed_commands` an edge from before lets no unsigned command pass from now on, as one
    that begins anew never does.
    """

    data: Path
    trust: Path
    station: StationId
    upstream: str
    host: str = "127.0.0.1"
    port: int = 0
    password: bytes | None = None
    party: str = "CPO"
    route: str = "MSP"
    seal_for: tuple[str, ...] = ("MSP",)
    mode: Mode = Mode.SEALED
    log_origin: str | None = None
    directory: Path | None = None
    heartbeat_s: float = MAX_HEARTBEAT_S
    budget_s: float = BUDGET_S
    pace_s: float = PACE_S
    signed_commands: bool = False

    @property
    def origin(self) -> str:
        """Whose chains this edge writes."""
        return f"{self.party}/{self.station}"


class Edge:
    """One running edge."""

    def __init__(self, settings: EdgeSettings, home: EdgeHome, journal: SqliteJournal) -> None:
        """Put the parts together; nothing runs before `run`."""
        clock, random = SystemClock(), SystemRandom()
        registry = read_trust(settings.trust)
        self._settings = settings
        self._patience = Patience()
        self._clock = clock
        site = Site(
            station_id=settings.station,
            version=Version.V16.value,
            mode=settings.mode,
            route=settings.route,
            readers=readers_for(registry, settings.mode, settings.route, settings.seal_for),
            writer=Writer.new(
                settings.origin, settings.log_origin or f"{settings.party}/log", home.sign_key(), random.bytes
            ),
            registry=registry,
            token_key=home.memory_key(),
            heartbeat_ms=int(min(settings.heartbeat_s, MAX_HEARTBEAT_S) * 1000),
        )
        self._memory = EdgeMemory(journal, TenantId(settings.party), site, clock)
        journal.doubt(self._memory.doubt)
        self._station = StationLink()
        target = Target(settings.upstream, settings.station, (), settings.password)
        self._csms = CsmsLink(target, Surroundings(clock, random), self._from_csms, self._came)
        directory = DirectoryFile(
            settings.directory or home.path / "directory",
            home.path / "directory-newest",
            settings.origin,
            route=settings.route,
            registry=registry,
            key=home.seal_key(),
        )
        self._up = StationSide(
            self._memory,
            self._csms,
            directory=directory.current,
            budget_s=settings.budget_s,
            booted=self._booted,
        )
        pace_s = settings.pace_s if settings.mode is Mode.SEALED else None
        self._down = CsmsSide(self._memory, self._csms, self._station, pace_s)
        self._server = OcppServer(
            Endpoint(
                authenticate=self._authenticate,
                handle=self._from_station,
                clock=clock,
                new_message_id=lambda: random.bytes(16).hex(),
                ready=lambda: journal.healthy,
                connected=self._station_came,
                disconnected=self._station.gone,
                paths=PATHS,
            )
        )
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, ready: Callable[[int], None], stop: asyncio.Event) -> None:
        """Serve until `stop`; `ready` is told the port."""
        known = await self._memory.load()
        if self._settings.signed_commands:
            await self._down.gate.require()
        elif not self._memory.state.commands.required:
            _log.warning("unsigned_commands_pass", until="the first signed one")
        if known:
            self._csms.dial(Version(self._memory.site.version))
        port = await self._server.start(self._settings.host, self._settings.port)
        for work in (self._down.deliver, self._tick):
            self._start(self._keep_going(work))
        ready(port)
        await stop.wait()
        await self._server.stop()
        await self._csms.close()
        for task in tuple(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("edge_task_failed", error=type(error).__name__)

    async def _keep_going(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do endless work, beginning anew where it fails, such as on a full disk."""
        while True:
            try:
                await work()
            except StoreError as error:
                _log.warning("journal_refused", code=error.code)
            except Exception:  # noqa: BLE001 - an edge that stands still loses charges, one that tries again does not
                _log.exception("edge_work_failed")
            await asyncio.sleep(RESTART_S)

    async def _tick(self) -> None:
        pause_s = max(0.25, min(self._settings.heartbeat_s / 4, 15.0))
        while True:
            await asyncio.sleep(pause_s)
            await self._down.tick()

    async def _authenticate(self, arrival: Arrival) -> Admitted | None:
        expected, given = self._settings.password, arrival.password
        if arrival.station_id != self._settings.station:
            await self._patience.punish(arrival.station_id, arrival.remote)
            return None
        if expected is None:
            fits = arrival.remote.startswith(_LOOPBACK)
        else:
            fits = given is not None and hmac.compare_digest(given, expected)
        if not fits:
            await self._patience.punish(arrival.station_id, arrival.remote)
            return None
        self._patience.forgive(arrival.station_id, arrival.remote)
        return Admitted(arrival.station_id)

    def _station_came(self, connection: StationConnection) -> None:
        self._station.came(connection)
        self._start(self._speak(connection.version))

    async def _speak(self, version: Version) -> None:
        if version.value != self._memory.site.version:
            await self._memory.speaks(version.value)
        self._csms.dial(version)

    async def _from_station(self, connection: StationConnection, call: Call) -> bytes | Refusal:
        if connection.version.value != self._memory.site.version:
            await self._speak(connection.version)
        return await self._up.handle(call)

    async def _from_csms(self, call: Call) -> bytes | Refusal:
        return await self._down.handle(call)

    def _came(self) -> None:
        self._down.came()

    def _booted(self) -> None:
        self._start(self._set_up_station())

    async def _set_up_station(self) -> None:
        for action, payload in station_settings(self._memory.site.version):
            await self._station.ask(action, payload)


async def run_edge(settings: EdgeSettings, ready: Callable[[int], None] = lambda _port: None) -> None:
    """Run an edge until SIGTERM or SIGINT. `ConfigError` where directory, trust file or keys cannot be used."""
    with await asyncio.to_thread(EdgeHome.open, settings.data, SystemRandom()) as home:
        journal = await SqliteJournal.open(home.journal)
        try:
            edge = Edge(settings, home, journal)
            async with stop_signal() as stop:
                await edge.run(ready, stop)
        finally:
            await journal.close()
