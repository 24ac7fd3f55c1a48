"""From the plug to the paper: sessions charged at a CSMS, billed, invoiced, fetched and checked on their own."""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject
from tests.support.csms import ENVIRONMENT, Csms, serving
from tests.support.einvoice import assert_valid
from tests.support.forking import wattseal_command
from tests.support.stations import ask, dialled

from wattseal.wire.einvoice.attach import InvoiceFile

CONFIG = """
[serve]
public_url = "https://csms.ladewerk.example"
[billing]
wait_s = 5
[[billing.entities]]
id = "gmbh"
name = "Ladewerk GmbH"
street = "Am Güterbahnhof 4"
postal_code = "50667"
city = "Köln"
country = "DE"
email = "rechnung@ladewerk.example"
vat_id = "DE 123 456 789"
iban = "DE89 3704 0044 0532 0130 00"
series = "LW-"
credit_series = "LWG-"
language = "de"
time_zone = "Europe/Berlin"
"""
TARIFF = {
    "country_code": "DE",
    "party_id": "CPO",
    "id": "T1",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.50, "vat": 19.0, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00Z",
}
PAYER = {"name": "Jürgen Groß", "address": "Lindenstraße 7", "postal_code": "53111", "city": "Bonn", "country": "DE"}
BILLED_WITHIN_S = 30


@dataclass(frozen=True)
class Sold:
    """A CSMS with an account that has charged twice, and its invoice."""

    csms: Csms
    account: str
    invoice: dict[str, Any]
    pdf: bytes
    folder: Path


