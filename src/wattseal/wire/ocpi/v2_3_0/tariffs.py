"""Tariff objects (OCPI 2.3.0, module tariffs) and their way to and from the model.

Elements, components and restrictions are those of 2.2.1. New are `tax_included`, which says what the prices are, and
PriceLimit, the 2.2.1 Price with other names.
"""

from datetime import datetime
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.model import tariff as model
from wattseal.wire.ocpi import codec
from wattseal.wire.ocpi.codec import OcpiStruct, number, plain, to_wire_time, utc
from wattseal.wire.ocpi.v2_2_1.tariffs import (
    CountryCode,
    Currency,
    Id36,
    PartyCode,
    TariffElement,
    lift_element,
    lower_element,
)


class PriceLimit(OcpiStruct, frozen=True, kw_only=True):
    """PriceLimit class: before taxes, and after them where known."""

    before_taxes: Decimal
    after_taxes: Decimal | None = None


class Tariff(OcpiStruct, frozen=True, kw_only=True):
    """Tariff object; texts, links and the energy mix are left to the raw bytes.

    `type` is open: a newer kind of session is said, not guessed. `tax_included` is not: prices of unknown meaning are
    no prices.
    """

    country_code: CountryCode
    party_id: PartyCode
    id: Id36
    currency: Currency
    elements: tuple[TariffElement, ...]
    tax_included: model.TaxIncluded
    last_updated: datetime
    type: str | None = None
    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None


def decode_tariff(raw: bytes) -> model.Tariff:
    """Decode and lift a Tariff object; trouble is an `InputError`."""
    return lift(codec.decode(raw, Tariff))


def lift(wire: Tariff) -> model.Tariff:
    """Lift a Tariff; numbers and times that cannot be used raise `InputError`."""
    if not wire.elements:
        raise InputError("a tariff has elements", code="bad_ocpi", subject="elements")
    return model.Tariff(
        country_code=wire.country_code,
        party_id=wire.party_id,
        id=wire.id,
        currency=wire.currency,
        elements=tuple(map(lift_element, wire.elements)),
        last_updated=utc(wire.last_updated),
        type=wire.type,
        tax_included=wire.tax_included,
        min_price=_lift_limit(wire.min_price, "min_price"),
        max_price=_lift_limit(wire.max_price, "max_price"),
        start_at=utc(wire.start_date_time) if wire.start_date_time else None,
        end_at=utc(wire.end_date_time) if wire.end_date_time else None,
    )


def lower(tariff: model.Tariff) -> Tariff:
    """Lower a Tariff; restrictions that are not known here raise `InputError`."""
    return Tariff(
        country_code=tariff.country_code,
        party_id=tariff.party_id,
        id=tariff.id,
        currency=tariff.currency,
        elements=tuple(map(lower_element, tariff.elements)),
        tax_included=tariff.tax_included,
        last_updated=to_wire_time(tariff.last_updated),
        type=tariff.type,
        min_price=_lower_limit(tariff.min_price),
        max_price=_lower_limit(tariff.max_price),
        start_date_time=to_wire_time(tariff.start_at) if tariff.start_at else None,
        end_date_time=to_wire_time(tariff.end_at) if tariff.end_at else None,
    )


def _lift_limit(limit: PriceLimit | None, field: str) -> model.Price | None:
    if limit is None:
        return None
    after = None if limit.after_taxes is None else number(limit.after_taxes, f"{field}.after_taxes")
    return model.Price(number(limit.before_taxes, f"{field}.before_taxes"), after)


def _lower_limit(price: model.Price | None) -> PriceLimit | None:
    if price is None:
        return None
    after = None if price.after_tax is None else plain(price.after_tax)
    return PriceLimit(before_taxes=plain(price.before_tax), after_taxes=after)
