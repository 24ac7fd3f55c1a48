"""The PyPI program `test-ocpp`, which checks that a CSMS answers, against `wattseal serve`: profiles 0 and 1.

Security profiles: 1 is Basic authentication; without any (0) a CSMS takes stations in development mode only.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.support.csms import PASSWORD, Csms, serving


def check(ocpp: str, station: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the program under its own module name
        [sys.executable, "-m", "test_ocpp", ocpp, station, "--timeout", "10", *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_it_succeeds_with_the_right_password(csms: Csms, version: str) -> None:
    name = csms.enrol(f"TESTER-{version}")
    done = check(csms.ocpp, name, "--ocpp", version, "--password", PASSWORD, "--vendor", "Vendor", "--model", "Model")
    assert done.returncode == 0, done.stdout
    assert f"Negotiated subprotocol: ocpp{version}" in done.stdout
    assert "BootNotification status: Accepted" in done.stdout
    assert done.stdout.rstrip().endswith("SUCCESS")
    shown = csms.http.get(f"/api/v1/stations/{name}").json()
    assert (shown["vendor"], shown["model"]) == ("Vendor", "Model")


@pytest.mark.parametrize(
    "options", [[], ["--password", "wrong"], ["--password", PASSWORD, "--username", "TESTER-OTHER"]]
)
def test_it_fails_without_the_right_credentials(csms: Csms, options: list[str]) -> None:
    name = f"TESTER-{len(options)}"
    csms.enrol(name)
    done = check(csms.ocpp, name, *options)
    assert done.returncode == 1
    assert "HTTP 401" in done.stdout + done.stderr


def test_it_fails_for_an_unknown_station(csms: Csms) -> None:
    done = check(csms.ocpp, "TESTER-NOBODY", "--password", PASSWORD)
    assert done.returncode == 1
    assert "HTTP 401" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with serving(tmp_path_factory.mktemp("lenient"), "--insecure-dev") as running:
        yield running


def test_without_authentication_development_mode_alone_lets_a_station_in(lenient: Csms) -> None:
    assert check(lenient.ocpp, "TESTER-NEW").returncode == 0
    assert lenient.enrol("TESTER-KNOWN")
    assert check(lenient.ocpp, "TESTER-KNOWN").returncode == 1, "a password once set is demanded in every mode"
