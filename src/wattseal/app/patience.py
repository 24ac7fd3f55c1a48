"""Slow to those who guess passwords, and to nobody else."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MAX_REMEMBERED = 10_000
"""Pairs of (station, address) whose failures are remembered; the oldest goes."""
FIRST_DELAY_S, MAX_DELAY_S = 0.1, 2.0
MAX_WAITING = 100
"""Refusals held back at a time. A further one is told at once: a flood of them takes no station's place at the door."""
CHECKS_EACH = 2
"""Passwords checked at a time for one address: who sends many at once waits for himself, and others not for him."""


class Patience:
    """Makes a wrong password wait, longer each time, before it is told so; a right one never.

    Failures count per station and address, so that guessing from elsewhere slows nobody at home.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._waiting = 0
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._queued: dict[str, int] = {}

    def forgive(self, station_id: str, remote: str) -> None:
        """Forget the failures of a station that has shown what it must."""
        self._failures.pop((station_id.casefold(), remote), None)

    async def punish(self, station_id: str, remote: str) -> None:
        """Count a failure, and wait."""
        pair = (station_id.casefold(), remote)
        failures = self._failures.pop(pair, 0) + 1
        self._failures[pair] = failures
        if len(self._failures) > MAX_REMEMBERED:
            self._failures.popitem(last=False)
        if self._waiting >= MAX_WAITING:
            return
        self._waiting += 1
        try:
            await asyncio.sleep(min(FIRST_DELAY_S * 2 ** min(failures, 10) / 2, MAX_DELAY_S))
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def turn(self, remote: str) -> AsyncIterator[None]:
        """Wait for this address's turn to have a password checked."""
        turns = self._turns.setdefault(remote, asyncio.Semaphore(CHECKS_EACH))
        self._queued[remote] = self._queued.get(remote, 0) + 1
        try:
            async with turns:
                yield
        finally:
            self._queued[remote] -= 1
            if not self._queued[remote]:
                del self._queued[remote], self._turns[remote]
