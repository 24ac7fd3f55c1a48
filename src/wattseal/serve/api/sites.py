"""Sites: where stations stand."""

from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from wattseal.base.errors import InputError
from wattseal.flow.documents import read
from wattseal.flow.fleet.sites import SITE, put_site, remove_site, site_by_id
from wattseal.flow.limits.fallback import check_fallback
from wattseal.model.site import Site
from wattseal.serve.api.amounts import Amount, decimal_of
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.kept import READ
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who

WRITE = "stations:write"
Text = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
SiteId = Annotated[str, Meta(min_length=1, max_length=36, pattern=r"\A[A-Za-z0-9._-]+\Z")]


class SiteBody(Body, frozen=True, kw_only=True):
    """A site. `country` is ISO 3166-1 alpha-3, coordinates are decimal degrees, `time_zone` is an IANA name.

    `host` is the key of whoever has a share of its revenue. `fallback_a` is what each EVSE there falls back to when a
    limit ends, in amperes of each phase; 0 is nothing, whatever applies elsewhere.
    """

    name: Text
    address: Annotated[str, Meta(min_length=1, max_length=45, pattern=r"^[^\x00-\x1f]+$")]
    city: Annotated[str, Meta(min_length=1, max_length=45, pattern=r"^[^\x00-\x1f]+$")]
    country: Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
    latitude: Annotated[str, Meta(pattern=r"\A-?[0-9]{1,2}\.[0-9]{5,7}\Z")]
    longitude: Annotated[str, Meta(pattern=r"\A-?[0-9]{1,3}\.[0-9]{5,7}\Z")]
    time_zone: Annotated[str, Meta(min_length=1, max_length=255)]
    postal_code: Annotated[str, Meta(min_length=1, max_length=10, pattern=r"^[^\x00-\x1f]+$")] | None = None
    state: Annotated[str, Meta(min_length=1, max_length=20, pattern=r"^[^\x00-\x1f]+$")] | None = None
    host: SiteId | None = None
    fallback_a: Amount | None = None

    def site(self, site_id: str) -> Site:
        """Return the site."""
        told = msgspec.structs.asdict(self)
        return Site(id=site_id, **told | {"fallback_a": decimal_of(self.fallback_a)})


@get("/sites")
async def get_sites(
    principal: Who, service: What, request: Req, *, limit: Limit = 100, after: ShortQuery = None
) -> Response[list[dict[str, Any]]]:
    """List sites in the order of their ids."""
    demand(principal, READ)
    page = await service.world.journal.documents(principal.tenant, SITE, after=after or "", limit=limit)
    views = [_view(read(document, Site)) for document in page]
    return paged(request, views, page[-1].key if len(page) == limit else None)


@get("/sites/{site_id:str}")
async def get_site(principal: Who, service: What, site_id: FromPath[str]) -> dict[str, Any]:
    """Show one site."""
    demand(principal, READ)
    found = await site_by_id(service.world, site_id)
    if found is None:
        raise ProblemError(404, "not_found", "there is no such site")
    return _view(found)


@put("/sites/{site_id:str}")
async def put_one_site(
    principal: Who, service: What, site_id: FromPath[str], data: JSONBody[SiteBody]
) -> dict[str, Any]:
    """Make a site or change it; stations name it as their `site`."""
    demand(principal, WRITE)
    if not _is_id(site_id):
        raise InputError("a site's id has 1 to 36 of A-Z a-z 0-9 . _ -", code="bad_site_id", subject="id")
    site = data.site(site_id)
    check_fallback(service.world, site.fallback_a)
    await put_site(service.world, site)
    return _view(site)


@delete("/sites/{site_id:str}")
async def delete_site(principal: Who, service: What, site_id: FromPath[str]) -> None:
    """Forget a site on which no station stands."""
    demand(principal, WRITE)
    if not await remove_site(service.world, site_id):
        raise ProblemError(404, "not_found", "there is no such site")


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 36 and text.isascii() and all(c.isalnum() or c in "._-" for c in text)


def _view(site: Site) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(site)
    return shown | {"fallback_a": None if site.fallback_a is None else float(site.fallback_a)}


ROUTES = (get_sites, get_site, put_one_site, delete_site)
