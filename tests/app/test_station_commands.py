"""A simulated station obeys its CSMS: a real `wattseal serve` commands it over its API, whatever version it speaks."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.csms import ENVIRONMENT, PASSWORD, Csms, serving
from tests.support.forking import wattseal_command

VERSIONS = ("1.6", "2.0.1", "2.1")


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with serving(tmp_path_factory.mktemp("commands")) as running:
        running.token("TAG")
        yield running


@contextmanager
def staying(csms: Csms, name: str, version: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Let a station stay for commands meanwhile."""
    csms.enrol(name)
    password = folder / "password"
    password.write_text(PASSWORD)
    words = ["station", "--url", csms.ocpp.rstrip("/"), "--id", name, "--ocpp", version, "--password-file", password]
    words += ["--sessions", "0", "--stay", "--interval", "30"]
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*wattseal_command(), *map(str, words)], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    try:
        until(lambda: station(csms, name)["connected"])
        until(lambda: station(csms, name)["evses"][0]["status"] == "Available")
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def station(csms: Csms, name: str) -> dict[str, Any]:
    found: dict[str, Any] = csms.http.get(f"/api/v1/stations/{name}").json()
    return found


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def command(csms: Csms, name: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = csms.http.post(f"/api/v1/stations/{name}/{verb}", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize("version", VERSIONS)
def test_a_remote_start_charges_and_a_remote_stop_ends_it(csms: Csms, version: str, tmp_path: Path) -> None:
    name = f"STAY{version.replace('.', '')}"
    with staying(csms, name, version, tmp_path):
        assert command(csms, name, "remote-start", {"id_token": "TAG"})["status"] == "Accepted"
        until(lambda: csms.transactions(name))
        assert command(csms, name, "remote-start", {"id_token": "TAG"})["status"] == "Rejected"
        running = csms.transaction(name)
        assert running["authorization"] == "Accepted"
        assert command(csms, name, "remote-stop", {"transaction_id": running["id"]})["status"] == "Accepted"
        until(lambda: not csms.transaction(name)["active"])
        assert csms.transaction(name)["stop_reason"] == "Remote"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_reset_ends_the_session_and_boots_anew(csms: Csms, version: str, tmp_path: Path) -> None:
    name = f"RESET{version.replace('.', '')}"
    with staying(csms, name, version, tmp_path) as process:
        command(csms, name, "remote-start", {"id_token": "TAG"})
        until(lambda: csms.transactions(name))
        assert command(csms, name, "reset", {})["status"] == "Accepted"
        until(lambda: not csms.transaction(name)["active"])
        until(lambda: station(csms, name)["connected"] and station(csms, name)["evses"][0]["status"] == "Available")
        process.terminate()
        said, _ = process.communicate(timeout=20)
    assert said.count("boot accepted") == 2


def test_availability_and_triggers_are_obeyed(csms: Csms, tmp_path: Path) -> None:
    with staying(csms, "AVAIL", "2.0.1", tmp_path):
        command(csms, "AVAIL", "change-availability", {"operational": False})
        until(lambda: station(csms, "AVAIL")["evses"][0]["status"] == "Unavailable")
        assert command(csms, "AVAIL", "remote-start", {"id_token": "TAG"})["status"] == "Rejected"
        assert command(csms, "AVAIL", "trigger", {"message": "Heartbeat"})["status"] == "Accepted"
        assert (
            command(csms, "AVAIL", "trigger", {"message": "FirmwareStatusNotification"})["status"] == "NotImplemented"
        )
        assert command(csms, "AVAIL", "unlock", {"evse_id": 1})["status"] == "Unlocked"


def test_a_limit_shows_in_the_composite_schedule_until_it_is_cleared(csms: Csms, tmp_path: Path) -> None:
    period = {"startPeriod": 0, "limit": 10}
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]},
    }
    with staying(csms, "LIMIT", "1.6", tmp_path):

        def ask(action: str, payload: dict[str, Any]) -> dict[str, Any]:
            return command(csms, "LIMIT", f"commands/{action}", payload)

        assert ask("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})["status"] == "Accepted"
        told = ask("GetCompositeSchedule", {"connectorId": 1, "duration": 60})
        assert told["chargingSchedule"]["chargingSchedulePeriod"] == [period]
        assert ask("ClearChargingProfile", {"id": 1})["status"] == "Accepted"
        assert ask("ClearChargingProfile", {"id": 1})["status"] == "Unknown"
        assert ask("DataTransfer", {"vendorId": "somebody"})["status"] == "UnknownVendorId"


def test_what_the_simulator_does_not_do_is_not_supported(csms: Csms, tmp_path: Path) -> None:
    with staying(csms, "CANNOT", "2.0.1", tmp_path):
        answer = csms.http.post("/api/v1/stations/CANNOT/commands/GetDisplayMessages", json={"requestId": 1})
        assert answer.json()["ocpp_code"] == "NotSupported"
