"""The PyPI program `schemathesis` tries every route of the HTTP API, logged in and with data, by all its checks."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.interop.obedient import obeying
from tests.support.csms import Csms, serving
from tests.support.stations import ask, dialled

CONFIG = Path(__file__).parent / "schemathesis.toml"
EXAMPLES = os.environ.get("WATTSEAL_REQUESTS", "1")
"""Random requests per route and phase, beside the edges of every parameter and body; `-n` in the program's words.

`make schemathesis` sends more.
"""
AT = "2027-01-15T08:00:00Z"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    """Return a CSMS of its own that has a token, a transaction and a connected station that obeys."""
    with serving(tmp_path_factory.mktemp("schemathesis")) as csms:
        csms.enrol("CS1")
        csms.token("CARD")
        with dialled(csms, "CS1") as station:
            ask(station, "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
            ask(station, "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
            started = {"connectorId": 1, "idTag": "CARD", "meterStart": 1000, "timestamp": AT}
            number = ask(station, "StartTransaction", started)["transactionId"]
            ask(station, "StopTransaction", {"transactionId": number, "meterStop": 2000, "timestamp": AT})
        with obeying(csms, "CS1"):
            yield csms


@pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_it_finds_nothing(seeded: Csms, tmp_path: Path) -> None:
    api = str(seeded.http.base_url)
    words = ["--config-file", str(CONFIG), "run", f"{api}/api/docs/openapi.json", "--url", api]
    words += ["-H", f"Authorization: {seeded.http.headers['Authorization']}", "--checks", "all", "-n", EXAMPLES]
    done = subprocess.run(  # noqa: S603 - the program under its own module name
        [sys.executable, "-m", "schemathesis.cli", *words, "--no-color", "--seed", "1"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "NO_PROXY": "*"},
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert seeded.http.get("/readyz").status_code == 200
