"""What pages of signing in share: the cookie of a session, where a browser came from and goes to, the site's name."""

import re
from typing import Any
from urllib.parse import urlsplit

from litestar import Response
from litestar.datastructures import Cookie

from wattseal.base.errors import InputError
from wattseal.crypto.passkeys import Site
from wattseal.flow.people.sessions import People
from wattseal.model.person import Person
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service
from wattseal.serve.web.forms import gone_to
from wattseal.serve.web.viewer import COOKIE, SECURE_COOKIE, Req, secret_of

_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of ours: no other host (//host, /\\host), no control characters."""
MAX_NEXT = 1000


async def people_of(service: Service) -> People:
    """Return the people of the service, read."""
    if service.people is None:
        raise ProblemError(404, "not_found", "this service keeps no people")
    await service.people.ready()
    return service.people


def onwards(told: str | None) -> str:
    """Return where to go after signing in: a page of ours, whatever the address asked for."""
    return told if told is not None and len(told) <= MAX_NEXT and _LOCAL.fullmatch(told) else "/"


def is_secure(request: Req, service: Service) -> bool:
    """Return whether the browser speaks TLS with us, itself or to the proxy at the public address."""
    public = urlsplit(service.world.settings.public_url or "")
    if public.scheme == "https" and request.headers.get("host", "").lower() == public.netloc.lower():
        return True
    return request.url.scheme == "https"


def origin_of(request: Req, service: Service) -> str:
    """Return where people reach these pages: the public address, else what the browser has called us."""
    public = service.world.settings.public_url
    scheme = "https" if is_secure(request, service) else "http"
    return public or f"{scheme}://{request.headers.get('host', '')}"


def site_of(request: Req, service: Service) -> Site:
    """Return the site that passkeys are good for, as the browser sees it (`no_name` where that is a bare address)."""
    scheme = "https" if is_secure(request, service) else "http"
    host = request.headers.get("host", "").lower()
    name = urlsplit(f"//{host}").hostname or ""
    if not name or ":" in name or name.replace(".", "").isdigit():
        text = "passkeys need a name, not an address: open this page as localhost or by the host's name"
        raise InputError(text, code="no_name", subject="host")
    return Site(name, f"{scheme}://{host}")


async def signed_in(request: Req, service: Service, person: Person, how: str, where: str) -> Response[Any]:
    """Begin a session, end the one the browser came with, and send the browser on."""
    response = gone_to(where)
    await begin(request, service, person, how, response)
    return response


async def begin(request: Req, service: Service, person: Person, how: str, response: Response[Any]) -> None:
    """Begin a session under a secret of its own, and have the browser keep that."""
    people = await people_of(service)
    if before := secret_of(request):
        await people.end(before)
    secret = await people.begin(person, how, request.headers.get("user-agent", ""))
    secure = is_secure(request, service)
    response.cookies.append(
        Cookie(
            SECURE_COOKIE if secure else COOKIE,
            value=secret,
            path="/",
            httponly=True,
            samesite="lax",
            secure=secure,
            max_age=people.policy.session_ms // 1000,
        )
    )


def signed_out(request: Req, where: str = "/login") -> Response[Any]:
    """Have the browser forget its session, and send it on."""
    response = gone_to(where)
    for name in (SECURE_COOKIE, COOKIE):
        if name in request.cookies:
            secure = name == SECURE_COOKIE
            gone = Cookie(name, value="", path="/", max_age=0, httponly=True, samesite="lax", secure=secure)
            response.cookies.append(gone)
    return response
