"""What may be sent to a station as a charging profile: the duties of a CSMS in 2.1 part 2, K01, and a floor.

A limit below the floor stops charging: somebody who may not do so is refused (a profile of 0 A at a whole fleet is an
attack). A profile that would hide behind or shadow another one of the same place and level is refused too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from wattseal.base.errors import InputError
from wattseal.model.charging import Composite, Period, Profile, ProfileKind, Purpose, RateUnit, Schedule
from wattseal.rules.charging import NO_ELECTRICS, Installed
from wattseal.rules.charging_rates import Electrics

BELOW_FLOOR = "charging:stop"
"""Scope of sending limits that stop charging."""
MAX_STOP = timedelta(days=7)
"""How long what stops charging may last."""
MAX_STATION_PROFILES = 100
"""Profiles kept of one station."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The least limit above stopping: amperes of each phase. IEC 61851-1 knows no smaller offer than 6 A."""

    amperes: Decimal = Decimal(6)
    electrics: Electrics = NO_ELECTRICS

    def of(self, unit: RateUnit) -> Decimal:
        """Return it in a unit; in W of one phase, which is the least that can be charged with."""
        return self.amperes if unit is RateUnit.A else self.amperes * self.electrics.voltage_v


def check_profile(profile: Profile, evse_id: int, *, ocpp16: bool) -> None:
    """Refuse what K01 forbids a CSMS to send; the `InputError`'s code names the rule.

    1.6 binds a TxProfile without a transaction id to the connector's transaction, and takes a schedule without a start
    as one that begins with charging (7.13): both are let pass there.
    """
    for code, text in _purpose_troubles(profile, evse_id, ocpp16=ocpp16):
        raise _refused(code, text)
    check_shape(profile, ocpp16=ocpp16)


def check_start_profile(profile: Profile, *, ocpp16: bool) -> None:
    """Refuse what a remote start cannot bring along: anything but a TxProfile (K05.FR.02; 1.6, 5.16.2)."""
    if profile.purpose is not Purpose.TX:
        raise _refused("remote_start_profile", "a remote start takes a TxProfile only (K05.FR.02)")
    check_shape(profile, ocpp16=ocpp16)


def check_shape(profile: Profile, *, ocpp16: bool) -> None:
    """Refuse schedules that contradict their kind, or are not in order."""
    for code, text in _kind_troubles(profile, ocpp16=ocpp16):
        raise _refused(code, text)
    for schedule in profile.schedules:
        for code, text in _schedule_troubles(schedule, profile):
            raise _refused(code, text)


def check_floor(profile: Profile, floor: Floor) -> None:
    """Refuse limits below the floor (`below_floor`), and setpoints and modes that stop charging as well (2.1)."""
    for schedule in profile.schedules:
        least = floor.of(schedule.unit)
        for period in schedule.periods:
            amounts = (period.limit, period.limit_l2, period.limit_l3, period.setpoint)
            if period.mode == "Idle" or any(amount is not None and amount < least for amount in amounts):
                raise below_floor(least, schedule.unit)


def check_ends(profile: Profile, floor: Floor, now: datetime) -> None:
    """Refuse (`stop_without_end`) what stops charging and does not end by itself within a week.

    A station keeps its profiles when its CSMS is gone. A TxProfile ends with its transaction.
    """
    if profile.purpose is Purpose.TX or not _stops(profile, floor):
        return
    if profile.valid_to is not None or profile.kind is ProfileKind.RECURRING:
        check_end_of_stop(profile.valid_to, now)
        return
    for schedule in profile.schedules:
        check_end_of_stop(_end(schedule), now)


def check_end_of_stop(end: datetime | None, now: datetime) -> None:
    """Refuse (`stop_without_end`) an end that is none, or too far."""
    if end is None or end > now + MAX_STOP:
        text = "what stops charging ends by itself, a week from now at most: give an end (until, validTo or duration)"
        raise InputError(text, code="stop_without_end", subject="until")


