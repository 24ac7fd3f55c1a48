"""Accounts of those who pay a CPO: its own drivers, eMSPs under contract, and who pays on the spot."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class AccountKind(StrEnum):
    """How an account pays: beforehand, afterwards within a limit, as an eMSP under contract, or once on the spot."""

    PREPAID = "prepaid"
    CREDIT = "credit"
    PARTNER = "partner"
    AD_HOC = "ad_hoc"


class AccountStatus(StrEnum):
    """Whether an account may charge; a closed one is kept for its history."""

    OPEN = "open"
    BLOCKED = "blocked"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays, under a pseudonym: `id` is 16 random bytes in hex, or the party of an eMSP.

    `limit` is how far below zero it may fall, in the currency's units; None: without limit (an eMSP under contract).
    `payer` is the id of the document with name and address that invoices show; it can be erased. What an account has
    is in the ledger (`rules.chart.customer`), never here.
    """

    id: str
    kind: AccountKind
    currency: str
    limit: Decimal | None
    status: AccountStatus = AccountStatus.OPEN
    payer: str | None = None
    opened_ms: int = 0
