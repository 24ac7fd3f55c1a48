"""The door of a CPO whose clock is moved: its OCPP endpoint as `wattseal serve` puts it together, on a real socket."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from wattseal.app.cpo.endpoint import make_endpoint
from wattseal.app.cpo.tenant import SYSTEM
from wattseal.app.doorman import Doorman
from wattseal.app.lines import StationLines
from wattseal.base.ids import StationId
from wattseal.flow.commands import Outcome, send
from wattseal.flow.fleet.enrol import enrol_station
from wattseal.lab.grounds.clockwork import Clockwork
from wattseal.lab.means.dialler import Line, dial
from wattseal.model.message import Command
from wattseal.model.station import EvseEnrolment, Station
from wattseal.net.websocket import Limits
from wattseal.serve.ocpp_ws import OcppServer

PASSWORD_OF = "password of {}"  # noqa: S105 - one for each station of a ground that lives for seconds


@dataclass(slots=True)
class Door:
    """The endpoint of `clockwork`, listening; sockets, pings and waits run on the machine's own time."""

    clockwork: Clockwork
    server: OcppServer
    doorman: Doorman
    session: aiohttp.ClientSession
    port: int
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where stations dial."""
        return f"ws://127.0.0.1:{self.port}/ocpp"

    async def enrol(self, station: str, password: str | None = None) -> None:
        """Enrol a station with a password."""
        chosen = self.passwords[station] = password or PASSWORD_OF.format(station)
        await enrol_station(self.clockwork.world, Station(id=station, evses=(EvseEnrolment(id=1),)), chosen.encode())

    @asynccontextmanager
    async def station(self, station: str, version: str = "1.6", **options: Any) -> AsyncIterator[Line]:
        """Dial as an enrolled station with its own password."""
        async with dial(self.session, self.url, station, self.passwords[station], version, **options) as line:
            yield line

    def is_connected(self, station: str) -> bool:
        """Return whether the CSMS takes a station for connected."""
        return self.clockwork.world.lines.version(StationId(station)) is not None

    async def command(self, station: str, command: Command, within_s: float) -> Outcome:
        """Have the operator ask a station something and return what came of it."""
        return await send(self.clockwork.world, SYSTEM, StationId(station), command, within_s)


@asynccontextmanager
async def at_the_door(
    clockwork: Clockwork, limits: Limits | None = None, ids: Callable[[], str] | None = None
) -> AsyncIterator[Door]:
    """Listen for stations of `clockwork`, with other bounds than the product's where waiting would be silly.

    `ids` gives the message ids of calls to stations, drawn at random by default.
    """
    doorman, lines = Doorman(clockwork.world), StationLines()
    endpoint = make_endpoint(clockwork.world, doorman, lines.traffic)
    endpoint = replace(endpoint, limits=limits or endpoint.limits, new_message_id=ids or endpoint.new_message_id)
    server = OcppServer(endpoint)
    lines.attach(server)
    clockwork.world.lines = lines
    port = await server.start("127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession() as session:
            yield Door(clockwork, server, doorman, session, port)
    finally:
        await server.stop(grace_s=1)
