"""What a station charges with once a limit has ended and nobody has said what comes next: a profile beneath the limit.

Of profiles of one purpose at one place that of the highest stack level leads while it applies (2.1 part 2, K01.FR.17;
1.6 section 3.13.3). So a profile of level 0 that never ends is what is left when one above it does: at a station that
nobody reaches any more, too.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from wattseal.model.charging import Period, Profile, ProfileKind, Purpose, RateUnit, Schedule
from wattseal.rules.charging_needs import NEEDS_PROFILE_ID
from wattseal.rules.charging_policy import START_PROFILE_ID

FALLBACK_PROFILE_ID = 4_000_000
"""Fallbacks have ids from here on: 3 an EVSE, one a purpose."""
LEVEL = 0
"""Their stack level; what ends is above it."""
_PLACE = {Purpose.STATION_MAX: 0, Purpose.TX_DEFAULT: 1, Purpose.TX: 2}
_LAST = FALLBACK_PROFILE_ID + 3 * 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a limit is: an EVSE (0: the station), a purpose, and the transaction that a TxProfile is for."""

    evse_id: int
    purpose: Purpose
    transaction_id: str | None = None

    @property
    def profile_id(self) -> int:
        """Return the id of the fallback there."""
        return FALLBACK_PROFILE_ID + 3 * self.evse_id + _PLACE[self.purpose]


def place_of(evse_id: int, profile: Profile) -> Place | None:
    """Return where a profile is, None where it is of a purpose that has no fallback."""
    if profile.purpose not in _PLACE or not 0 <= evse_id < 10_000:
        return None
    return Place(evse_id, profile.purpose, profile.transaction_id if profile.purpose is Purpose.TX else None)


def is_fallback(profile_id: int) -> bool:
    """Return whether a profile of that id is a fallback."""
    return FALLBACK_PROFILE_ID <= profile_id < _LAST


def is_plan(profile_id: int) -> bool:
    """Return whether a profile of that id is the plan made for a car: under all limits, and none itself."""
    return NEEDS_PROFILE_ID <= profile_id < START_PROFILE_ID


def begins(profile: Profile) -> datetime | None:
    """Return when a limit begins to apply, None where it does from its installation on."""
    starts = [profile.valid_from]
    if profile.kind is ProfileKind.ABSOLUTE and profile.schedules[0].start is not None:
        starts.append(profile.schedules[0].start)
    return max((one for one in starts if one is not None), default=None)


def ends(profile: Profile) -> datetime | None:
    """Return when a limit ends by itself, None where it does not, or only with its transaction."""
    schedule = profile.schedules[0]
    found = [profile.valid_to]
    if profile.kind is ProfileKind.ABSOLUTE and schedule.start is not None and schedule.duration_s is not None:
        found.append(schedule.start + timedelta(seconds=schedule.duration_s))
    return min((one for one in found if one is not None), default=None)


def amount(wanted_a: Decimal, evses: int, floor_a: Decimal, agreed_a: Decimal | None) -> Decimal:
    """Return a fallback in amperes of each phase, for so many EVSEs: at most what was agreed on, at least the floor."""
    total = wanted_a * max(1, evses)
    capped = total if agreed_a is None else min(total, agreed_a)
    return max(capped, floor_a)


def fallback_profile(place: Place, limit: Decimal, unit: RateUnit, start: datetime) -> Profile:
    """Return the profile; it never ends, but for one of a transaction, which ends with that."""
    return Profile(
        id=place.profile_id,
        stack_level=LEVEL,
        purpose=place.purpose,
        kind=ProfileKind.ABSOLUTE,
        schedules=(Schedule(unit=unit, periods=(Period(start_s=0, limit=limit),), start=start),),
        transaction_id=place.transaction_id,
    )
