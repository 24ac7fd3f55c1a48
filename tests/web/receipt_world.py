"""Charges that have been invoiced, so that there are receipts: one signed by its meter, one the CSMS alone recorded."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.meter import SERIAL, at, ocmf, sent_key
from tests.serve.test_invoices_live import CONFIG, PAYER, issued
from tests.support.csms import Csms, serving
from tests.support.stations import ask, dialled

TOKEN = {"idToken": "CARD", "type": "ISO14443"}
TARIFF: dict[str, Any] = {
    "country_code": "DE",
    "party_id": "CPO",
    "id": "CITY",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [
                {"type": "ENERGY", "price": 0.49, "vat": 19.0, "step_size": 1},
                {"type": "FLAT", "price": 0.75, "vat": 19.0, "step_size": 1},
            ],
            "restrictions": {"max_kwh": 10},
        },
        {"price_components": [{"type": "ENERGY", "price": 0.39, "vat": 19.0, "step_size": 1}]},
        {"price_components": [{"type": "PARKING_TIME", "price": 3.0, "vat": 7.0, "step_size": 60}]},
    ],
    "last_updated": "2026-01-01T00:00:00Z",
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
SIGNED, LOGGED = "METERED", "PLAIN"


@dataclass(frozen=True)
class Receipts:
    """A CSMS and the paths of its receipts by station."""

    csms: Csms
    paths: dict[str, str]

    @property
    def base(self) -> str:
        return str(self.csms.http.base_url).rstrip("/")

    def address(self, station: str) -> str:
        return self.base + self.paths[station]

    def bundle(self, station: str) -> bytes:
        """Return what proves a receipt, once the log has it."""
        self.csms.settled(station)
        answer = self.csms.http.get(self.paths[station] + "/bundle")
        assert answer.status_code == 200, answer.text
        return answer.content


@contextmanager
def receipts(folder: Path) -> Iterator[Receipts]:
    """Run one."""
    with serving(folder, witnesses=("MSP", "DSO"), settings=CONFIG.replace("wait_s = 5", "wait_s = 0")) as csms:
        for path, body in (("sites/DEPOT", SITE), ("tariffs/CITY", TARIFF)):
            assert csms.http.put(f"/api/v1/{path}", json=body).status_code in {200, 201}
        account = {"kind": "credit", "currency": "EUR", "limit": "500", "payer": PAYER}
        paying = csms.http.post("/api/v1/accounts", json=account).json()["id"]
        token = {"id_token": "CARD", "type": "ISO14443", "status": "Accepted", "account": paying}
        assert csms.http.post("/api/v1/tokens", json=token).status_code in {200, 201}
        csms.enrol(SIGNED, meter=SERIAL)
        csms.enrol(LOGGED)
        for station in (SIGNED, LOGGED):
            placed(csms, station)
            charge(csms, station, signed=station == SIGNED)
        issued(csms)
        found = {}
        for station in (SIGNED, LOGGED):
            bill = csms.http.get(f"/api/v1/bills/{csms.transaction(station)['id']}").json()
            found[station] = f"/r/{bill['receipt']}"
        yield Receipts(csms, found)


def placed(csms: Csms, station: str) -> None:
    """Put a station at the site."""
    answer = csms.http.post("/api/v1/stations", json={"id": station, "site": "DEPOT"})
    assert answer.status_code in {200, 201}, answer.text


def charge(csms: Csms, station: str, *, signed: bool) -> None:
    """Charge 12.5 kWh in 20 minutes, then stand for 15."""
    read = ((0, "Started", "B", 1_000_000), (20, "Updated", "C", 1_012_500), (35, "Ended", "E", 1_012_500))
    with dialled(csms, station, "2.0.1") as socket:
        for page, (minute, kind, reason, wh) in enumerate(read):
            sample: dict[str, Any] = {"value": float(wh), "context": CONTEXTS[kind]}
            if signed:
                record = ocmf(station, page + 1, (reason, str(wh), minute))
                data = base64.b64encode(record.encode()).decode()
                sample["signedMeterValue"] = {
                    "signedMeterData": data,
                    "encodingMethod": "OCMF",
                    "signingMethod": "",
                    "publicKey": sent_key(station),
                }
            event = {
                "eventType": kind,
                "timestamp": at(minute),
                "triggerReason": "Authorized",
                "seqNo": page,
                "transactionInfo": {"transactionId": f"T-{station}"},
                "evse": {"id": 1, "connectorId": 1},
                "idToken": TOKEN,
                "meterValue": [{"timestamp": at(minute), "sampledValue": [sample]}],
            }
            ask(socket, "TransactionEvent", event)


CONTEXTS = {"Started": "Transaction.Begin", "Updated": "Sample.Periodic", "Ended": "Transaction.End"}
