"""Who may connect as which station: Basic authentication, slow to those who guess, never a lock on the real station."""

import asyncio
import ipaddress
from collections import OrderedDict

from wattseal.base.ids import StationId
from wattseal.crypto.passwords import digest_password, password_matches
from wattseal.flow.enrol import enrol_station
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.station import Station

MAX_REMEMBERED = 10_000
"""Pairs of (station, address) whose failures are remembered; the oldest goes."""
FIRST_DELAY_S, MAX_DELAY_S = 0.1, 2.0
_NOBODY = digest_password(b"nobody's password", bytes(16))


class Doorman:
    """Decides on credentials. A wrong password waits, longer each time, before it is told so.

    Failures count per station and address, so that guessing from elsewhere slows nobody at home; a right password is
    never refused. Unknown stations cost as much time as known ones.
    """

    def __init__(self, world: World, *, insecure_dev: bool = False) -> None:
        self._world = world
        self._insecure_dev = insecure_dev
        self._failures: OrderedDict[tuple[str, str], int] = OrderedDict()

    async def authenticate(self, station_id: StationId, password: bytes | None, remote: str) -> StationId | None:
        """Return the station as enrolled, or None."""
        memory = await remember_station(self._world, station_id)
        lenient = self._insecure_dev and is_loopback(remote)
        if memory is None and lenient:
            station = await enrol_station(self._world, Station(id=station_id, ephemeral=True), None)
            return StationId(station.id)
        digest = memory.station.password_digest if memory is not None else None
        if memory is not None and digest is None and lenient:
            return StationId(memory.station.id)
        matches = await asyncio.to_thread(password_matches, password or b"", digest or _NOBODY)
        pair = (station_id.casefold(), remote)
        if matches and password is not None and memory is not None and digest is not None:
            self._failures.pop(pair, None)
            return StationId(memory.station.id)
        await self._wait(pair)
        return None

    async def _wait(self, pair: tuple[str, str]) -> None:
        failures = self._failures.pop(pair, 0) + 1
        self._failures[pair] = failures
        if len(self._failures) > MAX_REMEMBERED:
            self._failures.popitem(last=False)
        self._world.count("authentication_failed")
        await asyncio.sleep(min(FIRST_DELAY_S * 2 ** min(failures, 10) / 2, MAX_DELAY_S))


def is_loopback(remote: str) -> bool:
    """Return whether an address, or the name localhost, is this machine's own."""
    if remote == "localhost":
        return True
    try:
        return ipaddress.ip_address(remote).is_loopback
    except ValueError:
        return False
