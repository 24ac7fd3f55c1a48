"""Changing many stations step by step: a few first, more when that went well, none when it did not.

The stations of a rollout have an order. Its phases are shares of them in percent, ascending to 100. A phase is over
when each of its stations is done or has failed; then the failures so far decide whether the next one begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wattseal.base.errors import InputError

MAX_STATIONS = 10_000
MAX_PHASES = 10
MAX_PARALLEL = 500


class State(StrEnum):
    """What a rollout is: STOPPED by failures, CANCELLED by a person; both can be resumed by nobody."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    DONE = "done"


class MemberState(StrEnum):
    """What a station of a rollout is."""

    PENDING = "pending"
    UNDER_WAY = "under_way"
    DONE = "done"
    FAILED = "failed"


FINISHED = frozenset({MemberState.DONE, MemberState.FAILED})


@dataclass(frozen=True, slots=True)
class Plan:
    """How a rollout goes: phases in percent, the share of failures that stops it, how many stations at once."""

    phases: tuple[int, ...] = (5, 25, 100)
    max_failed_percent: int = 10
    parallel: int = 20


@dataclass(frozen=True, slots=True)
class Next:
    """What to do now: the stations to begin with, whether it goes on, and why not."""

    start: tuple[str, ...] = ()
    state: State = State.RUNNING
    phase: int = 0
    why: str = ""


def check_plan(plan: Plan, stations: Sequence[str]) -> None:
    """Go on only with a plan that can be carried out; otherwise `InputError`."""
    ascending = all(a < b for a, b in zip(plan.phases, plan.phases[1:], strict=False))
    if not (ascending and 1 <= len(plan.phases) <= MAX_PHASES and plan.phases[0] >= 1 and plan.phases[-1] == 100):
        text = f"phases are up to {MAX_PHASES} percentages that ascend to 100, such as [5, 25, 100]"
        raise InputError(text, code="bad_plan", subject="phases")
    if not 0 <= plan.max_failed_percent <= 100:
        raise InputError("a share of failures is 0 to 100 percent", code="bad_plan", subject="max_failed_percent")
    if not 1 <= plan.parallel <= MAX_PARALLEL:
        raise InputError(f"1 to {MAX_PARALLEL} stations at once", code="bad_plan", subject="parallel")
    if not 1 <= len(stations) <= MAX_STATIONS or len({s.casefold() for s in stations}) != len(stations):
        text = f"a rollout has 1 to {MAX_STATIONS} stations, each once"
        raise InputError(text, code="bad_plan", subject="station_ids")


def phase_ends(count: int, phases: Sequence[int]) -> tuple[int, ...]:
    """Return how many stations have their turn by the end of each phase: at least one in the first."""
    return tuple(max(1, -(-count * percent // 100)) for percent in phases)


def decide(plan: Plan, stations: Sequence[str], members: Mapping[str, MemberState]) -> Next:
    """Return what to do; `members` has every station that is not PENDING."""
    ends = phase_ends(len(stations), plan.phases)
    finished = sum(state in FINISHED for state in members.values())
    failed = sum(state is MemberState.FAILED for state in members.values())
    phase = next((i for i, end in enumerate(ends) if finished < end), len(ends))
    if phase and failed * 100 > plan.max_failed_percent * finished and finished >= ends[phase - 1]:
        return Next((), State.STOPPED, phase - 1, f"{failed} of {finished} stations failed")
    if phase == len(ends):
        return Next((), State.DONE, phase - 1)
    if failed * 100 > plan.max_failed_percent * ends[phase]:
        return Next((), State.STOPPED, phase, f"{failed} of {ends[phase]} stations failed")
    under_way = sum(state is MemberState.UNDER_WAY for state in members.values())
    waiting = [station for station in stations[: ends[phase]] if station not in members]
    return Next(tuple(waiting[: max(0, plan.parallel - under_way)]), State.RUNNING, phase)
