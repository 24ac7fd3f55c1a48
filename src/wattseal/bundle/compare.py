"""Two bundles of one charge side by side: where they first say something else, record by record and field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from wattseal.base.errors import InputError
from wattseal.bundle.cdr import CdrSummary
from wattseal.bundle.format import Bundle
from wattseal.bundle.report import place_text
from wattseal.seal.fields import Meter
from wattseal.seal.groups import PLAIN, Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind, group_name

MAX_DIFFERENCES = 64
"""Differences told; two bundles of different charges differ everywhere."""
Place = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two bundles differ: the record ("" for the bundle's own fields), the field, and both values.

    A value is text; None where that side has nothing there.
    """

    record: str
    field: str
    theirs: str | None
    ours: str | None


def differences(theirs: Bundle, ours: Bundle) -> tuple[Difference, ...]:
    """Return where the bundles differ, the chain's records first, in its order; at most `MAX_DIFFERENCES`."""
    return tuple(islice(_differences(theirs, ours), MAX_DIFFERENCES))


def _differences(theirs: Bundle, ours: Bundle) -> Iterator[Difference]:
    told, kept = _by_place(theirs.items), _by_place(ours.items)
    for place in sorted(told.keys() | kept.keys()):
        yield from _records(place, told.get(place), kept.get(place), theirs, ours)
    told_others, kept_others = _by_place(theirs.others), _by_place(ours.others)
    for place in sorted(told_others.keys() & kept_others.keys()):
        yield from _records(place, told_others[place], kept_others[place], theirs, ours)
    yield from _cdrs(theirs.cdr, ours.cdr)


def _by_place(items: tuple[Item, ...]) -> dict[Place, Item]:
    return {item.payload.place: item for item in items}


def _records(place: Place, told: Item | None, kept: Item | None, theirs: Bundle, ours: Bundle) -> Iterator[Difference]:
    where = place_text(place)
    if told is None or kept is None:
        yield Difference(where, "record", _name(told), _name(kept))
        return
    if told.hash != kept.hash:
        yield from _payloads(where, told, kept)
    elif _signature(told) != _signature(kept):
        yield Difference(where, "signature", _signature(told), _signature(kept))
    for gid in sorted(told.payload.groups.keys() | kept.payload.groups.keys()):
        yield from _contents(where, gid, _content(theirs, told, gid), _content(ours, kept, gid))


def _payloads(where: str, told: Item, kept: Item) -> Iterator[Difference]:
    for name in ("kind", "prev", "ms", "clock", "subject", "refs", "public"):
        one, other = _text(getattr(told.payload, name)), _text(getattr(kept.payload, name))
        if one != other:
            yield Difference(where, name, one, other)
    for gid in sorted(told.payload.groups.keys() | kept.payload.groups.keys()):
        first, second = told.payload.groups.get(gid), kept.payload.groups.get(gid)
        if first != second:
            name = f"commitment to the {group_name(gid)}"
            yield Difference(
                where,
                name,
                None if first is None else first.commitment.hex(),
                None if second is None else second.commitment.hex(),
            )


def _contents(
    where: str, gid: int, told: Mapping[int, Any] | None, kept: Mapping[int, Any] | None
) -> Iterator[Difference]:
    """Compare content that both sides show: what one side may not read differs in nothing that can be said."""
    if told is None or kept is None or told == kept:
        return
    if gid == Group.METER:
        one, other = _register(told), _register(kept)
        if one != other:
            yield Difference(where, "register_wh", one, other)
            return
    yield Difference(where, group_name(gid), _text(told), _text(kept))


def _content(bundle: Bundle, item: Item, gid: int) -> Mapping[int, Any] | None:
    """Return what a bundle shows of a group, whether or not it is what the record committed to."""
    try:
        for opening in bundle.openings:
            if (opening.payload_hash, opening.gid) == (item.hash, gid):
                return Content.decode(opening.content).fields
        box = item.boxes.get(gid)
        if isinstance(box, list) and box[0] == PLAIN:
            opened = open_box(item, gid, None)
            return Content.decode(opened.content).fields if isinstance(opened, Opening) else None
    except InputError:
        return None
    return None


def _cdrs(told: Any, kept: Any) -> Iterator[Difference]:
    if told is None or kept is None or told == kept:
        return
    try:
        one, other = CdrSummary.read(told), CdrSummary.read(kept)
    except InputError:
        yield Difference("", "cdr", "unreadable", "unreadable")
        return
    for name in ("id", "start_ms", "end_ms", "energy_wh", "currency", "total_excl_vat", "total_incl_vat", "tariff"):
        first, second = _text(getattr(one, name)), _text(getattr(other, name))
        if first != second:
            yield Difference("", f"cdr {name}", first, second)


def _register(fields: Mapping[int, Any]) -> str | None:
    try:
        return format(Meter.read(fields).register_wh, "f")
    except InputError:
        return None


def _signature(item: Item) -> str | None:
    return None if item.signature is None else item.signature.signature.hex()


def _name(item: Item | None) -> str | None:
    if item is None:
        return None
    known = item.payload.kind in set(Kind)
    return Kind(item.payload.kind).name.lower() if known else f"kind {item.payload.kind}"


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case bytes():
            return value.hex()
        case tuple() | list():
            return " ".join(str(_text(part)) for part in value)
        case dict():
            return ", ".join(f"{key}: {_text(part)}" for key, part in sorted(value.items()))
        case _:
            return str(value)
