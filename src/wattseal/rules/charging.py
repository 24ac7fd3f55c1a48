"""The limits that result from charging profiles (2.1 part 2, K 3.5 and 3.6, SC.01, K08).

For each purpose the profile of the highest stack level that has a period at that time leads (K01.FR.17). TxProfile
goes before TxDefaultProfile, and PriorityCharging, while it is on, before both. The lowest of that, of
ChargingStationMaxProfile and of ChargingStationExternalConstraints is the limit; LocalGeneration is added to it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from wattseal.base.errors import InputError, LimitError
from wattseal.model.charging import Composite, Period, Profile, Purpose, RateUnit
from wattseal.rules.charging_rates import Electrics, convert, limit_of
from wattseal.rules.charging_spans import MAX_SPANS, MAX_WINDOW_S, Anchors, Span, Window, seconds, spans

NO_ELECTRICS = Electrics()
_CAPS = (Purpose.STATION_MAX, Purpose.EXTERNAL)


@dataclass(frozen=True, slots=True)
class Installed:
    """A profile at an EVSE (0: the station, so every EVSE), since when."""

    evse_id: int
    profile: Profile
    since: datetime


@dataclass(frozen=True, slots=True)
class Charging:
    """A running transaction: TxProfiles of that id belong to it, relative schedules begin with it."""

    transaction_id: str
    began: datetime
    priority: bool = False


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What profiles are applied to: running transactions by EVSE, all EVSEs of the station, its grid and its zone."""

    charging: Mapping[int, Charging] = field(default_factory=dict)
    evse_ids: tuple[int, ...] = ()
    electrics: Electrics = NO_ELECTRICS
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class _Lane:
    """One profile's spans; `rank` says which of two of the same purpose leads."""

    purpose: Purpose
    rank: tuple[int, bool, int]
    unit: RateUnit
    spans: tuple[Span, ...]
    starts: tuple[int, ...]

    def at(self, moment: int) -> Period | None:
        place = bisect_right(self.starts, moment) - 1
        if place < 0 or self.spans[place].end <= moment:
            return None
        return self.spans[place].period


@dataclass(frozen=True, slots=True)
class _Lead:
    unit: RateUnit
    period: Period


def composite(
    installed: Iterable[Installed], evse_id: int, window: Window, unit: RateUnit, where: Circumstances
) -> Composite:
    """Return the limits of an EVSE, or of the station (0), over a window; a period without limit has none.

    An EVSE without a transaction is taken as if one began at the window's start (K08.FR.06). The station's limit is
    that of its own profiles and, where all its EVSEs have one, at most the sum of theirs. `LimitError` where the window
    or the number of periods is too large.
    """
    if not 0 < window.duration_s <= MAX_WINDOW_S:
        raise LimitError(f"a schedule is computed for 1 to {MAX_WINDOW_S} seconds", subject="duration_s")
    profiles = tuple(installed)
    if evse_id:
        steps = _limits(_lanes(profiles, evse_id, window, where), window, unit, where)
    else:
        steps = _station(profiles, window, unit, where)
    start = datetime.fromtimestamp(window.start, UTC)
    periods = tuple(replace(period, start_s=at - window.start) for at, period in steps)
    return Composite(evse_id=evse_id, start=start, duration_s=window.duration_s, unit=unit, periods=periods)


def _station(
    profiles: Sequence[Installed], window: Window, unit: RateUnit, where: Circumstances
) -> list[tuple[int, Period]]:
    own = [i for i in profiles if i.profile.purpose in {*_CAPS, Purpose.LOCAL_GENERATION} and i.evse_id == 0]
    caps = _limits(_lanes(own, 0, window, where), window, unit, where)
    others = [i for i in profiles if i.evse_id or i.profile.purpose not in {*_CAPS, Purpose.LOCAL_GENERATION}]
    parts = [_limits(_lanes(others, e, window, where), window, unit, where) for e in where.evse_ids]
    if not parts:
        return caps
    merged: list[tuple[int, Period]] = []
    for at in sorted({at for steps in (caps, *parts) for at, _ in steps}):
        cap = _value(caps, at)
        limits = [_value(part, at).limit for part in parts]
        known = [limit for limit in limits if limit is not None]
        total = sum(known, Decimal(0)) if len(known) == len(limits) else None
        lowest = [limit for limit in (cap.limit, total) if limit is not None]
        _append(merged, at, replace(cap, limit=min(lowest, default=None)))
    return merged


def _value(steps: Sequence[tuple[int, Period]], at: int) -> Period:
    return steps[bisect_right(steps, at, key=lambda step: step[0]) - 1][1]


