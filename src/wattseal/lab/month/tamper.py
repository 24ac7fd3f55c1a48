"""What an insider does to the journal afterwards: in its SQLite file, past every trigger that would refuse it."""

import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from wattseal.lab.dice import Dice
from wattseal.lab.month.plan import Fault
from wattseal.seal.item import Kind
from wattseal.stores.sqlite_writer import apply_pending

MORE = 500
"""What figures are raised by: minor units, or Wh."""


def tamper(journal: Path, wanted: dict[str, Fault], dice: Dice) -> dict[str, str]:
    """Do to each session (our id) what is wanted; return of each what was touched, "" where there was nothing to.

    The triggers that would refuse it are taken away and put back, so that nothing but the edits tells.
    """
    apply_pending(journal)
    with closing(sqlite3.connect(journal, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            database.execute(f'DROP TRIGGER "{name}"')
        done = {session: _do(database, session, fault, dice) for session, fault in wanted.items()}
        for _, statement in triggers:
            database.execute(statement)
        database.execute("COMMIT")
    return done


def _do(database: sqlite3.Connection, session: str, fault: Fault, dice: Dice) -> str:
    match fault:
        case Fault.RECORD_CHANGED:
            return _change_record(database, session, dice)
        case Fault.ENERGY_CHANGED:
            return _change_document(database, "transaction", session, "end_wh")
        case Fault.BILL_CHANGED:
            return _change_document(database, "bill", session, "energy_wh")
        case Fault.POSTING_CHANGED:
            return _change_posting(database, session)
        case Fault.POSTING_REMOVED:
            return _remove_posting(database, session)
        case Fault.POSTING_INVENTED:
            return _invent_posting(database, session, dice)
        case _:
            return ""


def _change_record(database: sqlite3.Connection, session: str, dice: Dice) -> str:
    """Flip a bit somewhere in the record of the end."""
    row = database.execute(
        "SELECT position, item FROM items WHERE subject = ? AND kind = ?", (bytes.fromhex(session), int(Kind.ENDED))
    ).fetchone()
    if row is None:
        return ""
    position, item = row
    at = dice.number(0, len(item) - 1)
    changed = item[:at] + bytes([item[at] ^ (1 << dice.number(0, 7))]) + item[at + 1 :]
    database.execute("UPDATE items SET item = ? WHERE position = ?", (changed, position))
    return f"record {position} byte {at}"


def _change_document(database: sqlite3.Connection, kind: str, session: str, field: str) -> str:
    row = database.execute("SELECT body FROM documents WHERE kind = ? AND key = ?", (kind, session)).fetchone()
    if row is None:
        return ""
    body = json.loads(row[0])
    body[field] = format(Decimal(body[field]) + MORE, "f")
    database.execute(
        "UPDATE documents SET body = ? WHERE kind = ? AND key = ?", (json.dumps(body).encode(), kind, session)
    )
    return f"{kind} {field}"


def _posting(database: sqlite3.Connection, session: str) -> tuple[str, int, str] | None:
    found: tuple[str, int, str] | None = database.execute(
        "SELECT tenant_id, number, key FROM postings WHERE subject = ? AND key LIKE 'charge/%'",
        (bytes.fromhex(session),),
    ).fetchone()
    return found


def _change_posting(database: sqlite3.Connection, session: str) -> str:
    found = _posting(database, session)
    if found is None:
        return ""
    tenant, number, key = found
    database.execute(
        "UPDATE transfers SET amount = amount + ? WHERE tenant_id = ? AND number = ? AND ordinal = "
        "(SELECT max(ordinal) FROM transfers WHERE tenant_id = ? AND number = ?)",
        (MORE, tenant, number, tenant, number),
    )
    return key


def _remove_posting(database: sqlite3.Connection, session: str) -> str:
    found = _posting(database, session)
    if found is None:
        return ""
    tenant, number, key = found
    for table in ("transfers", "postings"):
        database.execute(f"DELETE FROM {table} WHERE tenant_id = ? AND number = ?", (tenant, number))  # noqa: S608 - two names of our own
    return key


def _invent_posting(database: sqlite3.Connection, session: str, dice: Dice) -> str:
    """Write a charge nobody's session explains, a copy of a session's under another evidence hash."""
    found = _posting(database, session)
    if found is None:
        return ""
    tenant, number, _ = found
    (last,) = database.execute("SELECT max(number) FROM postings WHERE tenant_id = ?", (tenant,)).fetchone()
    key = "charge/" + "".join(f"{dice.number(0, 255):02x}" for _ in range(32))
    database.execute(
        "INSERT INTO postings SELECT tenant_id, ?, ?, kind, currency, at_ms, size, subject, refs, memo, record "
        "FROM postings WHERE tenant_id = ? AND number = ?",
        (last + 1, key, tenant, number),
    )
    database.execute(
        "INSERT INTO transfers SELECT tenant_id, ?, ordinal, debit, credit, amount FROM transfers "
        "WHERE tenant_id = ? AND number = ?",
        (last + 1, tenant, number),
    )
    return key
