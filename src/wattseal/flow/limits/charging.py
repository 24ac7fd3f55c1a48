"""Charging limits sent to stations: what may be sent, and what an answered command changes here."""

from dataclasses import replace
from decimal import Decimal

from wattseal.base.errors import InputError, LimitError
from wattseal.flow.documents import put
from wattseal.flow.limits import reports as charging_reports
from wattseal.flow.limits.after import AMOUNTS, updated
from wattseal.flow.limits.agreed import keep_agreed, keep_fallbacks
from wattseal.flow.limits.store import (
    CSO,
    KeptProfile,
    changed,
    circumstances,
    in_force,
    keep_priority,
    matches,
    profiles_of,
    put_profile,
    raise_alarm,
    running_at,
    sweep,
)
from wattseal.flow.limits.views import COMPARISON, Comparison
from wattseal.flow.orders import Answered, Asking, Checks, Effects
from wattseal.model.charging import Composite, Profile, ProfileKind, Purpose
from wattseal.model.charging_orders import (
    ChargingReply,
    ClearProfiles,
    CompositeReply,
    GetComposite,
    GetProfiles,
    SetProfile,
    UpdateDynamic,
)
from wattseal.model.message import Asked, Replied
from wattseal.model.remote import StartRequested, StartResponded
from wattseal.rules.charging import composite, window_of
from wattseal.rules.charging_checks import (
    BELOW_FLOOR,
    MAX_STATION_PROFILES,
    check_conflicts,
    check_ends,
    check_floor,
    check_profile,
    check_start_profile,
)
from wattseal.rules.charging_differs import Difference, differences
from wattseal.wire.ocpp.profiles import MAX_LIMIT, lift_profile
from wattseal.wire.ocpp.version import Version

ACCEPTED = "Accepted"


async def _check_set(asking: Asking, command: SetProfile) -> None:
    """Refuse what K01 forbids a CSMS, and limits below the floor for those who may not stop charging.

    In 1.6 a profile of the same purpose and level is replaced (5.16), in 2.x it is in the way (K01.FR.06).
    """
    ocpp16 = asking.version is Version.V16
    check_profile(command.profile, command.evse_id, ocpp16=ocpp16)
    known = await profiles_of(asking.world, asking.memory)
    keep_fallbacks(asking, command.profile.id, (k for k in known if ocpp16 and _takes_place(k, command)))
    if not asking.principal.may(BELOW_FLOOR):
        check_floor(command.profile, asking.world.settings.charging.floor)
    check_ends(command.profile, asking.world.settings.charging.floor, asking.world.clock.now())
    await keep_agreed(asking, command)
    if not ocpp16:
        check_conflicts(command.profile, command.evse_id, [kept.installed() for kept in known if kept.source == CSO])
    if len(known) >= MAX_STATION_PROFILES and all(kept.profile.id != command.profile.id for kept in known):
        text = f"a station has at most {MAX_STATION_PROFILES} profiles; clear some"
        raise InputError(text, code="too_many_profiles", subject="chargingProfile")


async def _check_clear(asking: Asking, command: ClearProfiles) -> None:
    """K10.FR.02 and 06: say which, and none that somebody else set."""
    which = (command.profile_id, command.evse_id, command.purpose, command.stack_level)
    if asking.version is not Version.V16 and all(one is None for one in which):
        raise InputError(
            "say which profiles: an id, or EVSE, purpose or stack level", subject="chargingProfileCriteria"
        )
    if command.purpose in {Purpose.EXTERNAL, Purpose.LOCAL_GENERATION}:
        raise InputError("profiles of that purpose are not a CSMS's to clear", subject="chargingProfilePurpose")
    known = await profiles_of(asking.world, asking.memory)
    keep_fallbacks(asking, command.profile_id, (kept for kept in known if matches(command, kept)))
    await keep_agreed(asking, command)


