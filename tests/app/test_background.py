"""Work in the background: bounded, ended with the process, and no failure of it is anybody else's."""

import asyncio

from wattseal.app.background import MAX_TASKS, in_background
from wattseal.base.errors import InputError


async def test_there_is_room_for_so_much_and_what_is_done_makes_room() -> None:
    gate = asyncio.Event()
    async with in_background() as background:
        assert all(background.start(gate.wait) for _ in range(MAX_TASKS))
        assert not background.start(gate.wait)
        gate.set()
        for _ in range(3):
            await asyncio.sleep(0)
        assert background.start(gate.wait)


async def test_what_fails_or_is_left_over_troubles_nobody() -> None:
    ended: list[str] = []

    async def fails() -> None:
        raise InputError("no")

    async def breaks() -> None:
        raise ZeroDivisionError

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waits")

    async with in_background() as background:
        assert background.start(fails)
        assert background.start(breaks)
        assert background.start(waits)
        for _ in range(3):
            await asyncio.sleep(0)
    assert ended == ["waits"]
