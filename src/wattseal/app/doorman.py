"""Who may connect as which station, by security profile; slow to those who guess, never a lock on the real one."""

import asyncio
import contextlib
import ipaddress
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from wattseal.app.patience import Patience
from wattseal.app.proven import Proven
from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import StationId
from wattseal.crypto.certificates import read_certificate
from wattseal.crypto.passwords import digest_password, password_matches
from wattseal.flow.fleet.enrol import change_station, enrol_station
from wattseal.flow.fleet.inbox import note_stranger
from wattseal.flow.identity.guessing import note_guessing
from wattseal.flow.identity.passwords import settle_password
from wattseal.flow.identity.station_certificates import notice_certificate
from wattseal.flow.memory import Memory
from wattseal.flow.stations.security_events import certificate_refused
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.rules.guessing import Guesses
from wattseal.rules.pki import CertificateVerdict, StationTrust, judge_certificate
from wattseal.serve.ocpp_ws import Admitted, Arrival

NOTE_PAUSE_MS, MAX_NOTED = 3_600_000, 10_000
"""How often a refused certificate becomes a security event of its station; for how many stations that is remembered."""
_LOGGER = logging.getLogger("wattseal.doorman")
_NOBODY = digest_password(b"nobody's password", bytes(16))


class Doorman:
    """Decides on credentials. A wrong password waits, longer each time, before it is told so.

    Failures count per station and address, so that guessing from elsewhere slows nobody at home; a right password is
    never refused. Unknown stations cost as much time as known ones.

    The profile of a connection is what was proven on it (2.0.1 part 2, 1.3): 3 by a certificate of the station's own, 2
    by its password over TLS, 1 by its password, 0 by nothing. A station is refused below the profile it is enrolled
    for, and every profile it once reached is its least from then on (A05.FR.07).
    """

    def __init__(
        self,
        world: World,
        *,
        insecure_dev: bool = False,
        allow_profile_0: bool = False,
        trust: Callable[[], StationTrust] = StationTrust,
    ) -> None:
        """Let stations enrolled with profile 0 in from this machine, and with `allow_profile_0` from anywhere."""
        self._world = world
        self._insecure_dev = insecure_dev
        self._allow_profile_0 = allow_profile_0
        self._trust = trust
        self._patience = Patience()
        self._guesses = Guesses()
        self._noted: OrderedDict[str, int] = OrderedDict()
        self._proven = Proven(world.random.bytes(32))

    async def authenticate(self, arrival: Arrival) -> Admitted | None:
        """Return who is let in, with which profile; None to refuse."""
        memory = await remember_station(self._world, arrival.station_id)
        if memory is None and self._insecure_dev and _is_here(arrival) and not is_foreign_page(arrival.page):
            station = await enrol_station(self._world, Station(id=arrival.station_id, ephemeral=True), None)
            return Admitted(StationId(station.id), 0)
        station = Station(id=arrival.station_id) if memory is None else memory.station
        profile = await self._profile(arrival, station)
        if memory is None:
            await note_stranger(self._world, arrival.station_id, arrival.password, arrival.remote)
        if memory is not None and profile is None and arrival.certificate is not None:
            await self._note_certificate(memory, arrival)
        if memory is None or profile is None or station.successor is not None:
            self._world.count("authentication_failed")
            await self._note_refusal(arrival, enrolled=memory is not None)
            await self._patience.punish(arrival.station_id, arrival.remote)
            return None
        self._patience.forgive(arrival.station_id, arrival.remote)
        if profile > memory.station.security_profile:
            await change_station(self._world, memory, replace(memory.station, security_profile=profile))
        if profile == 3 and arrival.certificate is not None:
            await notice_certificate(self._world, memory.station.id, read_certificate(arrival.certificate))
        return Admitted(StationId(memory.station.id), profile, arrival.certificate if profile == 3 else None)

    async def _note_refusal(self, arrival: Arrival, *, enrolled: bool) -> None:
        """Have it told when credentials are being tried out; a journal that is down keeps nobody waiting."""
        now_ms = self._world.now_ms()
        told = self._guesses.refused(arrival.station_id, arrival.remote, now_ms, enrolled=enrolled)
        if told is None:
            return
        _LOGGER.warning("credentials_tried_out %s %s %d", told.station_id or "several", told.remote, told.tries)
        with contextlib.suppress(StoreError):
            await note_guessing(self._world, told)

    async def _note_certificate(self, memory: Memory, arrival: Arrival) -> None:
        """Keep a security event, once an hour and station: they are bounded, and must not push others out."""
        now_ms, station_id = self._world.now_ms(), memory.station.id
        if self._noted.get(station_id, 0) > now_ms - NOTE_PAUSE_MS:
            return
        self._noted[station_id] = now_ms
        self._noted.move_to_end(station_id)
        if len(self._noted) > MAX_NOTED:
            self._noted.popitem(last=False)
        verdict = self.judge(arrival.certificate or b"", memory.station)
        await certificate_refused(self._world, memory, verdict, arrival.remote)

    def judge(self, certificate: bytes, station: Station) -> CertificateVerdict:
        """Return what a certificate shown by a station is worth now."""
        try:
            read = read_certificate(certificate)
        except InputError:
            return CertificateVerdict.UNKNOWN_ISSUER
        return judge_certificate(read, station, self._trust(), self._world.clock.now())

    async def judge_anew(self, station_id: StationId, certificate: bytes) -> CertificateVerdict:
        """Return what the certificate of a living connection is worth now."""
        memory = await remember_station(self._world, station_id)
        if memory is None:
            return CertificateVerdict.ANOTHER_STATIONS
        return self.judge(certificate, memory.station)

    async def _profile(self, arrival: Arrival, station: Station) -> int | None:
        """Return the profile proven, None where nothing is or it is not enough; takes as long for every refusal."""
        if arrival.certificate is not None:
            verdict = self.judge(arrival.certificate, station)
            if verdict is not CertificateVerdict.GOOD:
                self._world.count(f"certificate_{verdict}")
                _LOGGER.warning("station_certificate_refused %s %s %s", arrival.station_id, arrival.remote, verdict)
            return 3 if verdict is CertificateVerdict.GOOD else None
        nothing_to_show = arrival.password is None or station.password_digest is None
        if nothing_to_show and self._may_come_unprotected(arrival, station):
            return 0
        async with self._patience.turn(arrival.remote):
            knows = await self._knows(arrival.password or b"", station)
        if not knows or arrival.password is None:
            return None
        profile = 2 if arrival.secure else 1
        if profile < station.security_profile:
            self._world.count("security_profile_too_low")
            return None
        return profile

    def _may_come_unprotected(self, arrival: Arrival, station: Station) -> bool:
        if is_foreign_page(arrival.page):
            return False
        if self._insecure_dev and _is_here(arrival) and station.password_digest is None:
            return True
        return station.security_profile == 0 and (self._allow_profile_0 or _is_here(arrival))

    async def _knows(self, password: bytes, station: Station) -> bool:
        """Return whether a password is the station's: the one in force, or one it was told and now uses (A01)."""
        digest = station.password_digest
        if digest is not None and self._proven.knows(station.id, digest, password):
            return True
        if await asyncio.to_thread(password_matches, password, digest or _NOBODY):
            if digest is not None:
                self._proven.keep(station.id, digest, password)
            return digest is not None
        for pending in station.pending_password_digests:
            if await asyncio.to_thread(password_matches, password, pending):
                await settle_password(self._world, StationId(station.id), pending)
                return True
        return False


def _is_here(arrival: Arrival) -> bool:
    """Return whether a station is on this machine itself, not behind a proxy on it."""
    return arrival.direct and is_loopback(arrival.remote)


def is_foreign_page(origin: str | None) -> bool:
    """Return whether a page of some site asks, out of the browser of somebody on this machine or in this network.

    Whatever lets a station in for where it comes from would let such a page in. One served from this machine is a
    simulator of whoever works here.
    """
    if origin is None:
        return False
    try:
        return not is_loopback(urlsplit(origin).hostname or "")
    except ValueError:
        return True


def is_loopback(remote: str) -> bool:
    """Return whether an address, or the name localhost, is this machine's own."""
    if remote == "localhost":
        return True
    try:
        return ipaddress.ip_address(remote).is_loopback
    except ValueError:
        return False
