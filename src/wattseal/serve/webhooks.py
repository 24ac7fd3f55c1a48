"""Where payment providers tell of payments: the raw body is checked before anything in it is read.

200 only once what it says is durable; a message heard before is answered like the first time.
"""

from litestar import Response, post
from litestar.params import FromPath

from wattseal.flow.money.payment_events import Heard, hear
from wattseal.model.payment import Refused
from wattseal.serve.api.problems import ProblemError, Req
from wattseal.serve.api.service import What

MAX_BYTES = 256 * 1024
_REFUSALS = {
    "bad_signature": (401, "this was not signed with the secret agreed on"),
    "too_old": (401, "this was signed more than five minutes ago or ahead; send it anew"),
    "unreadable": (422, "this is no event of the provider"),
}


@post(
    "/webhooks/payments/{provider:str}",
    security=[{}],
    status_code=200,
    include_in_schema=False,
    request_max_body_size=MAX_BYTES,
)
async def payment_webhook(service: What, request: Req, provider: FromPath[str]) -> Response[None]:
    """Take a provider's message."""
    body = await request.body()
    headers = {name.lower(): value for name, value in request.headers.items()}
    found = await hear(service.world, provider[:32], body, headers)
    if isinstance(found, Refused):
        status, words = _REFUSALS[found.code]
        raise ProblemError(status, found.code, words)
    if found.heard is Heard.NO_PROVIDER:
        raise ProblemError(404, "not_found", "no such payment provider is configured")
    return Response(None, status_code=200)


ROUTES = (payment_webhook,)
