"""Tariffs: what charging costs where, every signed version, and what a charge would come to."""

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from litestar import Response, get, post

from wattseal.base.errors import InputError
from wattseal.bundle.cdr import bounds, price_charge
from wattseal.flow.documents import read
from wattseal.flow.money.tariff_changes import assign, remove_tariff, set_tariff, unassign
from wattseal.flow.money.tariffs import (
    TARIFF_VERSION,
    Assignment,
    ListedTariff,
    TariffBook,
    tariff_book,
    tariff_by_record,
)
from wattseal.flow.world import World
from wattseal.model.tariff import Tariff
from wattseal.model.tariff_place import PRIVATE, Level, TariffVersion
from wattseal.pricing.money import COMPONENT_DIGITS, rounded
from wattseal.pricing.trace import Incomplete, Priced
from wattseal.rules.tariff_choice import Why, in_force
from wattseal.rules.tariff_text import tariff_text
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, ShortQuery, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.forms import Form, gone_to, sure, text_of
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.render import render
from wattseal.serve.web.tariff_form import local_ms, quantity, simple_tariff
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs
from wattseal.wire.ocpi.tariffs import OcpiVersion, decode_tariff, encode_tariff, needs_zone

READ, WRITE, READ_TOKENS = "tariffs:read", "tariffs:write", "tokens:read"
PAGE, MAX_VERSIONS, MAX_JSON = 50, 200, 100_000
_DONE = {
    "set": _("Signed: charges to come follow it."),
    "assigned": _("Assigned: charges to come follow it."),
    "unassigned": _("Taken away: the next level counts there."),
    "removed": _("Removed: its records stay, for the charges under it."),
}
_LEVELS = {
    Level.CPO: _("everywhere"),
    Level.SITE: _("site"),
    Level.STATION: _("station"),
    Level.GROUP: _("group of tokens"),
    Level.TOKEN: _("token"),
}
_DIMENSIONS = {
    "ENERGY": _("Energy"),
    "TIME": _("Charging"),
    "PARKING_TIME": _("Not charging"),
    "FLAT": _("Each charge"),
    "SESSION": _("Least or most"),
}
_WHY = {
    Why.NOT_YET_VALID: _("not valid yet"),
    Why.NO_LONGER_VALID: _("no longer valid"),
    Why.UNKNOWN_TARIFF: _("without a version"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A tariff in the list: its price in one line, what it is assigned to, and since when it counts."""

    id: str
    price: str | None
    why_not: str | None
    since_ms: int
    announced: int
    assigned: tuple[tuple[str, int], ...]


EXAMPLE = ("20", "60")
"""kWh and minutes of the charge that is priced where none is asked for."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a charge would come to: asked for, and the price or what is in its way."""

    kwh: str
    minutes: str
    at: str
    priced: Priced | None = None
    trouble: str = ""
    unclear: tuple[str, ...] = ()


@get("/tariffs", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def tariffs(
    request: Req, viewer: Looks, service: What, *, after: ShortQuery = None, done: ShortQuery = None
) -> Response[bytes]:
    """List them, and offer to set one."""
    told = _DONE.get(done or "", "")
    return await _list(request, viewer, service, after or "", done=told, form={})


async def _list(
    request: Req,
    viewer: Viewer,
    service: Service,
    after: str,
    *,
    form: dict[str, str],
    done: str = "",
    trouble: str = "",
) -> Response[bytes]:
    book, now_ms = await tariff_book(service.world), service.world.now_ms()
    keys = sorted(k for k, listed in book.listed.items() if listed.removed_ms is None and k > after)[:PAGE]
    return render(
        request,
        viewer,
        "tariffs.html",
        status=422 if trouble else 200,
        rows=[_row(book, book.listed[key], viewer.language, now_ms) for key in keys],
        following=f"/tariffs?after={keys[-1]}" if len(keys) == PAGE else None,
        writes=viewer.may(WRITE),
        form=form,
        done=done,
        trouble=trouble,
        party=service.world.party,
    )


def _row(book: TariffBook, listed: ListedTariff, language: str, now_ms: int) -> Row:
    now = in_force(listed.versions, now_ms)
    shown = listed.versions[-1] if isinstance(now, Why) else now
    tariff = book.tariffs.get(shown.record)
    counted = dict.fromkeys(Level, 0)
    for found in book.places_of(listed.id):
        counted[found.level] += 1
    return Row(
        id=listed.id,
        price=None if tariff is None else tariff_text(tariff, language),
        why_not=_WHY.get(now) if isinstance(now, Why) else None,
        since_ms=shown.since_ms,
        announced=sum(v.start_ms is not None and v.start_ms > now_ms for v in listed.versions),
        assigned=tuple((_LEVELS[level], number) for level, number in counted.items() if number),
    )


@post("/tariffs", security=[{}], include_in_schema=False, guards=[needs(READ, WRITE)])
async def post_tariff(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Sign a tariff, out of simple fields or an OCPI object."""
    check_form(request, viewer, data)
    try:
        kept = await set_tariff(service.world, _wanted(service, data))
    except InputError as error:
        return await _list(request, viewer, service, "", form=data, trouble=_told(error))
    return gone_to("/tariffs/one", id=kept.tariff_id, done="set")


def _told(error: InputError) -> str:
    """Return what is wrong, with the place in the tariff where the text does not name it."""
    said = str(error)
    return said if not error.subject or error.subject in said else f"{said} ({error.subject})"


def _wanted(service: Service, data: dict[str, str]) -> Tariff:
    told = text_of(data, "json", MAX_JSON)
    if not told:
        return simple_tariff(data, service.world.party, service.world.now_ms())
    version = OcpiVersion(data["ocpi"]) if data.get("ocpi") in set(OcpiVersion) else OcpiVersion.V2_2_1
    tariff = decode_tariff(told.encode(), version)
    zone = text_of(data, "time_zone", 64)
    if needs_zone(tariff) and not zone:
        text = _("this tariff has times or days; say in which time zone")
        raise InputError(text, code="time_zone_needed", subject="time_zone")
    grace = quantity(data, "idle_grace_min", Decimal(1440)) or Decimal(0)
    return replace(tariff, time_zone=zone or tariff.time_zone, idle_grace_s=int(grace * 60))


@get("/tariffs/one", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def tariff(
    request: Req,
    viewer: Looks,
    service: What,
    *,
    id: ShortQuery = None,  # noqa: A002 - the name in the address
    kwh: ShortQuery = None,
    minutes: ShortQuery = None,
    at: ShortQuery = None,
    done: ShortQuery = None,
) -> Response[bytes]:
    """Show a tariff: its price, its versions, where it applies, and what a charge would come to."""
    asked = {"kwh": kwh or "", "minutes": minutes or "", "at": at or ""}
    return await _one(request, viewer, service, id or "", asked=asked, done=_DONE.get(done or "", ""))


async def _one(
    request: Req,
    viewer: Viewer,
    service: Service,
    tariff_id: str,
    *,
    asked: dict[str, str],
    done: str = "",
    trouble: str = "",
) -> Response[bytes]:
    world = service.world
    book = await tariff_book(world)
    listed = _known(book, tariff_id)
    now = in_force(listed.versions, world.now_ms())
    newest = await _content(world, listed.versions[-1])
    counting = newest if isinstance(now, Why) else await _content(world, now)
    body, _unsaid = encode_tariff(newest, OcpiVersion.V2_3_0)
    return render(
        request,
        viewer,
        "tariff.html",
        status=422 if trouble else 200,
        listed=listed,
        price=tariff_text(counting, viewer.language),
        tariff=counting,
        why_not=_WHY.get(now) if isinstance(now, Why) else None,
        in_force=None if isinstance(now, Why) else now.record,
        versions=await _versions(world, listed.id),
        places=_shown_places(book, listed.id, viewer),
        hidden=not viewer.may(READ_TOKENS) and any(p.level in PRIVATE for p in book.places_of(listed.id)),
        levels=_LEVELS,
        levels_offered=[one for one in _LEVELS if one not in PRIVATE or viewer.may(READ_TOKENS)],
        preview=_preview(counting, viewer, asked, world.now_ms()),
        dimensions=_DIMENSIONS,
        exact=lambda amount: rounded(amount, COMPONENT_DIGITS),
        ocpi=None if body is None else json.dumps(json.loads(body), indent=2, ensure_ascii=False),
        writes=viewer.may(WRITE),
        done=done,
        trouble=trouble,
    )


async def _content(world: World, version: TariffVersion) -> Tariff:
    found = await tariff_by_record(world, version.record)
    if found is None:
        raise ProblemError(404, "not_found", _("there is no such tariff"))
    return found


async def _versions(world: World, tariff_id: str) -> list[TariffVersion]:
    """Return the versions it has had, the newest first."""
    prefix = f"{tariff_id.casefold()}/"
    page = await world.journal.documents(world.tenant, TARIFF_VERSION, after=prefix, limit=MAX_VERSIONS)
    return [read(document, TariffVersion) for document in page if document.key.startswith(prefix)][::-1]


def _shown_places(book: TariffBook, tariff_id: str, viewer: Viewer) -> list[Assignment]:
    found = book.places_of(tariff_id)
    shown = [one for one in found if one.level not in PRIVATE or viewer.may(READ_TOKENS)]
    return sorted(shown, key=lambda one: one.key)[:MAX_VERSIONS]


def _preview(tariff: Tariff, viewer: Viewer, asked: dict[str, str], now_ms: int) -> Preview:
    kwh, minutes, at = (asked[name][:32] for name in ("kwh", "minutes", "at"))
    if not kwh and not minutes:
        kwh, minutes = EXAMPLE
        asked = {**asked, "kwh": kwh, "minutes": minutes}
    try:
        energy = quantity(asked, "kwh", Decimal(10_000)) or Decimal(0)
        length = quantity(asked, "minutes", Decimal(44_640)) or Decimal(0)
        start_ms = local_ms(at, viewer.zone) if at else now_ms
    except InputError as error:
        return Preview(kwh, minutes, at, trouble=str(error))
    found = price_charge(tariff, bounds(start_ms, start_ms + int(length * 60_000), energy * 1000))
    match found:
        case Priced():
            return Preview(kwh, minutes, at, priced=found)
        case Incomplete(what=what):
            return Preview(kwh, minutes, at, trouble=_("this cannot be priced exactly"), unclear=what)


@post("/tariffs/one", security=[{}], include_in_schema=False, guards=[needs(READ, WRITE)])
async def change_tariff(
    request: Req,
    viewer: Looks,
    service: What,
    data: Form,
    *,
    id: ShortQuery = None,  # noqa: A002 - the name in the address
) -> Response[Any]:
    """Assign a tariff, take it away from a place, or take it off the list."""
    check_form(request, viewer, data)
    tariff_id = _known(await tariff_book(service.world), id or "").id
    try:
        done = await _changed(service.world, tariff_id, data, private=viewer.may(READ_TOKENS))
    except InputError as error:
        blank = {"kwh": "", "minutes": "", "at": ""}
        return await _one(request, viewer, service, tariff_id, asked=blank, trouble=_told(error))
    return gone_to("/tariffs", done=done) if done == "removed" else gone_to("/tariffs/one", id=tariff_id, done=done)


async def _changed(world: World, tariff_id: str, data: dict[str, str], *, private: bool) -> str:
    action = data.get("action")
    if action == "remove":
        sure(data)
        await remove_tariff(world, tariff_id)
        return "removed"
    level = data.get("level", "")
    if level not in set(Level) or (level in PRIVATE and not private):
        raise InputError(_("say what it is to apply to"), code="bad_level", subject="level")
    name = text_of(data, "name", 255)
    if action == "unassign":
        await unassign(world, Level(level), name, tariff_id)
        return "unassigned"
    await assign(world, Level(level), name, tariff_id)
    return "assigned"


def _known(book: TariffBook, tariff_id: str) -> ListedTariff:
    listed = book.listed.get(tariff_id.casefold())
    if listed is None or listed.removed_ms is not None:
        raise ProblemError(404, "not_found", _("there is no such tariff"))
    return listed


ROUTES = (tariffs, post_tariff, tariff, change_tariff)
