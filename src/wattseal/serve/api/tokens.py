"""Tokens: what drivers show, and what is answered."""

from typing import Any

from litestar import Response, get, post, put
from litestar.params import JSONBody

from wattseal.flow.fleet import enrol
from wattseal.serve.api.bodies import CardKeyBody, TokenBody, TokenStatusBody, token_view
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import Req, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who


@post("/tokens")
async def post_token(principal: Who, service: What, data: JSONBody[TokenBody]) -> dict[str, Any]:
    """Enrol a token or change its status."""
    demand(principal, "tokens:write")
    token = data.token()
    await enrol.put_a_token(service.world, token)
    return token_view(token)


@post("/tokens/status", status_code=200)
async def post_token_status(principal: Who, service: What, data: JSONBody[TokenStatusBody]) -> dict[str, Any]:
    """Change a token's status and nothing else of it: a copied card is blocked, its account and other tokens go on."""
    demand(principal, "tokens:write")
    return token_view(await enrol.set_token_status(service.world, data.id_token, data.status))


@get("/tokens")
async def get_tokens(
    principal: Who, service: What, request: Req, *, limit: Limit = 100, after: ShortQuery = None
) -> Response[list[dict[str, Any]]]:
    """List tokens; `Link` leads to the next page."""
    demand(principal, "tokens:read")
    found = await enrol.find_tokens(service.world, after or "", limit)
    next_key = found[-1].id_token.key() if len(found) == limit else None
    return paged(request, [token_view(token) for token in found], next_key)


@put("/tokens/card-key")
async def put_key(principal: Who, service: What, data: JSONBody[CardKeyBody]) -> dict[str, Any]:
    """Enrol the public key of a token's card, which has to prove it from then on; null takes it away."""
    demand(principal, "tokens:write")
    return token_view(await enrol.put_card_key(service.world, data.id_token, data.spki()))


ROUTES = (post_token, post_token_status, get_tokens, put_key)
