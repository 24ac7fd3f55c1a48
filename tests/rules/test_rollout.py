"""A rollout gives every station one turn, a few first, and stops when too many fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattseal.base.errors import InputError
from wattseal.rules.rollout import MemberState, Plan, State, check_plan, decide, phase_ends

HUNDRED = tuple(f"S{n}" for n in range(100))


def carried_out(plan: Plan, stations: tuple[str, ...], failing: set[str]) -> tuple[State, list[str]]:
    """Play a rollout to its end; return how it ended and who had a turn, in order."""
    members: dict[str, MemberState] = {}
    turns: list[str] = []
    for _ in range(10_000):
        now = decide(plan, stations, members)
        if now.state is not State.RUNNING:
            return now.state, turns
        assert len(now.start) <= plan.parallel
        assert not set(now.start) & set(turns), "nobody has two turns"
        turns.extend(now.start)
        members |= {s: MemberState.FAILED if s in failing else MemberState.DONE for s in now.start}
    raise AssertionError("it never ended")


@given(
    st.integers(1, 200),
    st.lists(st.integers(1, 99), max_size=5, unique=True).map(lambda found: (*sorted(found), 100)),
    st.integers(1, 50),
)
def test_without_failures_every_station_has_one_turn_in_order(
    count: int, phases: tuple[int, ...], parallel: int
) -> None:
    stations = tuple(f"S{n}" for n in range(count))
    assert carried_out(Plan(phases, 0, parallel), stations, set()) == (State.DONE, list(stations))


def test_failures_in_the_first_phase_spare_all_others() -> None:
    state, turns = carried_out(Plan((5, 25, 100), 10, 20), HUNDRED, set(HUNDRED[:3]))
    assert (state, len(turns)) == (State.STOPPED, 5)


def test_a_few_failures_are_borne() -> None:
    state, turns = carried_out(Plan((10, 100), 10, 20), HUNDRED, {"S3", "S50"})
    assert (state, len(turns)) == (State.DONE, 100)


def test_the_last_phase_stops_too_once_more_fail_than_are_borne() -> None:
    state, turns = carried_out(Plan((1, 100), 10, 10), HUNDRED, set(HUNDRED[1:60]))
    assert state is State.STOPPED
    assert len(turns) < 30


@given(st.integers(0, 100), st.sets(st.sampled_from(HUNDRED)))
def test_it_is_done_only_where_the_share_of_failures_was_borne(most: int, failing: set[str]) -> None:
    state, turns = carried_out(Plan((10, 50, 100), most, 7), HUNDRED, failing)
    failed = len(failing & set(turns))
    assert (state is State.DONE) == (failed * 100 <= most * len(turns) and len(turns) == 100)


def test_the_first_phase_has_at_least_one_station() -> None:
    assert phase_ends(3, (1, 50, 100)) == (1, 2, 3)


@pytest.mark.parametrize(
    ("plan", "stations"),
    [
        (Plan(phases=()), ("A",)),
        (Plan(phases=(50,)), ("A",)),
        (Plan(phases=(50, 10, 100)), ("A",)),
        (Plan(phases=(0, 100)), ("A",)),
        (Plan(max_failed_percent=101), ("A",)),
        (Plan(parallel=0), ("A",)),
        (Plan(), ()),
        (Plan(), ("A", "a")),
    ],
)
def test_a_plan_that_cannot_be_is_refused(plan: Plan, stations: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        check_plan(plan, stations)
