"""Tariff objects (OCPI 2.2.1, module tariffs) and their way to and from the model."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from wattseal.base.errors import InputError
from wattseal.model import tariff as model
from wattseal.wire.ocpi import codec
from wattseal.wire.ocpi.codec import OcpiStruct, number, plain, to_wire_time, utc

CountryCode = Annotated[str, Meta(min_length=2, max_length=2)]
PartyCode = Annotated[str, Meta(min_length=1, max_length=3)]
Id36 = Annotated[str, Meta(min_length=1, max_length=36)]
Currency = Annotated[str, Meta(min_length=3, max_length=3)]


UNRESTRICTED = msgspec.Raw(b"null")


class Price(OcpiStruct, frozen=True, kw_only=True):
    """Price class: VAT excluded, and included where known."""

    excl_vat: Decimal
    incl_vat: Decimal | None = None


class PriceComponent(OcpiStruct, frozen=True, kw_only=True):
    """PriceComponent class; `type` is open so that newer dimensions arrive and are said, not guessed."""

    type: Annotated[str, Meta(max_length=40)]
    price: Decimal
    step_size: int
    vat: Decimal | None = None


class TariffRestrictions(OcpiStruct, frozen=True, kw_only=True):
    """TariffRestrictions class."""

    start_time: str | None = None
    end_time: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    day_of_week: tuple[str, ...] = ()
    reservation: str | None = None


class TariffElement(OcpiStruct, frozen=True, kw_only=True):
    """TariffElement class; `restrictions` is read in `lift`, where a name nobody knows must not be passed over."""

    price_components: tuple[PriceComponent, ...]
    restrictions: msgspec.Raw = UNRESTRICTED


class Tariff(OcpiStruct, frozen=True, kw_only=True):
    """Tariff object; texts, links and the energy mix are left to the raw bytes."""

    country_code: CountryCode
    party_id: PartyCode
    id: Id36
    currency: Currency
    elements: tuple[TariffElement, ...]
    last_updated: datetime
    type: str | None = None
    min_price: Price | None = None
    max_price: Price | None = None
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None


def decode_tariff(raw: bytes) -> model.Tariff:
    """Decode and lift a Tariff object; trouble is an `InputError`."""
    return lift(codec.decode(raw, Tariff))


def lift_price(price: Price, field: str) -> model.Price:
    """Lift a Price."""
    after_tax = None if price.incl_vat is None else number(price.incl_vat, f"{field}.incl_vat")
    return model.Price(number(price.excl_vat, f"{field}.excl_vat"), after_tax)


def lift_optional_price(price: Price | None, field: str) -> model.Price | None:
    """Lift a Price that may be absent."""
    return None if price is None else lift_price(price, field)


def lower_price(price: model.Price) -> Price:
    """Lower a Price."""
    after_tax = None if price.after_tax is None else plain(price.after_tax)
    return Price(excl_vat=plain(price.before_tax), incl_vat=after_tax)


def lower_optional_price(price: model.Price | None) -> Price | None:
    """Lower a Price that may be absent."""
    return None if price is None else lower_price(price)


def lift(wire: Tariff) -> model.Tariff:
    """Lift a Tariff; numbers and times that cannot be used raise `InputError`."""
    return model.Tariff(
        country_code=wire.country_code,
        party_id=wire.party_id,
        id=wire.id,
        currency=wire.currency,
        elements=tuple(map(lift_element, wire.elements)),
        last_updated=utc(wire.last_updated),
        type=wire.type,
        min_price=lift_optional_price(wire.min_price, "min_price"),
        max_price=lift_optional_price(wire.max_price, "max_price"),
        start_at=utc(wire.start_date_time) if wire.start_date_time else None,
        end_at=utc(wire.end_date_time) if wire.end_date_time else None,
    )


def lower(tariff: model.Tariff) -> Tariff:
    """Lower a Tariff; 2.2.1 knows prices before tax only, those with taxes raise `InputError`.

    Where no tax applies, its components have no VAT, and that is how 2.2.1 says it.
    """
    if tariff.tax_included is model.TaxIncluded.YES:
        raise InputError("OCPI 2.2.1 tariffs exclude taxes", code="not_expressible", subject="tax_included")
    return Tariff(
        country_code=tariff.country_code,
        party_id=tariff.party_id,
        id=tariff.id,
        currency=tariff.currency,
        elements=tuple(map(lower_element, tariff.elements)),
        last_updated=to_wire_time(tariff.last_updated),
        type=tariff.type,
        min_price=lower_optional_price(tariff.min_price),
        max_price=lower_optional_price(tariff.max_price),
        start_date_time=to_wire_time(tariff.start_at) if tariff.start_at else None,
        end_date_time=to_wire_time(tariff.end_at) if tariff.end_at else None,
    )


def lift_element(wire: TariffElement) -> model.TariffElement:
    """Lift a TariffElement; 2.3.0 has the same."""
    components = tuple(
        model.PriceComponent(
            type=component.type,
            price=number(component.price, "price"),
            vat_percent=None if component.vat is None else number(component.vat, "vat"),
            step_size=component.step_size,
        )
        for component in wire.price_components
    )
    return model.TariffElement(components, _lift_restrictions(wire.restrictions))


def _lift_restrictions(raw: msgspec.Raw) -> model.Restrictions | None:
    """Lift restrictions; an object that restricts nothing is none, and one with a name unknown here says so."""
    if bytes(raw) == b"null":
        return None
    names = codec.decode(bytes(raw), dict[str, msgspec.Raw])
    if not names:
        return None
    wire = codec.decode(bytes(raw), TariffRestrictions)

    def optional(value: Decimal | None) -> Decimal | None:
        return None if value is None else number(value, "restrictions")

    try:
        return model.Restrictions(
            start_time=time.fromisoformat(wire.start_time) if wire.start_time else None,
            end_time=time.fromisoformat(wire.end_time) if wire.end_time else None,
            start_date=date.fromisoformat(wire.start_date) if wire.start_date else None,
            end_date=date.fromisoformat(wire.end_date) if wire.end_date else None,
            min_kwh=optional(wire.min_kwh),
            max_kwh=optional(wire.max_kwh),
            min_current_a=optional(wire.min_current),
            max_current_a=optional(wire.max_current),
            min_power_kw=optional(wire.min_power),
            max_power_kw=optional(wire.max_power),
            min_duration_s=wire.min_duration,
            max_duration_s=wire.max_duration,
            days_of_week=wire.day_of_week,
            reservation=wire.reservation,
            unknown=tuple(sorted(names.keys() - set(TariffRestrictions.__struct_fields__))),
        )
    except ValueError as error:
        raise InputError("a restriction's time or date is none", code="bad_ocpi", subject="restrictions") from error


def lower_element(element: model.TariffElement) -> TariffElement:
    """Lower a TariffElement; restrictions that are not known here raise `InputError`."""
    components = tuple(
        PriceComponent(
            type=component.type,
            price=plain(component.price),
            vat=None if component.vat_percent is None else plain(component.vat_percent),
            step_size=component.step_size,
        )
        for component in element.components
    )
    return TariffElement(price_components=components, restrictions=_lower_restrictions(element.restrictions))


def _lower_restrictions(restrictions: model.Restrictions | None) -> msgspec.Raw:
    if restrictions is None:
        return UNRESTRICTED
    if restrictions.unknown:
        raise InputError("restrictions unknown here cannot be sent", code="not_expressible", subject="restrictions")
    r = restrictions
    wire = TariffRestrictions(
        start_time=r.start_time.strftime("%H:%M") if r.start_time else None,
        end_time=r.end_time.strftime("%H:%M") if r.end_time else None,
        start_date=r.start_date.isoformat() if r.start_date else None,
        end_date=r.end_date.isoformat() if r.end_date else None,
        min_kwh=_plain(r.min_kwh),
        max_kwh=_plain(r.max_kwh),
        min_current=_plain(r.min_current_a),
        max_current=_plain(r.max_current_a),
        min_power=_plain(r.min_power_kw),
        max_power=_plain(r.max_power_kw),
        min_duration=r.min_duration_s,
        max_duration=r.max_duration_s,
        day_of_week=r.days_of_week,
        reservation=r.reservation,
    )
    return msgspec.Raw(codec.encode(wire))


def _plain(value: Decimal | None) -> Decimal | None:
    return None if value is None else plain(value)
