"""A CSMS that has earned money: honest sessions, some quarantined, one disputed, and an account that pays."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.serve.test_disputes_api import opened, tampered
from tests.serve.test_invoices_live import CONFIG
from tests.support.csms import Csms, meter_key, serving
from tests.support.stations import ask, dialled
from tests.web.support import Browser, browser, member

from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build

HOSTILE = '<script>alert("x")</script>'
"""What a page must show as text."""
BILLED_WITHIN_S = 20
TARIFF: dict[str, Any] = {
    "country_code": "DE",
    "party_id": "CPO",
    "id": "DAY",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.50, "vat": 20.0, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00Z",
}
PAYER: dict[str, Any] = {
    "name": f"Jürgen {HOSTILE}",
    "address": "Lindenstraße 7",
    "postal_code": "53111",
    "city": "Bonn",
}
SITE: dict[str, Any] = {
    "name": "Depot",
    "address": "Am Güterbahnhof 4",
    "city": "Köln",
    "country": "DEU",
    "latitude": "50.940000",
    "longitude": "6.960000",
    "time_zone": "Europe/Berlin",
}


@dataclass
class Business:
    """A CSMS, its sessions by what is the matter with them, the account that pays and the dispute that is open."""

    csms: Csms
    sessions: dict[str, str]
    account: str
    dispute: str

    def person(self, role: str) -> str:
        """Return the person of a role as records name it."""
        return f"person/{member(self.csms, role).person}"

    def browser(self, role: str, language: str = "en") -> Browser:
        return browser(self.csms, role, language)

    def bill(self, session: str) -> dict[str, Any]:
        """Return a session's bill once there is one."""
        deadline = time.monotonic() + BILLED_WITHIN_S
        while (answer := self.csms.http.get(f"/api/v1/bills/{session}")).status_code == 404:
            assert time.monotonic() < deadline, "not billed"
            time.sleep(0.1)
        found: dict[str, Any] = answer.json()
        return found


def at(hour: int, days_ago: int = 2) -> str:
    """Return an hour of a day that is over."""
    return time.strftime(f"%Y-%m-%dT{hour:02d}:00:00Z", time.gmtime(time.time() - days_ago * 86_400))


def charge(
    csms: Csms, registers: tuple[int, int], hour: int, days_ago: int = 2, *, station: str = "D1", meter: str = ""
) -> str:
    """Charge for an hour and return our id of it; `meter` is the serial of the one that signs."""
    known = {t["id"] for t in csms.transactions(station)}
    with dialled(csms, station) as socket:
        start = {"connectorId": 1, "idTag": "CARD", "meterStart": registers[0], "timestamp": at(hour, days_ago)}
        number = ask(socket, "StartTransaction", start)["transactionId"]
        end = at(hour + 1, days_ago)
        stop = {"transactionId": number, "meterStop": registers[1], "timestamp": end}
        if meter:
            readings = [
                ReadingToSign(datetime.fromisoformat(time_), letter, Decimal(register))
                for time_, letter, register in zip((at(hour, days_ago), end), "BE", registers, strict=True)
            ]
            record = build(MeterState(meter, page=days_ago), readings, meter_key(station)).decode()
            sample = {"value": record, "format": "SignedData", "context": "Transaction.End"}
            stop["transactionData"] = [{"timestamp": end, "sampledValue": [sample]}]
        ask(socket, "StopTransaction", stop)
    (new,) = {t["id"] for t in csms.transactions(station)} - known
    return str(new)


def put(csms: Csms, path: str, body: dict[str, Any], method: str = "PUT") -> dict[str, Any]:
    answer = csms.http.request(method, f"/api/v1/{path}", json=body)
    assert answer.status_code in {200, 201}, answer.text
    found: dict[str, Any] = answer.json()
    return found


@contextmanager
def business(folder: Path) -> Iterator[Business]:
    """Run one."""
    with serving(folder, witnesses=("MSP",), settings=CONFIG.replace("wait_s = 5", "wait_s = 0")) as csms:
        put(csms, "sites/DEPOT", SITE)
        put(csms, "tariffs/DAY", TARIFF)
        wanted = {"kind": "credit", "currency": "EUR", "limit": "500", "payer": PAYER}
        account = put(csms, "accounts", wanted, "POST")["id"]
        token = {"id_token": "CARD", "type": "ISO14443", "status": "Accepted", "account": account}
        put(csms, "tokens", token, "POST")
        csms.enrol("D1")
        csms.enrol("M1", meter="METER-1")
        put(csms, "stations", {"id": "M1", "site": "DEPOT"}, "POST")
        sessions = {
            "long ago": charge(csms, (0, 1000), 8, days_ago=70),
            "honest": charge(csms, (1000, 11_000), 8),
            "rolled back": charge(csms, (5000, 12_000), 10),
            "also rolled back": charge(csms, (6000, 12_000), 12),
            "overcharged": charge(csms, (12_000, 20_000), 14),
            "half": charge(csms, (20_000, 24_000), 16),
        }

        sessions["signed"] = charge(csms, (100, 30_100), 6, 3, station="M1", meter="METER-1")
        ours = csms.bundle(sessions["overcharged"])
        dispute = opened(csms, tampered(ours), text=f"I charged 7 kWh {HOSTILE}")["id"]
        made = Business(csms, sessions, account, dispute)
        for name in ("long ago", "honest", "overcharged", "half", "signed"):
            made.bill(sessions[name])
        yield made
