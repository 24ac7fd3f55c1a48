"""What the CPO's API works with: who may ask, and the files beside the journal."""

import asyncio
import hmac
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from wattseal.app.password_work import ThreadedHasher
from wattseal.app.settings import Frames
from wattseal.base.errors import ConfigError, StoreError
from wattseal.base.ids import StationId
from wattseal.crypto.hashes import sha256
from wattseal.flow.fleet.api_tokens import ApiTokens
from wattseal.flow.people.sessions import People
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.rules.people_policy import DEFAULT_PEOPLE, PeoplePolicy
from wattseal.serve.api.service import Link
from wattseal.serve.ocpp_ws import OcppServer
from wattseal.stores.frames import FrameStore
from wattseal.stores.requests import KeptRequests

FRAMES = "frames.sqlite3"
T = TypeVar("T")
LEAST_ROOM_BYTES = 1024 * 1024
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
"""What SQLite may answer where there is no room for a file, or for the one beside it."""


@dataclass(frozen=True, slots=True)
class ApiStores:
    """What the API keeps: its tokens, answers by idempotency key, OCPP frames where they are kept, and people."""

    api_tokens: ApiTokens
    requests: KeptRequests
    frames: FrameStore | None
    people: People

    def bearer(self, admin: str) -> Callable[[str], Principal | None]:
        """Return what tells whom a token speaks for; `admin` is the administrator's."""
        root = Principal(self.api_tokens.world.tenant, "admin", frozenset({"admin"}), frozenset({"*"}))
        known = _digest(admin)
        return lambda token: root if hmac.compare_digest(_digest(token), known) else self.api_tokens.find(token)


@asynccontextmanager
async def api_stores(
    world: World, folder: Path, settings: Frames, policy: PeoplePolicy = DEFAULT_PEOPLE
) -> AsyncIterator[ApiStores]:
    """Open them meanwhile."""
    api_tokens = ApiTokens(world)
    await api_tokens.load()
    requests = await _opened(KeptRequests.open, folder / "requests.sqlite3")
    frames = None
    if settings.enabled:
        frames = await _opened(lambda path: _frames(world, path, settings), folder / FRAMES)
    hasher = ThreadedHasher()
    try:
        yield ApiStores(api_tokens, requests, frames, People.of(world, api_tokens, policy, hasher))
    finally:
        hasher.close()
        if frames is not None:
            await asyncio.to_thread(frames.close)
        await requests.close()


async def _opened(how: Callable[[Path], T], path: Path) -> T:
    try:
        return await asyncio.to_thread(how, path)
    except sqlite3.Error as error:
        if (
            getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_ROOM
            and shutil.disk_usage(path.parent).free < LEAST_ROOM_BYTES
        ):
            text = f"the disk is full, make room: {path}"
            raise StoreError(text, code="disk_full", subject=str(path)) from error
        text = f"{path} cannot be used ({error}); it holds no records: move it away, and a new one is made"
        raise ConfigError(text, code="file_unusable", subject=str(path)) from error


def _frames(world: World, path: Path, settings: Frames) -> FrameStore:
    return FrameStore(path, world.clock.now, world.settings.retention.frames_days, settings.max_mib * 1024 * 1024)


def links_of(server: OcppServer) -> Callable[[StationId], Link | None]:
    """Return what tells of a station's live connection."""

    def link(station_id: StationId) -> Link | None:
        found = server.connections.get(station_id)
        if found is None:
            return None
        since_ms = int(found.since.timestamp() * 1000)
        return Link(str(found.version), since_ms, found.remote, found.admitted.profile)

    return link


def _digest(token: str) -> bytes:
    return sha256(token.encode())