async def _set(answered: Answered, command: SetProfile, answer: ChargingReply) -> None:
    if answer.status != ACCEPTED:
        return
    profile, step = command.profile, answered.step
    await sweep(step, answered.memory)
    known = await profiles_of(answered.world, answered.memory)
    if answered.version is Version.V16:
        profile = _bound(answered, command)
        for kept in known:
            if kept.profile.id != profile.id and _takes_place(kept, command):
                step.puts.append(put_profile(kept, step.now_ms, active=False))
    keep = KeptProfile(
        station_id=answered.station_id,
        evse_id=command.evse_id,
        profile=profile,
        since_ms=step.now_ms,
        asked_by=answered.asked_by,
    )
    step.puts.append(put_profile(keep, step.now_ms))
    changed(answered.world, answered.station_id)


def _takes_place(kept: KeptProfile, command: SetProfile) -> bool:
    return kept.evse_id == command.evse_id and _same_place(kept.profile, command.profile)


def _same_place(one: Profile, other: Profile) -> bool:
    return (one.purpose, one.stack_level) == (other.purpose, other.stack_level)


def _bound(answered: Answered, command: SetProfile) -> Profile:
    """Return a 1.6 profile with the transaction it is for: the connector's, where it names none (5.16.3)."""
    running = running_at(answered.memory, command.evse_id)
    if command.profile.purpose is not Purpose.TX or command.profile.transaction_id or running is None:
        return command.profile
    return replace(command.profile, transaction_id=running[0])


async def _clear(answered: Answered, command: ClearProfiles, answer: ChargingReply) -> None:
    """Keep as cleared what matches: also where the station says Unknown, for then it has none of it."""
    del answer
    for kept in await profiles_of(answered.world, answered.memory):
        if kept.source == CSO and matches(command, kept):
            answered.step.puts.append(put_profile(kept, answered.step.now_ms, active=False))
    changed(answered.world, answered.station_id)


async def _check_get(asking: Asking, command: GetProfiles) -> None:
    """K09.FR.03: say which, by id or by criteria; remember the question before parts of the answer arrive."""
    criteria = (command.purpose, command.stack_level, command.sources or None)
    by_criteria = any(one is not None for one in criteria)
    if by_criteria == bool(command.profile_ids):
        text = "ask for profile ids, or for a purpose, stack level or source"
        raise InputError(text, code="bad_criteria", subject="chargingProfile")
    await charging_reports.remember(asking, command)


async def _get(answered: Answered, command: GetProfiles, answer: ChargingReply) -> None:
    if answer.status == "NoProfiles":
        await charging_reports.nothing_there(answered, command.request_id)


async def _check_composite(asking: Asking, command: GetComposite) -> None:
    window_of(asking.world.clock.now(), command.duration_s)


async def _composite(answered: Answered, command: GetComposite, answer: CompositeReply) -> None:
    """Compare the station's schedule with ours, keep both, and raise an alarm where it allows more."""
    told = answer.composite
    if answer.status != ACCEPTED or told is None:
        return
    try:
        ours, found = await compare(answered, command, told)
    except LimitError:
        answered.world.count("schedule_not_comparable")
        return
    step = answered.step
    if any(difference.above for difference in found):
        worst = next(difference for difference in found if difference.above)
        told_limit = "none" if worst.theirs is None else f"{worst.theirs:f}"
        detail = f"{told_limit} {ours.unit.value} at EVSE {command.evse_id}, {worst.ours:f} by its profiles"
        raise_alarm(step, "schedule_differs", field="schedule", detail=detail)
    kept = Comparison(answered.station_id, command.evse_id, step.now_ms, ours, told, found)
    key = f"{answered.station_id.casefold()}/{command.evse_id:04d}"
    step.puts.append(put(COMPARISON, key, kept, step.now_ms, station_id=answered.station_id))


