"""Billing at a running CSMS: an honest charge, a rolled back register, a dispute upheld, and the audit of it all."""

import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.serve.test_disputes_api import TARIFF, opened
from tests.support.csms import ENVIRONMENT, Csms, serving
from tests.support.forking import wattseal_command
from tests.support.stations import ask, dialled

AT_ONCE = "[billing]\nwait_s = 0\n"
BILLED_WITHIN_S = 15


@dataclass
class Business:
    """A CSMS that bills, and the ids of its sessions by what is the matter with them."""

    csms: Csms
    sessions: dict[str, str]

    def wattseal(self, *words: str | Path, code: int = 0) -> str:
        """Run a command that speaks to the CSMS and return what it prints."""
        token = self.csms.data / "admin-token"
        remote = ["--url", str(self.csms.http.base_url), "--token-file", str(token)]
        done = run(*words, *remote)
        assert done.returncode == code, done.stderr
        return done.stdout

    def bill(self, session: str) -> dict[str, Any]:
        deadline = time.monotonic() + BILLED_WITHIN_S
        while (answer := self.csms.http.get(f"/api/v1/bills/{session}")).status_code == 404:
            assert time.monotonic() < deadline, "not billed"
            time.sleep(0.1)
        found: dict[str, Any] = answer.json()
        return found


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [*wattseal_command(), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )


def charge(csms: Csms, start_wh: int, stop_wh: int, hour: int) -> str:
    """Charge for an hour at D1 and return our id of it."""
    known = {t["id"] for t in csms.transactions("D1")}
    with dialled(csms, "D1") as socket:
        at = f"2026-11-01T{hour:02}:00:00Z"
        start = {"connectorId": 1, "idTag": "CARD", "meterStart": start_wh, "timestamp": at}
        number = ask(socket, "StartTransaction", start)["transactionId"]
        stop = {"transactionId": number, "meterStop": stop_wh, "timestamp": f"2026-11-01T{hour + 1:02}:00:00Z"}
        ask(socket, "StopTransaction", stop)
    (new,) = {t["id"] for t in csms.transactions("D1")} - known
    return str(new)


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Business]:
    with serving(tmp_path_factory.mktemp("billing"), witnesses=("MSP",), settings=AT_ONCE) as csms:
        assert csms.http.put("/api/v1/tariffs/T1", json=TARIFF).status_code == 200
        csms.token("CARD")
        csms.enrol("D1")
        sessions = {
            "honest": charge(csms, 1000, 11_000, 8),
            "rolled back": charge(csms, 5000, 12_000, 10),
            "overcharged": charge(csms, 12_000, 20_000, 12),
            "half": charge(csms, 20_000, 24_000, 14),
        }
        yield Business(csms, sessions)


def quarantined(business: Business) -> list[str]:
    return [row["id"] for row in json.loads(business.wattseal("quarantine", "list", "--json"))]


def test_an_honest_charge_is_billed_and_shows_what_it_rests_on(business: Business) -> None:
    bill = business.bill(business.sessions["honest"])
    assert (bill["total_excl_vat"], bill["total_incl_vat"], bill["currency"]) == ("5.00", "6.00", "EUR")
    assert bill["taxes"] == [{"percent": "20.0", "net": "5.00", "tax": "1.00"}]
    assert (bill["state"], bill["energy_wh"], bill["tariff"]["id"]) == ("billed", "10000", "T1")
    listed = business.csms.http.get("/api/v1/bills", params={"account": "house"}).json()
    assert {k: v for k, v in bill.items() if k != "receipt"} in listed


def test_a_rolled_back_register_waits_for_a_person_and_is_billed_on_his_word_alone(business: Business) -> None:
    session = business.sessions["rolled back"]
    business.bill(business.sessions["overcharged"])
    assert session in quarantined(business)
    assert business.csms.http.get(f"/api/v1/bills/{session}").status_code == 404
    told = business.wattseal("quarantine", "bill", session, "--person", "Kim Lee", "--text", "meter replaced")
    assert "billed" in told
    assert business.bill(session)["ruling"] is not None
    (ruling,) = business.csms.http.get(f"/api/v1/transactions/{session}/rulings").json()
    assert (ruling["person"], ruling["in_force"]) == ("Kim Lee (admin)", True)
    assert "register_rolled_back" in ruling["reasons"]
    assert session not in quarantined(business)


def test_a_decision_needs_its_scope(business: Business) -> None:
    body = {"name": "clerk", "scopes": ["transactions:read"]}
    made = business.csms.http.post("/api/v1/api-tokens", json=body).json()
    headers = {"Authorization": f"Bearer {made['secret']}"}
    path = f"/api/v1/transactions/{business.sessions['honest']}/rulings"
    ruling = {"verdict": "waive", "person": "x", "text": "x"}
    assert business.csms.http.post(path, json=ruling, headers=headers).status_code == 403
    assert business.csms.http.get(path, headers=headers).status_code == 200
    assert business.csms.http.get("/api/v1/bills", headers=headers).status_code == 403


