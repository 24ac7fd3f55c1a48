"""Maintenance windows: when a station's outage was announced, or was nobody's fault."""

from dataclasses import dataclass
from enum import StrEnum

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.documents import put, read
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.rules.alarms import QUIET_DURING_WORKS

MAINTENANCE = "maintenance"
MAX_WINDOW_MS = 90 * 86_400_000
MAX_TEXT = 255


class Cause(StrEnum):
    """Why outage does not count (23 CFR 680.116(b)(3))."""

    MAINTENANCE = "maintenance"
    VANDALISM = "vandalism"
    GRID = "grid"
    DISASTER = "disaster"
    VEHICLE = "vehicle"
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class Window:
    """Document: a window of Unix ms (end exclusive) at one station."""

    id: str
    station_id: str
    from_ms: int
    to_ms: int
    cause: Cause
    note: str = ""
    announced_by: str = ""


async def announce(
    world: World, station_id: str, from_ms: int, to_ms: int, cause: Cause, *, note: str = "", by: str = ""
) -> Window:
    """Keep a window; `InputError` where its end is not after its begin, or it is longer than 90 days."""
    if not 0 < to_ms - from_ms <= MAX_WINDOW_MS:
        raise InputError("a window ends after it begins, at most 90 days later", code="bad_window", subject="to")
    if len(note) > MAX_TEXT:
        raise InputError(f"a note has up to {MAX_TEXT} characters", code="bad_window", subject="note")
    window = Window(f"{from_ms:015d}-{world.random.bytes(6).hex()}", station_id, from_ms, to_ms, cause, note, by)
    await _put(world, window, active=True)
    return window


async def withdraw(world: World, window_id: str) -> Window | None:
    """Let a window count no more; None where there is none."""
    document = await world.journal.document(world.tenant, MAINTENANCE, window_id)
    if document is None or not document.active:
        return None
    window = read(document, Window)
    await _put(world, window, active=False)
    return window


async def windows_of(world: World, station_id: str, from_ms: int, to_ms: int) -> tuple[tuple[int, int], ...]:
    """Return the windows of a station that touch a stretch of time, as (begin, end)."""
    found = await find_windows(world, station_id)
    return tuple((w.from_ms, w.to_ms) for w in found if w.from_ms < to_ms and w.to_ms > from_ms)


async def is_quiet(world: World, code: str, station_id: str, now_ms: int) -> bool:
    """Return whether an alarm is not raised because works are announced at the station now.

    Windows for other causes excuse downtime and silence no alarm: what vandals do is to be told.
    """
    if code not in QUIET_DURING_WORKS:
        return False
    windows = await find_windows(world, station_id)
    return any(w.cause is Cause.MAINTENANCE and w.from_ms <= now_ms < w.to_ms for w in windows)


async def find_windows(world: World, station_id: str | None, after: str = "", limit: int = 1000) -> tuple[Window, ...]:
    """Return the windows that count, in the order of their begin."""
    of = None if station_id is None else StationId(station_id)
    page = await world.journal.documents(
        world.tenant, MAINTENANCE, station_id=of, active=True, after=after, limit=limit
    )
    return tuple(read(document, Window) for document in page)


async def _put(world: World, window: Window, *, active: bool) -> None:
    kept = put(MAINTENANCE, window.id, window, world.now_ms(), station_id=window.station_id, active=active)
    await world.journal.commit(Batch(world.tenant, puts=(kept,)))
