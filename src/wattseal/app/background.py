"""Work that nobody waits for: a bounded number of tasks, ended with the process."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from wattseal.base.errors import WattsealError

MAX_TASKS = 64
"""Pieces of work at once; a further one is refused and tried again later."""
_LOGGER = logging.getLogger("wattseal.cpo")


class Background:
    """Runs work beside everything else."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Callable[[], Awaitable[object]]) -> bool:
        """Begin a piece of work; False where there are too many already."""
        if len(self._tasks) >= MAX_TASKS:
            return False
        task = asyncio.create_task(_run(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def close(self) -> None:
        """End what still runs."""
        for task in tuple(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _run(work: Callable[[], Awaitable[object]]) -> None:
    try:
        await work()
    except WattsealError as error:
        _LOGGER.warning("background_failed %s", error.code)
    except Exception:
        _LOGGER.exception("background_failed")


@asynccontextmanager
async def in_background() -> AsyncIterator[Background]:
    """Have a background meanwhile."""
    background = Background()
    try:
        yield background
    finally:
        await background.close()
