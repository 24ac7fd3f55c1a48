"""Whoever edits the ledger in the database is named by `wattseal fsck`, with the triggers out of his way or not."""

import asyncio
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs
from tests.support.cpo_process import Cpo, Nursery

from wattseal.app.fsck import run_fsck
from wattseal.crypto.hashes import sha256
from wattseal.model.verdict import Finding
from wattseal.seal.item import Item, parse_item


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory whose ledger has opening balances, a payment, a mistake and its reversal, in two currencies."""
    nursery = Nursery()
    data = tmp_path_factory.mktemp("fsck") / "cpo"
    cpo = nursery.start(data)
    _keep_books(cpo)
    cpo.kill(signal.SIGTERM)
    asyncio.run(cpo.gone())
    with closing(sqlite3.connect(data / "journal.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM postings").fetchone() == (6,)
    yield data
    nursery.close()


def _keep_books(cpo: Cpo) -> None:
    customer = ""
    for currency in ("EUR", "CHF"):
        made = cpo.ask("POST", "/api/v1/accounts", {"kind": "prepaid", "currency": currency}).json()
        customer = f"customer/{made['id']}"
        _post(cpo, kind="opening", account="bank/main", amount="100", currency=currency)
        _post(cpo, kind="top_up", account=customer, amount="20", currency=currency, reference=f"in-{currency}")
    wrong = _post(cpo, kind="payment", account=customer, amount="5", currency="CHF", reference="mistake")
    answer = cpo.ask("POST", "/api/v1/ledger/reversals", {"key": wrong, "reason": "mistake"})
    assert answer.status == 201


def _post(cpo: Cpo, **told: str) -> str:
    answer = cpo.ask("POST", "/api/v1/ledger/postings", told | {"reason": "books"})
    assert answer.status == 201, answer.body
    key: str = answer.json()["key"]
    return key


Edit = Callable[[sqlite3.Connection], object]


def sql(*statements: str) -> Edit:
    def edit(database: sqlite3.Connection) -> None:
        for statement in statements:
            assert database.execute(statement).rowcount > 0, "the edit does nothing"

    return edit


def untriggered(edit: Edit) -> Edit:
    """Take the triggers away, edit, and put them back: nothing of the schema tells."""

    def unseen(database: sqlite3.Connection) -> None:
        triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            database.execute(f"DROP TRIGGER {name}")
        edit(database)
        for _, statement in triggers:
            database.execute(statement)

    return unseen


FORGED = (
    "INSERT INTO postings SELECT tenant_id, 7, 'forged', kind, 'EUR', 0, 1, NULL, x'', '', x'' FROM postings LIMIT 1",
    "INSERT INTO transfers SELECT tenant_id, 7, 1, 'bank/main', 'customer/me', 100000 FROM transfers WHERE number = 1",
)
"""A posting as the database itself would take it."""
BY_HAND: list[tuple[str, Edit, str, str]] = [
    ("amount", sql("UPDATE transfers SET amount = amount - 1 WHERE number = 2"), "posting_differs", "field transfers"),
    (
        "amount, and the balances with it",
        sql(
            "UPDATE transfers SET amount = amount - 1 WHERE number = 2",
            "UPDATE balances SET debits = debits - 1 WHERE account = 'bank/main' AND currency = 'EUR'",
            "UPDATE balances SET credits = credits - 1 WHERE account LIKE 'customer/%' AND currency = 'EUR'",
        ),
        "posting_differs",
        "field transfers",
    ),
    ("payee", sql("UPDATE transfers SET credit = 'customer/me' WHERE number = 2"), "posting_differs", "transfers"),
    ("key", sql("UPDATE postings SET key = 'manual/other' WHERE number = 2"), "posting_without_record", "manual/other"),
    ("kind", sql("UPDATE postings SET kind = 'payment' WHERE number = 2"), "posting_differs", "field kind"),
    ("no kind", sql("UPDATE postings SET kind = 'gift' WHERE number = 2"), "posting_unreadable", "posting 2"),
    ("currency", sql("UPDATE postings SET currency = 'JPY' WHERE number = 2"), "posting_differs", "field currency"),
    ("time", sql("UPDATE postings SET at_ms = 1 WHERE number = 2"), "posting_differs", "field at_ms"),
    ("memo", sql("UPDATE postings SET memo = 'eve: gift' WHERE number = 2"), "posting_differs", "field memo"),
    ("subject", sql("UPDATE postings SET subject = x'00' WHERE number = 2"), "posting_differs", "field subject"),
    ("refs", sql("UPDATE postings SET refs = record WHERE number = 2"), "posting_differs", "field refs"),
    ("record", sql("UPDATE postings SET record = zeroblob(32) WHERE number = 2"), "posting_differs", "field record"),
    (
        "order",
        sql(
            "UPDATE postings SET number = 9 WHERE number = 2",
            "UPDATE transfers SET number = 9 WHERE number = 2",
        ),
        "posting_differs",
        "field number",
    ),
    ("transfer gone", sql("DELETE FROM transfers WHERE number = 2"), "transfers_missing", "posting number 2"),
    (
        "posting gone",
        sql("DELETE FROM transfers WHERE number = 2", "DELETE FROM postings WHERE number = 2"),
        "posting_missing",
        "manual/top_up/in-EUR",
    ),
    (
        "transfer more",
        sql("INSERT INTO transfers SELECT tenant_id, number, 2, debit, credit, 1 FROM transfers WHERE number = 2"),
        "transfer_without_posting",
        "transfer 2/2",
    ),
    (
        "transfer of nothing",
        sql("INSERT INTO transfers SELECT tenant_id, 77, 1, debit, credit, 1 FROM transfers WHERE number = 2"),
        "transfer_without_posting",
        "transfer 77/1",
    ),
    ("balance gone", sql("DELETE FROM balances WHERE account = 'bank/main'"), "balance_missing", "bank/main EUR"),
    ("balance less", sql("UPDATE balances SET debits = debits - 1"), "balance_differs", "bank/main CHF"),
]
"""What triggers refuse, and the records tell."""
WITH_TRIGGERS: list[tuple[str, Edit, str, str]] = [
    ("posting more", sql(*FORGED), "posting_without_record", "posting forged"),
    ("its balance", sql(*FORGED), "balance_differs", "customer/me EUR"),
    ("balance more", sql("UPDATE balances SET credits = credits + 5"), "balance_differs", "balance customer/"),
    (
        "balance made up",
        sql("INSERT INTO balances SELECT tenant_id, 'customer/me', 'EUR', 0, 5 FROM balances LIMIT 1"),
        "balance_differs",
        "customer/me EUR",
    ),
    (
        "hidden number",
        sql(
            FORGED[0].replace(" 7,", " -7,"),
            FORGED[1].replace(" 7,", " -7,"),
        ),
        "posting_without_record",
        "posting forged",
    ),
    ("balance no number", sql("UPDATE balances SET debits = 'much'"), "balances_unreadable", "balances"),
    ("record gone", sql("DELETE FROM items WHERE kind = 15 AND seq = 3"), "posting_without_record", "posting"),
    ("trigger gone", lambda db: db.execute("DROP TRIGGER postings_no_update"), "schema_differs", "postings_no_update"),
    (
        "trigger of his own",
        lambda db: db.execute(
            "CREATE TRIGGER siphon AFTER INSERT ON postings BEGIN UPDATE balances SET credits = credits + 1; END"
        ),
        "schema_differs",
        "trigger siphon",
    ),
]
"""What the database takes, and the records tell."""


@pytest.fixture
def copy(honest: Path, tmp_path: Path) -> Path:
    return shutil.copytree(honest, tmp_path / "cpo")


def edited(data: Path, edit: Edit) -> tuple[Finding, ...]:
    with closing(sqlite3.connect(data / "journal.sqlite3")) as database, database:
        edit(database)
    return asyncio.run(run_fsck(data, trust_file=None)).findings


def test_an_honest_ledger_holds(honest: Path) -> None:
    assert asyncio.run(run_fsck(honest, trust_file=None)).findings == ()


@pytest.mark.parametrize(("edit", "code", "where"), [e[1:] for e in BY_HAND], ids=[e[0] for e in BY_HAND])
def test_an_edit_with_the_triggers_away_is_named(copy: Path, edit: Edit, code: str, where: str) -> None:
    with closing(sqlite3.connect(copy / "journal.sqlite3")) as database, pytest.raises(sqlite3.IntegrityError):
        edit(database)
    found = edited(copy, untriggered(edit))
    assert [f for f in found if f.code == code and where in f.field], found
    assert "schema_differs" not in {f.code for f in found}


@pytest.mark.parametrize(("edit", "code", "where"), [e[1:] for e in WITH_TRIGGERS], ids=[e[0] for e in WITH_TRIGGERS])
def test_an_edit_that_the_database_takes_is_named(copy: Path, edit: Edit, code: str, where: str) -> None:
    found = edited(copy, edit)
    assert [f for f in found if f.code == code and where in f.field], found


def test_a_posting_on_an_unsigned_link_counts_for_nothing(copy: Path) -> None:
    """Without the billing key he appends to the chain what needs no signature, and rows that agree with it."""

    def forge(database: sqlite3.Connection) -> None:
        columns = "tenant_id, origin, stream, epoch, kind, station_id, recorded_at_ms"
        row = database.execute(
            f"SELECT {columns}, item FROM items WHERE kind = 15 ORDER BY seq DESC LIMIT 1"  # noqa: S608 - constants only
        ).fetchone()
        last = parse_item(row[-1])
        payload = structs.replace(last.payload, seq=last.payload.seq + 1, prev=last.hash)
        link = Item(payload, payload.encode(), None, last.boxes)
        database.execute(
            f"INSERT INTO items ({columns}, seq, payload_hash, digest, signed, item) "  # noqa: S608 - constants only
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row[:-1], payload.seq, link.hash, sha256(link.encode())[:16], False, link.encode()),
        )

    assert "posting_unsigned" in {f.code for f in edited(copy, forge)}
