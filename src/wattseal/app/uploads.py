"""The directory of uploads, where stations are told to upload to, and forgetting what is old."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from wattseal.app.settings import Settings
from wattseal.app.settings import Uploads as Chosen
from wattseal.flow.drivers import customers
from wattseal.flow.money import retention
from wattseal.flow.privacy.keeping import forget_documents
from wattseal.flow.privacy.meter_names import forget_meter_names
from wattseal.flow.stations.uploads import forget_old
from wattseal.flow.world import World
from wattseal.rules.retention import DAY_MS
from wattseal.serve.api.receiving import Uploads
from wattseal.stores.spool import Spool

FORGET_INTERVAL_S = 3600.0
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


async def open_uploads(chosen: Chosen, data: Path) -> Uploads:
    """Return what receives files, in the data directory."""
    return Uploads(await asyncio.to_thread(Spool, data / "uploads", chosen.max_total_bytes), chosen.max_bytes)


def upload_base(settings: Settings, http_port: int) -> str | None:
    """Return where stations upload to; None where this machine cannot know its own address."""
    host = settings.serve.host
    if settings.uploads.url is not None or host in _EVERYWHERE:
        return settings.uploads.url
    return f"http://[{host}]:{http_port}" if ":" in host else f"http://{host}:{http_port}"


def forget_uploads(world: World, uploads: Uploads, keep_days: int) -> Callable[[], Awaitable[None]]:
    """Return the job that removes old files."""

    async def forget() -> None:
        for name in await forget_old(world, keep_days * DAY_MS):
            await asyncio.to_thread(uploads.spool.remove, name)

    return forget


def forget_customers(world: World, keep_days: int) -> Callable[[], Awaitable[None]]:
    """Return the job that removes old reports about customers."""

    async def forget() -> None:
        await customers.forget_old(world, keep_days * DAY_MS)

    return forget


def forget_due(world: World) -> Callable[[], Awaitable[None]]:
    """Return the job that removes documents whose time is over."""

    async def forget() -> None:
        await forget_documents(world)
        await forget_meter_names(world)

    return forget


def forget_invoices(world: World) -> Callable[[], Awaitable[None]]:
    """Return the job that removes the copies of invoices that need not be kept any more."""

    async def forget() -> None:
        await retention.forget(world)

    return forget
