"""The live connections of an OCPP server, as the flow calls stations over them."""

import asyncio
from collections import Counter

from wattseal.app.metrics import Traffic
from wattseal.base.ids import StationId
from wattseal.flow.ports import Silence
from wattseal.net.conversation import Disconnected, TimedOut
from wattseal.serve.ocpp_ws import OcppServer
from wattseal.wire.ocpp.rpc import CallError, CallResult
from wattseal.wire.ocpp.version import Version

MAX_WAITING = 16
"""Calls to one station that may wait for their turn; a further one is BUSY."""


class StationLines:
    """Calls stations over the connections of `server`."""

    def __init__(self) -> None:
        """Wait for `attach`."""
        self._server: OcppServer | None = None
        self._waiting: Counter[StationId] = Counter()
        self.traffic = Traffic()

    def attach(self, server: OcppServer) -> None:
        """Use the connections of `server` from now on."""
        self._server = server

    def version(self, station_id: StationId) -> Version | None:
        """Return the version spoken with a station at present; None while it is not connected."""
        connection = self._server.connections.get(station_id) if self._server else None
        return None if connection is None else connection.version

    async def call(
        self, station_id: StationId, action: str, payload: bytes, timeout_s: float
    ) -> CallResult | CallError | Silence:
        """Ask a station, after earlier calls to it have been answered."""
        outcome = await self._call(station_id, action, payload, timeout_s)
        match outcome:
            case CallResult():
                self.traffic.sent(action, "ok")
            case CallError():
                self.traffic.sent(action, "call_error")
            case Silence():
                self.traffic.sent(action, outcome.value)
        return outcome

    async def _call(
        self, station_id: StationId, action: str, payload: bytes, timeout_s: float
    ) -> CallResult | CallError | Silence:
        connection = self._server.connections.get(station_id) if self._server else None
        if connection is None:
            return Silence.OFFLINE
        if self._waiting[station_id] > MAX_WAITING:
            return Silence.BUSY
        self._waiting[station_id] += 1
        try:
            async with asyncio.timeout(timeout_s):
                outcome = await connection.call(action, payload, timeout_s)
        except TimeoutError:
            return Silence.TIMED_OUT
        finally:
            self._waiting[station_id] -= 1
            if not self._waiting[station_id]:
                del self._waiting[station_id]
        match outcome:
            case Disconnected():
                return Silence.OFFLINE
            case TimedOut():
                return Silence.TIMED_OUT
            case _:
                return outcome
