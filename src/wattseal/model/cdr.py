"""Charge detail records in OCPI vocabulary (module cdrs), exact: what an eMSP is asked to pay, and on what evidence."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from wattseal.model.tariff import Price, Tariff


@dataclass(frozen=True, slots=True)
class CdrToken:
    """The token that started the session and the eMSP that owns it."""

    country_code: str
    party_id: str
    uid: str
    type: str
    contract_id: str


@dataclass(frozen=True, slots=True)
class CdrLocation:
    """Where: the location, EVSE and connector as they were at the start. Coordinates are decimal degrees as text."""

    id: str
    address: str
    city: str
    country: str
    latitude: str
    longitude: str
    evse_uid: str
    evse_id: str
    connector_id: str
    connector_standard: str
    connector_format: str
    connector_power_type: str
    name: str | None = None
    postal_code: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Dimension:
    """An amount of one dimension in a period: ENERGY in kWh, TIME and PARKING_TIME in hours, others as OCPI says."""

    type: str
    volume: Decimal


@dataclass(frozen=True, slots=True)
class ChargingPeriod:
    """From `start_at` to the next period's start or the end of the session, under one tariff (None: none applies)."""

    start_at: datetime
    dimensions: tuple[Dimension, ...]
    tariff_id: str | None = None


@dataclass(frozen=True, slots=True)
class SignedValue:
    """One signed meter record: `nature` is Start, End or Intermediate; `signed_data` the record's very bytes."""

    nature: str
    plain_data: str
    signed_data: bytes


@dataclass(frozen=True, slots=True)
class SignedData:
    """Signed meter records of a session; `public_key` (DER) is a claim, never trusted; `url` leads to the bundle."""

    encoding_method: str
    values: tuple[SignedValue, ...]
    public_key: bytes | None = None
    encoding_method_version: int | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Cdr:
    """A charge detail record: final, never edited, corrected by a credit CDR."""

    country_code: str
    party_id: str
    id: str
    start_at: datetime
    end_at: datetime
    token: CdrToken
    auth_method: str
    location: CdrLocation
    currency: str
    periods: tuple[ChargingPeriod, ...]
    total_cost: Price
    total_energy_kwh: Decimal
    total_time_h: Decimal
    last_updated: datetime
    tariffs: tuple[Tariff, ...] = ()
    session_id: str | None = None
    authorization_reference: str | None = None
    meter_id: str | None = None
    signed_data: SignedData | None = None
    total_fixed_cost: Price | None = None
    total_energy_cost: Price | None = None
    total_time_cost: Price | None = None
    total_parking_time_h: Decimal | None = None
    total_parking_cost: Price | None = None
    total_reservation_cost: Price | None = None
    remark: str | None = None
    invoice_reference_id: str | None = None
    credit: bool = False
    credit_reference_id: str | None = None
    home_charging_compensation: bool = False
