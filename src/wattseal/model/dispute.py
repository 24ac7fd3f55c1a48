"""A dispute: somebody holds that a session is not what it was billed as; a person decides it, signed."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class DisputeVerdict(StrEnum):
    """What a dispute came to: the bill stands, is taken back whole, or is replaced by one of another amount."""

    REJECTED = "rejected"
    UPHELD = "upheld"
    PARTLY = "partly"


@dataclass(frozen=True, slots=True)
class Claim:
    """What the one who disputes holds: a code of his own and a text, and what he would pay, where he says so."""

    reason: str
    text: str = ""
    currency: str | None = None
    total_incl_vat: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """How it was decided, by whom, why, and in which record (hash in hex).

    `net` and `tax` are the new amounts where the claim is right in part; `credit` is the credit CDR's id, `reversal`
    and `correction` are the ledger postings that followed, where any did.
    """

    verdict: DisputeVerdict
    person: str
    text: str
    at_ms: int
    record: str
    net: Decimal | None = None
    tax: Decimal | None = None
    credit: str | None = None
    reversal: str | None = None
    correction: str | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute over one transaction, by its id here (None: the bundle is of none that is known).

    `id` begins with the time of opening. `opened_by` names who opened it, `bundle` is the SHA-256 (hex) of the bundle
    shown with it, `step` and `failure` are what the verifier said of that first (None: it holds). `record` is the
    opening's record, `due_ms` until when it is to be decided.
    """

    id: str
    transaction: str | None
    opened_by: str
    opened_ms: int
    due_ms: int
    claim: Claim
    bundle: str
    verdict: str
    record: str
    step: int | None = None
    failure: str = ""
    field: str = ""
    place: str = ""
    decided: Decided | None = None

    @property
    def open(self) -> bool:
        """Whether nobody has decided it yet."""
        return self.decided is None
