"""CDR objects (OCPI 2.3.0, module cdrs): those of 2.2.1 but for prices, which name each tax, and for tariffs.

A cost whose tax is not known has no like there: 2.3.0 lists the taxes that apply, and an empty list is none.
"""

from collections.abc import Sequence
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.model import cdr as model
from wattseal.model import tariff as prices
from wattseal.model.billing import TaxShare
from wattseal.model.verdict import Finding
from wattseal.wire.ocpi import codec
from wattseal.wire.ocpi.codec import OcpiStruct, number, plain
from wattseal.wire.ocpi.v2_2_1 import cdrs
from wattseal.wire.ocpi.v2_2_1.cdrs import AnyCdr, Spelling, Text
from wattseal.wire.ocpi.v2_2_1.signed_data import SignedDataLimits
from wattseal.wire.ocpi.v2_3_0 import tariffs
from wattseal.wire.ocpi.v2_3_0.tariffs import Tariff

LIMITS = SignedDataLimits(plain_data=5000)
"""What a peer of the second edition takes."""
VAT = "VAT"


class TaxAmount(OcpiStruct, frozen=True, kw_only=True):
    """TaxAmount class."""

    name: Text
    amount: Decimal
    account_number: Text | None = None
    percentage: Decimal | None = None


class Price(OcpiStruct, frozen=True, kw_only=True):
    """Price class: before taxes, and each tax that applies."""

    before_taxes: Decimal
    taxes: tuple[TaxAmount, ...] = ()


def decode_cdr(raw: bytes) -> model.Cdr:
    """Decode and lift a CDR object; trouble is an `InputError`."""
    return cdrs.lift(codec.decode(raw, Cdr), SPELLING)


def encode_cdr(
    cdr: model.Cdr, taxes: Sequence[TaxShare] = (), limits: SignedDataLimits = LIMITS
) -> tuple[bytes, tuple[Finding, ...]]:
    """Lower and encode a CDR object; `taxes` are the parts of its total, else its tax is one amount.

    The findings say what of the signed data a peer's limits kept back. A cost whose tax is not known raises
    `InputError`.
    """
    wire, findings = cdrs.lower(cdr, _total(cdr.total_cost, taxes), SPELLING, limits)
    return codec.encode(wire), findings


def _lift_price(wire: Price, field: str) -> prices.Price:
    before = number(wire.before_taxes, f"{field}.before_taxes")
    after = before + sum((number(tax.amount, f"{field}.taxes") for tax in wire.taxes), Decimal(0))
    return prices.Price(before, after)


def _total(price: prices.Price, taxes: Sequence[TaxShare]) -> Price:
    """Return the total with a tax a rate; shares that do not add up to it raise `InputError`."""
    shares = [share for share in taxes if share.percent is not None]
    if not shares:
        return _lower_price(price)
    if price.after_tax is None or sum(share.tax for share in shares) != price.after_tax - price.before_tax:
        raise InputError("taxes add up to the total's", code="not_expressible", subject="taxes")
    told = tuple(
        TaxAmount(name=VAT, percentage=plain(share.percent), amount=plain(share.tax))
        for share in shares
        if share.percent is not None
    )
    return Price(before_taxes=plain(price.before_tax), taxes=told)


def _lower_price(price: prices.Price) -> Price:
    if price.after_tax is None:
        text = "OCPI 2.3.0 lists the taxes of a cost, and those of this one are not known"
        raise InputError(text, code="not_expressible", subject="taxes")
    tax = price.after_tax - price.before_tax
    told = (TaxAmount(name=VAT, amount=plain(tax)),) if tax else ()
    return Price(before_taxes=plain(price.before_tax), taxes=told)


Cdr = AnyCdr[Price, Tariff]
SPELLING = Spelling(_lift_price, tariffs.lift, _lower_price, tariffs.lower)
