"""Tariffs in OCPI vocabulary (2.2.1 and 2.3.0, module tariffs), exact.

Energy in tariffs is in kWh and durations are in hours or seconds, as the price lists of the trade have it; money is in
units of the tariff's currency.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum


class TaxIncluded(StrEnum):
    """Whether a tariff's prices contain taxes (2.3.0); 2.2.1 prices never do."""

    YES = "YES"
    NO = "NO"
    NOT_APPLICABLE = "N/A"


@dataclass(frozen=True, slots=True)
class Price:
    """An amount before and after taxes, two figures of their own; `after_tax` is None where it was not stated."""

    before_tax: Decimal
    after_tax: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PriceComponent:
    """What one unit of a dimension costs: `type` is ENERGY (per kWh), FLAT, TIME, PARKING_TIME (per hour) or newer.

    `vat_percent` None means that no VAT applies. `step_size` is in Wh or seconds.
    """

    type: str
    price: Decimal
    vat_percent: Decimal | None
    step_size: int


@dataclass(frozen=True, slots=True)
class Restrictions:
    """When an element applies; None restricts nothing. Times and dates are local, min inclusive, max exclusive.

    `unknown` names restrictions that this version does not know: the element may apply less often than it seems.
    """

    start_time: time | None = None
    end_time: time | None = None
    start_date: date | None = None
    end_date: date | None = None
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_current_a: Decimal | None = None
    max_current_a: Decimal | None = None
    min_power_kw: Decimal | None = None
    max_power_kw: Decimal | None = None
    min_duration_s: int | None = None
    max_duration_s: int | None = None
    days_of_week: tuple[str, ...] = ()
    reservation: str | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TariffElement:
    """Price components that apply under the same restrictions; `restrictions` None is always."""

    components: tuple[PriceComponent, ...]
    restrictions: Restrictions | None = None


@dataclass(frozen=True, slots=True)
class Tariff:
    """A price list of one party, identified by (`country_code`, `party_id`, `id`).

    Two terms are this platform's own, beside OCPI: `time_zone` is the IANA name of the zone in which its times and days
    are meant (OCPI takes the location's), `idle_grace_s` is for how many seconds of a session a car may stand without
    charging before that counts as parking.
    """

    country_code: str
    party_id: str
    id: str
    currency: str
    elements: tuple[TariffElement, ...]
    last_updated: datetime
    type: str | None = None
    tax_included: TaxIncluded = TaxIncluded.NO
    min_price: Price | None = None
    max_price: Price | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    time_zone: str = "UTC"
    idle_grace_s: int = 0


@dataclass(frozen=True, slots=True)
class CurrentTariff:
    """A tariff by the record that decisions under it refer to (payload hash in hex)."""

    record: str
    tariff_id: str