def _stops(profile: Profile, floor: Floor) -> bool:
    try:
        check_floor(profile, floor)
    except InputError:
        return True
    return False


def _end(schedule: Schedule) -> datetime | None:
    if schedule.start is None or schedule.duration_s is None:
        return None
    return schedule.start + timedelta(seconds=schedule.duration_s)


def check_agreed(agreed: Composite, after: Composite) -> None:
    """Refuse (`agreed_limit`) where at some time more would be allowed than was agreed on; both are of one window."""
    moments = sorted({period.start_s for period in (*agreed.periods, *after.periods)})
    for moment in moments:
        most, becomes = _at(agreed, moment), _at(after, moment)
        if most is not None and (becomes is None or becomes > most):
            text = f"two people agreed on at most {most:f} {agreed.unit.value} here; ask for another limit, or wait"
            raise InputError(text, code="agreed_limit", subject="limit")


def _at(composite: Composite, moment: int) -> Decimal | None:
    found = [period.limit for period in composite.periods if period.start_s <= moment]
    return found[-1] if found else None


def below_floor(least: Decimal, unit: RateUnit) -> InputError:
    """Return the refusal of a limit below the floor."""
    text = f"a limit below {least:f} {unit.value} stops charging; that takes the scope {BELOW_FLOOR} and saying so"
    return InputError(text, code="below_floor", subject="limit")


def check_conflicts(profile: Profile, evse_id: int, installed: Iterable[Installed]) -> None:
    """Refuse a second profile for a place, purpose, level and time (K01.FR.06, 39, 52, 53); the same id replaces.

    Of TxDefaultProfiles, one at the station (0) and one at an EVSE are in each other's way too.
    """
    for other in installed:
        if other.profile.id == profile.id or other.profile.purpose is not profile.purpose:
            continue
        if other.profile.stack_level != profile.stack_level or not _overlap(profile, other.profile):
            continue
        both_tx = profile.purpose is Purpose.TX
        if both_tx and other.profile.transaction_id != profile.transaction_id:
            continue
        everywhere = profile.purpose is Purpose.TX_DEFAULT and 0 in {evse_id, other.evse_id}
        if both_tx or everywhere or other.evse_id == evse_id:
            text = f"profile {other.profile.id} has that purpose and stack level; clear it, use its id or another level"
            raise InputError(text, code="duplicate_profile", subject="stack_level")


def _overlap(one: Profile, other: Profile) -> bool:
    if one.valid_to is not None and other.valid_from is not None and other.valid_from >= one.valid_to:
        return False
    return not (other.valid_to is not None and one.valid_from is not None and one.valid_from >= other.valid_to)


def _purpose_troubles(profile: Profile, evse_id: int, *, ocpp16: bool) -> Iterator[tuple[str, str]]:
    match profile.purpose:
        case Purpose.TX if evse_id == 0:
            yield "tx_profile_needs_evse", "a TxProfile is for one EVSE, not the station (K01.FR.16)"
        case Purpose.TX if profile.transaction_id is None and not ocpp16:
            yield "tx_profile_needs_transaction", "a TxProfile names its transaction (K01.FR.03)"
        case Purpose.STATION_MAX if evse_id:
            yield "max_profile_is_the_stations", "a ChargingStationMaxProfile is for EVSE 0 (K 3.2)"
        case Purpose.STATION_MAX if profile.kind is ProfileKind.RELATIVE:
            yield "max_profile_relative", "a ChargingStationMaxProfile is not Relative (K01.FR.38)"
        case Purpose.EXTERNAL | Purpose.LOCAL_GENERATION:
            yield "purpose_not_ours", f"{profile.purpose.value} is set by others than a CSMS (K01.FR.22)"
        case Purpose.PRIORITY if any(schedule.duration_s is not None for schedule in profile.schedules):
            yield "priority_has_duration", "a PriorityCharging profile has no duration (K01.FR.70)"
        case _:
            pass


