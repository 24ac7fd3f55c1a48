"""CDR objects (OCPI 2.3.0, module cdrs): those of 2.2.1 but for prices, which name each tax, and for tariffs.

A cost whose tax is not known has no like there: 2.3.0 lists the taxes that apply, and an empty list is none.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.model import cdr as model
from wattseal.model import tariff as prices
from wattseal.model.billing import TaxShare
from wattseal.model.verdict import Finding
from wattseal.wire.ocpi import codec
from wattseal.wire.ocpi.codec import OcpiStruct, number, plain, to_wire_time, utc
from wattseal.wire.ocpi.v2_2_1 import cdrs, signed_data
from wattseal.wire.ocpi.v2_2_1.cdrs import CdrLocation, CdrToken, ChargingPeriod, Id39, Text
from wattseal.wire.ocpi.v2_2_1.signed_data import SignedData, SignedDataLimits
from wattseal.wire.ocpi.v2_2_1.tariffs import CountryCode, Currency, Id36, PartyCode
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


class Cdr(OcpiStruct, frozen=True, kw_only=True):
    """CDR object."""

    country_code: CountryCode
    party_id: PartyCode
    id: Id39
    start_date_time: datetime
    end_date_time: datetime
    cdr_token: CdrToken
    auth_method: Text
    cdr_location: CdrLocation
    currency: Currency
    charging_periods: tuple[ChargingPeriod, ...]
    total_cost: Price
    total_energy: Decimal
    total_time: Decimal
    last_updated: datetime
    session_id: Id36 | None = None
    authorization_reference: Id36 | None = None
    meter_id: Text | None = None
    tariffs: tuple[Tariff, ...] = ()
    signed_data: SignedData | None = None
    total_fixed_cost: Price | None = None
    total_energy_cost: Price | None = None
    total_time_cost: Price | None = None
    total_parking_time: Decimal | None = None
    total_parking_cost: Price | None = None
    total_reservation_cost: Price | None = None
    remark: Text | None = None
    invoice_reference_id: Id39 | None = None
    credit: bool = False
    credit_reference_id: Id39 | None = None
    home_charging_compensation: bool = False


def decode_cdr(raw: bytes) -> model.Cdr:
    """Decode and lift a CDR object; trouble is an `InputError`."""
    return lift(codec.decode(raw, Cdr))


def encode_cdr(
    cdr: model.Cdr, taxes: Sequence[TaxShare] = (), limits: SignedDataLimits = LIMITS
) -> tuple[bytes, tuple[Finding, ...]]:
    """Lower and encode a CDR object; `taxes` are the parts of its total, else its tax is one amount.

    The findings say what of the signed data a peer's limits kept back.
    """
    wire, findings = lower(cdr, taxes, limits)
    return codec.encode(wire), findings


def lift(wire: Cdr) -> model.Cdr:
    """Lift a CDR; numbers that cannot be used raise `InputError`."""
    parking = wire.total_parking_time
    return model.Cdr(
        country_code=wire.country_code,
        party_id=wire.party_id,
        id=wire.id,
        start_at=utc(wire.start_date_time),
        end_at=utc(wire.end_date_time),
        token=cdrs.lift_token(wire.cdr_token),
        auth_method=wire.auth_method,
        location=cdrs.lift_location(wire.cdr_location),
        currency=wire.currency,
        periods=tuple(map(cdrs.lift_period, wire.charging_periods)),
        total_cost=_lift_price(wire.total_cost, "total_cost"),
        total_energy_kwh=number(wire.total_energy, "total_energy"),
        total_time_h=number(wire.total_time, "total_time"),
        last_updated=utc(wire.last_updated),
        tariffs=tuple(map(tariffs.lift, wire.tariffs)),
        session_id=wire.session_id,
        authorization_reference=wire.authorization_reference,
        meter_id=wire.meter_id,
        signed_data=signed_data.lift(wire.signed_data),
        total_fixed_cost=_optional(wire.total_fixed_cost, "total_fixed_cost"),
        total_energy_cost=_optional(wire.total_energy_cost, "total_energy_cost"),
        total_time_cost=_optional(wire.total_time_cost, "total_time_cost"),
        total_parking_time_h=None if parking is None else number(parking, "total_parking_time"),
        total_parking_cost=_optional(wire.total_parking_cost, "total_parking_cost"),
        total_reservation_cost=_optional(wire.total_reservation_cost, "total_reservation_cost"),
        remark=wire.remark,
        invoice_reference_id=wire.invoice_reference_id,
        credit=wire.credit,
        credit_reference_id=wire.credit_reference_id,
        home_charging_compensation=wire.home_charging_compensation,
    )


def lower(
    cdr: model.Cdr, taxes: Sequence[TaxShare] = (), limits: SignedDataLimits = LIMITS
) -> tuple[Cdr, tuple[Finding, ...]]:
    """Lower a CDR with the findings of its signed data; a cost whose tax is not known raises `InputError`."""
    signed, findings = signed_data.lower(cdr.signed_data, limits)
    wire = Cdr(
        country_code=cdr.country_code,
        party_id=cdr.party_id,
        id=cdr.id,
        start_date_time=to_wire_time(cdr.start_at),
        end_date_time=to_wire_time(cdr.end_at),
        cdr_token=cdrs.lower_token(cdr.token),
        auth_method=cdr.auth_method,
        cdr_location=cdrs.lower_location(cdr.location),
        currency=cdr.currency,
        charging_periods=tuple(map(cdrs.lower_period, cdr.periods)),
        total_cost=_total(cdr.total_cost, taxes),
        total_energy=plain(cdr.total_energy_kwh),
        total_time=plain(cdr.total_time_h),
        last_updated=to_wire_time(cdr.last_updated),
        session_id=cdr.session_id,
        authorization_reference=cdr.authorization_reference,
        meter_id=cdr.meter_id,
        tariffs=tuple(map(tariffs.lower, cdr.tariffs)),
        signed_data=signed,
        total_fixed_cost=_lower_optional(cdr.total_fixed_cost),
        total_energy_cost=_lower_optional(cdr.total_energy_cost),
        total_time_cost=_lower_optional(cdr.total_time_cost),
        total_parking_time=None if cdr.total_parking_time_h is None else plain(cdr.total_parking_time_h),
        total_parking_cost=_lower_optional(cdr.total_parking_cost),
        total_reservation_cost=_lower_optional(cdr.total_reservation_cost),
        remark=cdr.remark,
        invoice_reference_id=cdr.invoice_reference_id,
        credit=cdr.credit,
        credit_reference_id=cdr.credit_reference_id,
        home_charging_compensation=cdr.home_charging_compensation,
    )
    return wire, findings


def _lift_price(wire: Price, field: str) -> prices.Price:
    before = number(wire.before_taxes, f"{field}.before_taxes")
    after = before + sum((number(tax.amount, f"{field}.taxes") for tax in wire.taxes), Decimal(0))
    return prices.Price(before, after)


def _optional(wire: Price | None, field: str) -> prices.Price | None:
    return None if wire is None else _lift_price(wire, field)


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


def _lower_optional(price: prices.Price | None) -> Price | None:
    return None if price is None else _lower_price(price)
