"""Who looks at a page: the person a browser's session belongs to, and what that person may see."""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import SkipValidation
from litestar.response import Redirect

from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.own import own_of

COOKIE, SECURE_COOKIE = "wattseal", "__Host-wattseal"
"""A browser's session; over TLS the name forbids that another host of the domain sets it (RFC 6265bis, 4.1.3.2)."""
LANGUAGES = ("en", "de")
OWN = "own"
"""Where a request carries what of its page is the viewer's own."""
Req = Request[Any, Any, State]


Looks = NamedDependency[SkipValidation[Viewer]]


class SignInError(Exception):
    """Ends a handler: nobody is signed in, and `back` is where the browser was going."""

    def __init__(self, back: str) -> None:
        """Remember where to."""
        super().__init__("sign in first")
        self.back = back


def secret_of(request: ASGIConnection[Any, Any, Any, State]) -> str:
    """Return the session's secret that a browser sent, "" where it sent none."""
    return request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE) or ""


async def provide_viewer(request: Req) -> Viewer:
    """Return who looks; without a session the browser is sent to sign in."""
    found = await viewer_of(request)
    if found is None:
        raise SignInError(_going_to(request))
    service: Service = request.app.state["service"]
    request.scope["state"][OWN] = await own_of(service.world, found)
    return found


async def viewer_of(request: ASGIConnection[Any, Any, Any, State]) -> Viewer | None:
    """Return who looks, None where nobody is signed in."""
    service: Service = request.app.state["service"]
    secret = secret_of(request)
    if not secret or service.viewers is None:
        return None
    return await service.viewers.viewer(secret, languages_of(request))


def _going_to(request: ASGIConnection[Any, Any, Any, State]) -> str:
    """Return where a browser goes that asks for a page, with what it asks; the start where it sends a form."""
    if request.scope.get("method") != "GET":
        return "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def languages_of(request: ASGIConnection[Any, Any, Any, State]) -> tuple[str, ...]:
    """Return the languages a browser asks for, best first (RFC 9110, 12.5.4), as far as the pages speak them."""
    ranked: list[tuple[float, str]] = []
    for part in request.headers.get("accept-language", "")[:200].split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            ranked.append((-float(weight or 1), name.partition("-")[0].lower()))
        except ValueError:
            continue
    return tuple(name for _, name in sorted(ranked, key=lambda one: one[0]) if name in LANGUAGES) or ("en",)


def needs(*scopes: str) -> Any:
    """Return a guard that lets only those pass who hold all the scopes; nobody signed in is sent to sign in."""

    async def guard(connection: ASGIConnection[Any, Any, Any, State], _handler: BaseRouteHandler) -> None:
        viewer = await viewer_of(connection)
        if viewer is None:
            raise SignInError(_going_to(connection))
        if not viewer.may(*scopes):
            raise ProblemError(403, "not_allowed", "your roles do not include this page")

    return guard


def on_sign_in(request: Req, error: SignInError) -> Response[Any]:
    """Send a browser to sign in, and back afterwards; a part of a page is told by the header that htmx knows."""
    where = f"/login?next={quote(error.back, safe='')}"
    if request.headers.get("hx-request"):
        return Response(b"", status_code=401, headers={"HX-Redirect": where})
    return Redirect(where, status_code=303)
