"""Tokens: what drivers show, whether it is good, and who pays for it."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post

from wattseal.base.errors import InputError
from wattseal.flow.documents import TOKEN
from wattseal.flow.drivers.known_tokens import token_of
from wattseal.flow.fleet.enrol import put_a_token
from wattseal.flow.listing import Wanted, listing
from wattseal.model.token import IdToken, TokenRecord, TokenStatus, canonical
from wattseal.serve.api.service import Service, ShortQuery, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.forms import Form, gone_to, text_of
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.render import render
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

READ, WRITE = "tokens:read", "tokens:write"
PAGE = 50
STATUSES = {
    TokenStatus.ACCEPTED: _("good"),
    TokenStatus.BLOCKED: _("blocked"),
    TokenStatus.EXPIRED: _("expired"),
    TokenStatus.INVALID: _("invalid"),
}
"""Those a person chooses from; the others are what decisions come to."""
TYPES = ("ISO14443", "ISO15693", "Central", "eMAID", "KeyCode", "Local", "MacAddress")
_DONE = {"blocked": _("Blocked: it is refused from now on."), "good": _("It may charge."), "enrolled": _("Enrolled.")}


@get("/tokens", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def tokens(
    request: Req,
    viewer: Looks,
    service: What,
    *,
    q: ShortQuery = None,
    status: ShortQuery = None,
    after: ShortQuery = None,
    done: ShortQuery = None,
) -> Response[bytes]:
    """List them, all or those that fit a search."""
    asked = {name: told for name, told in (("q", q), ("status", status)) if told}
    return await _list(request, viewer, service, asked, after=after or "", done=_DONE.get(done or "", ""))


async def _list(
    request: Req,
    viewer: Viewer,
    service: Service,
    asked: dict[str, str],
    *,
    after: str = "",
    done: str = "",
    trouble: str = "",
) -> Response[bytes]:
    wanted = canonical(asked.get("q", ""))

    def keep(token: TokenRecord) -> bool:
        group = "" if token.group is None else token.group.key()
        said = (token.id_token.key(), group, token.account or "", (token.party or "").casefold())
        return any(wanted in one for one in said) and asked.get("status", token.status) == token.status

    page = Wanted(limit=PAGE, after=after)
    found, cursor = await listing(service.world, TOKEN, TokenRecord, page, keep if asked else None)
    return render(
        request,
        viewer,
        "tokens.html",
        status=422 if trouble else 200,
        found=found,
        following=None if cursor is None else f"/tokens?{urlencode(asked | {'after': cursor})}",
        asked=asked,
        statuses=STATUSES,
        types=TYPES,
        writes=viewer.may(WRITE),
        accounts=viewer.may("accounts:read"),
        now=service.world.clock.now(),
        done=done,
        trouble=trouble,
    )


@post("/tokens", security=[{}], include_in_schema=False, guards=[needs(READ, WRITE)])
async def change_token(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Enrol a token, block one, or let it charge again."""
    check_form(request, viewer, data)
    try:
        done = await _changed(service, data)
    except InputError as error:
        return await _list(request, viewer, service, {}, trouble=str(error))
    query = {"q": data["q"][:255]} if data.get("q") else {}
    return gone_to("/tokens", **query, done=done)


async def _changed(service: Service, data: dict[str, str]) -> str:
    action = data.get("action")
    if action == "enrol":
        await put_a_token(service.world, await _enrolled(service, data))
        return "enrolled"
    known = await token_of(service.world, canonical(text_of(data, "key", 255, least=1)))
    if known is None:
        raise InputError(_("there is no such token"), code="no_such_token", subject="key")
    if known.party is not None:
        raise InputError(_("its eMSP decides on it"), code="token_of_party", subject="key")
    status = TokenStatus.BLOCKED if action == "block" else TokenStatus.ACCEPTED
    await put_a_token(service.world, replace(known, status=status))
    return "blocked" if status is TokenStatus.BLOCKED else "good"


async def _enrolled(service: Service, data: dict[str, str]) -> TokenRecord:
    """Return a new token, or one that is known with what the form says of it."""
    kind = data.get("type", "")
    status = data.get("status", TokenStatus.ACCEPTED)
    if kind not in TYPES or status not in STATUSES:
        raise InputError(_("choose a type and a status"), code="bad_choice", subject="type")
    id_token = IdToken(text_of(data, "id_token", 255, least=1), kind)
    party, account, group = (text_of(data, name, 255) or None for name in ("party", "account", "group"))
    for name, told in (("party", party), ("account", account)):
        if told is not None and len(told) > 36:
            raise InputError(_("this is longer than can be kept"), code="field_too_long", subject=name)
    known = await token_of(service.world, id_token.key()) or TokenRecord(id_token, TokenStatus(status))
    return replace(
        known,
        id_token=id_token,
        status=TokenStatus(status),
        party=party,
        account=account,
        group=None if group is None else IdToken(group, "Central"),
    )


ROUTES = (tokens, change_token)
