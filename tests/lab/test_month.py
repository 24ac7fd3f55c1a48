"""A month with faults in it, and the audit that has to find each of them and nothing else."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.support.csms import ENVIRONMENT
from tests.support.forking import wattseal_command

from wattseal.lab.month.plan import CLASSES, Month, boxes, sessions_of
from wattseal.lab.month.truth import compare

SEED = 11
DAY_MS = 86_400_000


def wattseal(*words: str | Path, code: int = 0) -> str:
    done = subprocess.run(  # noqa: S603 - our own program
        [*wattseal_command(), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def audited(data: Path, code: int = 0) -> str:
    return wattseal("audit", "--data", data, "--from", "2026-03-01", "--to", "2026-04-02", "--json", code=code)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("month")
    size = ["--sessions", "500", "--stations", "20", "--seed", str(SEED), "--faults-per-mille", "120"]
    wattseal("month", "make", "--data", folder / "cpo", "--truth", folder / "truth.json", *size, "--json")
    (folder / "audit.json").write_text(audited(folder / "cpo", code=1))
    return folder


def test_every_fault_is_reported_and_no_clean_session_is_flagged(month: Path) -> None:
    told = wattseal("month", "compare", "--audit", month / "audit.json", "--truth", month / "truth.json")
    assert "0 missed, 0 clean ones flagged" in told
    injected = json.loads((month / "truth.json").read_text())["faults"]
    for name, kinds in CLASSES.items():
        assert any(one["fault"] in kinds for one in injected), name


def test_the_ledger_is_what_the_records_come_to_but_for_what_was_tampered_with(month: Path) -> None:
    found = json.loads((month / "audit.json").read_text())
    truth = json.loads((month / "truth.json").read_text())["faults"]
    touched = [one for one in truth if one["fault"].startswith("posting")]
    assert touched
    assert any(total["difference"] != "0.00" for total in found["sums"].values())
    assert set(found["sums"]) == {"EUR", "SEK"}


def test_a_fault_that_the_audit_did_not_tell_is_missed_and_one_too_many_is_a_false_alarm(month: Path) -> None:
    audit: dict[str, Any] = json.loads((month / "audit.json").read_text())
    first = json.loads((month / "truth.json").read_text())["faults"][0]
    fewer = month / "fewer.json"
    fewer.write_text(json.dumps(audit | {"faults": [f for f in audit["faults"] if f["session"] != first["session"]]}))
    assert first["session"] in {one.session for one in compare(fewer, month / "truth.json").missed}
    more = month / "more.json"
    alarm = {"code": "x", "session": "ab" * 16, "station_id": "", "where": "", "detail": ""}
    more.write_text(json.dumps(audit | {"faults": [*audit["faults"], alarm]}))
    assert len(compare(more, month / "truth.json").false_alarms) == 1
    wattseal("month", "compare", "--audit", more, "--truth", month / "truth.json", code=1)


def test_a_month_without_faults_is_clean_to_the_cent(tmp_path: Path) -> None:
    size = ["--sessions", "120", "--stations", "20", "--seed", "5", "--faults-per-mille", "0"]
    wattseal("month", "make", "--data", tmp_path / "cpo", "--truth", tmp_path / "truth.json", *size, "--json")
    found = json.loads(audited(tmp_path / "cpo"))
    assert found["ok"]
    assert found["sessions"] == 120
    assert {total["difference"] for total in found["sums"].values()} == {"0.00"}


def test_the_same_seed_plans_the_same_month_and_another_one_another() -> None:
    first = Month(60, 6, 0, 31 * DAY_MS, 1, 100)
    again = Month(60, 6, 0, 31 * DAY_MS, 1, 100)
    other = Month(60, 6, 0, 31 * DAY_MS, 2, 100)
    planned = [[*sessions_of(month, 0, boxes(6)[0])] for month in (first, again, other)]
    assert planned[0] == planned[1] != planned[2]
    assert len(planned[0]) == 10