def _lanes(profiles: Sequence[Installed], evse_id: int, window: Window, where: Circumstances) -> list[_Lane]:
    running = where.charging.get(evse_id)
    lanes = []
    for one in profiles:
        profile = one.profile
        if one.evse_id not in {0, evse_id} or not _meant(profile, running):
            continue
        schedule = profile.schedules[0]
        began = window.start if running is None else seconds(running.began)
        found = spans(profile, schedule, window, Anchors(began, seconds(one.since), where.zone))
        rank = (profile.stack_level, one.evse_id != 0, profile.id)
        lanes.append(_Lane(profile.purpose, rank, schedule.unit, found, tuple(span.start for span in found)))
    if sum(len(lane.spans) for lane in lanes) > MAX_SPANS:
        raise LimitError(f"at most {MAX_SPANS} periods at once; ask for less time", subject="duration_s")
    return sorted(lanes, key=lambda lane: lane.rank, reverse=True)


def _meant(profile: Profile, running: Charging | None) -> bool:
    """Whether a profile concerns the EVSE's transaction."""
    if profile.purpose is Purpose.TX:
        return running is not None and profile.transaction_id in {None, running.transaction_id}
    if profile.purpose is Purpose.PRIORITY:
        return running is not None and running.priority
    return True


def _limits(lanes: Sequence[_Lane], window: Window, unit: RateUnit, where: Circumstances) -> list[tuple[int, Period]]:
    """Return the resulting periods, each with the second from which it applies."""
    moments = {window.start}
    for lane in lanes:
        for span in lane.spans:
            moments |= {span.start, span.end}
    steps: list[tuple[int, Period]] = []
    for moment in sorted(moments):
        if moment >= window.end:
            break
        leads: dict[Purpose, _Lead] = {}
        for lane in lanes:
            if lane.purpose not in leads and (period := lane.at(moment)) is not None:
                leads[lane.purpose] = _Lead(lane.unit, period)
        _append(steps, moment, _combined(leads, unit, where.electrics))
    return steps


def _append(steps: list[tuple[int, Period]], at: int, period: Period) -> None:
    if not steps or steps[-1][1] != period:
        steps.append((at, period))


def _combined(leads: Mapping[Purpose, _Lead], unit: RateUnit, electrics: Electrics) -> Period:
    own = leads.get(Purpose.PRIORITY) or leads.get(Purpose.TX) or leads.get(Purpose.TX_DEFAULT)
    caps = [lead for lead in (own, *(leads.get(purpose) for purpose in _CAPS)) if lead is not None]
    stated = [lead.period.phases for lead in caps if lead.period.phases]
    phases = min(stated, default=None)
    counted = min((lead.period.phases or electrics.phases for lead in caps), default=electrics.phases)

    def same(amount: Decimal, lead: _Lead) -> Decimal:
        return convert(amount, lead.unit, unit, electrics, counted)

    limits = [same(amount, lead) for lead in caps if (amount := limit_of(lead.period, lead.unit)) is not None]
    limit = min(limits, default=None)
    generated = leads.get(Purpose.LOCAL_GENERATION)
    if limit is not None and generated is not None:
        limit += same(limit_of(generated.period, generated.unit) or Decimal(0), generated)
    back = [same(d, lead) for lead in caps if (d := lead.period.discharge_limit) is not None]
    discharge = max(back, default=None)
    wanted = [same(s, lead) for lead in caps if (s := lead.period.setpoint) is not None]
    phase = {lead.period.phase for lead in caps if lead.period.phase is not None}
    return Period(
        start_s=0,
        limit=limit,
        phases=phases,
        phase=phase.pop() if len(phase) == 1 else None,
        discharge_limit=discharge,
        setpoint=_setpoint(wanted, limit, discharge),
        mode=None if own is None else own.period.mode,
    )


def _setpoint(wanted: Sequence[Decimal], limit: Decimal | None, discharge: Decimal | None) -> Decimal | None:
    """Return the setpoint that moves the least energy, within the limits (SC.04, K08.FR.08)."""
    if not wanted:
        return None
    if min(wanted) < 0 < max(wanted):
        return Decimal(0)
    setpoint = min(wanted, key=abs)
    if setpoint > 0:
        return setpoint if limit is None else min(setpoint, limit)
    return setpoint if discharge is None else max(setpoint, discharge)


def window_of(start: datetime, duration_s: int) -> Window:
    """Return a window; one that is empty or too long is an `InputError`."""
    if not 0 < duration_s <= MAX_WINDOW_S:
        raise InputError(f"a schedule lasts 1 to {MAX_WINDOW_S} seconds", subject="duration_s")
    return Window(seconds(start), duration_s)
