"""Commands over HTTP to real stations: checked before they are sent, answered, or a problem that says why not."""

import asyncio
import json
from asyncio import Task
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.cpo_process import Answer, Cpo, Nursery
from websockets.asyncio.client import ClientConnection

VERSIONS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
RESET = {"ocpp1.6": {"type": "Soft"}, "ocpp2.0.1": {"type": "OnIdle"}, "ocpp2.1": {"type": "ImmediateAndResume"}}
ACCEPTED = {"status": "Accepted"}


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    made = nursery.start(tmp_path_factory.mktemp("commands") / "cpo")
    for station in ("CMD1", "CMD2", "CMD3", "Mixed-Case"):
        made.enrol(station)
    yield made
    nursery.close()


def command(
    cpo: Cpo, station: str, action: str, payload: Any, query: str = "", **headers: str
) -> "asyncio.Task[Answer]":
    path = f"/api/v1/stations/{station}/commands/{action}{query}"
    return asyncio.create_task(cpo.asked("POST", path, payload, **headers))


@asynccontextmanager
async def connected(cpo: Cpo, station: str, version: str = "ocpp1.6") -> AsyncIterator[ClientConnection]:
    async with cpo.dial(station, version) as socket:
        yield socket


async def heard(socket: ClientConnection) -> list[Any]:
    told: list[Any] = json.loads(await asyncio.wait_for(socket.recv(), 20))
    return told


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_command_reaches_the_station_and_its_answer_comes_back(cpo: Cpo, version: str) -> None:
    async with connected(cpo, "CMD1", version) as socket:
        asked = command(cpo, "CMD1", "Reset", RESET[version])
        kind, number, action, payload = await heard(socket)
        assert (kind, action, payload) == (2, "Reset", RESET[version])
        await socket.send(json.dumps([3, number, ACCEPTED]))
        answer = await asked
    assert (answer.status, answer.json()) == (200, ACCEPTED)
    assert answer.headers["content-type"] == "application/json"
    assert len(bytes.fromhex(answer.headers["wattseal-record"])) == 32


async def test_numbers_reach_the_station_as_they_were_written(cpo: Cpo) -> None:
    written = b'{"connectorId":1,"csChargingProfiles":{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":\
"TxDefaultProfile","chargingProfileKind":"Relative","chargingSchedule":{"chargingRateUnit":"A",\
"chargingSchedulePeriod":[{"startPeriod":0,"limit":16.10}]}}}'
    async with connected(cpo, "CMD1") as socket:
        asked = command(cpo, "CMD1", "SetChargingProfile", written)
        frame = await asyncio.wait_for(socket.recv(decode=False), 20)
        assert b'"limit":16.10' in frame
        await socket.send(json.dumps([3, json.loads(frame)[1], ACCEPTED]))
        assert (await asked).status == 200


@pytest.mark.parametrize(
    ("action", "payload", "told", "field"),
    [
        ("Reset", {"type": "Sideways"}, "422 bad_payload PropertyConstraintViolation", "type"),
        ("Reset", {}, "422 bad_payload OccurenceConstraintViolation", None),
        ("Reset", {"type": "Soft", "why": "x"}, "422 bad_payload FormationViolation", None),
        ("Reset", {"type": 5}, "422 bad_payload TypeConstraintViolation", "type"),
        ("Reset", b"{", "422 bad_payload FormationViolation", None),
        ("Reset", b"[]", "422 bad_payload ProtocolError", None),
        ("Reset", b'{"type":"Soft","type":"Hard"}', "422 bad_payload FormationViolation", None),
        ("Reset", b"[" * 100_000, "422 bad_payload FormationViolation", None),
        ("Heartbeat", {}, "404 unknown_action NotSupported", None),
        ("SetVariables", {}, "404 unknown_action NotImplemented", None),
        ("Coffee", {}, "404 unknown_action NotImplemented", None),
    ],
)
async def test_a_payload_that_does_not_fit_is_never_sent(
    cpo: Cpo, action: str, payload: Any, told: str, field: str | None
) -> None:
    async with connected(cpo, "CMD1") as socket:
        refused = await command(cpo, "CMD1", action, payload)
        assert refused.headers["content-type"] == "application/problem+json"
        problem = refused.json()
        assert f"{refused.status} {problem['code']} {problem['ocpp_code']}" == told
        assert problem.get("field") == field
        assert "Sideways" not in problem["title"]
        asked = command(cpo, "CMD1", "ClearCache", {})
        _, number, sent, _ = await heard(socket)
        assert sent == "ClearCache", "nothing else was sent"
        await socket.send(json.dumps([3, number, ACCEPTED]))
        assert (await asked).status == 200


