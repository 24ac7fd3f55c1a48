"""What no database may take, whoever asks: statements against a ledger of one posting, transfers of 10 and 2."""

from typing import Any

from wattseal.model.ledger import Balance, Posting, PostingKind, Transfer

POSTING = Posting(
    "charge/1",
    PostingKind.CHARGE,
    "EUR",
    1,
    (Transfer("customer/a", "revenue/charging", 10), Transfer("customer/a", "tax/DE/19", 2)),
    record="ab" * 32,
)
BALANCES = (
    Balance("customer/a", "EUR", 12, 0),
    Balance("revenue/charging", "EUR", 0, 10),
    Balance("tax/DE/19", "EUR", 0, 2),
)
_COPY = "INSERT INTO transfers SELECT tenant_id, {number}, {ordinal}, debit, {credit}, {amount} FROM transfers"


def _copy(**other: Any) -> str:
    told = {"number": "number", "ordinal": "3", "credit": "credit", "amount": "1"} | other
    return _COPY.format(**told) + " WHERE ordinal = 1"


def another(number: str = "2", key: str = "'other'", size: str = "size") -> str:
    """Return what adds a posting like the first."""
    columns = f"tenant_id, {number}, {key}, kind, currency, at_ms, {size}, subject, refs, memo, record"
    return f"INSERT INTO postings SELECT {columns} FROM postings"  # noqa: S608 - constants only


REFUSED = {
    "a posting changed": "UPDATE postings SET memo = 'other'",
    "a posting changed to the same": "UPDATE postings SET memo = memo",
    "a posting removed": "DELETE FROM postings",
    "a transfer changed": "UPDATE transfers SET amount = amount + 1",
    "a transfer removed": "DELETE FROM transfers WHERE ordinal = 2",
    "a transfer more": _copy(),
    "a transfer of no posting": _copy(number="9", ordinal="1"),
    "a transfer twice": _copy(ordinal="1"),
    "a transfer with ordinal 0": _copy(ordinal="0"),
    "a key twice": another(key="key"),
    "a number twice": another(number="number"),
    "a balance removed": "DELETE FROM balances",
    "a balance lowered": "UPDATE balances SET debits = debits - 1 WHERE account = 'customer/a'",
    "a balance of another": "UPDATE balances SET account = 'customer/b' WHERE account = 'customer/a'",
}
OPEN = another(size="1")
"""Adds a posting that lacks its one transfer."""
REFUSED_OF_OPEN = {
    "a transfer of nothing": _copy(number="2", ordinal="1", amount="0"),
    "a transfer of less than nothing": _copy(number="2", ordinal="1", amount="-1"),
    "a transfer to itself": _copy(number="2", ordinal="1", credit="debit"),
    "a transfer of more than there is in the world": _copy(number="2", ordinal="1", amount="1000000000000001"),
}
TAKEN_OF_OPEN = _copy(number="2", ordinal="1", amount="5")
"""The control: an honest transfer of the same posting is taken, and counts."""
