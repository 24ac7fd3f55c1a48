"""Each route of the pages for each role, asked of the real application; `docs/reference/roles.md` has the same table.

`python -m tests.web.test_role_matrix` prints the table.
"""

import asyncio
import re
import sys
from collections.abc import Iterable
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo

import httpx
from litestar import Litestar
from litestar.routes import HTTPRoute
from tests.support.cpo_world import TENANT, make_world
from tests.support.doc_tree import ROOT

from wattseal.model.principal import Principal
from wattseal.rules.roles import ROLES, scopes_of
from wattseal.serve.api.app import make_api
from wattseal.serve.api.service import Service
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.guard import csrf_of

ANYBODY = {
    "GET /check",
    "GET /check/download",
    "GET /join/{secret}",
    "GET /login",
    "GET /login/oidc",
    "GET /login/oidc/callback",
    "GET /mine/{secret}",
    "GET /receipt-worker.js",
    "GET /static/{tag}/{name}",
    "POST /c",
    "POST /join/{secret}",
    "POST /login",
    "POST /login/passkey",
    "POST /login/passkey/challenge",
    "POST /mine/{secret}",
}
"""What needs no session: signing in, drivers' receipts and data, codes of drivers' apps, files."""
EVERYBODY = {
    "GET /",
    "GET /events",
    "GET /log",
    "GET /profile",
    "GET /settings",
    "POST /logout",
    "POST /profile",
    "POST /profile/passkey",
    "POST /profile/passkey/challenge",
    "POST /profile/passkey/{number}/remove",
    "POST /profile/password",
    "POST /profile/sessions/end",
    "POST /settings/topics",
    "POST /settings/views",
}
"""What everybody who is signed in may open; it shows only what the person's own scopes allow."""
ELSEWHERE = ("/.well-known/", "/api/", "/healthz", "/pay/", "/r/", "/readyz", "/uploads/", "/webhooks/")
"""What is no page of this dashboard."""
SECRET = "secret-of."
"""With the roles behind it."""
ROW = re.compile(r"^\| `((?:GET|POST) /[^`]*)` \|(.*)\|$", re.MULTILINE)


class AnyRoles:
    """Whoever brings a cookie has the roles that stand in it."""

    async def viewer(self, secret: str, languages: Iterable[str]) -> Viewer | None:
        del languages
        roles = tuple(filter(None, secret.removeprefix(SECRET).split(".")))
        principal = Principal(TENANT, "person/x", frozenset(roles), scopes_of(roles))
        return Viewer(principal, "x", "X", roles, "en", ZoneInfo("UTC"), csrf_of(secret)) if secret else None


@cache
def application() -> Litestar:
    """Return the real application; behind the guards there is nothing, so that whatever passes them fails."""
    parts = dict.fromkeys(Service.__dataclass_fields__, cast("Any", None))
    return make_api(Service(**{**parts, "world": make_world(), "viewers": AnyRoles()}))


def page_routes() -> list[str]:
    found = [
        f"{method} {route.path_format}"
        for route in application().routes
        if isinstance(route, HTTPRoute)
        for method in route.route_handler_map
        if method not in {"OPTIONS", "HEAD"} and not route.path_format.startswith(ELSEWHERE)
    ]
    return sorted(set(found), key=lambda one: one.split(" ")[::-1])


class Filler(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "1"


async def statuses(*roles: str, cookie: bool = True) -> dict[str, httpx.Response]:
    transport = httpx.ASGITransport(cast("Any", application()), raise_app_exceptions=False)
    secret = SECRET + ".".join(roles)
    headers = {"Cookie": f"wattseal={secret}"} if cookie else {}
    found = {}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        for name in page_routes():
            if name in ANYBODY or (cookie and name in EVERYBODY):
                continue
            method, _, path = name.partition(" ")
            data = {"csrf": csrf_of(secret)} if method == "POST" else None
            found[name] = await client.request(method, path.format_map(Filler()), data=data)
    return found


async def matrix() -> dict[str, set[str]]:
    """Return which roles pass the guards of each route."""
    told: dict[str, set[str]] = {}
    for role in ROLES:
        for name, answer in (await statuses(role)).items():
            told.setdefault(name, set())
            if answer.status_code != 403:
                told[name].add(role)
    return told


def documented() -> dict[str, set[str]]:
    text = (ROOT / "docs" / "reference" / "roles.md").read_text()
    return {
        name: {role for role, cell in zip(ROLES, cells.split("|"), strict=True) if cell.strip() == "yes"}
        for name, cells in ROW.findall(text)
    }


async def test_every_route_lets_in_the_roles_that_the_documentation_names() -> None:
    assert await matrix() == documented()


async def test_nobody_without_a_role_opens_anything() -> None:
    found = {name: answer.status_code for name, answer in (await statuses()).items()}
    assert len(found) > 40
    assert {name: status for name, status in found.items() if status != 403} == {}


async def test_nobody_without_a_session_opens_anything_but_what_signs_in() -> None:
    found = await statuses(cookie=False)
    assert found.keys() >= EVERYBODY
    for name, answer in found.items():
        assert answer.status_code == 303, name
        assert answer.headers["location"].startswith("/login?next="), name


def test_the_lists_of_exceptions_name_routes_that_are_there() -> None:
    assert set(page_routes()) >= ANYBODY | EVERYBODY


def table(told: dict[str, set[str]]) -> str:
    lines = [f"| route | {' | '.join(ROLES)} |", "|---|" + "---|" * len(ROLES)]
    for name, allowed in told.items():
        cells = " | ".join("yes" if role in allowed else "" for role in ROLES)
        lines.append(f"| `{name}` | {cells} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table(asyncio.run(matrix())) + "\n")
