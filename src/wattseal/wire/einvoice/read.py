"""An e-invoice of ours read back: lines with what proves them, and whether its sums are right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import NoReturn, TypeVar
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from wattseal.base.errors import InputError, LimitError
from wattseal.model.invoice import Buyer
from wattseal.pricing.money import minor_unit_digits, rounded
from wattseal.wire.einvoice.cii import Attribute

MAX_XML_BYTES = 128 * 1024 * 1024
_RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
_SUMS = "SpecifiedTradeSettlementHeaderMonetarySummation"
_MAX_AMOUNT = Decimal(10) ** 12
"""Amounts are below it."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShownPart:
    """One rate of a line."""

    category: str
    percent: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLine:
    """One session as the e-invoice states it; times in Unix milliseconds."""

    number: int
    session: str
    energy_wh: Decimal
    start_ms: int
    end_ms: int
    grade: str
    source: str
    charged: Decimal
    receipt: str
    corrected: bool
    parts: tuple[ShownPart, ...]

    @property
    def net(self) -> Decimal:
        """What it came to without VAT."""
        return sum((part.net for part in self.parts), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An e-invoice. `vat` are its breakdowns with their VAT; the other amounts are the header's."""

    number: str
    type_code: str
    seller: str
    currency: str
    lines: tuple[ShownLine, ...]
    vat: tuple[tuple[ShownPart, Decimal], ...]
    net: Decimal
    tax: Decimal
    gross: Decimal
    rounding: Decimal
    paid: Decimal
    payable: Decimal

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the sums, as codes."""
        digits = minor_unit_digits(self.currency)
        nets: dict[tuple[str, Decimal], Decimal] = {}
        for part in (part for line in self.lines for part in line.parts):
            nets[part.category, part.percent] = nets.get((part.category, part.percent), Decimal(0)) + part.net
        stated = {(part.category, part.percent): part.net for part, _ in self.vat}
        charged = sum((line.charged for line in self.lines), Decimal(0))
        checks = {
            "vat_basis_differs": nets == stated and len(stated) == len(self.vat),
            "vat_differs": all(tax == rounded(part.net * part.percent / 100, digits) for part, tax in self.vat),
            "net_total_differs": self.net == sum(stated.values(), Decimal(0)),
            "vat_total_differs": self.tax == sum((tax for _, tax in self.vat), Decimal(0)),
            "gross_total_differs": self.gross == self.net + self.tax,
            "payable_differs": self.payable == self.gross + self.rounding - self.paid,
            "charged_differs": charged == self.gross + self.rounding,
        }
        yield from (code for code, holds in checks.items() if not holds)


def read_cii(xml: bytes) -> Shown:
    """Read an e-invoice; `InputError` where it is none of ours, or not well formed. No entity in it is resolved."""
    return _read(xml, _shown)


def read_buyer(xml: bytes) -> Buyer:
    """Return whom an e-invoice of ours is made out to; `InputError` where it is none."""
    return _read(xml, _buyer)


def _read(xml: bytes, what: Callable[[Element], T]) -> T:
    if len(xml) > MAX_XML_BYTES:
        raise LimitError(f"an e-invoice has at most {MAX_XML_BYTES} bytes", subject="xml")
    parser = XMLParser(target=_NoDoctype())  # noqa: S314 - a document type, and so entities, are refused
    try:
        parser.feed(xml)
        root: Element = parser.close()
        return what(root)
    except (ParseError, InvalidOperation, ValueError, KeyError, OverflowError) as error:
        raise _bad(type(error).__name__) from error


def _buyer(root: Element) -> Buyer:
    party = _one(root, "BuyerTradeParty")
    address = _one(party, "PostalTradeAddress")
    vat_id = party.find(f"{_RAM}SpecifiedTaxRegistration/{_RAM}ID")
    email = party.find(f"{_RAM}URIUniversalCommunication/{_RAM}URIID")
    reference = root.find(f".//{_RAM}BuyerReference")
    return Buyer(
        name=_child_text(party, "Name"),
        street=address.findtext(f"{_RAM}LineOne", ""),
        postal_code=address.findtext(f"{_RAM}PostcodeCode", ""),
        city=address.findtext(f"{_RAM}CityName", ""),
        country=_child_text(address, "CountryID"),
        vat_id=None if vat_id is None else vat_id.text,
        email=None if email is None else email.text,
        reference=None if reference is None else reference.text,
    )


class _NoDoctype(TreeBuilder):
    """A tree without a document type, and so without entities."""

    def doctype(self, _name: str, _public: str, _system: str) -> NoReturn:
        """Refuse it."""
        raise _bad("doctype")


def _bad(what: str) -> InputError:
    return InputError(f"this is no e-invoice made by wattseal ({what})", code="bad_einvoice", subject="xml")


def _shown(root: Element) -> Shown:
    sums = _one(root, _SUMS)
    settlement = _one(root, "ApplicableHeaderTradeSettlement")
    return Shown(
        number=_child_text(root[1], "ID"),
        type_code=_child_text(root[1], "TypeCode"),
        seller=_child_text(_one(root, "SellerTradeParty"), "Name"),
        currency=_text(root, "InvoiceCurrencyCode"),
        lines=tuple(_lines(root)),
        vat=tuple(_vat(tax) for tax in settlement.findall(f"{_RAM}ApplicableTradeTax")),
        net=_amount(sums, "TaxBasisTotalAmount"),
        tax=_amount(sums, "TaxTotalAmount"),
        gross=_amount(sums, "GrandTotalAmount"),
        rounding=_amount(sums, "RoundingAmount", "0"),
        paid=_amount(sums, "TotalPrepaidAmount", "0"),
        payable=_amount(sums, "DuePayableAmount"),
    )


def _vat(tax: Element) -> tuple[ShownPart, Decimal]:
    percent = _amount(tax, "RateApplicablePercent")
    return ShownPart(_text(tax, "CategoryCode"), percent, _amount(tax, "BasisAmount")), _amount(tax, "CalculatedAmount")


def _lines(root: Element) -> Iterator[ShownLine]:
    """Yield the sessions: lines `3.1`, `3.2` are one."""
    items = list(root.iter(f"{_RAM}IncludedSupplyChainTradeLineItem"))
    groups: dict[int, list[Element]] = {}
    for item in items:
        groups.setdefault(int(_text(item, "LineID").partition(".")[0]), []).append(item)
    for number, mine in groups.items():
        told = _attributes(mine[0])
        if any(_attributes(item)[Attribute.SESSION] != told[Attribute.SESSION] for item in mine):
            raise _bad(f"line {number} is of two sessions")
        yield ShownLine(
            number=number,
            session=told[Attribute.SESSION],
            energy_wh=_decimal(told[Attribute.ENERGY_WH]),
            start_ms=_instant(told[Attribute.START]),
            end_ms=_instant(told[Attribute.END]),
            grade=told[Attribute.GRADE],
            source=told[Attribute.SOURCE],
            charged=_decimal(told[Attribute.CHARGED]),
            receipt=told[Attribute.RECEIPT].rpartition("/")[2],
            corrected=Attribute.CORRECTED in told,
            parts=tuple(_part(item) for item in mine),
        )


def _part(item: Element) -> ShownPart:
    tax = _one(item, "ApplicableTradeTax")
    return ShownPart(
        _text(tax, "CategoryCode"), _amount(tax, "RateApplicablePercent"), _amount(item, "LineTotalAmount")
    )


def _attributes(item: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in item.iter(f"{_RAM}ApplicableProductCharacteristic"):
        name = _text(one, "Description")
        if name in found:
            raise _bad(f"{name} twice")
        found[name] = _text(one, "Value")
    return found


def _one(parent: Element, name: str) -> Element:
    found = parent.find(f".//{_RAM}{name}")
    if found is None:
        raise _bad(name)
    return found


def _text(parent: Element, name: str) -> str:
    return (_one(parent, name).text or "").strip()


def _child_text(parent: Element, name: str) -> str:
    found = parent.find(f"{_RAM}{name}")
    if found is None:
        raise _bad(name)
    return (found.text or "").strip()


def _amount(parent: Element, name: str, default: str | None = None) -> Decimal:
    found = parent.find(f".//{_RAM}{name}")
    if found is None and default is not None:
        return Decimal(default)
    return _decimal(_text(parent, name))


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite() or abs(value) >= _MAX_AMOUNT or len(text) > 40:
        raise _bad("an amount")
    return value


def _instant(text: str) -> int:
    at = datetime.fromisoformat(text)
    if at.utcoffset() is None:
        raise _bad("a time without a zone")
    return round(at.timestamp() * 1000)
