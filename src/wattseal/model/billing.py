"""A bill: what one session came to, posted once in the ledger, and what it rests on."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from wattseal.model.tariff import Price
from wattseal.model.verdict import Grade, Source


class BillState(StrEnum):
    """A bill stands, or was taken back whole by a credit CDR and a reversing posting."""

    BILLED = "billed"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class TaxShare:
    """The part of a bill under one rate: `percent` None bears no tax. `net + tax` of all parts is the total."""

    percent: Decimal | None
    net: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Bill:
    """One session's bill. `id` is the subject of its records in hex, hashes are in hex, times Unix milliseconds.

    `evidence` is the hash of what was measured, where and when: one is billed once, however often and under whatever
    ids it is told. `account` is who pays (`model.account.Account.id`), `tariff` the hash of the tariff record and
    `country` the one (ISO 3166-1 alpha-2) whose taxes it bears, `posting` the ledger posting's key, "" where no money
    moved, `ruling` the decision by which a person let it be billed, `invoice` the number of the invoice it is on;
    `credit` is the id of the credit CDR that took it back, `credit_note` the number of the credit note that says so
    where it had been invoiced. A bill that took the place of one taken back has `corrects`, the id of that one; its own
    id is the transaction's with a number behind.
    """

    id: str
    evidence: str
    account: str
    party: str | None
    station_id: str
    evse_id: int
    started_ms: int
    ended_ms: int
    energy_wh: Decimal
    currency: str
    total: Price
    taxes: tuple[TaxShare, ...]
    tariff: str
    tariff_id: str
    country: str
    grade: Grade
    source: Source
    posting: str
    billed_ms: int
    state: BillState = BillState.BILLED
    ruling: str | None = None
    invoice: str | None = None
    credit: str | None = None
    corrects: str | None = None
    credited_ms: int | None = None
    credit_note: str | None = None
