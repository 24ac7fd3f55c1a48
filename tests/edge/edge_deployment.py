"""An edge as its own process, between a CSMS on a socket and stock stations of an independent implementation."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.edge.edge_bench import MemoryCsms
from tests.edge.edge_world import ORIGIN, REGISTRY, STATION, entries, key, site
from tests.support.forking import wattseal_command

from wattseal.app.system import SystemRandom
from wattseal.bundle.trust import Root, Trust
from wattseal.model.token import IdToken
from wattseal.parties.edge.state import Site
from wattseal.seal.directory import DirectoryTerms, issue_directory
from wattseal.serve.ocpp_ws import Admitted, Arrival, Endpoint, OcppServer, StationConnection
from wattseal.stores.edge_home import EdgeHome
from wattseal.wire.ocpp.rpc import Call, CallResult
from wattseal.wire.ocpp.version import Refusal

PASSWORD = "0123456789abcdef"


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class SocketCsms:
    """The memory CSMS behind a real WebSocket; keeps every frame as it came."""

    inner: MemoryCsms
    frames: list[bytes] = field(default_factory=list)
    passwords: list[bytes | None] = field(default_factory=list)
    server: OcppServer | None = None
    port: int = 0

    async def start(self) -> None:
        endpoint = Endpoint(self._authenticate, self._handle, WallClock(), lambda: os.urandom(8).hex())
        self.server = OcppServer(endpoint)
        self.port = await self.server.start("127.0.0.1", self.port)

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop(0)
            self.server = None

    async def _authenticate(self, arrival: Arrival) -> Admitted | None:
        self.passwords.append(arrival.password)
        return Admitted(arrival.station_id) if arrival.password == PASSWORD.encode() else None

    async def _handle(self, _connection: StationConnection, call: Call) -> bytes | Refusal:
        self.frames.append(call.raw)
        answer = await self.inner.call(call.action, bytes(call.payload))
        assert isinstance(answer, CallResult)
        return bytes(answer.payload)


@dataclass
class EdgeProcess:
    """`wattseal edge` in a process of its own."""

    folder: Path
    csms: SocketCsms
    more: tuple[str, ...] = ()
    seal_for: str = "MSP,ARB"
    program: tuple[str, ...] = ()
    process: asyncio.subprocess.Process | None = None
    port: int = 0

    async def start(self) -> None:
        command = [
            *(*(self.program or wattseal_command()), "edge", "--json", "--data", str(self.folder / "edge")),
            *("--listen", f"ws://127.0.0.1:{self.port}/", "--upstream", f"ws://127.0.0.1:{self.csms.port}/ocpp"),
            *("--station", STATION, "--trust", str(self.folder / "trust.json"), "--password", PASSWORD),
            *("--seal-for", self.seal_for, "--pace-s", "0.05", *self.more),
        ]
        self.process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert self.process.stdout is not None
        async with asyncio.timeout(30):
            line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the edge exited with {await self.process.wait()}")
        self.port = json.loads(line)["port"]

    async def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(by)
        async with asyncio.timeout(15):
            return await self.process.wait()


@dataclass
class Deployment:
    """Everything that runs."""

    edge: EdgeProcess
    csms: SocketCsms


@asynccontextmanager
async def deployment(
    folder: Path,
    version: str,
    *more: str,
    seal_for: str = "MSP,ARB",
    directory: tuple[IdToken, ...] = (),
    program: tuple[str, ...] = (),
) -> AsyncIterator[Deployment]:
    """Enrol an edge, start it and a CSMS; both are gone afterwards. `directory` is what the eMSP has given the edge.

    The edge is a fork of a program that is started already, unless `program` says what to run.
    """
    with await asyncio.to_thread(EdgeHome.open, folder / "edge", SystemRandom()) as home:
        statements = tuple(entries(home.sign_key().public.spki))
        if directory:
            now_ms = int(WallClock().now().timestamp() * 1000)
            terms = DirectoryTerms("MSP", ORIGIN, now_ms - 1000, now_ms + 600_000, 20_000)
            issued = issue_directory(terms, directory, home.seal_key().public, key("emsp"), os.urandom)
            (folder / "edge" / "directory").write_bytes(issued.encode())
    trust = Trust((Root(REGISTRY, key("root").public, "REG"),), (), (), 1, statements)
    (folder / "trust.json").write_bytes(trust.to_json())
    at: Site = site(version=version)
    csms = SocketCsms(MemoryCsms(at))
    await csms.start()
    edge = EdgeProcess(folder, csms, more, seal_for, program)
    try:
        await edge.start()
        yield Deployment(edge, csms)
    finally:
        await edge.end(signal.SIGKILL)
        await csms.stop()
