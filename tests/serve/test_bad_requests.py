"""docs/reference/bad-input.md, what the API is asked and what the machine refuses: requests, full disk, bad starts."""

import itertools
import json
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.support.bad_input import documented
from tests.support.csms import ENVIRONMENT, PASSWORD, Csms, serving
from tests.support.forking import wattseal_command
from tests.support.stations import ask, basic, call, dialled, upgrade_status
from websockets.exceptions import ConnectionClosed

REQUESTS = documented("What the API answers")
REFUSED = documented("What the machine refuses")
_names = itertools.count(1)
STATIONS, TOKENS, TRANSACTIONS = "/api/v1/stations", "/api/v1/tokens", "/api/v1/transactions"


def post(path: str, body: Any = None, **options: Any) -> Callable[[Csms], httpx.Response]:
    return lambda csms: csms.http.post(path, **({"json": body} if body is not None else {}), **options)


def get(path: str, **options: Any) -> Callable[[Csms], httpx.Response]:
    return lambda csms: csms.http.get(path, **options)


def station(**fields: Any) -> dict[str, Any]:
    return {"id": f"BAD-{next(_names)}", "password": PASSWORD} | fields


def running(csms: Csms) -> httpx.Response:
    name = csms.enrol(f"RUNNING-{next(_names)}")
    with dialled(csms, name) as socket:
        payload = {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": "2026-03-01T12:00:00Z"}
        ask(socket, "StartTransaction", payload)
    return csms.http.get(f"{TRANSACTIONS}/{csms.transaction(name)['id']}/bundle")


def with_token(*scopes: str, revoked: bool = False) -> Callable[[Csms], httpx.Response]:
    def asked(csms: Csms) -> httpx.Response:
        made = csms.http.post("/api/v1/api-tokens", json={"name": "bad input", "scopes": list(scopes)}).json()
        if revoked:
            csms.http.delete(f"/api/v1/api-tokens/{made['id']}")
        return csms.http.get(STATIONS, headers={"Authorization": f"Bearer {made['secret']}"})

    return asked


def reused_key(csms: Csms) -> httpx.Response:
    key = {"Idempotency-Key": f"bad-{next(_names)}"}
    body = {"id_token": "REUSED", "type": "ISO14443", "status": "Accepted"}
    csms.http.post(TOKENS, json=body, headers=key)
    return csms.http.post(TOKENS, json=body | {"status": "Blocked"}, headers=key)


def to_station(verb: str, body: Any, *, connected: bool = True) -> Callable[[Csms], httpx.Response]:
    def asked(csms: Csms) -> httpx.Response:
        name = csms.enrol(f"ASKED-{next(_names)}")
        path = f"{STATIONS}/{name}/{verb}"
        if not connected:
            return csms.http.post(path, json=body)
        with dialled(csms, name):
            return csms.http.post(path, json=body)

    return asked


ASK: dict[str, Callable[[Csms], httpx.Response]] = {
    "no token": get(STATIONS, headers={"Authorization": ""}),
    "a wrong token": get(STATIONS, headers={"Authorization": "Bearer wrong"}),
    "a path nobody serves": get("/api/v1/coffee"),
    "a method nobody serves": lambda csms: csms.http.delete(STATIONS),
    "a body that is no JSON": post(STATIONS, content=b"{"),
    "a body that is no object": post(STATIONS, [1]),
    "a body nested 100 000 deep": post(STATIONS, content=b"[" * 100_000),
    "a body over 1 MiB": post(STATIONS, content=b'{"id":"' + b"x" * 1_100_000 + b'"}'),
    "a field nobody knows": post(STATIONS, station(colour="red")),
    "a query parameter nobody knows": get(TRANSACTIONS, params={"actve": "false"}),
    "a field of the wrong type": post(STATIONS, station(evses=5)),
    "a new station without a password": post(STATIONS, {"id": "NEW"}),
    "two spellings of one password": post(STATIONS, station(password_hex="00")),
    "a password_hex that is none": post(STATIONS, {"id": "NEW", "password_hex": "xyz"}),
    "a station id with other characters": post(STATIONS, station(id="a b")),
    "a grade nobody knows": post(STATIONS, station(evidence_pin={"grade": "G9", "source": "meter"})),
    "a key that is none": post(STATIONS, station(evses=[{"id": 1, "meter_public_key": "00ff"}])),
    "one EVSE twice": post(STATIONS, station(evses=[{"id": 1}, {"id": 1}])),
    "a token without status": post(TOKENS, {"id_token": "X", "type": "ISO14443"}),
    "a status nobody knows": post(TOKENS, {"id_token": "X", "type": "ISO14443", "status": "Good"}),
    "a limit beyond 1000": get(STATIONS, params={"limit": 100_000}),
    "a transaction nobody has": get(f"{TRANSACTIONS}/{'0' * 32}"),
    "a station nobody enrolled": get(f"{STATIONS}/NOBODY"),
    "the bundle of a running transaction": running,
    "registry entries that are no CBOR": post("/api/v1/registry/entries", content=b"\xff"),
    "registry entries that are no statements": post("/api/v1/registry/entries", content=b"\x81\x43abc"),
    "a revoked API token": with_token("stations:read", revoked=True),
    "an API token without the scope": with_token("tokens:read"),
    "an API token with a scope nobody knows": post("/api/v1/api-tokens", {"name": "x", "scopes": ["coffee:make"]}),
    "an Idempotency-Key with another content": reused_key,
    "a command to a station that is not connected": to_station("reset", {}, connected=False),
    "a command its version does not have": to_station("commands/SetVariables", {}),
    "a command with a payload against its schema": to_station("commands/Reset", {"type": "Good"}),
    "a remote start for a blocked card": to_station("remote-start", {"id_token": "BLOCKED"}),
    "a remote stop of nobody's transaction": to_station("remote-stop", {"transaction_id": "77"}),
    "a path out of the log": get("/api/v1/log/tile/../../keys/log.pem"),
}


def test_the_page_and_this_file_list_the_same() -> None:
    assert list(REQUESTS) == list(ASK)
    assert list(REFUSED) == ["a data directory in use", "a port in use", "another's data directory", "a full disk"]


@pytest.mark.parametrize("said", ASK)
def test_a_bad_request_has_its_problem(csms: Csms, said: str) -> None:
    answer = ASK[said](csms)
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert f"{answer.status_code} `{problem['code']}`" == REQUESTS[said]
    assert problem["status"] == answer.status_code
    assert len(problem["title"]) > 10
    assert not any(value in answer.text for value in ("xyz", "G9", "Good")), "values are not repeated"
    assert "Traceback" not in answer.text
    assert csms.http.get("/readyz").status_code == 200


def refused_start(data: Path, *options: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own program
        [*wattseal_command(), "serve", "--json", "--data", str(data), *options],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
        timeout=60,
    )
    assert done.stdout == ""
    error = json.loads(done.stderr.strip().splitlines()[-1])["error"]
    assert any(word in error["text"] for word in ("choose", "stop it", "give each"))
    return f"exit {done.returncode}, `{error['code']}`"


def test_a_start_that_cannot_be_says_what_to_do(csms: Csms, tmp_path: Path) -> None:
    taken = str(urlsplit(csms.ocpp).port)
    assert refused_start(csms.data, "--ocpp-port", "0") == REFUSED["a data directory in use"]
    assert refused_start(tmp_path / "new", "--ocpp-port", taken, "--http-port", "0") == REFUSED["a port in use"]
    other = tmp_path / "edge"
    other.mkdir()
    (other / "FORMAT").write_text("wattseal edge 1\n")
    assert refused_start(other) == REFUSED["another's data directory"]


@contextmanager
def full_disk(process: subprocess.Popen[str]) -> Iterator[None]:
    """Let the system refuse a process every write beyond the first page of a file, as a full disk does."""
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of a running process exist on Linux only")
def test_on_a_full_disk_nothing_is_acknowledged_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    stop = {"meterStop": 6000, "timestamp": "2026-03-01T13:00:00Z"}
    with serving(tmp_path, forked=False) as csms:
        csms.token("CARD")
        name = csms.enrol("FULL")
        with dialled(csms, name) as socket:
            start = {"connectorId": 1, "idTag": "CARD", "meterStart": 1000, "timestamp": "2026-03-01T12:00:00Z"}
            number = ask(socket, "StartTransaction", start)["transactionId"]
            with full_disk(csms.process):
                socket.send(call("StopTransaction", stop | {"transactionId": number}))
                with pytest.raises(ConnectionClosed) as closed:
                    socket.recv(10)
                assert closed.value.rcvd is not None
                assert f"close {closed.value.rcvd.code}, then HTTP 503" == REFUSED["a full disk"]
                assert upgrade_status(csms, name, basic(name, PASSWORD)) == 503
                ready = csms.http.get("/readyz")
                assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
                assert csms.http.get("/healthz").status_code == 200
        until_ready(csms)
        assert csms.transaction(name)["active"]
        with dialled(csms, name) as socket:
            assert ask(socket, "StopTransaction", stop | {"transactionId": number}) == {}
        assert csms.transaction(name)["energy_wh"] == "5000"


def until_ready(csms: Csms) -> None:
    deadline = time.monotonic() + 20
    while csms.http.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline, "there is room on the disk again"
        time.sleep(0.1)
