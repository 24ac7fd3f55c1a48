"""What the CPO does by the clock about stations' certificates: deliver what was asked for, ask for renewal in time."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from wattseal.base.errors import WattsealError
from wattseal.flow.identity.certificate_delivery import ask_for_renewal, deliver, expiring, first_end_ms, waiting
from wattseal.flow.identity.station_certificates import SigningState, StationCertificate
from wattseal.flow.world import World

DELIVERY_INTERVAL_S = 1.0
RENEWAL_INTERVAL_S = 600.0
AT_ONCE = 32
"""Stations served at the same time; others wait for the next round."""
RETRY_MS, MAX_RETRY_MS = 30_000, 3_600_000
"""Pause after a certificate could not be delivered, doubled each time."""
_LOGGER = logging.getLogger("wattseal.certificates")


class CertificateWork:
    """Two timers' jobs; neither holds up anything else."""

    def __init__(self, world: World, renew_days: int, others_left: Callable[[], Mapping[str, float]]) -> None:
        """Ask for renewal `renew_days` before the end, 0 never; `others_left` are the ends of what is in files."""
        self._world = world
        self._renew_days = renew_days
        self._others_left = others_left
        self._paused: dict[str, tuple[int, int]] = {}
        self._first_end_ms: int | None = None

    async def deliver(self) -> None:
        """Sign and deliver what waits for stations that are connected."""
        now_ms = self._world.now_ms()
        states = await waiting(self._world)
        self._paused = {s.key: self._paused[s.key] for s in states if s.key in self._paused}
        due = [s for s in states if self._paused.get(s.key, (0, 0))[0] <= now_ms][:AT_ONCE]
        await asyncio.gather(*(self._deliver(state) for state in due))

    async def _deliver(self, state: SigningState) -> None:
        _, pause_ms = self._paused.get(state.key, (0, RETRY_MS))
        try:
            await deliver(self._world, state)
        except WattsealError as error:
            _LOGGER.warning("certificate_not_delivered %s %s", state.station_id, error.code)
        self._paused[state.key] = (self._world.now_ms() + pause_ms, min(pause_ms * 2, MAX_RETRY_MS))

    async def renew(self) -> None:
        """Ask stations whose certificates end soon for new requests."""
        self._first_end_ms = await first_end_ms(self._world)
        if not self._renew_days:
            return
        asked = [found.kept async for found in expiring(self._world, self._renew_days) if found.ask]
        for start in range(0, len(asked), AT_ONCE):
            await asyncio.gather(*(self._renew(kept) for kept in asked[start : start + AT_ONCE]))

    async def _renew(self, kept: StationCertificate) -> None:
        try:
            await ask_for_renewal(self._world, kept)
        except WattsealError as error:
            _LOGGER.warning("renewal_not_asked %s %s", kept.station_id, error.code)

    def seconds_left(self) -> dict[str, float]:
        """Return by kind (server, issuer, crl, station) in how many seconds the first certificate ends."""
        left = dict(self._others_left())
        if self._first_end_ms is not None:
            left["station"] = (self._first_end_ms - self._world.now_ms()) / 1000
        return left
