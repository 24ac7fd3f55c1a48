"""Invoices and credit notes: who sold what to whom, line by line, in the terms of EN 16931 (BT numbers)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from wattseal.model.verdict import Grade, Source

SUBJECT_DIGITS = 32
"""Hex digits of a session's pseudonym."""


class InvoiceKind(StrEnum):
    """A demand for money, or one that takes (part of) an earlier one back; a credit note's amounts are given back."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class VatCategory(StrEnum):
    """UNTDID 5305, as far as charging needs it: standard and reduced rates, zero, exempt, reverse charge."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"


class Language(StrEnum):
    """Languages an invoice is written in."""

    ENGLISH = "en"
    GERMAN = "de"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalEntity:
    """Who sells. `country` is ISO 3166-1 alpha-2; at least one of `vat_id` and `tax_number` is given.

    `series` and `credit_series` begin the numbers of its invoices and credit notes; `{year}` in them is the year of the
    date, so that numbers begin anew every year. `sites` are those whose charges it sells. `exemption` says why sales
    without VAT are exempt. Dates are those of `time_zone`.
    """

    id: str
    name: str
    street: str
    city: str
    postal_code: str
    country: str
    email: str
    series: str
    credit_series: str
    vat_id: str | None = None
    tax_number: str | None = None
    contact: str | None = None
    phone: str | None = None
    iban: str | None = None
    terms_days: int = 14
    exemption: str = ""
    language: Language = Language.ENGLISH
    time_zone: str = "UTC"
    sites: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who pays, as an invoice names them. `reference` is what they want to be quoted (a Leitweg-ID, an order)."""

    name: str
    country: str
    street: str = ""
    city: str = ""
    postal_code: str = ""
    vat_id: str | None = None
    email: str | None = None
    language: Language | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class LinePart:
    """What one session came to under one rate, as it was charged; `percent` is 0 where no VAT is charged."""

    category: VatCategory
    percent: Decimal
    net: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One session. `bill` is its pseudonym in hex, `receipt` the opaque id of its receipt, times Unix milliseconds.

    `zone` is the IANA time zone of its place. `ruled`: a person had it billed; `corrected`: a dispute's decision says
    what it costs. A bill that took another's place is of the same session: `session` is that one's pseudonym.
    """

    number: int
    bill: str
    place: str
    station_id: str
    evse_id: int
    started_ms: int
    ended_ms: int
    zone: str
    energy_wh: Decimal
    parts: tuple[LinePart, ...]
    grade: Grade
    source: Source
    tariff_id: str
    receipt: str
    ruled: bool = False
    corrected: bool = False

    @property
    def session(self) -> str:
        """The pseudonym of its session; the id of a bill in another's place has a number behind that."""
        return self.bill[:SUBJECT_DIGITS]

    @property
    def net(self) -> Decimal:
        """BT-131, over all rates."""
        return sum((part.net for part in self.parts), Decimal(0))

    @property
    def tax(self) -> Decimal:
        """The VAT that was charged for it."""
        return sum((part.tax for part in self.parts), Decimal(0))

    @property
    def gross(self) -> Decimal:
        """What was charged for it."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class VatTotal:
    """A VAT breakdown (BG-23): `net` is BT-116, `tax` BT-117: the rate of `net`, rounded once."""

    category: VatCategory
    percent: Decimal
    net: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Original:
    """The invoice that a credit note takes back (BG-3)."""

    number: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice or credit note, ready to be rendered. `number` is "" in a preview.

    `rounding` (BT-114) is what the sessions' VAT, rounded session by session, differs from the VAT of the sums: with it
    `charged` is what was charged, to the cent. `paid` (BT-113) was paid already, from a balance or by card.
    `receipts` is the address before a receipt's id; None: not on the net.
    """

    number: str
    kind: InvoiceKind
    on: date
    due: date | None
    seller: LegalEntity
    buyer: Buyer
    account: str
    currency: str
    language: Language
    lines: tuple[InvoiceLine, ...]
    vat: tuple[VatTotal, ...]
    rounding: Decimal
    paid: Decimal = Decimal(0)
    original: Original | None = None
    receipts: str | None = None

    @property
    def net(self) -> Decimal:
        """BT-106 and BT-109."""
        return sum((total.net for total in self.vat), Decimal(0))

    @property
    def tax(self) -> Decimal:
        """BT-110."""
        return sum((total.tax for total in self.vat), Decimal(0))

    @property
    def gross(self) -> Decimal:
        """BT-112."""
        return self.net + self.tax

    @property
    def charged(self) -> Decimal:
        """What the ledger charged for its sessions."""
        return self.gross + self.rounding

    @property
    def payable(self) -> Decimal:
        """BT-115: what is still to be paid."""
        return self.charged - self.paid

    @property
    def started_ms(self) -> int:
        """When its first session began."""
        return min(line.started_ms for line in self.lines)

    @property
    def ended_ms(self) -> int:
        """When its last session ended."""
        return max(line.ended_ms for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """Document: what is kept of an issued invoice for good. Nothing in it names a person.

    `record` is the payload hash of its INVOICE record; `xml` and `pdf` are SHA-256 in hex of what was issued; `kept` is
    whether those are still here. `credits` is the invoice that a credit note takes back. Times Unix milliseconds.
    """

    number: str
    kind: InvoiceKind
    entity: str
    series: str
    count: int
    on: str
    at_ms: int
    account: str
    currency: str
    net: Decimal
    tax: Decimal
    rounding: Decimal
    paid: Decimal
    started_ms: int
    ended_ms: int
    bills: tuple[str, ...]
    xml: str
    pdf: str
    record: str
    credits: str | None = None
    kept: bool = True

    @property
    def charged(self) -> Decimal:
        """What the ledger charged for its sessions."""
        return self.net + self.tax + self.rounding
