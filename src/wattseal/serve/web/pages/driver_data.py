"""A driver's data: handed out by support, or fetched by the driver with a one-time link, without an account here."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from wattseal.base.errors import InputError
from wattseal.flow.privacy.desk import Busy, operator_of
from wattseal.flow.privacy.links import find_link, make_link, use_link
from wattseal.model.export import ExportLink
from wattseal.serve.api.exports import sent
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.receipts import HEADERS
from wattseal.serve.api.service import Service, What
from wattseal.serve.web.forms import Form
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.pages.accounts import EXPORT, READ, account_view, found_account
from wattseal.serve.web.pages.persons import person_of
from wattseal.serve.web.render import render_public
from wattseal.serve.web.signing_in import origin_of
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

BY_LINK = "the driver, by link"
BUSY = _("Too much is being fetched at present. Wait a minute, then try again.")
MAX_SECRET = 100


@post(
    "/accounts/{account_id:str}/export",
    security=[{}],
    include_in_schema=False,
    guards=[needs(READ, EXPORT)],
    status_code=200,
)
async def export_account(
    request: Req, viewer: Looks, service: What, account_id: FromPath[str], data: Form
) -> Response[Any]:
    """Send everything about an account's holder as a ZIP; a signed record says who asked."""
    check_form(request, viewer, data)
    account = await found_account(service, account_id)
    try:
        made = await service.exports.begin(service.world, service.proofs, account.id, person_of(viewer))
    except InputError as error:
        return await account_view(request, viewer, service, account.id, trouble=str(error))
    if made is None or isinstance(made, Busy):
        return await account_view(request, viewer, service, account.id, trouble=BUSY)
    return sent(made, account.id)


@post("/accounts/{account_id:str}/export-link", security=[{}], include_in_schema=False, guards=[needs(READ, EXPORT)])
async def make_export_link(
    request: Req, viewer: Looks, service: What, account_id: FromPath[str], data: Form
) -> Response[bytes]:
    """Make the link for the driver, and show it once."""
    check_form(request, viewer, data)
    account = await found_account(service, account_id)
    try:
        secret, made = await make_link(service.world, account.id, person_of(viewer))
    except InputError as error:
        return await account_view(request, viewer, service, account.id, trouble=str(error))
    link = f"{origin_of(request, service)}/mine/{secret}"
    return await account_view(request, viewer, service, account.id, link=link, link_until_ms=made.expires_ms)


@get("/mine/{secret:str}", security=[{}], include_in_schema=False)
async def show_mine(request: Req, service: What, secret: FromPath[str]) -> Response[bytes]:
    """Say what the link is for. Looking does not use it: messengers and mail programs look at links."""
    return _mine(request, service, await find_link(service.world, secret[:MAX_SECRET]))


@post("/mine/{secret:str}", security=[{}], include_in_schema=False, status_code=200)
async def fetch_mine(request: Req, service: What, secret: FromPath[str]) -> Response[Any]:
    """Use the link up and send the data. Whoever knows the address may: there is no session to be misused."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ProblemError(403, "not_from_here", _("this was sent by a page of another site"))
    world = service.world
    link = await find_link(world, secret[:MAX_SECRET])
    if link is None or link.used_ms is not None:
        return _mine(request, service, link)

    async def once() -> bool:
        return await use_link(world, link)

    try:
        made = await service.exports.begin(world, service.proofs, link.account, BY_LINK, once=once)
    except InputError as error:
        return _mine(request, service, link, 409, trouble=str(error))
    if isinstance(made, Busy):
        answer = _mine(request, service, link, 429, trouble=BUSY)
        answer.headers["Retry-After"] = str(made.after_s)
        return answer
    if made is None:
        return _mine(request, service, await find_link(world, secret[:MAX_SECRET]))
    return sent(made, link.account)


def _mine(
    request: Req, service: Service, link: ExportLink | None, status: int = 200, *, trouble: str = ""
) -> Response[bytes]:
    if link is None or link.used_ms is not None:
        status = 404 if link is None else 410
    operator = operator_of(service.world)
    made = render_public(request, "mine.html", status=status, link=link, operator=operator, trouble=trouble)
    made.headers.update(HEADERS)
    return made


ROUTES = (export_account, make_export_link, show_mine, fetch_mine)
