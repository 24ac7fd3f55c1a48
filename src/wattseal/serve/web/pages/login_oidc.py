"""Signing in at the OpenID Connect provider that the operator has configured."""

from typing import Any

from litestar import Response, get
from litestar.datastructures import Cookie
from litestar.response import Redirect

from wattseal.flow.people.outside import WAITS_MS, Outside
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, ShortQuery, What
from wattseal.serve.web.render import render_public
from wattseal.serve.web.signing_in import is_secure, onwards, origin_of, signed_in
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Req

COOKIE = "wattseal-oidc"
PATH = "/login/oidc"
MAX_QUERY = 4096
FAILED = _("Signing in there did not work, or you have no role here. Try again, or ask an owner.")


@get(PATH, security=[{}], include_in_schema=False)
async def go(request: Req, service: What, *, next: ShortQuery = None) -> Response[Any]:  # noqa: A002 - the address's
    """Send the browser to the provider."""
    begun = await _outside(service).begin(_redirect(request, service), onwards(next))
    if begun is None:
        text = _("The place where you sign in cannot be reached. Try again later.")
        return render_public(request, "trouble.html", status=503, title=_("Sign in"), text=text)
    where, browser = begun
    response: Response[Any] = Redirect(where, status_code=303)
    secure = is_secure(request, service)
    cookie = Cookie(
        COOKIE, value=browser, path=PATH, httponly=True, samesite="lax", secure=secure, max_age=WAITS_MS // 1000
    )
    response.cookies.append(cookie)
    return response


@get(f"{PATH}/callback", security=[{}], include_in_schema=False)
async def came_back(request: Req, service: What) -> Response[Any]:
    """Take the browser back that the provider has sent, if it is the one that went there."""
    browser, outside = request.cookies.get(COOKIE, ""), _outside(service)
    state, code = (request.query_params.get(name, "")[:MAX_QUERY] for name in ("state", "code"))
    found = await outside.finish(_redirect(request, service), state, browser, code)
    if found is None:
        return render_public(request, "trouble.html", status=401, title=_("Sign in"), text=FAILED)
    person, back = found
    response = await signed_in(request, service, person, "oidc", back)
    response.cookies.append(Cookie(COOKIE, value="", path=PATH, max_age=0, httponly=True, samesite="lax"))
    return response


def _outside(service: Service) -> Outside:
    if service.outside is None:
        raise ProblemError(404, "not_found", "no provider is configured")
    return service.outside


def _redirect(request: Req, service: Service) -> str:
    return f"{origin_of(request, service)}{PATH}/callback"


ROUTES = (go, came_back)
