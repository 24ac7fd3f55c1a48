"""Unknown stations wait in the inbox of a real process; replaced ones hand over their place and their history."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.csms import PASSWORD, Csms, serving
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with serving(tmp_path_factory.mktemp("inbox")) as running:
        running.token("TAG")
        yield running


def dial(csms: Csms, station: str, password: str | None = PASSWORD) -> ClientConnection:
    headers = {}
    if password is not None:
        headers["Authorization"] = "Basic " + b64encode(f"{station}:{password}".encode()).decode()
    return connect(csms.ocpp + station, subprotocols=["ocpp1.6"], additional_headers=headers)  # type: ignore[list-item]


def knock(csms: Csms, station: str, password: str | None = PASSWORD) -> int:
    """Dial and return the HTTP status of the refusal."""
    with pytest.raises(InvalidStatus) as refused:
        dial(csms, station, password)
    return refused.value.response.status_code


def waiting(csms: Csms, **query: str) -> dict[str, dict[str, Any]]:
    answer = csms.http.get("/api/v1/inbox", params=query)
    assert answer.status_code == 200, answer.text
    return {stranger["station_id"]: stranger for stranger in answer.json()}


def charge(csms: Csms, station: str) -> None:
    with dial(csms, station) as socket:

        def call(action: str, payload: dict[str, object]) -> Any:
            socket.send(json.dumps([2, "1", action, payload]))
            return json.loads(socket.recv(10))[2]

        start = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
        number = call("StartTransaction", start)["transactionId"]
        call("StopTransaction", {"transactionId": number, "meterStop": 9, "timestamp": "2026-01-01T01:00:00Z"})


def post(csms: Csms, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    answer = csms.http.post(f"/api/v1/{path}", json=body or {})
    return answer.status_code, answer.json()


def test_a_stranger_is_approved_with_the_password_it_showed(csms: Csms) -> None:
    assert knock(csms, "NEW1") == 401
    stranger = waiting(csms)["NEW1"]
    assert (stranger["attempts"], stranger["showed_password"], stranger["refused"]) == (1, True, False)
    assert PASSWORD not in csms.http.get("/api/v1/inbox").text
    assert post(csms, "inbox/NEW1/approve")[0] == 201
    assert "NEW1" not in waiting(csms)
    with dial(csms, "NEW1"):
        pass
    assert knock(csms, "NEW1", "another password") == 401


def test_a_stranger_is_approved_with_a_password_of_ours_and_the_old_one_is_worth_nothing(csms: Csms) -> None:
    assert knock(csms, "NEW2", "guessed password") == 401
    assert post(csms, "inbox/NEW2/approve", {"password": PASSWORD})[0] == 201
    assert knock(csms, "NEW2", "guessed password") == 401
    with dial(csms, "NEW2"):
        pass


def test_one_that_showed_no_password_needs_one(csms: Csms) -> None:
    assert knock(csms, "NEW3", None) == 401
    status, problem = post(csms, "inbox/NEW3/approve")
    assert (status, problem["code"]) == (422, "no_password")
    assert post(csms, "inbox/NEW3/approve", {"password": PASSWORD})[0] == 201


def test_a_refused_stranger_is_not_shown_again(csms: Csms) -> None:
    assert knock(csms, "NEW4") == 401
    assert post(csms, "inbox/NEW4/refuse")[0] == 201
    assert knock(csms, "NEW4") == 401
    assert "NEW4" not in waiting(csms)
    assert waiting(csms, refused="true")["NEW4"]["refused"]


@pytest.mark.parametrize("path", ["inbox/NOBODY/approve", "inbox/NOBODY/refuse"])
def test_nobody_can_be_approved_who_did_not_knock(csms: Csms, path: str) -> None:
    status, problem = post(csms, path)
    assert (status, problem["code"]) == (404, "no_stranger")


def test_a_station_that_fails_its_password_is_no_stranger(csms: Csms) -> None:
    csms.enrol("KNOWN")
    assert knock(csms, "KNOWN", "a wrong password") == 401
    assert "KNOWN" not in waiting(csms)


def test_a_renamed_station_keeps_its_password_and_shows_its_history(csms: Csms) -> None:
    csms.enrol("OLD")
    charge(csms, "OLD")
    status, made = post(csms, "stations/RENAMED/succession", {"predecessor": "OLD", "reason": "moved"})
    assert (status, made["predecessors"]) == (201, ["OLD"])
    assert knock(csms, "OLD") == 401
    assert "OLD" not in waiting(csms)
    charge(csms, "RENAMED")
    own = csms.http.get("/api/v1/transactions", params={"station_id": "RENAMED"}).json()
    joined = csms.http.get("/api/v1/transactions", params={"station_id": "RENAMED", "history": "true"}).json()
    assert len(own) == 1
    assert {transaction["station_id"] for transaction in joined} == {"OLD", "RENAMED"}


def test_a_new_machine_keeps_its_own_enrolment(csms: Csms) -> None:
    csms.enrol("BROKEN", "the password it had")
    csms.enrol("SPARE")
    assert post(csms, "stations/SPARE/succession", {"predecessor": "BROKEN"})[0] == 201
    with dial(csms, "SPARE"):
        pass
    assert knock(csms, "BROKEN", "the password it had") == 401


@pytest.mark.parametrize(
    ("heir", "predecessor", "code"),
    [
        ("X1", "NOBODY", "unknown_station"),
        ("SELF", "SELF", "own_successor"),
        ("GONE2", "GONE1", "replaced_already"),
    ],
)
def test_a_succession_that_cannot_be_is_refused(csms: Csms, heir: str, predecessor: str, code: str) -> None:
    csms.http.post("/api/v1/stations", json={"id": "SELF", "password": PASSWORD})
    if predecessor == "GONE1":
        csms.enrol("GONE1")
        assert post(csms, "stations/HEIR1/succession", {"predecessor": "GONE1"})[0] == 201
    status, problem = post(csms, f"stations/{heir}/succession", {"predecessor": predecessor})
    assert (status, problem["code"]) == (409, code)


def test_an_heir_has_an_id(csms: Csms) -> None:
    csms.http.post("/api/v1/stations", json={"id": "SELF", "password": PASSWORD})
    status, problem = post(csms, "stations/not an id/succession", {"predecessor": "SELF"})
    assert (status, problem["code"]) == (422, "bad_station_id")


def test_a_station_that_charges_is_not_replaced(csms: Csms) -> None:
    csms.enrol("BUSY")
    with dial(csms, "BUSY") as socket:
        start = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
        socket.send(json.dumps([2, "1", "StartTransaction", start]))
        socket.recv(10)
        status, problem = post(csms, "stations/NEXT/succession", {"predecessor": "BUSY"})
    assert (status, problem["code"]) == (422, "still_charging")
