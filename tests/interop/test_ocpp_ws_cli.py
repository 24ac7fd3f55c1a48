"""The npm program `ocpp-ws-cli`: all its checks of transport, RPC, security and chaos against `wattseal serve`."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.interop.npm import installed, node
from tests.support.csms import PASSWORD, Csms

PROTOCOLS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
CHECKS = 21


@pytest.fixture(scope="module")
def reports(csms: Csms, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the program once per version, at the same time: most of what it does is wait."""
    folder, reports = installed(request.config), tmp_path_factory.mktemp("ocpp-ws-cli")

    def run(protocol: str) -> Any:
        name = csms.enrol(f"CLI-{protocol}")
        endpoint = csms.ocpp.rstrip("/").replace("://", f"://{name}:{quote(PASSWORD)}@")
        words = ["--endpoint", endpoint, "--identity", name, "--protocol", protocol, "--suite", "all"]
        words += ["--report", "json", "--report-dir", str(reports / protocol)]
        ran = node(folder, "node_modules/ocpp-ws-cli/dist/index.js", "test", *words, input="")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        (report,) = Path(reports / protocol).iterdir()
        return json.loads(report.read_text())["testResults"]

    with ThreadPoolExecutor() as pool:
        return dict(zip(PROTOCOLS, pool.map(run, PROTOCOLS), strict=True))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_check_passes(csms: Csms, reports: dict[str, Any], protocol: str) -> None:
    assert len(reports[protocol]) == CHECKS
    assert [check for check in reports[protocol] if not check["passed"]] == []
    assert csms.http.get("/readyz").status_code == 200
