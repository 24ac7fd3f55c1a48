"""Idempotency keys on a real process: a request is worked on once, however often it is sent."""

import asyncio
import json
from asyncio import Task
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.support.cpo_process import PASSWORD, Answer, Cpo, Nursery
from websockets.asyncio.client import ClientConnection

from wattseal.stores import requests
from wattseal.stores.requests import KEPT_MS, Answered, KeptRequests, Standing

_numbers = count(1)
RESET = "/api/v1/stations/ST1/commands/ClearCache"
ACCEPTED = {"status": "Accepted"}


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    made = nursery.start(tmp_path_factory.mktemp("once") / "cpo")
    made.enrol("ST1")
    yield made
    nursery.close()


@pytest.fixture
def key() -> str:
    return f"key-{next(_numbers)}"


def send(cpo: Cpo, key: str, path: str = RESET, body: Any = None, **headers: str) -> Task[Answer]:
    return asyncio.create_task(cpo.asked("POST", path, {} if body is None else body, Idempotency_Key=key, **headers))


async def answering(socket: ClientConnection, answer: dict[str, Any]) -> str:
    _, number, action, _ = json.loads(await asyncio.wait_for(socket.recv(), 20))
    await socket.send(json.dumps([3, number, answer]))
    return str(action)


def on_disk(cpo: Cpo) -> bytes:
    return b"".join(file.read_bytes() for file in Path(cpo.data).glob("requests*"))


async def test_a_command_sent_twice_reaches_the_station_once(cpo: Cpo, key: str) -> None:
    async with cpo.dial("ST1") as socket:
        first = send(cpo, key)
        await answering(socket, ACCEPTED)
        once, again = await first, await send(cpo, key)
        assert (again.status, again.body) == (once.status, once.body)
        assert again.headers["wattseal-record"] == once.headers["wattseal-record"]
        assert (once.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
        other = send(cpo, key + "-other", "/api/v1/stations/ST1/commands/Reset", {"type": "Soft"})
        assert await answering(socket, ACCEPTED) == "Reset", "nothing else was sent"
        await other


async def test_a_key_stands_for_one_content(cpo: Cpo, key: str) -> None:
    body = {"id_token": f"T-{key}", "type": "ISO14443", "status": "Accepted"}
    assert (await send(cpo, key, "/api/v1/tokens", body)).status == 201
    other = await send(cpo, key, "/api/v1/tokens", body | {"status": "Blocked"})
    assert (other.status, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await send(cpo, key, "/api/v1/tokens", body)).headers["idempotency-replayed"] == "true"


async def test_while_the_first_is_worked_on_a_second_waits_its_turn(cpo: Cpo, key: str) -> None:
    async with cpo.dial("ST1") as socket:
        first = send(cpo, key)
        _, number, _, _ = json.loads(await asyncio.wait_for(socket.recv(), 20))
        early = await send(cpo, key)
        assert (early.status, early.json()["code"]) == (409, "in_progress")
        await socket.send(json.dumps([3, number, ACCEPTED]))
        assert (await first).status == 200


async def test_what_did_nothing_may_be_sent_again_under_its_key(cpo: Cpo, key: str) -> None:
    assert (await send(cpo, key)).json()["code"] == "station_offline"
    async with cpo.dial("ST1") as socket:
        again = send(cpo, key)
        await answering(socket, ACCEPTED)
        assert (await again).status == 200


async def test_a_timeout_is_not_tried_again(cpo: Cpo, key: str) -> None:
    async with cpo.dial("ST1") as socket:
        assert (await send(cpo, key, f"{RESET}?deadline_s=0.2")).status == 504
        await asyncio.wait_for(socket.recv(), 20)
        assert (await send(cpo, key, f"{RESET}?deadline_s=0.2")).headers["idempotency-replayed"] == "true"


async def test_a_key_is_the_askers_own(cpo: Cpo, key: str) -> None:
    made = await cpo.asked("POST", "/api/v1/api-tokens", {"name": "other", "scopes": ["tokens:write"]})
    body = {"id_token": f"T-{key}", "type": "ISO14443", "status": "Accepted"}
    assert (await send(cpo, key, "/api/v1/tokens", body)).status == 201
    secret = made.json()["secret"]
    other = await send(cpo, key, "/api/v1/tokens", body, Authorization=f"Bearer {secret}")
    assert (other.status, "idempotency-replayed" in other.headers) == (201, False)
    assert (await send(cpo, key, "/api/v1/tokens", body, Authorization="Bearer wrong")).status == 401


async def test_a_secret_is_not_told_twice_and_not_kept(cpo: Cpo, key: str) -> None:
    body = {"name": "secret", "scopes": ["tokens:write"]}
    made = await send(cpo, key, "/api/v1/api-tokens", body)
    again = await send(cpo, key, "/api/v1/api-tokens", body)
    assert (again.status, again.json()["code"]) == (409, "already_done")
    kept = on_disk(cpo)
    assert kept
    assert made.json()["secret"].encode() not in kept


async def test_no_password_can_be_read_or_guessed_from_what_is_kept(cpo: Cpo, key: str) -> None:
    station = {"id": "ONCE", "password": PASSWORD}
    assert (await send(cpo, key, "/api/v1/stations", station)).status == 201
    kept = on_disk(cpo)
    assert PASSWORD.encode() not in kept
    assert key.encode() not in kept, "the key is what the content's digest is keyed with"


@pytest.mark.parametrize("bad", ["", " ", "ä", "x" * 256])
async def test_a_key_that_is_none_is_refused(cpo: Cpo, bad: str) -> None:
    answer = await send(cpo, bad)
    assert (answer.status, answer.json()["code"]) == (422, "bad_idempotency_key")


async def test_a_body_too_long_is_refused_with_a_key_as_without(cpo: Cpo, key: str) -> None:
    answer = await send(cpo, key, "/api/v1/tokens", b'"' + b"x" * 1_100_000 + b'"')
    assert (answer.status, answer.json()["code"]) == (413, "too_large")


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[KeptRequests]:
    store = KeptRequests.open(tmp_path / "requests.sqlite3")
    yield store
    await store.close()


OK = Answered(200, (("content-type", "application/json"),), b"{}")


async def test_a_request_cut_off_by_a_crash_is_not_worked_on_again(tmp_path: Path, kept: KeptRequests) -> None:
    assert await kept.begin("k", b"f", 0) is Standing.NEW
    assert await kept.begin("k", b"f", 0) is Standing.RUNNING
    after = KeptRequests.open(tmp_path / "requests.sqlite3")
    assert await after.begin("k", b"f", 0) is Standing.UNKNOWN
    assert await after.begin("k", b"f", 0) is Standing.UNKNOWN
    assert await after.begin("k", b"g", 0) is Standing.ANOTHER
    await after.close()


async def test_answers_are_kept_for_a_day(kept: KeptRequests) -> None:
    assert await kept.begin("k", b"f", 1000) is Standing.NEW
    await kept.finish("k", OK)
    assert await kept.begin("k", b"f", 1000 + KEPT_MS - 1) == OK
    assert await kept.begin("k", b"f", 1000 + KEPT_MS) is Standing.NEW


async def test_of_too_many_answers_the_oldest_are_forgotten(
    kept: KeptRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MAX_KEPT", 2)
    for number in range(3):
        assert await kept.begin(f"k{number}", b"f", number) is Standing.NEW
        await kept.finish(f"k{number}", OK)
    assert await kept.begin("k2", b"f", 3) == OK
    assert await kept.begin("k0", b"f", 3) is Standing.NEW