async def test_a_station_that_is_not_connected_is_a_conflict(cpo: Cpo) -> None:
    answer = await command(cpo, "CMD2", "Reset", {"type": "Soft"})
    assert (answer.status, answer.json()["code"]) == (409, "station_offline")


async def test_a_station_nobody_enrolled_is_not_found(cpo: Cpo) -> None:
    answer = await command(cpo, "NOBODY", "Reset", {"type": "Soft"})
    assert (answer.status, answer.json()["code"]) == (404, "not_found")


async def test_a_station_is_found_whatever_the_case_of_its_id(cpo: Cpo) -> None:
    async with connected(cpo, "Mixed-Case") as socket:
        asked = command(cpo, "mixed-CASE", "ClearCache", {})
        _, number, _, _ = await heard(socket)
        await socket.send(json.dumps([3, number, ACCEPTED]))
        assert (await asked).status == 200


async def test_an_error_of_the_station_is_told_with_its_code_and_text(cpo: Cpo) -> None:
    async with connected(cpo, "CMD1") as socket:
        asked = command(cpo, "CMD1", "ClearCache", {})
        _, number, _, _ = await heard(socket)
        await socket.send(json.dumps([4, number, "NotSupported", "no cache here", {}]))
        answer = await asked
    problem = answer.json()
    assert (answer.status, problem["code"]) == (502, "call_error")
    assert (problem["ocpp_code"], problem["ocpp_text"]) == ("NotSupported", "no cache here")
    assert len(bytes.fromhex(problem["record"])) == 32


async def test_an_answer_against_its_schema_is_told_apart(cpo: Cpo) -> None:
    async with connected(cpo, "CMD1") as socket:
        asked = command(cpo, "CMD1", "ClearCache", {})
        _, number, _, _ = await heard(socket)
        await socket.send(json.dumps([3, number, {"status": "Perhaps"}]))
        answer = await asked
    assert (answer.status, answer.json()["code"]) == (502, "answer_unreadable")


async def test_a_station_that_does_not_answer_times_out_and_the_next_command_is_sent(cpo: Cpo) -> None:
    async with connected(cpo, "CMD1") as socket:
        late = command(cpo, "CMD1", "ClearCache", {}, "?deadline_s=0.3")
        _, first, _, _ = await heard(socket)
        answer = await late
        assert (answer.status, answer.json()["code"]) == (504, "station_timeout")
        asked = command(cpo, "CMD1", "ClearCache", {})
        _, second, _, _ = await heard(socket)
        await socket.send(json.dumps([3, first, {"status": "Rejected"}]))
        await socket.send(json.dumps([3, second, ACCEPTED]))
        assert (await asked).json() == ACCEPTED, "a late answer to the first is not taken for one to the second"


async def test_a_command_cut_off_by_the_station_leaving_is_told_at_once(cpo: Cpo) -> None:
    async with connected(cpo, "CMD1") as socket:
        asked = command(cpo, "CMD1", "ClearCache", {})
        await heard(socket)
    answer = await asked
    assert (answer.status, answer.json()["code"]) == (409, "station_offline")


async def test_one_command_is_outstanding_others_wait_and_too_many_are_refused(cpo: Cpo) -> None:
    with ThreadPoolExecutor(20) as callers:
        asyncio.get_running_loop().set_default_executor(callers)
        async with connected(cpo, "CMD1") as socket:
            asked = {command(cpo, "CMD1", "ClearCache", {}) for _ in range(20)}
            _, number, _, _ = await heard(socket)
            refused: set[Task[Answer]] = set()
            while len(refused) < 3:
                done, _ = await asyncio.wait(asked - refused, return_when=asyncio.FIRST_COMPLETED, timeout=20)
                refused |= done
            assert {(t.result().status, t.result().json()["code"]) for t in refused} == {(429, "queue_full")}
            assert all(int(t.result().headers["retry-after"]) >= 1 for t in refused)
            await socket.send('[2,"alive","Heartbeat",{}]')
            assert (await heard(socket))[:2] == [3, "alive"], "no second command before the first is answered"
            for _ in range(16):
                await socket.send(json.dumps([3, number, ACCEPTED]))
                _, number, _, _ = await heard(socket)
            await socket.send(json.dumps([3, number, ACCEPTED]))
            answers = await asyncio.gather(*asked)
    assert sorted(a.status for a in answers) == [200] * 17 + [429] * 3


