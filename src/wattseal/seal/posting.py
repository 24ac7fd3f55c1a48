"""Group OPS of POSTING records (docs/spec/record.md, "Fields"): what the ledger was told, once.

The record bears the pseudonym of the transaction that the posting is about, and refers to what it follows from.
"""

from collections.abc import Mapping
from typing import Any

from wattseal.model.ledger import Posting, PostingKind, Transfer
from wattseal.seal.dcbor import CborError
from wattseal.seal.reading import present, typed

_KINDS = (
    PostingKind.OPENING,
    PostingKind.TOP_UP,
    PostingKind.HOLD,
    PostingKind.RELEASE,
    PostingKind.CHARGE,
    PostingKind.REVERSAL,
    PostingKind.PAYMENT,
    PostingKind.REFUND,
    PostingKind.FEE,
    PostingKind.PAYOUT,
    PostingKind.ROUNDING,
    PostingKind.WRITE_OFF,
)
"""By their numbers in records, which never change."""


def posting_fields(posting: Posting) -> dict[int, Any]:
    """Return the group's fields."""
    fields = {
        1: posting.key,
        2: _KINDS.index(posting.kind),
        3: posting.currency,
        4: posting.at_ms,
        5: [[t.debit, t.credit, t.amount] for t in posting.transfers],
        6: posting.memo or None,
    }
    return present(fields)


def read_posting(
    fields: Mapping[int, Any], subject: bytes | None = None, refs: tuple[bytes, ...] = (), record: bytes | None = None
) -> Posting:
    """Read the group's fields; `CborError` names the one that is wrong. The others are the record's own."""
    match fields:
        case {1: str(key), 2: int(kind), 3: str(currency), 4: int(at_ms), 5: [*transfers]} if 0 <= kind < len(_KINDS):
            return Posting(
                key=key,
                kind=_KINDS[kind],
                currency=currency,
                at_ms=at_ms,
                transfers=tuple(map(_transfer, transfers)),
                subject=None if subject is None else subject.hex(),
                refs=tuple(ref.hex() for ref in refs),
                memo=typed(fields, 6, str, "memo") or "",
                record=None if record is None else record.hex(),
            )
        case _:
            raise CborError("a posting has a key, a kind, a currency, a time and transfers", subject="posting")


def _transfer(value: Any) -> Transfer:
    match value:
        case [str(debit), str(credit), int(amount)] if amount > 0 and debit != credit:
            return Transfer(debit, credit, amount)
        case _:
            raise CborError("a transfer is two accounts, and an amount above zero", subject="transfers")
