"""CDR objects (OCPI 2.2.1, module cdrs) and their way to and from the model."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from msgspec import Meta

from wattseal.model import cdr as model
from wattseal.model import tariff as prices
from wattseal.model.verdict import Finding
from wattseal.wire.ocpi import codec
from wattseal.wire.ocpi.codec import OcpiStruct, number, plain, to_wire_time, utc
from wattseal.wire.ocpi.v2_2_1 import signed_data, tariffs
from wattseal.wire.ocpi.v2_2_1.signed_data import SignedData, SignedDataLimits
from wattseal.wire.ocpi.v2_2_1.tariffs import CountryCode, Currency, Id36, PartyCode, Price, Tariff

Id39 = Annotated[str, Meta(min_length=1, max_length=39)]
Text = Annotated[str, Meta(max_length=255)]
PriceT = TypeVar("PriceT")
TariffT = TypeVar("TariffT")
DEFAULT_LIMITS = SignedDataLimits()


class CdrToken(OcpiStruct, frozen=True, kw_only=True):
    """CdrToken class."""

    country_code: CountryCode
    party_id: PartyCode
    uid: Id36
    type: Text
    contract_id: Id36


class GeoLocation(OcpiStruct, frozen=True, kw_only=True):
    """GeoLocation class: decimal degrees as strings."""

    latitude: Annotated[str, Meta(max_length=20)]
    longitude: Annotated[str, Meta(max_length=20)]


class CdrLocation(OcpiStruct, frozen=True, kw_only=True):
    """CdrLocation class."""

    id: Id36
    address: Text
    city: Text
    country: Annotated[str, Meta(max_length=3)]
    coordinates: GeoLocation
    evse_uid: Id36
    evse_id: Annotated[str, Meta(max_length=48)]
    connector_id: Id36
    connector_standard: Text
    connector_format: Text
    connector_power_type: Text
    name: Text | None = None
    postal_code: Text | None = None
    state: Text | None = None


class CdrDimension(OcpiStruct, frozen=True, kw_only=True):
    """CdrDimension class."""

    type: Annotated[str, Meta(max_length=40)]
    volume: Decimal


class ChargingPeriod(OcpiStruct, frozen=True, kw_only=True):
    """ChargingPeriod class."""

    start_date_time: datetime
    dimensions: tuple[CdrDimension, ...]
    tariff_id: Id36 | None = None


class AnyCdr(OcpiStruct, Generic[PriceT, TariffT], frozen=True, kw_only=True):
    """CDR object; versions differ in its prices and tariffs."""

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
    total_cost: PriceT
    total_energy: Decimal
    total_time: Decimal
    last_updated: datetime
    session_id: Id36 | None = None
    authorization_reference: Id36 | None = None
    meter_id: Text | None = None
    tariffs: tuple[TariffT, ...] = ()
    signed_data: SignedData | None = None
    total_fixed_cost: PriceT | None = None
    total_energy_cost: PriceT | None = None
    total_time_cost: PriceT | None = None
    total_parking_time: Decimal | None = None
    total_parking_cost: PriceT | None = None
    total_reservation_cost: PriceT | None = None
    remark: Text | None = None
    invoice_reference_id: Id39 | None = None
    credit: bool = False
    credit_reference_id: Id39 | None = None
    home_charging_compensation: bool = False


@dataclass(frozen=True, slots=True)
class Spelling(Generic[PriceT, TariffT]):
    """How a version spells prices and tariffs, both ways."""

    lift_price: Callable[[PriceT, str], prices.Price]
    lift_tariff: Callable[[TariffT], prices.Tariff]
    lower_price: Callable[[prices.Price], PriceT]
    lower_tariff: Callable[[prices.Tariff], TariffT]


Cdr = AnyCdr[Price, Tariff]
SPELLING = Spelling(tariffs.lift_price, tariffs.lift, tariffs.lower_price, tariffs.lower)


def decode_cdr(raw: bytes) -> model.Cdr:
    """Decode and lift a CDR object; trouble is an `InputError`."""
    return lift(codec.decode(raw, Cdr), SPELLING)


def encode_cdr(cdr: model.Cdr, limits: SignedDataLimits = DEFAULT_LIMITS) -> tuple[bytes, tuple[Finding, ...]]:
    """Lower and encode a CDR object; the findings say what of the signed data a peer's limits kept back."""
    wire, findings = lower(cdr, tariffs.lower_price(cdr.total_cost), SPELLING, limits)
    return codec.encode(wire), findings


def lift(wire: AnyCdr[PriceT, TariffT], spelling: Spelling[PriceT, TariffT]) -> model.Cdr:
    """Lift a CDR; numbers that cannot be used raise `InputError`."""
    parking = wire.total_parking_time

    def optional(price: PriceT | None, field: str) -> prices.Price | None:
        return None if price is None else spelling.lift_price(price, field)

    return model.Cdr(
        country_code=wire.country_code,
        party_id=wire.party_id,
        id=wire.id,
        start_at=utc(wire.start_date_time),
        end_at=utc(wire.end_date_time),
        token=lift_token(wire.cdr_token),
        auth_method=wire.auth_method,
        location=lift_location(wire.cdr_location),
        currency=wire.currency,
        periods=tuple(map(lift_period, wire.charging_periods)),
        total_cost=spelling.lift_price(wire.total_cost, "total_cost"),
        total_energy_kwh=number(wire.total_energy, "total_energy"),
        total_time_h=number(wire.total_time, "total_time"),
        last_updated=utc(wire.last_updated),
        tariffs=tuple(map(spelling.lift_tariff, wire.tariffs)),
        session_id=wire.session_id,
        authorization_reference=wire.authorization_reference,
        meter_id=wire.meter_id,
        signed_data=signed_data.lift(wire.signed_data),
        total_fixed_cost=optional(wire.total_fixed_cost, "total_fixed_cost"),
        total_energy_cost=optional(wire.total_energy_cost, "total_energy_cost"),
        total_time_cost=optional(wire.total_time_cost, "total_time_cost"),
        total_parking_time_h=None if parking is None else number(parking, "total_parking_time"),
        total_parking_cost=optional(wire.total_parking_cost, "total_parking_cost"),
        total_reservation_cost=optional(wire.total_reservation_cost, "total_reservation_cost"),
        remark=wire.remark,
        invoice_reference_id=wire.invoice_reference_id,
        credit=wire.credit,
        credit_reference_id=wire.credit_reference_id,
        home_charging_compensation=wire.home_charging_compensation,
    )


