"""API tokens: who may use this API, for what, and until when."""

from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody

from wattseal.model.api_token import ApiToken
from wattseal.rules.scopes import SCOPES
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who

DAY_S = 86_400
Scope = Annotated[str, msgspec.Meta(min_length=1, max_length=64, extra_json_schema={"enum": sorted(SCOPES)})]


class ApiTokenBody(Body, frozen=True, kw_only=True):
    """A token to be made: its name, its scopes (docs/reference/api.md), how long it is good; 90 days by default."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[!-~]+( [!-~]+)*$")]
    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=64)]
    expires_in_s: Annotated[int, msgspec.Meta(ge=1, le=730 * DAY_S)] = 90 * DAY_S


@post("/api-tokens")
async def post_api_token(principal: Who, service: What, data: JSONBody[ApiTokenBody]) -> Response[dict[str, Any]]:
    """Make an API token. Its secret is in this answer and nowhere else."""
    demand(principal, "api-tokens:write")
    token, secret = await service.api_tokens.make(principal, data.name, tuple(data.scopes), data.expires_in_s)
    body = {**_view(token, service.world.now_ms()), "secret": secret}
    return Response(body, headers={"Cache-Control": "no-store"})


@get("/api-tokens")
async def get_api_tokens(
    principal: Who, service: What, request: Req, *, limit: Limit = 100, after: ShortQuery = None
) -> Response[list[dict[str, Any]]]:
    """List API tokens, revoked and expired ones too, never their secrets."""
    demand(principal, "api-tokens:read")
    page = await service.api_tokens.page(after or "", limit)
    now_ms = service.world.now_ms()
    return paged(request, [_view(token, now_ms) for token in page], page[-1].id if len(page) == limit else None)


@delete("/api-tokens/{token_id:str}")
async def delete_api_token(principal: Who, service: What, token_id: FromPath[str]) -> None:
    """Revoke an API token; from now on it is nobody's."""
    demand(principal, "api-tokens:write")
    if await service.api_tokens.revoke(token_id) is None:
        raise ProblemError(404, "not_found", "there is no such API token")


def _view(token: ApiToken, now_ms: int) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": list(token.scopes),
        "state": token.state(now_ms).value,
        "created_by": token.created_by,
        "created_at_ms": token.created_at_ms,
        "expires_at_ms": token.expires_at_ms,
        "revoked_at_ms": token.revoked_at_ms,
    }


ROUTES = (post_api_token, get_api_tokens, delete_api_token)
