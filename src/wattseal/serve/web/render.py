"""Pages out of templates: everything shown is escaped, and the answer allows no script or style but our files."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response

from wattseal.serve.api.service import Service
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.files import address
from wattseal.serve.web.formats import Formats
from wattseal.serve.web.nav import sections
from wattseal.serve.web.own import Own
from wattseal.serve.web.texts import translated
from wattseal.serve.web.viewer import OWN, Req, languages_of

CONTENT = "text/html; charset=utf-8"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}


@cache
def environment() -> Environment:
    """Return the templates. A value that a template names and nobody gave is a defect, not an empty place."""
    made = Environment(
        loader=PackageLoader("wattseal.serve.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["static"] = address
    return made


def render(request: Req, viewer: Viewer, template: str, *, status: int = 200, **values: Any) -> Response[bytes]:
    """Return a page of the operator's, with its navigation; `values` are what the template names."""
    shared = {
        "viewer": viewer,
        "_": partial(translated, viewer.language),
        "fmt": Formats(viewer.language, viewer.zone),
        "sections": sections(viewer),
        "path": request.url.path,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "name_of": _names(request),
        "own": request.scope["state"].get(OWN, Own()),
    }
    return answer(template, viewer.language, status=status, **shared, **values)


def _names(request: Req) -> Callable[[str], str]:
    """Return what tells the name of somebody whom a record names by a pseudonym, while that name is known."""
    service: Service = request.app.state["service"]
    return str if service.people is None else service.people.register.name


def render_public(request: Req, template: str, *, status: int = 200, **values: Any) -> Response[bytes]:
    """Return a page for somebody who is not signed in, in the language that the browser asks for, times in UTC."""
    language = languages_of(request)[0]
    shared = {"_": partial(translated, language), "fmt": Formats(language, ZoneInfo("UTC")), "path": request.url.path}
    return answer(template, language, status=status, **shared, **values)


def answer(template: str, language: str, *, status: int = 200, **values: Any) -> Response[bytes]:
    """Return what a template gives, under the headers that every page has."""
    html = environment().get_template(template).render(language=language, **values)
    headers = HEADERS | {"Content-Language": language, "Vary": "Accept-Language, Cookie, HX-Request"}
    return Response(html.encode(), status_code=status, media_type=CONTENT, headers=headers)