def lower(
    cdr: model.Cdr, total: PriceT, spelling: Spelling[PriceT, TariffT], limits: SignedDataLimits
) -> tuple[AnyCdr[PriceT, TariffT], tuple[Finding, ...]]:
    """Lower a CDR whose total cost is spelled already, with the findings of its signed data."""
    signed, findings = signed_data.lower(cdr.signed_data, limits)

    def optional(price: prices.Price | None) -> PriceT | None:
        return None if price is None else spelling.lower_price(price)

    wire = AnyCdr(
        country_code=cdr.country_code,
        party_id=cdr.party_id,
        id=cdr.id,
        start_date_time=to_wire_time(cdr.start_at),
        end_date_time=to_wire_time(cdr.end_at),
        cdr_token=lower_token(cdr.token),
        auth_method=cdr.auth_method,
        cdr_location=lower_location(cdr.location),
        currency=cdr.currency,
        charging_periods=tuple(map(lower_period, cdr.periods)),
        total_cost=total,
        total_energy=plain(cdr.total_energy_kwh),
        total_time=plain(cdr.total_time_h),
        last_updated=to_wire_time(cdr.last_updated),
        session_id=cdr.session_id,
        authorization_reference=cdr.authorization_reference,
        meter_id=cdr.meter_id,
        tariffs=tuple(map(spelling.lower_tariff, cdr.tariffs)),
        signed_data=signed,
        total_fixed_cost=optional(cdr.total_fixed_cost),
        total_energy_cost=optional(cdr.total_energy_cost),
        total_time_cost=optional(cdr.total_time_cost),
        total_parking_time=None if cdr.total_parking_time_h is None else plain(cdr.total_parking_time_h),
        total_parking_cost=optional(cdr.total_parking_cost),
        total_reservation_cost=optional(cdr.total_reservation_cost),
        remark=cdr.remark,
        invoice_reference_id=cdr.invoice_reference_id,
        credit=cdr.credit,
        credit_reference_id=cdr.credit_reference_id,
        home_charging_compensation=cdr.home_charging_compensation,
    )
    return wire, findings


def lift_token(wire: CdrToken) -> model.CdrToken:
    """Lift a CdrToken; 2.3.0 has the same."""
    return model.CdrToken(
        country_code=wire.country_code,
        party_id=wire.party_id,
        uid=wire.uid,
        type=wire.type,
        contract_id=wire.contract_id,
    )


def lower_token(token: model.CdrToken) -> CdrToken:
    """Lower a CdrToken."""
    return CdrToken(
        country_code=token.country_code,
        party_id=token.party_id,
        uid=token.uid,
        type=token.type,
        contract_id=token.contract_id,
    )


def lift_location(wire: CdrLocation) -> model.CdrLocation:
    """Lift a CdrLocation; 2.3.0 has the same."""
    return model.CdrLocation(
        id=wire.id,
        address=wire.address,
        city=wire.city,
        country=wire.country,
        evse_uid=wire.evse_uid,
        evse_id=wire.evse_id,
        connector_id=wire.connector_id,
        connector_standard=wire.connector_standard,
        connector_format=wire.connector_format,
        connector_power_type=wire.connector_power_type,
        name=wire.name,
        postal_code=wire.postal_code,
        state=wire.state,
        latitude=wire.coordinates.latitude,
        longitude=wire.coordinates.longitude,
    )


def lower_location(location: model.CdrLocation) -> CdrLocation:
    """Lower a CdrLocation."""
    return CdrLocation(
        id=location.id,
        address=location.address,
        city=location.city,
        country=location.country,
        evse_uid=location.evse_uid,
        evse_id=location.evse_id,
        connector_id=location.connector_id,
        connector_standard=location.connector_standard,
        connector_format=location.connector_format,
        connector_power_type=location.connector_power_type,
        name=location.name,
        postal_code=location.postal_code,
        state=location.state,
        coordinates=GeoLocation(latitude=location.latitude, longitude=location.longitude),
    )


def lift_period(wire: ChargingPeriod) -> model.ChargingPeriod:
    """Lift a ChargingPeriod; 2.3.0 has the same."""
    dimensions = tuple(model.Dimension(d.type, number(d.volume, "volume")) for d in wire.dimensions)
    return model.ChargingPeriod(utc(wire.start_date_time), dimensions, wire.tariff_id)


def lower_period(period: model.ChargingPeriod) -> ChargingPeriod:
    """Lower a ChargingPeriod."""
    return ChargingPeriod(
        start_date_time=to_wire_time(period.start_at),
        dimensions=tuple(CdrDimension(type=d.type, volume=plain(d.volume)) for d in period.dimensions),
        tariff_id=period.tariff_id,
    )
