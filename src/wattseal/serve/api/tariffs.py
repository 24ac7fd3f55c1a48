"""Tariffs: signed versions side by side, and which of them applies where."""

from dataclasses import replace
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.commands import find_station
from wattseal.flow.documents import read
from wattseal.flow.drivers.known_tokens import token_of
from wattseal.flow.money.tariff_changes import assign, remove_tariff, set_tariff, unassign
from wattseal.flow.money.tariffs import (
    TARIFF_VERSION,
    Assignment,
    ListedTariff,
    TariffBook,
    applying,
    tariff_book,
    tariff_by_record,
)
from wattseal.flow.world import World
from wattseal.model.tariff import Tariff
from wattseal.model.tariff_place import PRIVATE, Level, TariffVersion
from wattseal.model.token import canonical
from wattseal.rules.tariff_choice import Why, in_force
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who
from wattseal.wire.ocpi.tariffs import OcpiVersion, decode_tariff, encode_tariff, needs_zone

READ, WRITE, READ_TOKENS = "tariffs:read", "tariffs:write", "tokens:read"
ZoneName = Annotated[str | None, QueryParameter(max_length=255)]
Grace = Annotated[int, QueryParameter(ge=0, le=86_400)]
Spoken = Annotated[OcpiVersion, QueryParameter()]


class PlaceBody(Body, frozen=True, kw_only=True):
    """`PUT /api/v1/tariffs/{tariff_id}/assignments`: what to assign the tariff to, instead of the one it has.

    `name` is the id of the site, station, group or token; for the level `cpo` there is none.
    """

    level: Level
    name: Annotated[str, Meta(max_length=255)] = ""


@put("/tariffs/{tariff_id:str}")
async def put_tariff(
    principal: Who,
    service: What,
    request: Req,
    tariff_id: FromPath[str],
    *,
    time_zone: ZoneName = None,
    idle_grace_s: Grace = 0,
    ocpi: Spoken = OcpiVersion.V2_2_1,
) -> dict[str, Any]:
    """Sign an OCPI tariff as the newest version of its id; the very first tariff is assigned to the whole CPO.

    `time_zone` (IANA) is where its times and days are meant, needed where it has any; `idle_grace_s` is for how long a
    car may stand without charging before that counts as parking.
    """
    demand(principal, WRITE)
    tariff = decode_tariff(await request.body(), ocpi)
    if tariff.id != tariff_id:
        raise InputError("the tariff's id is not the one in the path", subject="id")
    if time_zone is None and needs_zone(tariff):
        text = "this tariff has times or days; say in which zone with ?time_zone=Europe/Vienna, for example"
        raise InputError(text, code="time_zone_needed", subject="time_zone")
    tariff = replace(tariff, time_zone=time_zone or tariff.time_zone, idle_grace_s=idle_grace_s)
    kept = await set_tariff(service.world, tariff)
    return await _view(service.world, kept.tariff_id, ocpi)


@get("/tariffs")
async def get_tariffs(
    principal: Who, service: What, request: Req, *, limit: Limit = 100, after: ShortQuery = None
) -> Response[list[dict[str, Any]]]:
    """List tariffs in the order of their ids: the record in force of each, and how much it is assigned to."""
    demand(principal, READ)
    book = await tariff_book(service.world)
    keys = sorted(k for k, listed in book.listed.items() if listed.removed_ms is None and k > (after or ""))[:limit]
    views = [_listed(book, book.listed[key], service.world.now_ms()) for key in keys]
    return paged(request, views, keys[-1] if len(keys) == limit else None)


@get("/tariffs/{tariff_id:str}")
async def get_tariff(
    principal: Who, service: What, tariff_id: FromPath[str], *, ocpi: Spoken = OcpiVersion.V2_2_1
) -> dict[str, Any]:
    """Show a tariff: its records, how much it is assigned to, and the newest version in OCPI's words."""
    demand(principal, READ)
    return await _view(service.world, tariff_id, ocpi)


