"""Announced works: signed records on a chain of their own, and nothing beside them.

Whoever could write into the database could else silence a station without a trace. What the records say is kept in
memory; it is read from them after a start, and again after a failed commit.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

from wattseal.base.errors import InputError
from wattseal.base.ids import Origin
from wattseal.flow.claims import claimed
from wattseal.flow.documents import STATION, read
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.model.works import Cause, Where, Window
from wattseal.rules.alarms import QUIET_DURING_WORKS
from wattseal.seal import dcbor
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.plain import PlainDraft
from wattseal.seal.works import WorksEvent, WorksSaid

STREAM = 11
"""Of the CPO's own chain."""
MAX_WINDOW_MS = 90 * 86_400_000
MAX_TEXT = 255
MAX_STATIONS = 100
_PAGE = 500


@dataclass(slots=True)
class Works:
    """What the records say of works, by id; without those that were withdrawn."""

    windows: dict[str, Window] = field(default_factory=dict)

    def take(self, said: WorksSaid, record: str) -> None:
        """Take in what a record says."""
        if said.event is WorksEvent.WITHDRAWN:
            self.windows.pop(said.key, None)
            return
        known = self.windows.get(said.key)
        self.windows[said.key] = Window(
            said.key,
            Where(said.stations, said.site),
            said.from_ms,
            said.to_ms,
            said.cause,
            said.note,
            said.by if known is None else known.announced_by,
            None if said.event is WorksEvent.ANNOUNCED else said.by,
            record,
        )


async def announce(
    world: World, where: Where | str, from_ms: int, to_ms: int, cause: Cause, *, note: str = "", by: str = ""
) -> Window:
    """Put works on record, of a station or `Where`; `InputError` where they end before they begin, or last 90 days."""
    if not 0 < to_ms - from_ms <= MAX_WINDOW_MS:
        raise InputError("a window ends after it begins, at most 90 days later", code="bad_window", subject="to")
    if len(note) > MAX_TEXT:
        raise InputError(f"a note has up to {MAX_TEXT} characters", code="bad_window", subject="note")
    place = Where((where,)) if isinstance(where, str) else where
    if len(place.stations) > MAX_STATIONS or (place.stations and place.site is not None):
        text = f"works are at up to {MAX_STATIONS} stations, or at a site, or everywhere"
        raise InputError(text, code="bad_window", subject="station_ids")
    key = f"{from_ms:015d}-{world.random.bytes(6).hex()}"
    return await _say(world, WorksEvent.ANNOUNCED, Window(key, place, from_ms, to_ms, cause, note, by), by)


async def end(world: World, window_id: str, by: str = "") -> Window | None:
    """End works now that are under way; None where there are none, `InputError` where they are not under way."""
    window = (await works_of(world)).get(window_id)
    if window is None:
        return None
    now_ms = world.now_ms()
    if not window.from_ms < now_ms < window.to_ms:
        text = "these works are not under way; withdraw what has not begun"
        raise InputError(text, code="works_not_under_way", subject="window")
    return await _say(world, WorksEvent.ENDED, replace(window, to_ms=now_ms), by)


async def withdraw(world: World, window_id: str, by: str = "") -> Window | None:
    """Let works count no more, as if never announced; the records stay. None where there are none."""
    window = (await works_of(world)).get(window_id)
    return None if window is None else await _say(world, WorksEvent.WITHDRAWN, window, by)


async def works_of(world: World) -> Mapping[str, Window]:
    """Return the works that count, by id, whose order is that of their begin."""
    known: Works | None = world.works
    return (await _load(world) if known is None else known).windows


async def _load(world: World) -> Works:
    works = Works()
    async for item in _items(world):
        said = said_in(item)
        if said is not None:
            works.take(said, item.hash.hex())
    known: Works | None = world.works  # somebody else may have read them meanwhile, and announced something since
    world.works = works if known is None else known
    return works if known is None else known


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
    running = [
        window
        for window in (await works_of(world)).values()
        if window.cause is Cause.MAINTENANCE and window.from_ms <= now_ms < window.to_ms
    ]
    if not running:
        return False
    site = await _site_of(world, station_id)
    return any(window.where.holds(station_id, site) for window in running)


async def find_windows(
    world: World, station_id: str | None, after: str = "", limit: int | None = None
) -> tuple[Window, ...]:
    """Return the windows that count, those of a station or all, in the order of their begin."""
    known = await works_of(world)
    site = None if station_id is None else await _site_of(world, station_id)
    found = (known[key] for key in sorted(known) if key > after)
    meant = [window for window in found if station_id is None or window.where.holds(station_id, site)]
    return tuple(meant[:limit])


def said_in(item: Item) -> WorksSaid | None:
    """Return what a record says of works; None where it is about something else or does not show it."""
    if item.payload.kind != Kind.WORKS or Group.OPS not in item.boxes:
        return None
    opened = open_box(item, int(Group.OPS), None)
    return WorksSaid.read(Content.decode(opened.content).fields) if isinstance(opened, Opening) else None


async def _site_of(world: World, station_id: str) -> str | None:
    document = await world.journal.document(world.tenant, STATION, station_id.casefold())
    return None if document is None else read(document, Station).site


async def _say(world: World, event: WorksEvent, window: Window, by: str) -> Window:
    """Write a record about works, durable on return."""
    with claimed(world, (f"works {window.id}",)) as mine:
        if not mine:
            raise InputError("somebody ends these works right now; look again", code="being_decided", subject="window")
        return await _record(world, event, window, by)


async def _record(world: World, event: WorksEvent, window: Window, by: str) -> Window:
    works = await works_of(world)
    known = works.get(window.id)
    said = WorksSaid(
        event=event,
        key=window.id,
        from_ms=window.from_ms,
        to_ms=window.to_ms,
        cause=window.cause,
        by=by,
        stations=window.where.stations,
        site=window.where.site,
        note=window.note,
    )
    await world.chains.ready(world.billing_origin, STREAM)
    step = Step(world, "", world.now_ms())
    refs = () if known is None else (bytes.fromhex(known.record),)
    draft = PlainDraft(Kind.WORKS, step.now_ms, ((int(Group.OPS), dcbor.encode(said.to_fields())),), refs)
    written = step.write((world.billing_origin, STREAM), world.billing_key, draft, None)
    await step.commit()
    record = written.hash.hex()
    if world.works is not None:
        world.works.take(said, record)
    return replace(window, ended_by=None if event is WorksEvent.ANNOUNCED else by, record=record)


async def _items(world: World) -> AsyncIterator[Item]:
    start = (0, 0)
    while page := await world.journal.items(world.tenant, Origin(world.billing_origin), STREAM, start, _PAGE):
        for kept in page:
            yield parse_item(kept.item.item)
        start = (page[-1].item.epoch, page[-1].item.seq + 1)
