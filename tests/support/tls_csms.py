"""A CSMS's front door in this process: real sockets, real TLS, the doorman and the files it follows."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.cpo_world import enrol, make_world
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from wattseal.app.cpo.endpoint import make_endpoint
from wattseal.app.cpo.stations import StationPorts, close_what_is_revoked, listen_for_stations
from wattseal.app.doorman import Doorman
from wattseal.app.metrics import Traffic
from wattseal.app.settings import Serve, Tls
from wattseal.app.system import SystemClock
from wattseal.app.tls import TlsKeeper, make_proxies
from wattseal.crypto.passwords import digest_password
from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.serve.ocpp_ws import OcppServer
from wattseal.stores.authority import AuthorityFiles

PASSWORD = b"sixteen bytes pw"
DIGEST = digest_password(PASSWORD, bytes(16))


@dataclass
class FrontDoor:
    world: World
    server: OcppServer
    doorman: Doorman
    tls: TlsKeeper
    ports: StationPorts

    def url(self, name: str, kind: str = "wss") -> str:
        port = {"ws": self.ports.ws, "wss": self.ports.wss, "mutual": self.ports.mutual}[kind]
        return f"{'ws' if kind == 'ws' else 'wss'}://127.0.0.1:{port}/ocpp/{name}"

    def dial(
        self,
        name: str,
        kind: str = "wss",
        *,
        tls: ssl.SSLContext | None = None,
        password: bytes | None = PASSWORD,
        headers: dict[str, str] | None = None,
        version: str = "2.0.1",
    ) -> connect:
        basic = base64.b64encode(name.encode() + b":" + (password or b"")).decode()
        own = {} if password is None else {"Authorization": f"Basic {basic}"}
        return connect(
            self.url(name, kind),
            subprotocols=[Subprotocol(f"ocpp{version}")],
            additional_headers=own | (headers or {}),
            ssl=tls,
            proxy=None,
            compression=None,
            close_timeout=1,
        )

    async def status(self, name: str, kind: str = "wss", **options: Any) -> int:
        """Return 101 where the station is let in and answered, else the status it is refused with."""
        try:
            async with self.dial(name, kind, **options) as socket:
                await heartbeat(socket)
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    async def enrol(self, name: str, **more: Any) -> None:
        await enrol(self.world, Station(id=name, **{"password_digest": DIGEST, **more}))

    async def reload(self) -> bool:
        """Do what the timer does."""
        changed = await self.tls.refresh()
        if changed:
            await close_what_is_revoked(self.doorman, self.server)
        return changed

    def profile(self, name: str) -> int:
        """Return the profile of a station's living connection."""
        return next(c.admitted.profile for c in self.server.connections.values() if c.station_id == name)


async def heartbeat(socket: ClientConnection) -> None:
    await socket.send('[2,"1","Heartbeat",{}]')
    assert json.loads(await asyncio.wait_for(socket.recv(), 10))[0] == 3


@asynccontextmanager
async def front_door(data: Path, tls: Tls | None = None, **serve: Any) -> AsyncIterator[FrontDoor]:
    """Serve the listeners of `serve` (`wss_port`, `mutual_port`, 0 for a free one) under the settings `tls`."""
    settings = tls or Tls()
    world = make_world()
    world.clock = SystemClock()
    keeper = TlsKeeper(settings, AuthorityFiles(data), world.clock, world.count)
    chosen = Serve(ocpp_port=0, **serve)
    doorman = Doorman(world, allow_profile_0=chosen.allow_profile_0, trust=lambda: keeper.trust)
    server = OcppServer(make_endpoint(world, doorman, Traffic(), make_proxies(settings)))
    async with AsyncExitStack() as stack:
        ports = await listen_for_stations(chosen, server, keeper, stack)
        yield FrontDoor(world, server, doorman, keeper, ports)
