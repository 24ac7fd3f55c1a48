"""Changes of tariffs: each version and each assignment is a signed record, and eMSPs are told what concerns them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC
from zoneinfo import ZoneInfo

from wattseal.base.errors import InputError
from wattseal.bundle.tariff import tariff_to_value
from wattseal.bundle.tariff_place import place_to_value
from wattseal.flow.charges.sealed import RELAY, relay_body
from wattseal.flow.documents import TARIFF, put, removal
from wattseal.flow.money.tariff_places import canonical_name, known_place
from wattseal.flow.money.tariffs import (
    CURRENT_TARIFF,
    TARIFF_LISTED,
    TARIFF_PLACE,
    TARIFF_RECORD,
    TARIFF_VERSION,
    Assignment,
    KeptItemBytes,
    ListedTariff,
    TariffBook,
    place_key,
    tariff_book,
    version_of,
)
from wattseal.flow.ports import Outgoing
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.model.tariff import Tariff
from wattseal.model.tariff_place import PRIVATE, Level, TariffPlace
from wattseal.pricing.price import Incomplete, price
from wattseal.rules.tariff_choice import still_needed
from wattseal.seal import dcbor
from wattseal.seal.fields import Identity
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.plain import PlainDraft

MAX_ASSIGNMENTS = 100_000
"""Assignments kept; a further one is refused. They are all in memory."""
_NO_PERIODS = "periods_missing"
"""What pricing says of every tariff when it is given no charge."""
_IDENTITY = int(Group.IDENTITY)


@dataclass(frozen=True, slots=True)
class TariffKept:
    """What became of a tariff: the record that states it, signed, by payload hash in hex."""

    tariff_id: str
    record: str


async def set_tariff(world: World, tariff: Tariff) -> TariffKept:
    """Sign a version of a tariff, and send it to the eMSPs; the very first tariff is assigned to the whole CPO.

    It counts from now on, or from its own start, wherever the tariff is assigned. The same tariff again changes
    nothing. `InputError` names the field that cannot be priced.
    """
    _priceable(tariff)
    async with _changing(world) as (book, step):
        known = book.listed.get(tariff.id.casefold())
        if known is not None and known.id != tariff.id:
            text = f"there is a tariff {known.id}, and ids that differ in case only are one id; write it like that"
            raise InputError(text, code="tariff_spelled_otherwise", subject="id")
        last = known.versions[-1] if known is not None and known.removed_ms is None else None
        if last is not None and book.tariffs.get(last.record) == tariff:
            return TariffKept(tariff.id, last.record)
        value = dcbor.encode({1: tariff_to_value(tariff)})
        _adopt(book, step)
        item = _write(step, value)
        kept = TariffKept(tariff.id, item.hash.hex())
        version = version_of(tariff, kept.record, step.now_ms)
        before = () if last is None or known is None else known.versions
        listed = ListedTariff(tariff.id, still_needed((*before, version), step.now_ms))
        key = tariff.id.casefold()
        step.puts.append(put(TARIFF_LISTED, key, listed, step.now_ms))
        step.puts.append(put(TARIFF_VERSION, f"{key}/{item.payload.seq:012d}", version, step.now_ms))
        default = None if book.listed else _assigned(step, TariffPlace(Level.CPO, "", tariff.id))
        await _commit(book, step)
        book.listed[key] = listed
        book.tariffs[kept.record] = tariff
        _forget_contents(book)
        _take(book, default)
    return kept


async def remove_tariff(world: World, tariff_id: str) -> bool:
    """Take a tariff off the list; false where there is none, `tariff_in_use` while it is assigned.

    Its records stay: the bundles of charges under it need them.
    """
    async with _changing(world) as (book, step):
        key = tariff_id.casefold()
        listed = book.listed.get(key)
        if listed is None or listed.removed_ms is not None:
            return False
        places = book.places_of(tariff_id)
        if places:
            shown = place_key(places[0].level, "..." if places[0].level in PRIVATE else places[0].name)
            text = f"it is assigned to {shown} and {len(places) - 1} more; assign others first"
            raise InputError(text, code="tariff_in_use", subject="id")
        _adopt(book, step)
        removed = replace(listed, removed_ms=step.now_ms)
        step.puts.append(put(TARIFF_LISTED, key, removed, step.now_ms))
        await _commit(book, step)
        book.listed[key] = removed
        _forget_contents(book)
    return True


async def assign(world: World, level: Level, name: str, tariff_id: str) -> Assignment:
    """Assign a tariff to a place instead of the one it had; `InputError` where there is no such place or tariff."""
    book = await tariff_book(world)
    listed = book.listed.get(tariff_id.casefold())
    if listed is None or listed.removed_ms is not None:
        raise InputError("there is no such tariff; set it first", code="unknown_tariff", subject="tariff_id")
    currency = book.tariffs[listed.versions[-1].record].currency
    place = await known_place(world, TariffPlace(level, name, listed.id), currency)
    async with _changing(world) as (book, step):
        if len(book.assigned) >= MAX_ASSIGNMENTS and place_key(place.level, place.name) not in book.assigned:
            text = f"{MAX_ASSIGNMENTS} assignments are kept at most; assign to groups or sites"
            raise InputError(text, code="too_many_assignments", subject="level")
        _adopt(book, step)
        made = _assigned(step, place)
        await _commit(book, step)
        _take(book, made)
    return made


async def unassign(world: World, level: Level, name: str, tariff_id: str) -> bool:
    """Take a tariff away from a place, so that the next level counts; false where it is not assigned there."""
    async with _changing(world) as (book, step):
        key = place_key(level, canonical_name(level, name))
        gone = book.assigned.get(key)
        if gone is None or gone.tariff_id.casefold() != tariff_id.casefold():
            return False
        _adopt(book, step)
        _write_place(step, TariffPlace(gone.level, gone.name))
        step.puts.append(removal(TARIFF_PLACE, key, step.now_ms))
        await _commit(book, step)
        del book.assigned[key]
    return True


async def tell_of_move(step: Step, before: Station | None, station: Station) -> list[Assignment]:
    """Put into the step what eMSPs must know of a station's coming to a site or leaving it, where sites have tariffs.

    The caller commits, awaiting nothing else before it, and then gives the result to `moved`.
    """
    old, new = None if before is None else before.site, station.site
    if old == new:
        return []
    book = await tariff_book(step.world)
    await step.world.chains.ready(step.world.billing_origin, 0)
    changed = []
    for site, there in ((old, False), (new, True)):
        found = None if site is None else book.assigned.get(place_key(Level.SITE, site))
        if found is None:
            continue
        others = {s for s in found.stations if s.casefold() != station.id.casefold()}
        stations = tuple(sorted(others | ({station.id} if there else set())))
        changed.append(_assigned(step, TariffPlace(Level.SITE, found.name, found.tariff_id, stations), found.since_ms))
    return changed


async def moved(world: World, changed: list[Assignment]) -> None:
    """Take into memory what `tell_of_move` wrote, now that it is durable."""
    book = await tariff_book(world)
    for assignment in changed:
        _take(book, assignment)


@asynccontextmanager
async def _changing(world: World) -> AsyncIterator[tuple[TariffBook, Step]]:
    """Give the book and a step whose chain is ready, to one change at a time."""
    book = await tariff_book(world)
    if book.changing:
        text = "another change of tariffs is being written; try again"
        raise InputError(text, code="tariffs_being_changed", subject="tariff")
    book.changing = True
    try:
        await world.chains.ready(world.billing_origin, 0)
        yield book, Step(world, "", world.now_ms())
    finally:
        book.changing = False


async def _commit(book: TariffBook, step: Step) -> None:
    """Make a change durable; from then on nothing stands in the one document of old."""
    await step.commit()
    book.legacy = False


def _adopt(book: TariffBook, step: Step) -> None:
    """Write the one tariff of old in the new form, ahead of a change: its documents, and what says it is the default.

    From here on nothing may be refused, nor awaited but the commit.
    """
    if not book.legacy:
        return
    step.puts.append(removal(TARIFF, CURRENT_TARIFF, step.now_ms))
    for key, listed in book.listed.items():
        step.puts.append(put(TARIFF_LISTED, key, listed, step.now_ms))
        for version in listed.versions:
            step.puts.append(put(TARIFF_VERSION, f"{key}/{0:012d}", version, step.now_ms))
    default = book.assigned[place_key(Level.CPO, "")]
    _assigned(step, TariffPlace(Level.CPO, "", default.tariff_id), default.since_ms)


def _priceable(tariff: Tariff) -> None:
    """Go on only with a tariff that any charge can be priced under."""
    match price(tariff, (), UTC):
        case Incomplete(what=what) if problems := [code for code in what if code != _NO_PERIODS]:
            code, _, where = problems[0].partition(":")
            more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
            text = f"no charge could be priced exactly under this tariff: {code} at {where or 'the tariff'}{more}"
            raise InputError(text, code="tariff_not_priceable", subject=where or code)
        case _:
            pass
    for number, element in enumerate(tariff.elements):
        for place, component in enumerate(element.components):
            if component.price < 0:
                text = "a price is not below zero: nobody is paid for charging; make a discount a tariff of its own"
                where = f"elements[{number}].price_components[{place}]"
                raise InputError(text, code="tariff_not_priceable", subject=where)
    if tariff.start_at is not None and tariff.end_at is not None and tariff.end_at <= tariff.start_at:
        raise InputError("a tariff ends after it starts", code="tariff_never_valid", subject="end_date_time")
    try:
        ZoneInfo(tariff.time_zone)
    except (ValueError, OSError, KeyError) as error:
        text = "there is no such time zone; give an IANA name such as Europe/Vienna"
        raise InputError(text, code="bad_time_zone", subject="time_zone") from error


def _assigned(step: Step, place: TariffPlace, since_ms: int | None = None) -> Assignment:
    """Write the record and the document of an assignment."""
    assert place.tariff_id is not None  # noqa: S101 - what has none is not assigned
    item = _write_place(step, place)
    since_ms = step.now_ms if since_ms is None else since_ms
    made = Assignment(place.level, place.name, place.tariff_id, since_ms, item.hash.hex(), place.stations)
    step.puts.append(put(TARIFF_PLACE, made.key, made, step.now_ms))
    return made


def _write_place(step: Step, place: TariffPlace) -> Item:
    groups: tuple[tuple[int, bytes], ...] = ()
    if place.level in PRIVATE:
        groups = ((_IDENTITY, dcbor.encode(Identity(place.name, place.level.value).to_fields())),)
    return _write(step, dcbor.encode({2: place_to_value(place)}), groups)


def _write(step: Step, public: bytes, groups: tuple[tuple[int, bytes], ...] = ()) -> Item:
    """Write a TARIFF record; one that says who somebody is, is told to nobody."""
    world = step.world
    draft = PlainDraft(Kind.TARIFF, step.now_ms, groups, public=public)
    written = step.write((world.billing_origin, 0), world.billing_key, draft, None)
    item = parse_item(written.item)
    record = item.hash.hex()
    if not groups:
        step.puts.append(put(TARIFF_RECORD, record, KeptItemBytes(item.encode()), step.now_ms))
        for party in world.partners.parties():
            step.outbox.append(Outgoing(f"{RELAY}-{party}-{record}", RELAY, relay_body(party, item), step.now_ms))
    return item


def _take(book: TariffBook, made: Assignment | None) -> None:
    if made is not None:
        book.assigned[made.key] = made


def _forget_contents(book: TariffBook) -> None:
    """Drop the contents of versions that will not be chosen any more; records keep them."""
    needed = {v.record for listed in book.listed.values() if listed.removed_ms is None for v in listed.versions}
    for record in book.tariffs.keys() - needed:
        del book.tariffs[record]