def _kind_troubles(profile: Profile, *, ocpp16: bool) -> Iterator[tuple[str, str]]:
    starts = [schedule.start for schedule in profile.schedules]
    match profile.kind:
        case ProfileKind.ABSOLUTE | ProfileKind.RECURRING if None in starts and not ocpp16:
            yield "start_missing", f"{profile.kind.value} schedules have a startSchedule (K01.FR.40)"
        case ProfileKind.RELATIVE if any(start is not None for start in starts):
            yield "start_in_relative", "a Relative schedule has no startSchedule (K01.FR.41)"
        case ProfileKind.DYNAMIC if len(profile.schedules) > 1 or len(profile.schedules[0].periods) > 1:
            yield "dynamic_has_one_period", "a Dynamic profile has one schedule of one period (K28.FR.01)"
        case _:
            pass
    if (profile.kind is ProfileKind.RECURRING) != (profile.recurrency is not None):
        yield "recurrency", "recurrencyKind is for Recurring profiles, which need it"
    if profile.update_interval_s is not None and profile.kind is not ProfileKind.DYNAMIC:
        yield "update_interval", "dynUpdateInterval is for Dynamic profiles (K28.FR.04)"
    if profile.stack_level < 0:
        yield "stack_level", "stack levels begin at 0"


def _schedule_troubles(schedule: Schedule, profile: Profile) -> Iterator[tuple[str, str]]:
    starts = [period.start_s for period in schedule.periods]
    if not starts or starts[0] != 0:
        yield "first_period", "the first period begins at 0 (K01.FR.31)"
    if any(later <= earlier for earlier, later in pairwise(starts)):
        yield "period_order", "periods are in the order of their beginnings (K01.FR.35)"
    if schedule.duration_s is not None and schedule.duration_s <= 0:
        yield "duration", "a schedule lasts at least a second"
    if schedule.random_delay_s and profile.purpose not in {Purpose.TX, Purpose.TX_DEFAULT}:
        yield "random_delay", "only transactions' profiles may have a randomizedDelay (K01.FR.95)"
    for period in schedule.periods:
        yield from _period_troubles(period, profile)


def _period_troubles(period: Period, profile: Profile) -> Iterator[tuple[str, str]]:
    if any(amount is not None and amount < 0 for amount in (period.limit, period.limit_l2, period.limit_l3)):
        yield "negative_limit", "limits are not negative; discharging has a dischargeLimit (2.1)"
    if period.phase is not None and period.phases != 1:
        yield "phase_to_use", "phaseToUse goes with numberPhases 1 (K01.FR.19)"
    if period.phases is not None and not 1 <= period.phases <= 3:
        yield "number_phases", "numberPhases is 1 to 3"
    if profile.purpose in {Purpose.PRIORITY, Purpose.STATION_MAX} and period.mode not in {None, "ChargingOnly"}:
        yield "purpose_charges_only", f"a {profile.purpose.value} charges only (K 3.2, K01.FR.71)"
    if period.mode == "LocalFrequency":
        yield from _frequency_troubles(period)


def _frequency_troubles(period: Period) -> Iterator[tuple[str, str]]:
    """Q08.FR.01 and 02: power follows the grid's frequency along a curve, and nothing else."""
    fixed = (period.limit, period.discharge_limit, period.setpoint, period.more.get("setpointReactive"))
    curve = period.more.get("v2xFreqWattCurve")
    points = len(curve) if isinstance(curve, list | tuple) else 0
    if any(amount is not None for amount in fixed) or points < 2 or "v2xBaseline" not in period.more:
        yield "frequency_curve", "LocalFrequency takes v2xBaseline and a curve of two points or more, and no limits"


def _refused(code: str, text: str) -> InputError:
    return InputError(text, code=code, subject="chargingProfile")
