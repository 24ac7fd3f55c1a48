"""Codes of apps over HTTP: signed for who may, redeemed by whoever has one, and tried no more than a few times."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from tests.support.app_codes import StartLines, a_code, app_world, enrol_emsp, later, signed
from tests.support.cpo_world import TENANT, signing_key

from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.serve.api.app import make_api
from wattseal.serve.api.service import Service
from wattseal.serve.pay.desk import PayDesk

WHO = Principal(TENANT, "app backend", frozenset(), frozenset({"codes:write", "tokens:write"}))
HERE = {"station_id": "ST1", "evse_id": 1}
BEARER = {"Authorization": "Bearer x"}


@dataclass
class Api:
    """The API over a world in memory."""

    client: httpx.AsyncClient
    world: World
    lines: StartLines

    async def code(self) -> str:
        told = await self.client.post("/api/v1/codes", json={"id_token": "APP", **HERE}, headers=BEARER)
        assert told.status_code == 201, told.text
        body = told.json()
        assert body["qr_svg"].startswith("<svg")
        return str(body["code"])

    async def redeem(self, code: str, **place: Any) -> httpx.Response:
        return await self.client.post("/c", json={"code": code, **HERE, **place})


@pytest.fixture(scope="module")
def app() -> Litestar:
    return make_api(service_of(cast("Any", None)))


def service_of(world: World) -> Service:
    parts = dict.fromkeys(Service.__dataclass_fields__, cast("Any", None))
    return Service(**{**parts, "world": world, "authenticate": lambda _secret: WHO, "pay": PayDesk(key=b"k" * 32)})


@pytest.fixture
async def api(app: Litestar) -> AsyncIterator[Api]:
    lines = StartLines()
    world = await app_world(lines)
    app.state["service"] = service_of(world)
    transport = httpx.ASGITransport(cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="https://test") as client:
        yield Api(client, world, lines)


async def test_a_code_begins_a_charge_without_any_other_leave_and_once(api: Api) -> None:
    code = await api.code()
    told = await api.redeem(code)
    assert (told.status_code, told.json()["status"]) == (200, "Accepted")
    assert len(told.json()["session"]) == 32
    again = await api.redeem(code)
    assert (again.status_code, again.json()["code"]) == (409, "code_used")
    assert len(api.lines.sent) == 1


async def test_each_refusal_has_its_status_and_code(api: Api) -> None:
    code = await api.code()
    elsewhere = await api.redeem(code, station_id="ST2")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "code_other_place")
    forged = await api.redeem(signed(a_code(), signing_key("thief")))
    assert (forged.status_code, forged.json()["code"]) == (403, "code_unknown_key")
    garbage = await api.redeem("WSC1.AAAA")
    assert (garbage.status_code, garbage.json()["code"]) == (422, "malformed")
    api.lines.version_spoken = None
    offline = await api.redeem(code)
    assert (offline.status_code, offline.json()["code"]) == (409, "station_offline")
    later(api.world, 400)
    late = await api.redeem(code)
    assert (late.status_code, late.json()["code"]) == (403, "code_expired")


async def test_what_nobody_signed_is_bounded_by_address_and_a_genuine_code_by_itself(api: Api) -> None:
    enrol_emsp(api.world)
    good = await api.code()
    for _ in range(6):
        assert (await api.redeem(good, evse_id=2)).status_code == 403
    assert (await api.redeem(good)).status_code == 429, "this code was shown too often"
    other = await api.code()
    for number in range(6):
        forged = signed(a_code(id=bytes([number] * 16)), signing_key("thief"))
        assert (await api.redeem(forged)).status_code == 403
    shut = await api.redeem(other)
    assert (shut.status_code, shut.headers["Retry-After"]) == (429, "60")
    later(api.world, 60)
    assert (await api.redeem(other)).status_code == 200


async def test_a_code_has_a_page_with_a_button_and_looking_at_it_begins_nothing(api: Api) -> None:
    api.world.pay_base = "https://test"
    told = await api.client.post("/api/v1/codes", json={"id_token": "APP", **HERE}, headers=BEARER)
    url = told.json()["url"]
    shown = await api.client.get(url)
    assert (shown.status_code, api.lines.sent) == (200, [])
    assert "Start charging" in shown.text
    assert "ST1" in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert (await api.client.post(url, data={"nonce": "made up"})).status_code == 403
    nonce = re.search(r'name="nonce" value="(\w+)"', shown.text)
    assert nonce is not None
    begun = await api.client.post(url, data={"nonce": nonce[1]})
    assert (begun.status_code, len(api.lines.sent)) == (200, 1)
    again = await api.client.post(url, data={"nonce": nonce[1]}, headers={"Accept-Language": "de"})
    assert (again.status_code, "schon benutzt" in again.text) == (409, True)
    assert (await api.client.get("https://test/pay/code/WSC1.AAAA")).status_code == 404


async def test_a_copied_card_is_blocked_and_nothing_else_of_it_is_changed(api: Api) -> None:
    body = {"id_token": "04A1", "type": "ISO14443", "status": "Accepted", "message": "Good morning"}
    await api.client.post("/api/v1/tokens", json=body, headers=BEARER)
    blocked = {"id_token": "04a1", "status": "Blocked"}
    told = await api.client.post("/api/v1/tokens/status", json=blocked, headers=BEARER)
    assert told.status_code == 200
    assert (told.json()["status"], told.json()["message"]) == ("Blocked", "Good morning")
    nobody = await api.client.post("/api/v1/tokens/status", json={**blocked, "id_token": "NONE"}, headers=BEARER)
    assert (nobody.status_code, nobody.json()["code"]) == (404, "unknown_token")
    assert (await api.redeem(await api.code())).status_code == 200, "the owner's app goes on"
