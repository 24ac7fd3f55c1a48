"""API tokens on a real process: they do what their scopes say, until they expire or are revoked, and nothing else."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from tests.support.cpo_process import Answer, Cpo, Nursery
from tests.support.cpo_world import TestClock, make_world

from wattseal.base.errors import InputError, LimitError
from wattseal.base.ids import TenantId
from wattseal.flow.fleet import api_tokens
from wattseal.flow.fleet.api_tokens import ApiTokens
from wattseal.model.principal import Principal
from wattseal.serve.api.app import make_api
from wattseal.serve.api.service import Service

TOKENS = "/api/v1/api-tokens"
ADMIN = Principal(TenantId("default"), "admin", frozenset(), frozenset({"*"}))


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    made = nursery.start(tmp_path_factory.mktemp("tokens") / "cpo")
    made.enrol("ST1")
    yield made
    nursery.close()


def make(cpo: Cpo, *scopes: str, **more: Any) -> dict[str, Any]:
    answer = cpo.ask("POST", TOKENS, {"name": "till 4", "scopes": list(scopes), **more})
    assert answer.status == 201, answer
    made: dict[str, Any] = answer.json()
    return made


def with_secret(cpo: Cpo, secret: str, method: str, path: str, body: Any = None) -> Answer:
    return cpo.ask(method, path, body, Authorization=f"Bearer {secret}")


def test_a_token_may_what_its_scopes_say_and_nothing_else(cpo: Cpo) -> None:
    secret = make(cpo, "stations:read")["secret"]
    assert with_secret(cpo, secret, "GET", "/api/v1/stations/ST1").status == 200
    for method, path, body in (
        ("POST", "/api/v1/stations", {"id": "NEW", "password": "0123456789abcdef"}),
        ("GET", "/api/v1/tokens", None),
        ("GET", "/api/v1/transactions", None),
        ("GET", TOKENS, None),
        ("POST", "/api/v1/stations/ST1/reset", {}),
        ("POST", "/api/v1/stations/ST1/commands/Reset", {"type": "Soft"}),
        ("POST", "/api/v1/stations/ST1/remote-start", {"id_token": "CARD"}),
    ):
        refused = with_secret(cpo, secret, method, path, body)
        assert (refused.status, refused.json()["code"]) == (403, "not_allowed"), path


@pytest.mark.parametrize(
    ("scope", "verb", "status"),
    [
        ("commands:operation", "reset", 409),
        ("commands:operation", "remote-start", 403),
        ("commands:charging", "remote-start", 409),
        ("commands:charging", "commands/Reset", 403),
        ("commands:write", "remote-start", 409),
        ("commands:write", "reset", 409),
        ("commands:write", "commands/Reset", 409),
    ],
)
def test_commands_have_scopes_of_their_own(cpo: Cpo, scope: str, verb: str, status: int) -> None:
    body = {"remote-start": {"id_token": "CARD"}, "commands/Reset": {"type": "Soft"}}.get(verb, {})
    secret = make(cpo, scope)["secret"]
    assert with_secret(cpo, secret, "POST", f"/api/v1/stations/ST1/{verb}", body).status == status


def test_a_secret_is_shown_once_and_kept_nowhere(cpo: Cpo) -> None:
    made = make(cpo, "stations:read", expires_in_s=60)
    assert made["expires_at_ms"] - made["created_at_ms"] == 60_000
    shown = cpo.ask("GET", TOKENS).body.decode()
    assert made["id"] in shown
    assert made["secret"] not in shown
    kept = b"".join(file.read_bytes() for file in Path(cpo.data).rglob("*") if file.is_file())
    assert made["id"].encode() in kept
    assert made["secret"].encode() not in kept
    assert "admin" in shown, "who made it is shown"


def test_a_revoked_token_is_nobodys_at_once(cpo: Cpo) -> None:
    made = make(cpo, "stations:read")
    assert with_secret(cpo, made["secret"], "GET", "/api/v1/stations").status == 200
    assert cpo.ask("DELETE", f"{TOKENS}/{made['id']}").status == 204
    assert with_secret(cpo, made["secret"], "GET", "/api/v1/stations").status == 401
    assert cpo.ask("DELETE", f"{TOKENS}/{made['id']}").status == 204, "a second time changes nothing"
    (shown,) = [t for t in cpo.ask("GET", f"{TOKENS}?limit=1000").json() if t["id"] == made["id"]]
    assert (shown["state"], shown["revoked_at_ms"] >= made["created_at_ms"]) == ("revoked", True)
    assert cpo.ask("DELETE", f"{TOKENS}/nothing").status == 404


def test_nobody_gives_away_what_they_do_not_hold(cpo: Cpo) -> None:
    secret = make(cpo, "api-tokens:write", "stations:read")["secret"]
    more = with_secret(cpo, secret, "POST", TOKENS, {"name": "more", "scopes": ["tokens:read"]})
    assert (more.status, more.json()["code"]) == (422, "scope_not_held")
    same = with_secret(cpo, secret, "POST", TOKENS, {"name": "same", "scopes": ["stations:read"]})
    assert same.status == 201


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["coffee:make"]},
        {"name": "x", "scopes": ["*"]},
        {"name": "", "scopes": ["stations:read"]},
        {"name": "line\nbreak", "scopes": ["stations:read"]},
        {"name": "x", "scopes": ["stations:read"], "expires_in_s": 0},
        {"name": "x", "scopes": ["stations:read"], "expires_in_s": 64_000_000},
        {"scopes": ["stations:read"]},
    ],
)
def test_a_token_that_cannot_be_is_refused(cpo: Cpo, body: Any) -> None:
    assert cpo.ask("POST", TOKENS, body).status == 422


async def test_tokens_outlive_the_process_and_revocations_do_too(tmp_path: Path) -> None:
    nursery = Nursery()
    try:
        first = nursery.start(tmp_path / "cpo")
        good, bad = make(first, "stations:read"), make(first, "stations:read")
        assert first.ask("DELETE", f"{TOKENS}/{bad['id']}").status == 204
        first.kill()
        await first.gone()
        second = nursery.start(tmp_path / "cpo")
        assert with_secret(second, good["secret"], "GET", "/api/v1/stations").status == 200
        assert with_secret(second, bad["secret"], "GET", "/api/v1/stations").status == 401
    finally:
        nursery.close()


async def test_an_expired_token_is_nobodys(tmp_path: Path) -> None:
    del tmp_path
    world = make_world()
    tokens = ApiTokens(world)
    _, secret = await tokens.make(ADMIN, "short", ("stations:read",), 60)
    assert tokens.find(secret) is not None
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(seconds=61)
    assert tokens.find(secret) is None
    again = ApiTokens(world)
    await again.load()
    assert again.find(secret) is None
    assert again.good == {}


async def test_only_so_many_tokens_are_good_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_tokens, "MAX_TOKENS", 2)
    world = make_world()
    tokens = ApiTokens(world)
    first, _ = await tokens.make(ADMIN, "1", ("stations:read",), 60)
    await tokens.make(ADMIN, "2", ("stations:read",), 60)
    with pytest.raises(LimitError):
        await tokens.make(ADMIN, "3", ("stations:read",), 60)
    await tokens.revoke(first.id)
    await tokens.make(ADMIN, "3", ("stations:read",), 60)
    with pytest.raises(InputError):
        await tokens.make(replace(ADMIN, scopes=frozenset()), "4", ("stations:read",), 60)


async def test_a_token_of_another_tenant_sees_nothing() -> None:
    stranger = Principal(TenantId("elsewhere"), "stranger", frozenset(), frozenset({"*"}))
    parts = dict.fromkeys(Service.__dataclass_fields__, cast("Any", None))
    service = Service(**{**parts, "world": make_world(), "authenticate": lambda _secret: stranger})
    transport = httpx.ASGITransport(cast("Any", make_api(service)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for path in ("/stations", "/tokens", "/transactions", "/alarms", "/api-tokens", "/registry/keys"):
            answer = await client.get(f"/api/v1{path}", headers={"Authorization": "Bearer x"})
            assert (answer.status_code, answer.json()["code"]) == (403, "another_tenant"), path


async def test_the_record_of_a_command_names_the_token_that_asked(cpo: Cpo) -> None:
    made = await asyncio.to_thread(make, cpo, "commands:operation", "commands:read")
    async with cpo.dial("ST1") as socket:
        path = "/api/v1/stations/ST1/clear-cache"
        asked = asyncio.create_task(cpo.asked("POST", path, Authorization=f"Bearer {made['secret']}"))
        number = json.loads(await asyncio.wait_for(socket.recv(), 20))[1]
        await socket.send(json.dumps([3, number, {"status": "Accepted"}]))
        record = (await asked).json()["record"]
    shown = (await cpo.asked("GET", "/api/v1/commands?station_id=ST1")).json()[-1]
    assert (shown["record"], shown["asked_by"]) == (record, f"till 4 {made['id']}")
