"""Pings for all connections of a server, and the end of those that are silent or stuck: one timer, no tasks.

A peer is silent when no whole frame of it has come for the ping interval; it is then pinged, and gone when the ping
timeout passes without one. A frame that trickles in is silence: it has to be complete before a pong can come.
"""

import asyncio
from typing import Protocol

ROUNDS = 8
"""Rounds in a ping interval or timeout, whichever is shorter: a peer is noticed one round late at most."""


class Watched(Protocol):
    """A connection that is looked after."""

    def look(self, now: float) -> None:
        """Do what is due at loop time `now`: ping, or close."""


class Keepalive:
    """Looks after connections, each once a round. Runs only while there are any."""

    def __init__(self, interval_s: float, timeout_s: float) -> None:
        self._round_s = min(interval_s, timeout_s) / ROUNDS
        self._watched: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, connection: Watched) -> None:
        """Look after a connection from now on."""
        self._watched.add(connection)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._round_s, self._look)

    def forget(self, connection: Watched) -> None:
        """Look after it no longer."""
        self._watched.discard(connection)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in tuple(self._watched):
            connection.look(now)
        self._timer = loop.call_later(self._round_s, self._look) if self._watched else None