@pytest.mark.parametrize("deadline", ["0", "-1", "301", "nan", "soon"])
async def test_a_deadline_is_within_its_bounds(cpo: Cpo, deadline: str) -> None:
    answer = await command(cpo, "CMD1", "ClearCache", {}, f"?deadline_s={deadline}")
    assert (answer.status, answer.json()["code"]) == (422, "bad_input")


async def test_nobody_commands_without_a_token(cpo: Cpo) -> None:
    answer = await command(cpo, "CMD1", "ClearCache", {}, Authorization="Bearer wrong")
    assert answer.status == 401


async def test_every_command_is_listed_with_who_asked_and_what_came_of_it(cpo: Cpo) -> None:
    async with connected(cpo, "CMD2") as socket:
        asked = command(
            cpo, "CMD2", "ChangeConfiguration", {"key": "AuthorizationKey", "value": "00112233445566778899"}
        )
        _, number, _, sent = await heard(socket)
        assert sent["value"] == "00112233445566778899"
        await socket.send(json.dumps([3, number, ACCEPTED]))
        record = (await asked).headers["wattseal-record"]
        late = command(cpo, "CMD2", "ClearCache", {}, "?deadline_s=0.2")
        await heard(socket)
        await late
    listed = (await cpo.asked("GET", "/api/v1/commands?station_id=cmd2")).json()
    assert [(c["action"], c["outcome"], c["asked_by"]) for c in listed] == [
        ("ChangeConfiguration", "Accepted", "admin"),
        ("ClearCache", "timed_out", "admin"),
    ]
    assert listed[0]["record"] == record
    assert listed[0]["payload"] == {"key": "AuthorizationKey", "value": "(hidden)"}
    assert listed[0]["answer"] == ACCEPTED
    assert listed[1]["answer"] is None


async def test_commands_are_found_by_action_outcome_and_time_page_by_page(cpo: Cpo) -> None:
    async with connected(cpo, "CMD3") as socket:
        for status in ("Accepted", "Rejected", "Accepted"):
            asked = command(cpo, "CMD3", "ClearCache", {})
            _, number, _, _ = await heard(socket)
            await socket.send(json.dumps([3, number, {"status": status}]))
            await asked
    path = "/api/v1/commands?station_id=CMD3"
    listed = (await cpo.asked("GET", path)).json()
    times = [c["asked_at_ms"] for c in listed]
    assert times == sorted(times)
    rejected = (await cpo.asked("GET", f"{path}&outcome=Rejected&action=ClearCache")).json()
    assert [c["record"] for c in rejected] == [listed[1]["record"]]
    middle = datetime.fromtimestamp(times[1] / 1000, UTC).isoformat().replace("+00:00", "Z")
    assert [c["record"] for c in (await cpo.asked("GET", f"{path}&since={middle}")).json()] == [
        c["record"] for c in listed[1:]
    ]
    assert [c["record"] for c in (await cpo.asked("GET", f"{path}&until={middle}")).json()] == [listed[0]["record"]]
    first = await cpo.asked("GET", f"{path}&outcome=Accepted&limit=1")
    assert [c["record"] for c in first.json()] == [listed[0]["record"]]
    link = first.headers["link"]
    assert link.endswith('; rel="next"')
    second = await cpo.asked("GET", link[1 : link.index(">")])
    assert [c["record"] for c in second.json()] == [listed[2]["record"]], "the filter is kept from page to page"
    naive = await cpo.asked("GET", f"{path}&since=2026-01-01T00:00:00")
    assert (naive.status, naive.json()["field"]) == (422, "since")
