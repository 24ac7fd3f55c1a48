"""What a charge was measured at: the points that its price is made from, the same as a bundle of it gives.

A reading counts that stands on the charge's chain between its start and its end, as in the bundle; one that arrived
before the start or after the end is in neither. Its time is the station's where the record tells it.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from wattseal.base.ids import Subject
from wattseal.flow.live import Live
from wattseal.flow.ports import KeptItem
from wattseal.flow.world import World
from wattseal.model.tariff import Tariff
from wattseal.model.transaction import Transaction
from wattseal.pricing.periods import Point, needs_readings, usable
from wattseal.seal.fields import Meter, Ops
from wattseal.seal.groups import PLAIN, Content, Opening, open_box, unwrap
from wattseal.seal.item import Group, Item, Kind, parse_item

_MEASURED = frozenset({Kind.STARTED, Kind.READING})


async def points_of(world: World, transaction: Transaction) -> tuple[Point, ...]:
    """Return an ended charge's points, start first; () where start or end or their registers are not known here."""
    ends = _ends(transaction)
    if ends is None:
        return ()
    kept = await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(transaction.id)))
    return usable(ends[0], _between(world, kept, transaction), ends[1])


async def readings_of(world: World, transaction: Transaction) -> tuple[Point, ...]:
    """Return what was read of a charge, open or ended, in the order of time; () where its registers are closed here."""
    if transaction.started_ms is None or transaction.start_wh is None:
        return ()
    kept = await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(transaction.id)))
    read = [point for point in _between(world, kept, transaction) if point.register_wh is not None]
    ends = _ends(transaction)
    points = [Point(transaction.started_ms, transaction.start_wh), *read, *(ends[1:] if ends else ())]
    return tuple(sorted(points, key=lambda point: point.ms))


async def points_for(world: World, transaction: Transaction, tariff: Tariff) -> tuple[Point, ...]:
    """Return as many of an ended charge's points as a price under the tariff depends on."""
    return await points_of(world, transaction) if needs_readings(tariff) else _ends(transaction) or ()


async def points_so_far(world: World, live: Live, tariff: Tariff) -> tuple[Point, ...]:
    """Return the points of an open charge up to its latest good register; () where there is none yet."""
    transaction, highest_wh = live.transaction, live.highest_wh
    if transaction.started_ms is None or transaction.start_wh is None or highest_wh is None:
        return ()
    start = Point(transaction.started_ms, transaction.start_wh)
    if not needs_readings(tariff):
        return (start, Point(max(start.ms, live.latest_ms or start.ms), highest_wh))
    if live.points is None:
        live.points = []  # what is recorded while the journal is read is not missed
        kept = await world.journal.items_by_subject(world.tenant, Subject(live.subject))
        live.points.extend(_between(world, kept, transaction))
    latest_ms = max((point.ms for point in live.points), default=start.ms)
    return usable(start, live.points, Point(latest_ms, highest_wh)) if latest_ms > start.ms else ()


def with_next(points: Sequence[Point], energy_wh: Decimal) -> tuple[Point, ...]:
    """Return points with the one to come, when so much will have been drawn: as far off as the latest two are apart."""
    if len(points) < 2 or points[0].register_wh is None:
        return tuple(points)
    apart_ms = points[-1].ms - points[-2].ms
    return (*points, Point(points[-1].ms + apart_ms, points[0].register_wh + energy_wh))


def _ends(transaction: Transaction) -> tuple[Point, Point] | None:
    if transaction.started_ms is None or transaction.ended_ms is None or transaction.energy_wh is None:
        return None
    start = Point(transaction.started_ms, transaction.start_wh)
    return start, Point(transaction.ended_ms, transaction.end_wh)


def _between(world: World, kept: Sequence[KeptItem], transaction: Transaction) -> Iterable[Point]:
    """Return the readings on the charge's chain after its start and, where there is one, before its end."""
    places = {k.item.payload_hash.hex(): (k.item.origin, k.item.stream, k.item.epoch, k.item.seq) for k in kept}
    start, end = places.get(transaction.started or ""), places.get(transaction.ended or "")
    if start is None:
        return
    secrets: dict[int, bytes] = {}
    for one in kept:
        place = (one.item.origin, one.item.stream, one.item.epoch, one.item.seq)
        if one.item.kind not in _MEASURED or place[:2] != start[:2] or place < start or (end and place >= end):
            continue
        item = parse_item(one.item.item)
        meter, ops = (_content(world, item, group, secrets) for group in (Group.METER, Group.OPS))
        if item.payload.kind != Kind.READING or Group.METER not in item.payload.groups:
            continue
        station_ms = None if ops is None else Ops.read(ops.fields).station_ms
        register_wh = None if meter is None else Meter.read(meter.fields).register_wh
        yield Point(item.payload.ms if station_ms is None else station_ms, register_wh)


def _content(world: World, item: Item, group: Group, secrets: dict[int, bytes]) -> Content | None:
    """Return what a group says, where it is plain or sealed for this CPO; the start hands out the group's secret."""
    box = item.boxes.get(group)
    if box is None:
        return None
    plain = isinstance(box, list) and box[0] == PLAIN
    if not plain and group not in secrets and (found := unwrap(item, group, world.seal_key)) is not None:
        secrets[group] = found
    opened = open_box(item, group, None if plain else secrets.get(group))
    return Content.decode(opened.content) if isinstance(opened, Opening) else None
