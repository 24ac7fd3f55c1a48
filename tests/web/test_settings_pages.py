"""What a person chooses for himself, and what the system says of its configuration and its backups."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.csms import ENVIRONMENT, Csms, serving
from tests.support.stations import ask, dialled
from tests.web.support import browser, words

from wattseal.cli.main import run

TOKEN = "a secret that nobody is shown"
PARTNER = f'[[partners]]\nparty = "MSP"\ntoken = "{TOKEN}"\n'


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with serving(tmp_path_factory.mktemp("settings"), settings=PARTNER) as running:
        yield running


def tampered(csms: Csms, station: str, at: str) -> None:
    csms.enrol(station)
    with dialled(csms, station) as socket:
        ask(socket, "SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": at})


def test_a_filtered_page_is_saved_under_a_name_and_found_in_the_navigation(csms: Csms) -> None:
    operator, support = browser(csms, "operator"), browser(csms, "support")
    filtered = operator.page("/network?status=faulted&q=x")
    assert 'href="/settings?save=/network%3Fstatus%3Dfaulted%26q%3Dx"' in filtered
    assert "/settings?save" not in operator.page("/network")
    saved = operator.send("/settings/views", name="Broken <b>", view="/network?status=faulted&q=x")
    assert saved.headers["location"] == "/settings?done=saved"
    page = operator.page("/alarms")
    assert '<a href="/network?status=faulted&amp;q=x"><bdi>Broken &lt;b&gt;</bdi></a>' in page
    assert "Broken" not in support.page("/alarms")
    for path in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        assert operator.send("/settings/views", name="Evil", view=path).status_code == 422
    assert operator.ask("POST", "/settings/views", data={"name": "X", "view": "/"}).status_code == 403
    operator.send("/settings/views", what="remove", name="Broken <b>")
    assert "Broken" not in operator.page("/alarms")


def test_alarms_not_seen_are_counted_as_each_person_chose(csms: Csms) -> None:
    owner, support = browser(csms, "owner"), browser(csms, "support")
    tampered(csms, "T1", "2026-01-01T00:00:00Z")
    counted = "not seen:</span> 1</strong>"
    assert counted in owner.page("/network")
    assert counted in support.page("/network")
    support.send("/settings/topics", evidence="yes", device="yes")
    assert counted not in support.page("/network")
    owner.send("/alarms/seen")
    assert "not seen:" not in owner.page("/network")
    support.send("/settings/topics", evidence="yes", device="yes", security="yes")
    assert counted in support.page("/network")
    assert "not seen:" not in browser(csms, "finance").page("/network")


def test_the_configuration_is_shown_without_its_secrets_to_those_who_may(
    csms: Csms, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = browser(csms, "owner")
    page = owner.page("/settings")
    assert "[partners 1]" in page
    assert TOKEN not in page
    assert "***" in page
    assert "Configuration in force" not in browser(csms, "operator").page("/settings")
    assert "files of invoices 10 years from the end of the year retention.invoices_years" in words(page)
    assert "How long things are kept" not in browser(csms, "operator").page("/settings")
    told = csms.http.get("/api/v1/settings")
    assert told.json()["retention"][0]["lasts"] == "7 days"
    where = ["--url", str(csms.http.base_url).rstrip("/"), "--token-file", str(csms.data / "admin-token")]
    assert run(["privacy", "retention", *where], io.StringIO()) == 0
    assert "uploaded logs: 30 days (retention.uploads_days); then removed" in capsys.readouterr().out
    assert TOKEN not in told.text
    assert told.json()["settings"]["partners"][0] | {"token": "***"} == told.json()["settings"]["partners"][0]


def test_the_page_of_backups_knows_the_last_one(csms: Csms, tmp_path: Path) -> None:
    owner = browser(csms, "owner")
    assert "No backup of this data directory is known" in owner.seen("/backups")
    command = [sys.executable, "-m", "wattseal", "backup", "--data", str(csms.data), "--out", str(tmp_path / "b.tar")]
    subprocess.run([*command, "--no-keys"], check=True, capture_output=True, env=ENVIRONMENT)  # noqa: S603 - our own
    said = words(owner.page("/backups"))
    assert "No backup" not in said
    assert "The keys are not in the last backup" in said
    assert browser(csms, "operator").ask("GET", "/backups").status_code == 403


def told_alarms(csms: Csms) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = csms.http.get("/api/v1/alarms").json()
    return told


def test_an_alarm_is_acknowledged_and_closed_by_those_who_may_and_the_record_names_them(csms: Csms) -> None:
    owner, support, auditor = browser(csms, "owner"), browser(csms, "support"), browser(csms, "auditor")
    tampered(csms, "T9", "2026-02-01T00:00:00Z")
    with dialled(csms, "T9") as socket:
        ask(
            socket,
            "SecurityEventNotification",
            {"type": "TamperDetectionActivated", "timestamp": "2026-02-01T00:01:00Z"},
        )
    listed = csms.http.get("/api/v1/alarms", params={"station_id": "T9", "stands": "true"}).json()
    (alarm,) = listed
    few = csms.http.post("/api/v1/api-tokens", json={"name": "few", "scopes": ["alarms:read"]}).json()["secret"]
    heard = csms.http.get("/api/v1/alarms", headers={"Authorization": f"Bearer {few}"}).json()
    assert heard == [one | {"detail": "" if one["record"] else one["detail"]} for one in told_alarms(csms)]
    assert (alarm["state"], alarm["severity"], alarm["count"], alarm["code"]) == (
        "open",
        "warning",
        2,
        "security_event",
    )
    assert alarm["action"]
    runbook = auditor.page(alarm["runbook"])
    assert "What not to conclude" in runbook
    auditor.page("/alarms/runbooks/never", 404)
    path = f"/alarms/{alarm['id']}"
    assert "2 times, last" in support.page("/alarms?station=T9&stands=yes")
    assert f'action="{path}"' in support.page("/alarms?station=T9")
    assert f'action="{path}"' not in auditor.page("/alarms?station=T9")
    assert auditor.send(path, do="close").status_code == 403
    assert support.send(path, do="acknowledge").status_code == 303
    assert "somebody looks at it" in owner.page("/alarms?station=T9&stands=yes")
    closed = csms.http.post(f"/api/v1/alarms/{alarm['id']}/close").json()
    assert (closed["state"], closed["by"], len(closed["said"])) == ("closed", "admin", 64)
    assert "No alarm is like that" in support.page("/alarms?station=T9&stands=yes")
    assert support.send(path, do="close").headers["location"] == "/alarms?trouble=alarm_over"
    again = csms.http.post(f"/api/v1/alarms/{alarm['id']}/acknowledge")
    assert (again.status_code, again.json()["code"]) == (409, "alarm_over")
    assert csms.http.post("/api/v1/alarms/never/close").status_code == 404
    assert "security_event" in owner.page("/audit")
