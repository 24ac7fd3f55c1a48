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
    `payer` is the id of the document with name and address that invoices show; it can be erased. `record` is the
    payload hash of the latest record about it, in hex. What an account has is in the ledger (`rules.chart.customer`),
    never here.
    """

    id: str
    kind: AccountKind
    currency: str
    limit: Decimal | None
    status: AccountStatus = AccountStatus.OPEN
    payer: str | None = None
    opened_ms: int = 0
    record: str | None = None

    @property
    def prepaid(self) -> bool:
        """Whether only what was paid beforehand may be spent."""
        return self.kind in {AccountKind.PREPAID, AccountKind.AD_HOC}


HOUSE = "house"
"""Account of those whose tokens name none and belong to no eMSP: without limit, nothing is held on it."""


@dataclass(frozen=True, slots=True)
class Payer:
    """Whom invoices are made out to: the only place where an account has a name. `country` is ISO 3166-1 alpha-2."""

    name: str
    address: str = ""
    postal_code: str = ""
    city: str = ""
    country: str | None = None
    vat_id: str | None = None
    email: str | None = None
    reference: str | None = None
