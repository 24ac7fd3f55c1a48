"""The ledger's rows: what a posting becomes in the tables, and how it is read back.

`postings` has one row a posting, `transfers` one a transfer, which has its posting's currency and none of its own.
`balances` is kept by the database itself, by triggers on `transfers` (`migrations/versions/0002_ledger.py`).
"""

from collections.abc import Collection, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from wattseal.base.errors import InputError, StoreError
from wattseal.flow.ports import Batch, KeptPosting
from wattseal.model.ledger import Balance, Posting, PostingKind, Transfer

PostingRow = tuple[str, int, str, str, str, int, int, bytes | None, bytes, str, bytes]
TransferRow = tuple[str, int, int, str, str, int]

POSTING_COLUMNS: Final = "tenant_id, number, key, kind, currency, at_ms, size, subject, refs, memo, record"
"""The columns of a `PostingRow`: `size` is how many transfers it has, `refs` the hashes one behind the other."""
TRANSFER_COLUMNS: Final = "tenant_id, number, ordinal, debit, credit, amount"
"""The columns of a `TransferRow`: `ordinal` counts a posting's transfers from 1."""
MAX_AMOUNT: Final = 10**15
"""Minor units of one transfer; the tables take no more, so that sums of them stay whole numbers of 64 bits."""
_HASH: Final = 32


@dataclass(slots=True)
class Numbering:
    """What is needed to number new postings: each tenant's last number, which is advanced, and the keys there are."""

    last: MutableMapping[str, int] = field(default_factory=dict)
    posted: Collection[tuple[str, str]] = ()


@dataclass(slots=True)
class LedgerRows:
    """New rows of the ledger, and the (tenant, key) of each new posting."""

    postings: list[PostingRow] = field(default_factory=list)
    transfers: list[TransferRow] = field(default_factory=list)
    keys: set[tuple[str, str]] = field(default_factory=set)

    def add(self, batch: Batch, numbering: Numbering) -> None:
        """Add the postings of a batch that are new; `InputError` for one that the tables would not take."""
        tenant = batch.tenant
        for posting in batch.postings:
            key = (tenant, posting.key)
            if key in self.keys or key in numbering.posted:
                continue
            _check(posting)
            number = numbering.last[tenant] = numbering.last[tenant] + 1
            self.keys.add(key)
            self.postings.append(_row(tenant, number, posting))
            self.transfers += [
                (tenant, number, ordinal, transfer.debit, transfer.credit, transfer.amount)
                for ordinal, transfer in enumerate(posting.transfers, 1)
            ]


def _check(posting: Posting) -> None:
    for transfer in posting.transfers:
        if not 0 < transfer.amount <= MAX_AMOUNT or transfer.debit == transfer.credit:
            text = f"a transfer moves more than 0 and at most {MAX_AMOUNT}, to another account"
            raise InputError(text, code="bad_transfer", subject=posting.key)
    hashes = (posting.record or "", *posting.refs)
    if not posting.transfers or any(len(value) != 2 * _HASH for value in hashes):
        raise InputError(
            "a posting has transfers, a record, and hashes for refs", code="bad_posting", subject=posting.key
        )


def _row(tenant: str, number: int, posting: Posting) -> PostingRow:
    return (
        tenant,
        number,
        posting.key,
        posting.kind.value,
        posting.currency,
        posting.at_ms,
        len(posting.transfers),
        None if posting.subject is None else bytes.fromhex(posting.subject),
        bytes.fromhex("".join(posting.refs)),
        posting.memo,
        bytes.fromhex(posting.record or ""),
    )


_SELECT: Final = (
    "SELECT p.number, p.key, p.kind, p.currency, p.at_ms, p.subject, p.refs, p.memo, p.record, "
    "t.debit, t.credit, t.amount FROM ({}) p "
    "LEFT JOIN transfers t ON t.tenant_id = p.tenant_id AND t.number = p.number ORDER BY p.number, t.ordinal"
)
POSTING: Final = _SELECT.format("SELECT * FROM postings WHERE tenant_id = $1 AND key = $2")
POSTINGS: Final = _SELECT.format("SELECT * FROM postings WHERE tenant_id = $1 AND number > $2 ORDER BY number LIMIT $3")


POSTINGS_OF_ACCOUNT: Final = _SELECT.format(
    "SELECT * FROM postings WHERE tenant_id = $1 AND number IN ("
    "SELECT number FROM (SELECT DISTINCT number FROM transfers "
    "WHERE tenant_id = $1 AND debit = $4 AND number > $2 ORDER BY number LIMIT $3) AS debits "
    "UNION SELECT number FROM (SELECT DISTINCT number FROM transfers "
    "WHERE tenant_id = $1 AND credit = $4 AND number > $2 ORDER BY number LIMIT $3) AS credits "
    "ORDER BY number LIMIT $3)"
)
BALANCES: Final = (
    "SELECT account, currency, debits, credits FROM balances WHERE tenant_id = $1 AND (account, currency) > ($2, $3) "
    "AND account >= $4 AND account < $5 ORDER BY account, currency LIMIT $6"
)
LAST_NUMBER: Final = "SELECT coalesce(max(number), 0) FROM postings WHERE tenant_id = $1"
_BEYOND: Final = "\U0010ffff"
"""Sorts after every character of a name."""


def postings_query(tenant: str, account: str | None, after: int, limit: int) -> tuple[str, tuple[Any, ...]]:
    """Return the statement and parameters for `Journal.postings`."""
    if account is None:
        return POSTINGS, (tenant, after, limit)
    return POSTINGS_OF_ACCOUNT, (tenant, after, limit, account)


def balances_query(tenant: str, prefix: str, after: str, limit: int) -> tuple[str, tuple[Any, ...]]:
    """Return the statement and parameters for `Journal.balances`."""
    account, _, currency = after.partition(" ")
    return BALANCES, (tenant, account, currency, prefix, prefix + _BEYOND, limit)


def balance(row: Sequence[Any]) -> Balance:
    """Read a row of `BALANCES`."""
    account, currency, debits, credits_ = row
    return Balance(account, currency, int(debits), int(credits_))


def kept_postings(rows: Iterable[Sequence[Any]]) -> tuple[KeptPosting, ...]:
    """Read the rows of the posting statements: one a transfer, those of a posting one behind the other."""
    found: dict[int, tuple[Sequence[Any], list[Transfer]]] = {}
    for row in rows:
        _, transfers = found.setdefault(row[0], (row, []))
        if row[9] is not None:
            transfers.append(Transfer(row[9], row[10], row[11]))
    return tuple(_kept(row, tuple(transfers)) for row, transfers in found.values())


def _kept(row: Sequence[Any], transfers: tuple[Transfer, ...]) -> KeptPosting:
    try:
        return _read(row, transfers)
    except (ValueError, TypeError, AttributeError) as error:
        text = f"posting number {row[0]} cannot be read: `wattseal fsck` tells what was changed in the database"
        raise StoreError(text, code="posting_unreadable", subject=str(row[0])) from error


def _read(row: Sequence[Any], transfers: tuple[Transfer, ...]) -> KeptPosting:
    number, key, kind, currency, at_ms, subject, refs, memo, record = row[:9]
    posting = Posting(
        key=key,
        kind=PostingKind(kind),
        currency=currency,
        at_ms=at_ms,
        transfers=transfers,
        subject=None if subject is None else subject.hex(),
        refs=tuple(refs[start : start + _HASH].hex() for start in range(0, len(refs), _HASH)),
        memo=memo,
        record=record.hex(),
    )
    return KeptPosting(number, posting)
