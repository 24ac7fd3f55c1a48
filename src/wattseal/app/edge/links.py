"""The two connections of an edge as `Link`s: down to the station, up to the CSMS."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog

from wattseal.app.edge.memory import LinkDownError
from wattseal.dial.ocpp import Behaviour, Surroundings, Target, Uplink
from wattseal.parties.edge.upstream import to_json
from wattseal.serve.ocpp_ws import StationConnection
from wattseal.wire.ocpp.rpc import Call, CallError, CallResult
from wattseal.wire.ocpp.version import Refusal, Version

_log = structlog.get_logger(__name__)


class StationLink:
    """The way to the station: its newest connection."""

    def __init__(self) -> None:
        self._connection: StationConnection | None = None

    @property
    def connected(self) -> bool:
        """Whether the station is connected."""
        return self._connection is not None

    def came(self, connection: StationConnection) -> None:
        """Take a new connection of the station."""
        self._connection = connection

    def gone(self, connection: StationConnection) -> None:
        """Forget a connection, unless a newer one has taken its place."""
        if self._connection is connection:
            self._connection = None

    async def call(self, action: str, payload: bytes) -> CallResult | CallError:
        """See `Link.call`."""
        if self._connection is None:
            raise LinkDownError(action)
        outcome = await self._connection.call(action, payload)
        if isinstance(outcome, CallResult | CallError):
            return outcome
        raise LinkDownError(action)

    async def ask(self, action: str, payload: dict[str, Any]) -> None:
        """Ask for something the edge can do without: whatever the station answers is fine."""
        with suppress(LinkDownError):
            await self.call(action, to_json(payload))


class CsmsLink:
    """The way to the CSMS, dialled as the station, in the station's version; dialled again whenever it is lost."""

    def __init__(
        self,
        target: Target,
        around: Surroundings,
        handle: Callable[[Call], Awaitable[bytes | Refusal]],
        connected: Callable[[], None],
    ) -> None:
        """Dial nothing yet. `handle` answers the CSMS's calls; `connected` learns of each new connection."""
        self._target = target
        self._around = around
        self._behaviour = Behaviour(handle, self._came, self._lost)
        self._connected = connected
        self._offline = False
        self._uplink: Uplink | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether the CSMS is connected."""
        return self._uplink is not None and self._uplink.version is not None

    @property
    def offline(self) -> bool:
        """Whether the latest connection was lost or the latest attempt failed."""
        return self._offline

    def dial(self, version: Version) -> None:
        """Stay connected in this version from now on."""
        if self._uplink is not None and self._uplink.target.versions == (version,):
            return
        if self._task is not None:
            self._task.cancel()
        self._offline = False
        self._uplink = Uplink(replace(self._target, versions=(version,)), self._behaviour, self._around)
        self._task = asyncio.get_running_loop().create_task(self._uplink.run())

    async def close(self) -> None:
        """Hang up for good."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def call(self, action: str, payload: bytes) -> CallResult | CallError:
        """See `Link.call`."""
        if self._uplink is None:
            raise LinkDownError(action)
        outcome = await self._uplink.call(action, payload)
        if isinstance(outcome, CallResult | CallError):
            return outcome
        raise LinkDownError(action)

    def _came(self, _version: Version) -> None:
        self._offline = False
        self._connected()

    def _lost(self, reason: str) -> None:
        self._offline = True
        _log.info("upstream_lost", reason=reason)