def test_a_dispute_that_is_right_takes_the_bill_back_with_a_credit_cdr(business: Business) -> None:
    session = business.sessions["overcharged"]
    bill = business.bill(session)
    dispute = opened(business.csms, business.csms.bundle(session))
    told = business.wattseal(
        "dispute", "decide", dispute["id"], "upheld", "--person", "Kim Lee", "--text", "broken plug"
    )
    assert f"credit CDR {session}-C" in told
    after = business.bill(session)
    assert (after["state"], after["credit_cdr"]) == ("reversed", f"{session}-C")
    cdr = business.csms.http.get(f"/api/v1/cdrs/{session}").json()
    credit = business.csms.http.get(f"/api/v1/cdrs/{session}-C").json()
    assert (cdr["total_cost"], credit["total_cost"]) == (
        {"excl_vat": 4.0, "incl_vat": 4.8},
        {"excl_vat": -4.0, "incl_vat": -4.8},
    )
    assert (credit["credit"], credit["credit_reference_id"]) == (True, session)
    assert {k: after[k] for k in ("total_incl_vat", "posting")} == {k: bill[k] for k in ("total_incl_vat", "posting")}
    again = business.csms.http.post(
        f"/api/v1/disputes/{opened(business.csms, business.csms.bundle(session), text='again')['id']}/decision",
        json={"verdict": "upheld", "person": "x", "text": "x"},
    )
    assert again.status_code == 409


def test_a_dispute_that_is_right_in_part_puts_another_bill_in_its_place(business: Business) -> None:
    session = business.sessions["half"]
    assert business.bill(session)["total_incl_vat"] == "2.40"
    dispute = opened(business.csms, business.csms.bundle(session))
    decide = ["dispute", "decide", dispute["id"], "partly", "--person", "Kim Lee", "--text", "half of it"]
    business.wattseal(*decide, code=65)
    business.wattseal(*decide, "--amount", "20:2.00:0.40", code=65)
    business.wattseal(*decide, "--amount", "7:1.00:0.07", code=65)
    business.wattseal(*decide, "--amount", "20:1.00:0.20")
    first, second = business.bill(session), business.bill(f"{session}-1")
    assert (first["state"], second["state"], second["corrects"]) == ("reversed", "billed", session)
    assert (second["total_excl_vat"], second["total_incl_vat"]) == ("1.00", "1.20")
    assert business.csms.http.get(f"/api/v1/cdrs/{session}-1").json()["total_cost"] == {
        "excl_vat": 1.0,
        "incl_vat": 1.2,
    }
    assert business.csms.http.get(f"/api/v1/cdrs/{session}-2").status_code == 404
    assert business.csms.http.get(f"/api/v1/cdrs/{business.sessions['honest']}-C").status_code == 404


def audited(business: Business, data: Path) -> tuple[int, dict[str, Any]]:
    words: list[str | Path] = ["--data", data, "--from", "2026-11-01", "--to", "2026-11-02", "--json"]
    done = run("audit", *words, "--trust", business.csms.trust)
    found: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, found


def codes(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(fault["code"], fault["session"]) for fault in found["faults"]}


def test_the_audit_of_it_all_finds_what_happened_and_no_cent_astray(business: Business) -> None:
    business.csms.process.terminate()
    business.csms.process.wait(20)
    code, found = audited(business, business.csms.data)
    rolled_back = business.sessions["rolled back"]
    assert codes(found) == {("register_rolled_back", rolled_back), ("register_overlap", rolled_back)}
    assert code == 1
    assert found["sums"]["EUR"] == {
        "sessions": 4,
        "by_records": "11.40",
        "in_ledger": "11.40",
        "difference": "0.00",
    }
    assert found["standings"] == {"billed": 4}


def test_credits_and_corrections_that_no_decision_explains_are_found(business: Business, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(business.csms.data, copy)
    honest, whole, half = (business.sessions[name] for name in ("honest", "overcharged", "half"))
    edits: dict[str, dict[str, Any]] = {
        honest: {"state": "reversed", "credit": f"{honest}-C"},
        whole: {"state": "billed"},
        f"{half}-1": {"total": {"before_tax": "3.00", "after_tax": "3.20"}},
    }
    with closing(sqlite3.connect(copy / "journal.sqlite3")) as database, database:
        for key, changes in edits.items():
            where = "FROM documents WHERE kind = 'bill' AND key = ?"
            (body,) = database.execute(f"SELECT body {where}", (key,)).fetchone()
            changed = json.dumps(json.loads(body) | changes).encode()
            database.execute("UPDATE documents SET body = ? WHERE kind = 'bill' AND key = ?", (changed, key))
    _, found = audited(business, copy)
    assert {("credited_without_decision", honest), ("credit_missing", whole), ("bill_differs", half)} <= codes(found)
