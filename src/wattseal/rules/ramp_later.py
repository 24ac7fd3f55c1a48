"""A charging profile whose later steps come later than asked for; what it does now stays."""

from dataclasses import replace
from datetime import datetime, timedelta

from wattseal.model.charging import Profile, ProfileKind, Schedule


def shifted(profile: Profile, now: datetime, later_s: int) -> Profile:
    """Return a profile with all its steps after `now` later by whole seconds.

    One that has begun keeps its beginning: the period that applies now, and the whole schedule, last longer by as much.
    """
    by = timedelta(seconds=later_s)
    schedules = tuple(_schedule(profile, schedule, now, later_s) for schedule in profile.schedules)
    begins = profile.valid_from is not None and profile.valid_from > now
    return replace(
        profile,
        schedules=schedules,
        valid_from=profile.valid_from + by if begins and profile.valid_from is not None else profile.valid_from,
        valid_to=None if profile.valid_to is None else profile.valid_to + by,
    )


def _schedule(profile: Profile, schedule: Schedule, now: datetime, later_s: int) -> Schedule:
    start = schedule.start
    if start is None:
        return schedule
    if start > now or profile.kind is ProfileKind.RECURRING:
        return replace(schedule, start=start + timedelta(seconds=later_s))
    begun_s = (now - start) / timedelta(seconds=1)
    periods = tuple(
        replace(period, start_s=period.start_s + later_s) if period.start_s > begun_s else period
        for period in schedule.periods
    )
    duration_s = None if schedule.duration_s is None else schedule.duration_s + later_s
    return replace(schedule, periods=periods, duration_s=duration_s)
