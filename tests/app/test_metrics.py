"""What Prometheus is told, scraped from a real process; the dashboard and the alert rules ask for what there is."""

import json
import re
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.csms import PASSWORD, Csms, serving
from websockets.sync.client import connect

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy/grafana/wattseal.json"
RULES = ROOT / "deploy/prometheus/wattseal.rules.yaml"
PAGE = ROOT / "docs/how-to/metrics.md"


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with serving(tmp_path_factory.mktemp("metrics"), "--metrics-port", "0") as running:
        yield running


def scrape(csms: Csms) -> dict[str, dict[tuple[str, ...], float]]:
    port = json.loads((csms.data / "ports.json").read_text())["metrics"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        sample.name: {
            tuple(s.labels.values()): s.value
            for f in text_string_to_metric_families(text)
            for s in f.samples
            if s.name == sample.name
        }
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_charge_shows_in_the_metrics(csms: Csms) -> None:
    station, tag = csms.enrol("METRICS1"), csms.token("TAG")
    user = b64encode(f"{station}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {user}"}
    with connect(csms.ocpp + station, subprotocols=["ocpp1.6"], additional_headers=headers) as socket:  # type: ignore[list-item]

        def call(action: str, payload: dict[str, object]) -> dict[str, object]:
            socket.send(json.dumps([2, "1", action, payload]))
            kind, _, answer = json.loads(socket.recv(10))[:3]
            return answer if kind == 3 else {}

        start = {"connectorId": 1, "idTag": tag, "meterStart": 100, "timestamp": "2026-01-01T00:00:00Z"}
        transaction = call("StartTransaction", start)["transactionId"]
        before = scrape(csms)
        assert before["wattseal_ocpp_connected_stations"] == {("1.6",): 1, ("2.0.1",): 0, ("2.1",): 0}
        assert before["wattseal_sessions_active"] == {(): 1}
        stop = {"transactionId": transaction, "meterStop": 5100, "timestamp": "2026-01-01T01:00:00Z"}
        call("StopTransaction", stop)
        call("Fly to the moon", {})
    after = scrape(csms)
    assert after["wattseal_energy_delivered_wh_total"] == {(): 5000}
    assert after["wattseal_sessions_active"] == {(): 0}
    messages = after["wattseal_ocpp_messages_total"]
    assert messages["StartTransaction", "received", "ok"] == 1
    assert messages["other", "received", "unknown_action"] == 1
    assert after["wattseal_journal_healthy"] == {(): 1}
    assert not any(
        "METRICS1" in label or "TAG" in label for family in after.values() for key in family for label in key
    )


def test_dashboard_rules_and_page_name_metrics_that_exist(csms: Csms) -> None:
    text = DASHBOARD.read_text() + RULES.read_text() + PAGE.read_text()
    named = set(re.findall(r"wattseal_[a-z_]+", text.replace("deploy/grafana", "")))
    port = json.loads((csms.data / "ports.json").read_text())["metrics"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        known = set(re.findall(r"# TYPE (wattseal_[a-z_]+)", answer.read().decode()))
    assert named == known


def test_the_dashboard_is_one_grafana_can_import() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    assert dashboard["title"] == "wattseal"
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) > 5
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in dashboard["panels"]]
    assert len(set(places)) == len(places)
    assert all(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])


def test_every_alert_has_a_line_that_says_what_to_do() -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
    assert alerts == re.findall(r"^\| (Wattseal\w+) \|", PAGE.read_text(), re.MULTILINE)