def until() -> str:
    """Return now, as the API takes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def charged(csms: Csms, account: str) -> None:
    token = {"id_token": "CARD", "type": "ISO14443", "status": "Accepted", "account": account}
    assert csms.http.post("/api/v1/tokens", json=token).status_code in {200, 201}
    csms.enrol("D1")
    with dialled(csms, "D1") as socket:
        for hour, register in ((8, 1000), (10, 2333)):
            start = {"connectorId": 1, "idTag": "CARD", "meterStart": register, "timestamp": at(hour)}
            number = ask(socket, "StartTransaction", start)["transactionId"]
            stop = {"transactionId": number, "meterStop": register + 1333, "timestamp": at(hour + 1)}
            ask(socket, "StopTransaction", stop)


def at(hour: int) -> str:
    yesterday = time.gmtime(time.time() - 86_400)
    return time.strftime(f"%Y-%m-%dT{hour:02d}:00:00Z", yesterday)


def issued(csms: Csms, count: int = 2) -> dict[str, Any]:
    """Return the one invoice, once the sessions are billed."""
    deadline = time.monotonic() + BILLED_WITHIN_S
    while True:
        told = csms.http.post("/api/v1/invoices/preview", json={"until": until()}).json()
        if sum(len(one["lines"]) for one in told["invoices"]) == count:
            answer = csms.http.post("/api/v1/invoices", json={"until": until()})
            assert answer.status_code == 200, answer.text
            if answer.json()["issued"]:
                (found,) = answer.json()["issued"]
                return dict(found)
        assert time.monotonic() < deadline, told
        time.sleep(0.5)


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sold]:
    folder = tmp_path_factory.mktemp("invoices")
    with serving(folder, witnesses=("MSP", "DSO"), settings=CONFIG) as csms:
        assert csms.http.put("/api/v1/tariffs/T1", json=TARIFF).status_code == 200
        body = {"kind": "credit", "currency": "EUR", "limit": "100", "payer": PAYER}
        account = str(csms.http.post("/api/v1/accounts", json=body).json()["id"])
        charged(csms, account)
        invoice = issued(csms)
        pdf = csms.http.get(f"/api/v1/invoices/{invoice['number']}/pdf")
        assert pdf.status_code == 200, pdf.text
        yield Sold(csms, account, invoice, pdf.content, folder)
    assert command("fsck", "--data", folder / "cpo").returncode == 0


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [*wattseal_command(), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )


def checked(sold: Sold, pdf: bytes) -> tuple[int, dict[str, Any]]:
    file = sold.folder / "checked.pdf"
    file.write_bytes(pdf)
    done = command("invoice", "check", file, "--trust", sold.csms.trust, "--json")
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told


def test_every_line_of_the_invoice_verifies_from_the_pdf_alone(sold: Sold) -> None:
    code, told = checked(sold, sold.pdf)
    assert (code, told["verdict"], told["faults"]) == (0, "VALID", [])
    assert [line["verdict"] for line in told["lines"]] == ["VALID", "VALID"]
    assert {line["grade"] for line in told["lines"]} == {"G1"}
    assert told["payable"] == sold.invoice["payable"] == "1.58"
    people = command("invoice", "check", sold.folder / "checked.pdf", "--trust", sold.csms.trust)
    assert "line 2: VALID G1 (csms), 1333 Wh, 0.79 EUR" in people.stdout


def edited(pdf: bytes, find: bytes, put: bytes) -> bytes:
    """Return the PDF with the e-invoice inside changed."""
    writer = PdfWriter(clone_from=BytesIO(pdf))
    (xml,) = (file for file in writer.attachment_list if file.name == "factur-x.xml")
    assert find in xml.content
    new = DecodedStreamObject()
    new.set_data(xml.content.replace(find, put))
    held: Any = xml.pdf_object["/EF"]
    held.update({key: writer._add_object(new) for key in held})
    buffer = BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_a_pdf_that_somebody_edited_does_not(sold: Sold) -> None:
    forged = edited(sold.pdf, b"<ram:Value>1333</ram:Value>", b"<ram:Value>9333</ram:Value>")
    code, told = checked(sold, forged)
    assert code == 1
    assert {line["reason"] for line in told["lines"]} == {"energy_differs"}


def test_the_einvoice_is_valid_and_the_hashes_are_those_shown(sold: Sold) -> None:
    xml = sold.csms.http.get(f"/api/v1/invoices/{sold.invoice['number']}/xml").content
    assert_valid(xml)
    assert InvoiceFile(sold.pdf).xml == xml
    assert "Jürgen Groß" in xml.decode()
    assert len(PdfReader(BytesIO(sold.pdf)).pages) == 1


def test_whoever_holds_a_receipt_sees_its_session_and_bundle_without_a_token(sold: Sold) -> None:
    (page,) = PdfReader(BytesIO(sold.pdf)).pages
    annotations: Any = page["/Annots"]
    links = [a.get_object()["/A"]["/URI"] for a in annotations]
    assert all(link.startswith("https://csms.ladewerk.example/r/") for link in links)
    receipt = links[0].rpartition("/")[2]
    assert len(receipt) >= 22
    with httpx.Client(base_url=sold.csms.http.base_url, trust_env=False) as stranger:
        _shown_to_a_stranger(sold, stranger, receipt)


def _shown_to_a_stranger(sold: Sold, stranger: httpx.Client, receipt: str) -> None:
    shown = stranger.get(f"/r/{receipt}")
    assert shown.status_code == 200
    assert (shown.json()["energy_wh"], shown.json()["charged"]) == ("1333", "0.79")
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert "private" in shown.headers["Cache-Control"]
    asked = stranger.get(f"/r/{receipt}", headers={"Accept": "text/html"}).text
    assert "Ladewerk GmbH" in asked, "who sells, and where to ask"
    bundle = stranger.get(f"/r/{receipt}/bundle")
    assert bundle.status_code == 200
    for secret in (b"CARD", "Groß".encode(), sold.account.encode()):
        assert secret not in shown.content
        assert secret not in bundle.content
    file = sold.folder / "receipt.wsb"
    file.write_bytes(bundle.content)
    assert command("verify", file, "--trust", sold.csms.trust).returncode == 0
    assert stranger.get("/r/" + "A" * 24).status_code == 404
    assert stranger.get(f"/api/v1/invoices/{sold.invoice['number']}/pdf").status_code == 401


def test_commands_preview_issue_list_and_fetch(sold: Sold) -> None:
    where = ("--url", str(sold.csms.http.base_url), "--token-file", sold.csms.data / "admin-token")
    done = command("invoice", "issue", "--until", until(), *where)
    assert (done.returncode, done.stdout) == (0, "0 documents, 0 left\n")
    listed = command("invoice", "list", "--account", sold.account, *where)
    assert "LW-000001" in listed.stdout
    out = sold.folder / "fetched.pdf"
    assert command("invoice", "get", "LW-000001", "--out", out, *where).returncode == 0
    assert out.read_bytes() == sold.pdf
    preview = command("invoice", "preview", "--until", until(), "--json", *where)
    assert json.loads(preview.stdout) == {"invoices": [], "left": []}
    unknown = command("invoice", "get", "LW-000099", *where)
    assert (unknown.returncode, "no such invoice" in unknown.stderr) == (65, True)


def test_a_statement_shows_the_sessions_and_what_they_left(sold: Sold) -> None:
    told = sold.csms.http.get("/api/v1/statements", params={"account": sold.account}).json()
    assert (told["opening"], told["closing"], told["sums"]) == ("0.00", "-1.58", {"charge": "-1.58"})
    assert [session["invoice"] for session in told["sessions"]] == ["LW-000001"] * 2
    assert told["invoices"] == ["LW-000001"]
    wrong = sold.csms.http.get("/api/v1/statements", params={"account": sold.account, "month": "2026-13"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "month")


def test_bills_come_as_tables(sold: Sold) -> None:
    lines = sold.csms.http.get("/api/v1/bills/table.csv").text.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("id,account,party,station_id")
    assert sold.csms.http.get("/api/v1/bills/table.parquet").content.startswith(b"PAR1")


def test_the_books_balance_and_owe_the_vat_that_is_stated(sold: Sold) -> None:
    sheet = sold.csms.http.get("/api/v1/ledger/balance-sheet").json()
    assert [one["total"] for one in sheet] == ["0.00"]
    taxes = sold.csms.http.get("/api/v1/ledger/balances", params={"prefix": "tax/"}).json()
    assert [one["balance"] for one in taxes] == [sold.invoice["vat"]]


def test_periods_that_have_not_ended_and_nonsense_are_refused(sold: Sold) -> None:
    for body, field in (
        ({"until": "2999-01-01T00:00:00Z"}, "until"),
        ({}, "month"),
        ({"month": "2026-13"}, "month"),
        ({"month": "2026-01", "until": until()}, "month"),
    ):
        refused = sold.csms.http.post("/api/v1/invoices", json=body)
        assert refused.status_code == 422
        assert field in refused.text


def test_after_the_payer_is_erased_only_finance_reads_the_invoice(sold: Sold) -> None:
    http, path = sold.csms.http, f"/api/v1/invoices/{sold.invoice['number']}"
    made = http.post("/api/v1/api-tokens", json={"name": "clerk", "scopes": ["invoices:read"]}).json()
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    with httpx.Client(base_url=http.base_url, headers=bearer, trust_env=False) as clerk:
        assert clerk.get(f"{path}/pdf").status_code == 200
        assert http.delete(f"/api/v1/accounts/{sold.account}/payer").status_code == 204
        assert clerk.get(f"{path}/pdf").status_code == 403
        assert clerk.get(path).status_code == 200
    assert http.get(f"{path}/pdf").content == sold.pdf
