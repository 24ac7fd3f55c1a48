"""The API against strangers: every route, without a token, with another tenant's, with none of its scopes; and SQL."""

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from tests.support.cpo_process import Cpo, Nursery
from tests.support.cpo_world import TENANT, make_world

from wattseal.base.ids import TenantId
from wattseal.model.principal import Principal
from wattseal.serve.api.app import make_api
from wattseal.serve.api.service import Service

PUBLIC = {"/api/v1/log/{path}"}
EVERYTHING = frozenset({"*"})
STRANGER = Principal(TenantId("elsewhere"), "stranger", frozenset(), EVERYTHING)
POWERLESS = Principal(TENANT, "powerless", frozenset(), frozenset())


def api(principal: Principal | None) -> Litestar:
    parts = dict.fromkeys(Service.__dataclass_fields__, cast("Any", None))
    return make_api(Service(**{**parts, "world": make_world(), "authenticate": lambda _secret: principal}))


@cache
def routes() -> list[tuple[str, str]]:
    found = []
    for route in api(None).routes:
        if isinstance(route, HTTPRoute) and route.path_format.startswith("/api/v1/"):
            methods = set(route.route_handler_map) - {"OPTIONS"}
            found += [(method, route.path_format) for method in sorted(methods) if route.path_format not in PUBLIC]
    return sorted(found, key=lambda pair: pair[1])


async def answers(principal: Principal | None) -> dict[tuple[str, str], httpx.Response]:
    """Ask every route as `principal`, with a body that fits nothing."""
    transport = httpx.ASGITransport(cast("Any", api(principal)))
    found = {}
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for method, path in routes():
            url = path.format_map(Filler())
            headers = {"Authorization": "Bearer x", "Cookie": "session=1", "Origin": "https://elsewhere.example"}
            found[method, path] = await client.request(method, url, content=b"{}", headers=headers)
    return found


class Filler(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "1"


async def test_every_route_needs_a_token_whatever_cookies_come_with_it() -> None:
    found = await answers(None)
    assert len(found) > 60
    assert {pair: answer.status_code for pair, answer in found.items() if answer.status_code != 401} == {}
    for answer in found.values():
        assert "set-cookie" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_no_route_serves_another_tenant() -> None:
    found = await answers(STRANGER)
    assert {pair: answer.text for pair, answer in found.items() if answer.status_code != 403} == {}
    assert {answer.json()["code"] for answer in found.values()} == {"another_tenant"}


async def test_no_route_serves_a_token_without_scopes() -> None:
    found = await answers(POWERLESS)
    served = {pair: answer.status_code for pair, answer in found.items() if answer.status_code not in {403, 422}}
    assert served == {}
    refused = [pair for pair, answer in found.items() if answer.status_code == 422]
    assert all(method in {"POST", "PUT"} for method, _ in refused), "only a body that does not fit is told sooner"


INJECTIONS = ("' OR '1'='1", '" OR ""="', "x'; DROP TABLE frames; --", "%", "\\", "1) OR (1=1")


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    made = nursery.start(tmp_path_factory.mktemp("attacks") / "cpo")
    made.enrol("ST1")
    made.add_token("CARD")
    yield made
    nursery.close()


@pytest.mark.parametrize("injection", INJECTIONS)
def test_what_is_asked_for_is_a_value_and_never_sql(cpo: Cpo, injection: str) -> None:
    quoted = httpx.QueryParams({"v": injection})
    value = str(quoted).removeprefix("v=")
    for path in (
        f"/frames?station_id={value}",
        f"/frames?action={value}",
        f"/frames?text={value}",
        f"/frames?message_id={value}",
        f"/commands?station_id={value}",
        f"/commands?action={value}",
        f"/transactions?station_id={value}",
        f"/transactions?id_token={value}",
        f"/alarms?station_id={value}",
    ):
        answer = cpo.ask("GET", f"/api/v1{path}")
        assert (answer.status, answer.json()) == (200, []), path
    assert cpo.ask("GET", f"/api/v1/stations/{value}").status == 404
    assert cpo.ask("GET", f"/api/v1/tokens?after={value}").status == 200
    assert cpo.ask("GET", "/api/v1/stations/ST1").status == 200, "and all is there still"
