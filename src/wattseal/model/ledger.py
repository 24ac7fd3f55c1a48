"""The ledger: transfers of whole minor units (cents, where a currency has them) between accounts.

A transfer takes one amount from one account and gives it to another, so that whatever is posted adds up to zero in its
currency by construction. A posting is transfers that belong together; it is made once (`key`) and never changed: what
was wrong is put right by a posting that reverses it.
"""

from dataclasses import dataclass
from enum import StrEnum


class PostingKind(StrEnum):
    """Why money moves."""

    OPENING = "opening"
    TOP_UP = "top_up"
    HOLD = "hold"
    RELEASE = "release"
    CHARGE = "charge"
    REVERSAL = "reversal"
    PAYMENT = "payment"
    REFUND = "refund"
    FEE = "fee"
    PAYOUT = "payout"
    ROUNDING = "rounding"
    WRITE_OFF = "write_off"


@dataclass(frozen=True, slots=True)
class Transfer:
    """`amount` minor units, more than 0, from account `debit` (whose debit side grows) to account `credit`."""

    debit: str
    credit: str
    amount: int


@dataclass(frozen=True, slots=True)
class Posting:
    """Transfers made together, in one currency (ISO 4217).

    `key` is what it is made for and made once for, e.g. `charge/<evidence hash>`; `subject` is the transaction's in hex
    where it is about one; `refs` are payload hashes (hex) of the records it follows from. `record` is the payload hash
    (hex) of the POSTING record that says all this, once it is written.
    """

    key: str
    kind: PostingKind
    currency: str
    at_ms: int
    transfers: tuple[Transfer, ...]
    subject: str | None = None
    refs: tuple[str, ...] = ()
    memo: str = ""
    record: str | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account's two sides have come to, in minor units."""

    account: str
    currency: str
    debits: int
    credits: int

    @property
    def place(self) -> str:
        """Return where it stands in the order of balances: the cursor to read on from."""
        return f"{self.account} {self.currency}"
