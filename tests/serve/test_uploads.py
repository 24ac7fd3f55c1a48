"""Logs of real stations, uploaded to addresses that are good for one file: by PUT, by form, never twice."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cpo_process import Cpo, Nursery
from websockets.asyncio.client import ClientConnection

LOG = b"\x00\xffa log of a station\r\n" * 1000
MAX = 200_000


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    limits = {"max_bytes": MAX, "max_total_bytes": 3 * MAX}
    made = nursery.start(tmp_path_factory.mktemp("uploads") / "cpo", settings={"uploads": limits})
    for station in ("UP16", "UP2X", "OTHER"):
        made.enrol(station)
    yield made
    nursery.close()


async def heard(socket: ClientConnection) -> list[Any]:
    told: list[Any] = json.loads(await asyncio.wait_for(socket.recv(), 20))
    return told


async def address(cpo: Cpo, station: str = "UP2X", version: str = "ocpp2.0.1") -> str:
    """Have a station asked for its log, and return where it was told to upload it."""
    async with cpo.dial(station, version) as socket:
        asked = asyncio.create_task(cpo.asked("POST", f"/api/v1/stations/{station}/get-log", {}))
        _, number, action, payload = await heard(socket)
        assert action == "GetLog"
        await socket.send(json.dumps([3, number, {"status": "Accepted", "filename": "station.log"}]))
        answer = await asked
        assert answer.status == 200, answer.json()
        assert answer.json()["request_id"] == payload["requestId"]
    where: str = payload["log"]["remoteLocation"]
    return where


def send(url: str, body: bytes, method: str = "PUT", **headers: str) -> int:
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - this test's own server
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - same
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


async def uploaded(url: str, body: bytes, method: str = "PUT", **headers: str) -> int:
    return await asyncio.to_thread(send, url, body, method, **{k.replace("_", "-"): v for k, v in headers.items()})


async def jobs(cpo: Cpo, station: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await cpo.asked("GET", f"/api/v1/stations/{station}/logs")).json()
    return found


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    lines = b""
    for name, file, data in parts:
        told = f'form-data; name="{name}"' + ("" if file is None else f'; filename="{file}"')
        lines += b"--XX\r\nContent-Disposition: " + told.encode() + b"\r\n\r\n" + data + b"\r\n"
    return lines + b"--XX--\r\n"


async def test_a_file_comes_once_and_is_downloaded_as_it_came(cpo: Cpo) -> None:
    url = await address(cpo)
    assert await uploaded(url + "/../../etc/passwd.log", LOG) == 201
    assert await uploaded(url, LOG) == 410
    assert await uploaded(url + "/again", b"other") == 410
    job = (await jobs(cpo, "UP2X"))[-1]
    assert (job["details"]["log"], job["details"]["filename"]) == ("DiagnosticsLog", "station.log")
    assert job["file"]["size_bytes"] == len(LOG)
    path = f"/api/v1/stations/UP2X/logs/{job['file']['name']}"
    answer = await cpo.asked("GET", path)
    assert (answer.status, answer.body) == (200, LOG)
    assert (await cpo.asked("GET", path.replace("UP2X", "OTHER"))).status == 404, "it is another station's"
    assert [file.name for file in (cpo.data / "uploads").iterdir()].count(job["file"]["name"]) == 1


async def test_a_form_holds_the_file(cpo: Cpo) -> None:
    url = await address(cpo)
    head = {"Content_Type": "multipart/form-data; boundary=XX"}
    assert await uploaded(url, form(("note", None, b"no file")), "POST", **head) == 422
    assert await uploaded(url, b"--XX\r\nnonsense", "POST", **head) == 400
    body = form(("note", None, b"hello"), ("file", "../../evil.log", LOG), ("more", "b.log", b"left out"))
    assert await uploaded(url, body, "POST", **head) == 201
    assert (await jobs(cpo, "UP2X"))[-1]["file"]["size_bytes"] == len(LOG)


async def test_a_file_too_large_is_refused_and_may_come_smaller(cpo: Cpo) -> None:
    url = await address(cpo)
    assert await uploaded(url, bytes(MAX + 100_000)) == 413
    assert await uploaded(url, bytes(MAX + 1)) == 413
    assert await uploaded(url, b"short") == 201
    assert not list((cpo.data / "uploads").glob("*.part"))


async def test_an_address_nobody_was_given_takes_nothing(cpo: Cpo) -> None:
    for secret in ("x", "A" * 43, "%2e%2e%2fadmin-token"):
        assert await uploaded(f"http://127.0.0.1:{cpo.http}/uploads/{secret}", LOG) == 404
        assert await uploaded(f"http://127.0.0.1:{cpo.http}/uploads/{secret}/name", LOG, "POST") == 404


async def test_the_address_is_kept_nowhere(cpo: Cpo) -> None:
    url = await address(cpo)
    secret = url.rpartition("/")[2].encode()
    assert len(secret) == 43
    for path in cpo.data.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path
    assert await uploaded(url, LOG) == 201


async def test_a_16_station_without_getlog_is_asked_for_its_diagnostics(cpo: Cpo) -> None:
    async with cpo.dial("UP16", "ocpp1.6") as socket:
        asked = asyncio.create_task(cpo.asked("POST", "/api/v1/stations/UP16/get-log", {"log": "DiagnosticsLog"}))
        _, number, action, _ = await heard(socket)
        assert action == "GetLog"
        await socket.send(json.dumps([4, number, "NotImplemented", "", {}]))
        _, number, action, payload = await heard(socket)
        assert action == "GetDiagnostics"
        await socket.send(json.dumps([3, number, {"fileName": "diagnostics.zip"}]))
        answer = (await asked).json()
        assert (answer["action"], answer["status"], answer["filename"]) == (
            "GetDiagnostics",
            "Accepted",
            "diagnostics.zip",
        )
        assert await uploaded(payload["location"] + "/diagnostics.zip", LOG) == 201
        await socket.send(json.dumps([2, "d", "DiagnosticsStatusNotification", {"status": "Uploaded"}]))
        assert await heard(socket) == [3, "d", {}]
    (job,) = await jobs(cpo, "UP16")
    assert (job["status"], job["done"], job["file"]["size_bytes"]) == ("Uploaded", True, len(LOG))


async def test_an_address_the_station_refused_is_closed(cpo: Cpo) -> None:
    async with cpo.dial("UP2X", "ocpp2.0.1") as socket:
        asked = asyncio.create_task(cpo.asked("POST", "/api/v1/stations/UP2X/get-log", {"log": "SecurityLog"}))
        _, number, _, payload = await heard(socket)
        await socket.send(json.dumps([3, number, {"status": "Rejected"}]))
        assert (await asked).json()["status"] == "Rejected"
    assert await uploaded(payload["log"]["remoteLocation"], LOG) == 404


async def test_a_station_that_was_not_asked_leaves_no_address(cpo: Cpo) -> None:
    answer = await cpo.asked("POST", "/api/v1/stations/OTHER/get-log", {})
    assert (answer.status, answer.json()["code"]) == (409, "station_offline")
    assert await jobs(cpo, "OTHER") == []