@get("/tariffs/{tariff_id:str}/versions")
async def get_versions(
    principal: Who,
    service: What,
    request: Req,
    tariff_id: FromPath[str],
    *,
    limit: Limit = 100,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List the versions a tariff has had, oldest first, by the records that state them; a removed one's too."""
    demand(principal, READ)
    prefix = f"{tariff_id.casefold()}/"
    page = await service.world.journal.documents(
        principal.tenant, TARIFF_VERSION, after=max(after or "", prefix), limit=limit
    )
    mine = [document for document in page if document.key.startswith(prefix)]
    if not mine and not after:
        raise _unknown()
    views = [_version(read(document, TariffVersion)) for document in mine]
    return paged(request, views, mine[-1].key if len(mine) == limit else None)


@delete("/tariffs/{tariff_id:str}")
async def delete_tariff(principal: Who, service: What, tariff_id: FromPath[str]) -> None:
    """Take a tariff that is assigned to nothing off the list; its records stay, for the charges under it."""
    demand(principal, WRITE)
    if not await remove_tariff(service.world, tariff_id):
        raise _unknown()


@get("/tariffs/{tariff_id:str}/assignments")
async def get_assignments(
    principal: Who,
    service: What,
    request: Req,
    tariff_id: FromPath[str],
    *,
    limit: Limit = 100,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List what a tariff is assigned to; tokens and groups are for those who may read tokens."""
    demand(principal, READ)
    book = await tariff_book(service.world)
    _known(book, tariff_id)
    shown = [found for found in book.places_of(tariff_id) if found.level not in PRIVATE or principal.may(READ_TOKENS)]
    page = sorted((found for found in shown if found.key > (after or "")), key=lambda found: found.key)[:limit]
    return paged(request, [_place(found) for found in page], page[-1].key if len(page) == limit else None)


@put("/tariffs/{tariff_id:str}/assignments")
async def put_assignment(
    principal: Who, service: What, tariff_id: FromPath[str], data: JSONBody[PlaceBody]
) -> dict[str, Any]:
    """Assign a tariff to the whole CPO, a site, a station, a group of tokens or a token; charges to come follow it."""
    demand(principal, WRITE)
    return _place(await assign(service.world, data.level, data.name, tariff_id))


@delete("/tariffs/{tariff_id:str}/assignments/{level:str}")
async def delete_assignment(
    principal: Who, service: What, tariff_id: FromPath[str], level: FromPath[str], *, name: ShortQuery = None
) -> None:
    """Take a tariff away from where it is assigned, so that the next level counts there."""
    demand(principal, WRITE)
    if level not in set(Level):
        raise InputError("a level is cpo, site, station, group or token", code="bad_level", subject="level")
    if not await unassign(service.world, Level(level), name or "", tariff_id):
        raise ProblemError(404, "not_found", "that tariff is not assigned there")


@get("/stations/{station_id:str}/tariff")
async def get_station_tariff(
    principal: Who,
    service: What,
    station_id: FromPath[str],
    *,
    id_token: ShortQuery = None,
    ocpi: Spoken = OcpiVersion.V2_2_1,
) -> dict[str, Any]:
    """Show which tariff a driver would charge under at a station now, and which levels were passed over for it.

    With `id_token` the driver is the one who shows that token.
    """
    demand(principal, READ)
    world = service.world
    token = None
    if id_token is not None:
        demand(principal, READ_TOKENS)
        token = await token_of(world, canonical(id_token))
        if token is None:
            raise ProblemError(404, "not_found", "there is no such token", field="id_token")
    station = (await find_station(world, StationId(station_id))).station
    choice = await applying(world, station, token, world.now_ms())
    tariff = None if choice.version is None else await tariff_by_record(world, choice.version.record)
    return {
        "station_id": station.id,
        "tariff_id": None if choice.version is None else choice.version.tariff_id,
        "record": None if choice.version is None else choice.version.record,
        "level": choice.level,
        "passed": [{"level": p.level, "why": p.why, "tariff_id": p.tariff_id} for p in choice.passed],
    } | ({"tariff": None} if tariff is None else _ocpi(tariff, ocpi))


async def _view(world: World, tariff_id: str, ocpi: OcpiVersion) -> dict[str, Any]:
    book = await tariff_book(world)
    listed = _known(book, tariff_id)
    newest = await tariff_by_record(world, listed.versions[-1].record)
    assert newest is not None  # noqa: S101 - a version that is listed has its record
    return _listed(book, listed, world.now_ms()) | _ocpi(newest, ocpi)


def _known(book: TariffBook, tariff_id: str) -> ListedTariff:
    listed = book.listed.get(tariff_id.casefold())
    if listed is None or listed.removed_ms is not None:
        raise _unknown()
    return listed


def _listed(book: TariffBook, listed: ListedTariff, now_ms: int) -> dict[str, Any]:
    """Return a tariff's row: `record` is the newest version's, `in_force` the one's that counts now, null for none."""
    newest, now = listed.versions[-1], in_force(listed.versions, now_ms)
    assigned = {level.value: 0 for level in Level}
    for found in book.places_of(listed.id):
        assigned[found.level.value] += 1
    return {
        "id": listed.id,
        "record": newest.record,
        "since_ms": newest.since_ms,
        "in_force": None if isinstance(now, Why) else now.record,
        "why_not": now if isinstance(now, Why) else None,
        "announced": [_version(v) for v in listed.versions if v.start_ms is not None and v.start_ms > now_ms],
        "assigned": assigned,
    }


def _version(version: TariffVersion) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(version)
    return {name: value for name, value in shown.items() if name != "tariff_id"}


def _place(found: Assignment) -> dict[str, Any]:
    return {
        "level": found.level,
        "name": found.name,
        "tariff_id": found.tariff_id,
        "since_ms": found.since_ms,
        "record": found.record,
    }


def _ocpi(tariff: Tariff, version: OcpiVersion) -> dict[str, Any]:
    """Return the tariff in OCPI's words, null where they would bend a price, with what those words leave unsaid."""
    body, findings = encode_tariff(tariff, version)
    return {
        "tariff": None if body is None else msgspec.Raw(body),
        "time_zone": tariff.time_zone,
        "idle_grace_s": tariff.idle_grace_s,
        "unsaid": [finding.code for finding in findings],
    }


def _unknown() -> ProblemError:
    return ProblemError(404, "not_found", "there is no such tariff")


ROUTES = (
    put_tariff,
    get_tariffs,
    get_tariff,
    get_versions,
    delete_tariff,
    get_assignments,
    put_assignment,
    delete_assignment,
    get_station_tariff,
)
