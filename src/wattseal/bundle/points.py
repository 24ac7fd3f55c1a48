"""A charge's points, from the records of its chain: what everybody prices (docs/spec/bundle.md, "Price")."""

from collections.abc import Iterator

from wattseal.base.errors import InputError
from wattseal.bundle.case import Case
from wattseal.pricing.periods import Point, usable
from wattseal.seal.fields import Ops
from wattseal.seal.item import Group, Item, Kind

_NEEDED = (Group.METER, Group.OPS)


def points_told(case: Case) -> tuple[Point, ...]:
    """Return the points of a bundle, () where there are none or a record that has them cannot be read."""
    try:
        return points_of(case)
    except InputError:
        return ()


def points_of(case: Case) -> tuple[Point, ...]:
    """Return the points of a bundle, start first; () where start, end or the energy between them is not known.

    The energy is what the verifier found, so that rounding by a station never counts against its meter.
    """
    if case.points is None:
        case.points = _points_of(case)
    return case.points


def _points_of(case: Case) -> tuple[Point, ...]:
    started, ended = case.of_kind(Kind.STARTED), case.of_kind(Kind.ENDED)
    if started is None or ended is None or case.energy_wh is None:
        return ()
    registers = {item.hash: meter.register_wh for item, meter in case.registers}
    end_wh = registers.get(ended.hash)
    if end_wh is None:
        return ()
    shown = (
        Point(moment_ms(case, item), None if withheld(case, item) else registers.get(item.hash))
        for item in readings_of(case)
    )
    start = Point(moment_ms(case, started), end_wh - case.energy_wh)
    return usable(start, shown, Point(moment_ms(case, ended), end_wh))


def readings_of(case: Case) -> Iterator[Item]:
    """Yield the transaction's records between start and end that state a register, to whomever."""
    started = case.of_kind(Kind.STARTED)
    subject = started.payload.subject if started else None
    for item in case.bundle.items:
        payload = item.payload
        if payload.kind == Kind.READING and payload.subject == subject and Group.METER in payload.groups:
            yield item


def withheld(case: Case, item: Item) -> Group | None:
    """Return what of a record is not shown and would be needed: its register, or the station's time of it."""
    return next((g for g in _NEEDED if g in item.payload.groups and (item.hash, g) not in case.contents), None)


def moment_ms(case: Case, item: Item) -> int:
    """Return the station's own time of a record where it is shown, else the signer's, in Unix milliseconds."""
    content = case.contents.get((item.hash, Group.OPS))
    station_ms = Ops.read(content.fields).station_ms if content else None
    return item.payload.ms if station_ms is None else station_ms
