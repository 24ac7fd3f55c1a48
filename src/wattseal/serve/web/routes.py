"""All pages, and how they tell of trouble: to a browser as a page, in words."""

from typing import Any

from litestar import Response, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException

from wattseal.base.errors import InputError, WattsealError
from wattseal.serve.api.problems import ProblemError, on_wattseal_error
from wattseal.serve.web import files
from wattseal.serve.web.pages import check, money_area, network_area, overview, people_area, sessions_area
from wattseal.serve.web.render import render_public
from wattseal.serve.web.viewer import Req, SignInError, on_sign_in, provide_viewer

PAGES = (
    *overview.ROUTES,
    *check.ROUTES,
    *network_area.ROUTES,
    *sessions_area.ROUTES,
    *money_area.ROUTES,
    *people_area.ROUTES,
)
_TITLES = {403: "You may not see this", 404: "There is no such page"}


def _on_problem(request: Req, error: ProblemError) -> Response[bytes]:
    return _trouble(request, error.status, str(error))


def _on_wattseal_error(request: Req, error: WattsealError) -> Response[bytes]:
    told = on_wattseal_error(request, error)
    words = str(error) if isinstance(error, InputError) else "Try again later."
    return _trouble(request, told.status_code or 500, words)


def _on_http_error(request: Req, error: HTTPException) -> Response[bytes]:
    return _trouble(request, error.status_code, "Check the address, or go back and try again.")


def _trouble(request: Req, status: int, words: str) -> Response[bytes]:
    title = _TITLES.get(status, "This page cannot be shown")
    return render_public(request, "trouble.html", status=status, title=title, text=words)


def pages() -> Router:
    """Return the router of all pages."""
    handlers: dict[Any, Any] = {
        SignInError: on_sign_in,
        ProblemError: _on_problem,
        WattsealError: _on_wattseal_error,
        HTTPException: _on_http_error,
    }
    return Router(
        "/",
        route_handlers=[*PAGES, *files.ROUTES],
        dependencies={"viewer": Provide(provide_viewer)},
        exception_handlers=handlers,
    )
