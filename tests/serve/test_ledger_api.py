"""The ledger over HTTP and by command: posted by hand once, read, exported, and taken back."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.support.cpo_process import Cpo, Nursery

from wattseal.cli.main import run

LEDGER = "/api/v1/ledger"


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    yield nursery.start(tmp_path_factory.mktemp("ledger") / "cpo")
    nursery.close()


@pytest.fixture
def customer(cpo: Cpo) -> str:
    made = cpo.ask("POST", "/api/v1/accounts", {"kind": "credit", "currency": "EUR", "limit": "100"}).json()
    return f"customer/{made['id']}"


def body(kind: str, account: str, amount: str, reference: str | None = None, **other: Any) -> dict[str, Any]:
    told = {"kind": kind, "account": account, "amount": amount, "currency": "EUR", "reason": "by bank"} | other
    return told if reference is None else told | {"reference": reference}


def posted(cpo: Cpo, **told: Any) -> dict[str, Any]:
    answer = cpo.ask("POST", f"{LEDGER}/postings", told)
    assert answer.status == 201, answer.body
    shown: dict[str, Any] = answer.json()
    return shown


def refused(cpo: Cpo, told: dict[str, Any], path: str = "postings") -> tuple[int, str]:
    answer = cpo.ask("POST", f"{LEDGER}/{path}", told)
    return answer.status, answer.json()["code"]


def balance(cpo: Cpo, account: str) -> str:
    (found,) = cpo.ask("GET", f"{LEDGER}/balances?prefix={account}").json()
    shown: str = found["balance"]
    return shown


def test_a_payment_is_posted_once_however_often_it_is_sent(cpo: Cpo, customer: str) -> None:
    told = body("top_up", customer, "25.00", f"bank-1-{customer[-6:]}")
    first = posted(cpo, **told)
    assert posted(cpo, **told) == first
    assert first["memo"] == "admin: by bank"
    assert first["transfers"] == [{"debit": "bank/main", "credit": customer, "amount": "25.00"}]
    assert balance(cpo, customer) == "25.00"
    assert refused(cpo, told | {"amount": "26.00"}) == (409, "posted_differently")
    assert balance(cpo, customer) == "25.00"


def test_a_mistake_is_reversed_and_both_stay_on_the_statement(cpo: Cpo, customer: str) -> None:
    opening = posted(cpo, **body("opening", customer, "-7.00"))
    wrong = posted(cpo, **body("payment", customer, "70.00", f"mistyped-{customer[-6:]}"))
    back = {"key": wrong["key"], "reason": "mistyped"}
    first = cpo.ask("POST", f"{LEDGER}/reversals", back).json()
    assert first["refs"] == [wrong["record"]]
    assert cpo.ask("POST", f"{LEDGER}/reversals", back).json()["number"] == first["number"]
    told = cpo.ask("GET", f"{LEDGER}/statement?account={customer}&currency=EUR").json()
    assert [line["balance"] for line in told["lines"]] == ["-7.00", "63.00", "-7.00"]
    assert (told["opening"], told["closing"], told["next_after"]) == ("0.00", "-7.00", None)
    page = cpo.ask("GET", f"{LEDGER}/statement?account={customer}&currency=EUR&limit=2").json()
    assert (page["closing"], page["next_after"]) == ("63.00", wrong["number"])
    rest = cpo.ask("GET", f"{LEDGER}/statement?account={customer}&currency=EUR&after={page['next_after']}").json()
    assert (rest["opening"], rest["closing"]) == ("63.00", "-7.00")
    assert refused(cpo, {"key": first["key"], "reason": "no"}, "reversals") == (409, "not_by_hand")
    assert refused(cpo, {"key": "manual/none", "reason": "no"}, "reversals") == (404, "no_such_posting")
    assert cpo.ask("GET", f"{LEDGER}/postings?key={opening['key']}").json() == [opening]


def test_what_is_not_there_is_not_paid_out(cpo: Cpo, customer: str) -> None:
    mark = customer[-6:]
    posted(cpo, **body("top_up", customer, "10.00", f"in-{mark}"))
    assert refused(cpo, body("payout", customer, "10.01", f"out-{mark}")) == (409, "not_enough")
    posted(cpo, **body("payout", customer, "10.00", f"out-{mark}"))
    assert balance(cpo, customer) == "0.00"
    assert refused(cpo, body("write_off", customer, "0.01", f"off-{mark}")) == (409, "not_owed")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (body("top_up", "customer/nobody", "1.00", "x"), (404, "no_such_account")),
        (body("charge", "customer/nobody", "1.00", "x"), (422, "bad_request")),
        (body("top_up", "customer/nobody", "1e3", "x"), (422, "bad_request")),
        (body("top_up", "revenue/charging", "1.00", "x"), (422, "wrong_account")),
        (body("top_up", "purse/a", "1.00", "x"), (404, "no_such_account")),
        (body("top_up", "customer/nobody", "1.001", "x"), (422, "not_rounded")),
        (body("top_up", "customer/nobody", "1.00"), (422, "reference_missing")),
        (body("top_up", "customer/nobody", "1.00", "x", reason="a\nb"), (422, "bad_request")),
    ],
)
def test_what_cannot_be_posted_is_refused_with_the_reason(
    cpo: Cpo, told: dict[str, Any], expected: tuple[int, str]
) -> None:
    status, code = refused(cpo, told)
    assert status == expected[0]
    assert code == expected[1] or expected[1] == "bad_request"


def test_another_currency_than_the_accounts_is_refused(cpo: Cpo, customer: str) -> None:
    assert refused(cpo, body("top_up", customer, "1.00", "x", currency="CHF")) == (409, "wrong_currency")


def test_a_token_reads_or_writes_only_what_its_scopes_say(cpo: Cpo) -> None:
    told = {"name": "reader", "scopes": ["ledger:read"]}
    secret = cpo.ask("POST", "/api/v1/api-tokens", told).json()["secret"]
    assert cpo.ask("GET", f"{LEDGER}/postings", Authorization=f"Bearer {secret}").status == 200
    assert (
        cpo.ask(
            "POST", f"{LEDGER}/postings", body("opening", "bank/main", "1"), Authorization=f"Bearer {secret}"
        ).status
        == 403
    )
    other = cpo.ask("POST", "/api/v1/api-tokens", told | {"scopes": ["accounts:read"]}).json()["secret"]
    for path in ("postings", "balances", "balance-sheet", "journal.csv", "journal.parquet"):
        assert cpo.ask("GET", f"{LEDGER}/{path}", Authorization=f"Bearer {other}").status == 403


def test_the_journal_is_exported_whole_and_without_effect_in_a_spreadsheet(
    cpo: Cpo, customer: str, tmp_path: Path
) -> None:
    reference = f"=cmd-{customer[-6:]}"
    told = posted(cpo, **body("top_up", customer, "3.50", reference, reason='=HYPERLINK("http://evil.example")'))
    posted(cpo, **body("opening", "bank/main", "1000", currency="JPY", reference=customer[-6:]))
    text = cpo.ask("GET", f"{LEDGER}/journal.csv").body
    assert cpo.ask("GET", f"{LEDGER}/journal.csv").body == text
    rows = list(csv.DictReader(io.StringIO(text.decode(), newline="")))
    ours = next(row for row in rows if row["key"] == told["key"])
    assert (ours["amount"], ours["currency"], ours["record"]) == ("3.50", "EUR", told["record"])
    assert not any(cell[:1] in set("=+-@") for row in rows for cell in row.values())
    table = tmp_path / "journal.parquet"
    table.write_bytes(cpo.ask("GET", f"{LEDGER}/journal.parquet").body)
    assert cpo.ask("GET", f"{LEDGER}/journal.parquet").body == table.read_bytes()
    with duckdb.connect() as database:
        found = database.read_parquet(str(table)).project("key, amount, currency").fetchall()
    assert found == [(row["key"], Decimal(row["amount"]), row["currency"]) for row in rows]


def test_every_currency_comes_to_zero(cpo: Cpo, customer: str) -> None:
    for currency in ("EUR", "CHF", "JPY"):
        posted(cpo, **body("opening", "bank/main", "20", currency=currency, reference=f"sheet-{customer[-6:]}"))
    sheets = cpo.ask("GET", f"{LEDGER}/balance-sheet").json()
    assert {"EUR", "CHF", "JPY"} <= {sheet["currency"] for sheet in sheets}
    assert {Decimal(sheet["total"]) for sheet in sheets} == {Decimal(0)}
    assert all(Decimal(sheet["debits"]) > 0 for sheet in sheets)


def test_the_command_does_the_same(cpo: Cpo, customer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = ["--url", f"http://127.0.0.1:{cpo.http}", "--token-file", str(cpo.data / "admin-token")]
    errors = io.StringIO()
    mark = customer[-6:]
    post = [
        "ledger",
        "post",
        "top_up",
        customer,
        "8.00",
        "EUR",
        "--reason",
        "at the desk",
        "--reference",
        f"cli-{mark}",
    ]
    assert run([*post, *there], errors) == 0, errors.getvalue()
    key = capsys.readouterr().out.strip()
    assert run(["ledger", "reverse", key, "--reason", "mistaken", *there], errors) == 0
    assert run(["ledger", "statement", customer, "--currency", "EUR", "--json", *there], errors) == 0
    assert '"closing":"0.00"' in capsys.readouterr().out.replace(": ", ":")
    assert run(["ledger", "balances", "--prefix", "customer/", *there], errors) == 0
    assert run(["ledger", "sheet", *there], errors) == 0
    for name in ("journal.csv", "journal.parquet"):
        assert run(["ledger", "export", "--out", str(tmp_path / name), *there], errors) == 0
        assert (tmp_path / name).stat().st_size > 100
    assert run(["ledger", "export", "--out", str(tmp_path / "journal.xls"), *there], errors) != 0
    assert "ends in .csv or .parquet" in errors.getvalue()
