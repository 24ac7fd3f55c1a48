"""Asking stations that have become others for their variables, some at a time."""

import asyncio
from collections.abc import Awaitable, Callable

from wattseal.flow.stations import inventory
from wattseal.flow.world import World

INVENTORY_INTERVAL_S = 2.0
MAX_AT_ONCE = 16
"""Stations asked at the same time; the others at the next turn."""


def ask_inventories(world: World) -> Callable[[], Awaitable[None]]:
    """Return the job that asks those that are due."""

    async def asked() -> None:
        stations = await inventory.due(world)
        await asyncio.gather(*(inventory.ask(world, station) for station in stations[:MAX_AT_ONCE]))

    return asked
