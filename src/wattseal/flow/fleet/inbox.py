"""The inbox of strangers: stations nobody enrolled that knocked, for a person to approve or refuse.

What a stranger showed is kept as a digest only. At most `MAX_STRANGERS` are kept and each is noted at most once a
minute, so that knocking costs little; when the inbox is full newcomers are counted and not noted.
"""

from dataclasses import dataclass, replace

from wattseal.base.errors import InputError
from wattseal.crypto.passwords import digest_password
from wattseal.flow.documents import STATION, put, read
from wattseal.flow.fleet.enrol import MAX_PASSWORD, MIN_PASSWORD, enrol_station, keep_digest
from wattseal.flow.ports import Batch, Put
from wattseal.flow.world import World
from wattseal.model.station import Station

STRANGER = "stranger"
MAX_STRANGERS = 1000
AGAIN_MS = 60_000


@dataclass(frozen=True, slots=True)
class Stranger:
    """Document: an unknown station; `password_digest` is of the password it showed last, None where it showed none."""

    station_id: str
    first_seen_ms: int
    last_seen_ms: int
    remote: str
    attempts: int = 1
    password_digest: str | None = None
    refused: bool = False


async def note_stranger(world: World, station_id: str, password: bytes | None, remote: str) -> None:
    """Keep that an unknown station knocked; `attempts` counts the notes, not every knock."""
    now_ms = world.now_ms()
    known = await find_stranger(world, station_id)
    if known is not None:
        if now_ms - known.last_seen_ms < AGAIN_MS:
            return
        seen = replace(known, last_seen_ms=now_ms, remote=remote, attempts=known.attempts + 1)
    elif len(await list_strangers(world, limit=MAX_STRANGERS, refused=None)) >= MAX_STRANGERS:
        world.count("inbox_full")
        return
    else:
        seen = Stranger(station_id, now_ms, now_ms, remote)
    if password is not None and MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        seen = replace(seen, password_digest=digest_password(password, world.random.bytes(16)))
    world.count("stranger_knocked")
    await _keep(world, _put(seen, now_ms))


async def find_stranger(world: World, station_id: str) -> Stranger | None:
    """Return what is known of a stranger."""
    document = await world.journal.document(world.tenant, STRANGER, station_id.casefold())
    return None if document is None or document.active is None else read(document, Stranger)


async def list_strangers(
    world: World, after: str = "", limit: int = 100, *, refused: bool | None = False
) -> tuple[Stranger, ...]:
    """Return those who wait, those refused (`refused` true), or both (None)."""
    active = None if refused is None else not refused
    page = await world.journal.documents(world.tenant, STRANGER, active=active, after=after, limit=limit)
    return tuple(read(document, Stranger) for document in page if document.active is not None)


async def approve(world: World, station_id: str, password: bytes | None) -> Station:
    """Enrol a stranger with `password`, or without it with the password it showed last; it can then connect.

    `InputError` where nobody of that name waits, the name was enrolled meanwhile, or it showed no password.
    """
    stranger = await find_stranger(world, station_id)
    if stranger is None or await world.journal.document(world.tenant, STATION, station_id.casefold()) is not None:
        raise InputError("no stranger of that name waits", code="no_stranger", subject="id")
    if password is None and stranger.password_digest is None:
        raise InputError("it showed no password: give it one", code="no_password", subject="password")
    station = await enrol_station(world, Station(id=stranger.station_id), password)
    if password is None:
        station = await keep_digest(world, station, str(stranger.password_digest))
    await _keep(world, put(STRANGER, station_id.casefold(), stranger, world.now_ms()))
    return station


async def refuse(world: World, station_id: str) -> Stranger:
    """Let a stranger wait no more; it stays known, so that it is not shown again."""
    stranger = await find_stranger(world, station_id)
    if stranger is None:
        raise InputError("no stranger of that name waits", code="no_stranger", subject="id")
    refused = replace(stranger, refused=True)
    await _keep(world, _put(refused, world.now_ms()))
    return refused


def _put(stranger: Stranger, now_ms: int) -> Put:
    return put(STRANGER, stranger.station_id.casefold(), stranger, now_ms, active=not stranger.refused)


async def _keep(world: World, document: Put) -> None:
    await world.journal.commit(Batch(world.tenant, puts=(document,)))
