"""Charging profiles in OCPP 2.1 vocabulary (part 2, chapter K 3): limits of charging over time, and what results.

Limits are in the unit of their schedule: watts of the EVSE or station as a whole, or amperes of each phase (K01.FR.51).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Purpose(StrEnum):
    """ChargingProfilePurposeEnumType; the last two exist since 2.1. 1.6 calls the first ChargePointMaxProfile."""

    STATION_MAX = "ChargingStationMaxProfile"
    EXTERNAL = "ChargingStationExternalConstraints"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"
    PRIORITY = "PriorityCharging"
    LOCAL_GENERATION = "LocalGeneration"


class ProfileKind(StrEnum):
    """ChargingProfileKindEnumType; DYNAMIC exists since 2.1."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"
    DYNAMIC = "Dynamic"


class Recurrency(StrEnum):
    """RecurrencyKindEnumType."""

    DAILY = "Daily"
    WEEKLY = "Weekly"


class RateUnit(StrEnum):
    """ChargingRateUnitEnumType: W of all phases together, A of each phase."""

    W = "W"
    A = "A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """ChargingSchedulePeriodType: from `start_s` after the schedule's start until the next period begins.

    `limit` None states no limit of charging. With `limit_l2` and `limit_l3` (2.1) `limit` is that of L1. Discharging is
    negative: `discharge_limit` is at most 0, `setpoint` of either sign. `more` holds what else 2.1 can say (curves,
    reactive power, ...), in its words.
    """

    start_s: int
    limit: Decimal | None = None
    phases: int | None = None
    phase: int | None = None
    limit_l2: Decimal | None = None
    limit_l3: Decimal | None = None
    discharge_limit: Decimal | None = None
    setpoint: Decimal | None = None
    mode: str | None = None
    more: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """ChargingScheduleType. `duration_s` None lasts until something else ends it.

    With `local_time` (2.1) the clock reading of `start` is the station's local time, whatever zone it is written in
    (K01.FR.90). `more` holds tariffs, prices and signatures, in the words of the version they came in.
    """

    unit: RateUnit
    periods: tuple[Period, ...]
    id: int = 1
    start: datetime | None = None
    duration_s: int | None = None
    min_rate: Decimal | None = None
    local_time: bool = False
    random_delay_s: int = 0
    more: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """ChargingProfileType: one schedule, or up to three for an EV to choose from (ISO 15118).

    After `offline_hold_s` without its CSMS a 2.1 station goes by what is beneath, for as long as that lasts.
    """

    id: int
    stack_level: int
    purpose: Purpose
    kind: ProfileKind
    schedules: tuple[Schedule, ...]
    recurrency: Recurrency | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction_id: str | None = None
    update_interval_s: int | None = None
    offline_hold_s: int | None = None
    more: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """CompositeScheduleType: the limits that result for an EVSE, or for the station as a whole (0)."""

    evse_id: int
    start: datetime
    duration_s: int
    unit: RateUnit
    periods: tuple[Period, ...]
