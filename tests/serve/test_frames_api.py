"""Frames, connections and connectors over HTTP, of a real process with real stations."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cpo_process import Caller, Cpo, Nursery


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    made = nursery.start(tmp_path_factory.mktemp("frames") / "cpo")
    for station in ("FR1", "FR2"):
        made.enrol(station)
    yield made
    nursery.close()


async def frames(cpo: Cpo, query: str) -> list[dict[str, Any]]:
    answer = await cpo.asked("GET", f"/api/v1/frames?{query}")
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = answer.json()
    return found


async def test_every_frame_is_found_byte_for_byte(cpo: Cpo) -> None:
    async with cpo.dial("FR1") as socket:
        sent = '[2, "odd-1",  "Heartbeat", { }]'
        await socket.send(sent)
        received = await asyncio.wait_for(socket.recv(), 20)
        await socket.send("nonsense")
        refused = await asyncio.wait_for(socket.recv(), 20)
        asked = asyncio.create_task(cpo.asked("POST", "/api/v1/stations/FR1/commands/ClearCache", {}))
        command = await asyncio.wait_for(socket.recv(), 20)
        answer = json.dumps([3, json.loads(command)[1], {"status": "Accepted"}])
        await socket.send(answer)
        assert (await asked).status == 200
    found = await frames(cpo, "station_id=fr1")
    assert [(f["direction"], f["frame"]) for f in found] == [
        ("in", sent),
        ("out", received),
        ("in", "nonsense"),
        ("out", refused),
        ("out", command),
        ("in", answer),
    ]
    assert [f["action"] for f in found] == ["Heartbeat", "Heartbeat", None, None, "ClearCache", "ClearCache"]
    assert [f["frame"] for f in await frames(cpo, "station_id=FR1&faulty=true")] == ["nonsense", refused]
    assert [f["frame"] for f in await frames(cpo, "action=ClearCache&direction=in")] == [answer]
    assert [f["frame"] for f in await frames(cpo, "text=odd-1")] == [sent, received]
    one = await cpo.asked("GET", f"/api/v1/frames/{found[0]['id']}")
    assert one.json() == found[0]
    first = await cpo.asked("GET", "/api/v1/frames?station_id=FR1&limit=4")
    link = first.headers["link"]
    rest = await cpo.asked("GET", link[1 : link.index(">")])
    assert [f["id"] for f in (*first.json(), *rest.json())] == [f["id"] for f in found]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/frames/999999", 404),
        ("/frames/99999999999999999999", 422),
        ("/frames?after=-1", 422),
        ("/frames?direction=up", 422),
        ("/frames?since=yesterday", 422),
    ],
)
def test_what_cannot_be_found_is_a_problem(cpo: Cpo, path: str, status: int) -> None:
    assert cpo.ask("GET", f"/api/v1{path}").status == status


def test_frames_have_a_scope_of_their_own(cpo: Cpo) -> None:
    for scope, status in (("stations:read", 403), ("frames:read", 200)):
        made = cpo.ask("POST", "/api/v1/api-tokens", {"name": "frames", "scopes": [scope]}).json()
        assert cpo.ask("GET", "/api/v1/frames", Authorization=f"Bearer {made['secret']}").status == status


async def test_where_no_frames_are_kept_there_are_none(tmp_path_factory: pytest.TempPathFactory) -> None:
    nursery = Nursery()
    try:
        folder = tmp_path_factory.mktemp("none") / "cpo"
        cpo = nursery.start(folder, settings={"frames": {"enabled": False}})
        await asyncio.to_thread(cpo.enrol, "FR1")
        async with cpo.dial("FR1") as socket:
            await Caller(socket).call("Heartbeat", {})
        assert (await cpo.asked("GET", "/api/v1/frames")).json()["code"] == "frames_not_kept"
        assert not list(folder.glob("frames*"))
    finally:
        nursery.close()


async def test_a_station_shows_its_live_connection_and_its_connectors(cpo: Cpo) -> None:
    assert (await cpo.asked("GET", "/api/v1/stations/FR2")).json()["connection"] is None
    secret = (await cpo.asked("POST", "/api/v1/api-tokens", {"name": "r", "scopes": ["stations:read"]})).json()[
        "secret"
    ]
    async with cpo.dial("FR2", "ocpp2.0.1") as socket:
        station = Caller(socket)
        status = {"timestamp": "2027-01-15T08:00:00Z", "connectorStatus": "Occupied", "evseId": 1, "connectorId": 2}
        await station.call("StatusNotification", status)
        shown = (await cpo.asked("GET", "/api/v1/stations/FR2")).json()
        assert (shown["connected"], shown["connection"]["version"]) == (True, "2.0.1")
        assert shown["connection"]["remote"] == "127.0.0.1"
        assert shown["connection"]["since_ms"] > 1_700_000_000_000
        (connector,) = shown["connectors"]
        assert (connector["evse_id"], connector["connector_id"], connector["status"]) == (1, 2, "Occupied")
        less = (await cpo.asked("GET", "/api/v1/stations/FR2", Authorization=f"Bearer {secret}")).json()
        assert less["connection"]["remote"] is None, "where it comes from is for those who may change it"
    listed = (await cpo.asked("GET", "/api/v1/stations")).json()
    assert [s["id"] for s in listed] == ["FR1", "FR2"]
    assert listed[1]["connectors"] == shown["connectors"], "what was told stays"