async def compare(
    answered: Answered, command: GetComposite, told: Composite
) -> tuple[Composite, tuple[Difference, ...]]:
    """Return our schedule for the time the station tells, and where the two differ."""
    world, memory = answered.world, answered.memory
    where = await circumstances(world, memory)
    lasts_s = min(told.duration_s, command.duration_s) if told.duration_s > 0 else command.duration_s
    window = window_of(told.start, lasts_s)
    ours = composite(await in_force(world, memory), command.evse_id, window, told.unit, where)
    return ours, differences(ours, replace(told, duration_s=window.duration_s), where.electrics)


async def _update(answered: Answered, command: UpdateDynamic, answer: ChargingReply) -> None:
    """Put the values into the dynamic profile (K28.FR.06)."""
    if answer.status != ACCEPTED:
        return
    for kept in await profiles_of(answered.world, answered.memory):
        profile = kept.profile
        if profile.id == command.profile_id and profile.kind is ProfileKind.DYNAMIC:
            changed = replace(kept, profile=updated(profile, command), since_ms=answered.step.now_ms)
            answered.step.puts.append(put_profile(changed, answered.step.now_ms))


async def _check_update(asking: Asking, command: UpdateDynamic) -> None:
    """Hold a new limit to the floor, as if it came in a profile."""
    keep_fallbacks(asking, command.profile_id, ())
    for kept in await profiles_of(asking.world, asking.memory):
        if kept.profile.id == command.profile_id and kept.profile.kind is ProfileKind.DYNAMIC:
            if any(abs(Decimal(str(command.values.get(name, 0)))) > MAX_LIMIT for name in AMOUNTS):
                raise InputError("limits are numbers of at most 12 digits", subject="scheduleUpdate")
            changed = updated(kept.profile, command)
            check_profile(changed, kept.evse_id, ocpp16=False)
            if not asking.principal.may(BELOW_FLOOR):
                check_floor(changed, asking.world.settings.charging.floor)
            check_ends(changed, asking.world.settings.charging.floor, asking.world.clock.now())
    await keep_agreed(asking, command)


async def _priority(answered: Answered, command: Asked, answer: Replied) -> None:
    """Keep whether a transaction charges with priority (2.1 K21)."""
    if answer.status == ACCEPTED:
        transaction_id, on = str(command.content["transactionId"]), bool(command.content["activate"])
        await keep_priority(answered.step, answered.memory, transaction_id, on=on)


async def _check_start(asking: Asking, command: StartRequested) -> None:
    """Hold the profile of a remote start to the same rules (K05)."""
    if command.profile is not None:
        profile = lift_profile(command.profile, asking.version, [])
        check_start_profile(profile, ocpp16=asking.version is Version.V16)
        if not asking.principal.may(BELOW_FLOOR):
            check_floor(profile, asking.world.settings.charging.floor)


async def _started(answered: Answered, command: StartRequested, answer: StartResponded) -> None:
    """Keep the profile of a remote start, for the next transaction at its EVSE where the station tells none."""
    if answer.status != ACCEPTED or command.profile is None or command.evse_id is None:
        return
    profile = lift_profile(command.profile, answered.version, [])
    keep = KeptProfile(
        station_id=answered.station_id,
        evse_id=command.evse_id,
        profile=replace(profile, transaction_id=answer.transaction_id or profile.transaction_id),
        since_ms=answered.step.now_ms,
        asked_by=answered.asked_by,
    )
    answered.step.puts.append(put_profile(keep, answered.step.now_ms))
    changed(answered.world, answered.station_id)


CHECKS: Checks = {
    StartRequested: _check_start,
    SetProfile: _check_set,
    ClearProfiles: _check_clear,
    GetComposite: _check_composite,
    GetProfiles: _check_get,
    UpdateDynamic: _check_update,
}
EFFECTS: Effects = {
    StartRequested: _started,
    SetProfile: _set,
    ClearProfiles: _clear,
    GetProfiles: _get,
    GetComposite: _composite,
    UpdateDynamic: _update,
    "UsePriorityCharging": _priority,
}
