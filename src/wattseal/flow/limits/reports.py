"""What stations say is installed (2.x K09), put together from its parts and held against what was sent to them.

The station is right about itself: what it says is kept from then on. That the two differed is kept as a finding,
with an alarm, for somebody may have changed its limits behind our back.
"""

from dataclasses import dataclass, replace
from typing import Any

from wattseal.flow.documents import put, read, removal
from wattseal.flow.limits.store import CSO, MAX_KEPT, KeptProfile, profiles_of, put_profile, raise_alarm
from wattseal.flow.limits.store import changed as keep_changed
from wattseal.flow.memory import Memory
from wattseal.flow.orders import Answered, Asking
from wattseal.flow.step import Step
from wattseal.flow.turn import Turn
from wattseal.flow.world import World
from wattseal.model.charging import Profile, ProfileKind, Purpose
from wattseal.model.charging_facts import ProfilesReported
from wattseal.model.charging_orders import GetProfiles
from wattseal.model.message import Replied

REPORT, DRIFT = "profile_report", "profile_drift"
MAX_REPORTED = 500
"""Profiles taken of one report; further ones are counted only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which profiles were asked for; None and () restrict nothing."""

    evse_id: int | None = None
    purpose: Purpose | None = None
    stack_level: int | None = None
    profile_ids: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()

    def meant(self, kept: KeptProfile) -> bool:
        """Return whether a profile that is installed would be told."""
        profile = kept.profile
        return (
            self.evse_id in {None, kept.evse_id}
            and self.purpose in {None, profile.purpose}
            and self.stack_level in {None, profile.stack_level}
            and (not self.profile_ids or profile.id in self.profile_ids)
            and (not self.sources or kept.source in self.sources)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Document: a question, and the parts of its answer so far; gone once it is complete.

    `question` is None where nobody here asked.
    """

    station_id: str
    request_id: int
    question: Question | None = None
    told: tuple[KeptProfile, ...] = ()
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Drift:
    """Document: how a station's profiles last differed from what was kept, by profile id."""

    station_id: str
    at_ms: int
    missing: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()


async def remember(asking: Asking, command: GetProfiles) -> None:
    """Keep a question before it is sent."""
    world = asking.world
    step = Step(world, asking.memory.station.id, world.now_ms())
    question = Question(
        evse_id=command.evse_id,
        purpose=command.purpose,
        stack_level=command.stack_level,
        profile_ids=command.profile_ids,
        sources=command.sources,
    )
    _keep(step, Report(station_id=step.station_id, request_id=command.request_id, question=question))
    await step.commit()


async def nothing_there(answered: Answered, request_id: int) -> None:
    """Hold "no profiles" against what was kept."""
    report = await _find(answered.world, answered.memory, request_id)
    await _reconcile(answered.step, answered.memory, replace(report, complete=True))


async def part(turn: Turn, fact: ProfilesReported) -> Replied:
    """Take one part of an answer; with the last one it is complete. What nobody asked for is taken part by part."""
    report = await _find(turn.world, turn.memory, fact.request_id)
    asked = report.question is not None
    step = turn.step()
    told = tuple(
        KeptProfile(
            station_id=turn.station.id,
            evse_id=fact.evse_id,
            profile=profile,
            since_ms=turn.now_ms,
            source=fact.source,
        )
        for profile in fact.profiles
    )
    room = MAX_REPORTED - len(report.told)
    if len(told) > room:
        turn.world.count("profile_report_too_long")
    complete = not fact.more_follows or not asked
    report = replace(report, told=(*report.told, *told[:room]), complete=complete)
    if report.complete:
        await _reconcile(step, turn.memory, report)
    else:
        _keep(step, report)
    await step.commit()
    return Replied({})


async def _reconcile(step: Step, memory: Memory, report: Report) -> None:
    known = {kept.profile.id: kept for kept in await profiles_of(step.world, memory)}
    told = {kept.profile.id: kept for kept in report.told}
    question = report.question
    missing = [] if question is None else [k for k, kept in known.items() if k not in told and question.meant(kept)]
    unknown = [k for k, kept in told.items() if k not in known and kept.source == CSO]
    changed = [k for k, kept in told.items() if k in known and _differs(known[k], kept)]
    for number in missing:
        step.puts.append(put_profile(known[number], step.now_ms, active=False))
    room = MAX_KEPT - len(known)
    for number, kept in told.items():
        before = known.get(number)
        room -= before is None
        if room < 0:
            step.world.count("profile_report_too_long")
        elif before is None or number in changed:
            by = "" if before is None else before.asked_by
            step.puts.append(put_profile(replace(kept, asked_by=by), step.now_ms))
    if missing or unknown or changed:
        drift = Drift(step.station_id, step.now_ms, tuple(missing), tuple(unknown), tuple(changed))
        step.puts.append(put(DRIFT, step.station_id.casefold(), drift, step.now_ms, station_id=step.station_id))
        detail = f"missing {missing}, unknown {unknown}, changed {changed}"[:200]
        raise_alarm(step, "profiles_differ", field="profiles", detail=detail)
        keep_changed(step.world, step.station_id)
    if question is not None:
        _keep(step, report)


def _differs(ours: KeptProfile, theirs: KeptProfile) -> bool:
    """Whether a station's profile is another one than was sent; what it fills in by itself makes no difference."""
    if ours.evse_id != theirs.evse_id:
        return True
    return bool(_essence(ours.profile) != _essence(theirs.profile))


def _essence(profile: Profile) -> Any:
    """Return what limits charging, with figures compared by value."""
    dynamic = profile.kind is ProfileKind.DYNAMIC
    schedules = tuple(
        (schedule.unit, schedule.duration_s, None if dynamic else schedule.start, schedule.periods)
        for schedule in profile.schedules
    )
    return profile.purpose, profile.stack_level, profile.kind, profile.recurrency, profile.valid_to, schedules


def _keep(step: Step, report: Report) -> None:
    key = f"{step.station_id.casefold()}/{report.request_id:020d}"
    if report.complete:
        step.puts.append(removal(REPORT, key, step.now_ms))
    else:
        step.puts.append(put(REPORT, key, report, step.now_ms, station_id=step.station_id))


async def _find(world: World, memory: Memory, request_id: int) -> Report:
    key = f"{memory.station.id.casefold()}/{request_id:020d}"
    document = await world.journal.document(world.tenant, REPORT, key)
    if document is None:
        return Report(station_id=memory.station.id, request_id=request_id)
    return read(document, Report)
