"""The fleet's ramp: commands of any mix never change power faster than the cap."""

import os
import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wattseal.rules.ramp import Direction, Line, Ramp, RampPolicy, Step, Swing

COMMANDS = int(os.environ.get("WATTSEAL_RAMP_COMMANDS", "100000"))
POLICY = RampPolicy()
AT_MS = 1_800_000_000_000
WINDOWS_MS = (1, 100, 1000, 5000, 60_000, 900_000)
RATINGS = (3_700, 11_000, 22_000, 50_000, 150_000, 350_000, 1_000_000)


def dice_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a repeatable mix


@dataclass(frozen=True)
class Sent:
    """A change of power that was sent."""

    at_ms: int
    power_w: int


def excess_w(sent: list[Sent], cap_w_s: int, window_ms: int) -> float:
    """Return by how much the worst window is above the cap, the one change under way at its end left out."""
    sent = sorted(sent, key=lambda one: one.at_ms)
    sums = [0]
    for one in sent:
        sums.append(sums[-1] + one.power_w)
    times, worst = [one.at_ms for one in sent], float("-inf")
    for place, one in enumerate(sent):
        last = bisect_left(times, one.at_ms + window_ms)
        whole = sums[last] - sums[place] - sent[last - 1].power_w
        worst = max(worst, whole - cap_w_s * window_ms / 1000)
    return worst


def mixed(count: int, seed: int) -> Iterator[tuple[int, Swing, str | None, str]]:
    """Yield commands of any mix: quiet times, bursts at one moment, schedules, one site or many."""
    dice, now_ms = dice_of(seed), AT_MS
    for _ in range(count):
        now_ms += dice.choice((0, 0, 0, 1, 40, 900, 20_000))
        power_w = dice.choice(RATINGS)
        swing = dice.choice((Swing(power_w), Swing(0, power_w), Swing(power_w, power_w)))
        kind = dice.choices(("command", "schedule"), (9, 1))[0]
        yield now_ms, swing, dice.choice((None, "a", "b", "c")), kind


def played(policy: RampPolicy, count: int, seed: int) -> dict[tuple[str, Direction], list[Sent]]:
    """Return what was sent, by line."""
    ramp, dice = Ramp(policy), dice_of(seed + 1)
    sent: dict[tuple[str, Direction], list[Sent]] = defaultdict(list)
    for now_ms, swing, site, kind in mixed(count, seed):
        ramp.forget(now_ms)
        if kind == "command":
            at_ms = ramp.enter(now_ms, swing, site, dice.randrange)
        else:
            later_ms = ramp.enter_steps([Step(now_ms + 60_000, swing)], site)
            at_ms = None if later_ms is None else now_ms + 60_000 + later_ms
        if at_ms is None:
            continue
        assert at_ms >= now_ms
        for direction, power_w in ((Direction.UP, swing.up_w), (Direction.DOWN, swing.down_w)):
            if power_w:
                sent["", direction].append(Sent(at_ms, power_w))
                if site is not None:
                    sent[site, direction].append(Sent(at_ms, power_w))
    return sent


def test_commands_of_any_mix_never_change_power_faster_than_the_cap() -> None:
    for place, sent in played(POLICY, COMMANDS, 7).items():
        assert len(sent) > COMMANDS // 200
        cap = POLICY.site_w_s if place[0] else POLICY.fleet_w_s
        for window_ms in WINDOWS_MS:
            assert excess_w(sent, cap, window_ms) <= 0, (place, window_ms)


def test_without_the_line_the_same_commands_are_far_above_the_cap() -> None:
    everything = [Sent(now_ms, swing.up_w) for now_ms, swing, _, _ in mixed(2000, 7) if swing.up_w]
    assert excess_w(everything, POLICY.fleet_w_s, 1000) > 0


@given(
    st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 2_000_000), st.integers(0, 2_000_000)), max_size=60),
    st.integers(1, 10**7),
    st.integers(1, 10**7),
)
@example(commands=[(0, 1, 0), (0, 0, 1)], fleet_w_s=1, site_w_s=1)
def test_whatever_the_caps_and_commands_no_stretch_of_time_has_more(
    commands: list[tuple[int, int, int]], fleet_w_s: int, site_w_s: int
) -> None:
    policy = RampPolicy(fleet_w_s=fleet_w_s, site_w_s=site_w_s, max_wait_ms=10**12)
    ramp, dice, ups = Ramp(policy), dice_of(1), []
    for now_ms, up_w, down_w in sorted(commands):
        at_ms = ramp.enter(now_ms, Swing(up_w, down_w), "site", dice.randrange)
        assert at_ms is not None
        if up_w:
            ups.append(Sent(at_ms, up_w))
    for window_ms in WINDOWS_MS:
        assert not ups or excess_w(ups, min(fleet_w_s, site_w_s), window_ms) <= 0


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 20)), max_size=60))
def test_a_line_never_gives_a_time_twice_and_always_the_first_that_is_free(wanted: list[tuple[int, int]]) -> None:
    line, taken = Line(), set[int]()
    for at, length in wanted:
        found = line.first(at, length)
        free = next(t for t in range(at, 10_000) if not taken & set(range(t, t + length)))
        assert found == free
        line.take(found, length)
        taken |= set(range(found, found + length))


def test_a_lone_command_goes_at_once_and_those_that_wait_have_no_place_that_can_be_foreseen() -> None:
    places = []
    for seed in (1, 2):
        ramp, dice = Ramp(POLICY), dice_of(seed)
        assert ramp.enter(AT_MS, Swing(22_000), None, dice.randrange) == AT_MS
        places.append([ramp.enter(AT_MS, Swing(22_000), None, dice.randrange) for _ in range(20)])
    assert places[0] != places[1]


def test_up_and_down_have_lines_of_their_own() -> None:
    ramp = Ramp(POLICY)
    assert ramp.enter(AT_MS, Swing(up_w=10**6), None, lambda _: 0) == AT_MS
    assert ramp.enter(AT_MS, Swing(down_w=10**6), None, lambda _: 0) == AT_MS
    assert ramp.enter(AT_MS, Swing(1, 1), None, lambda _: 0) == AT_MS + 10_000


def test_what_does_not_wait_makes_others_wait() -> None:
    ramp = Ramp(POLICY)
    ramp.count(AT_MS, Swing(up_w=200_000), None)
    ramp.count(AT_MS, Swing(up_w=200_000), None)
    assert ramp.enter(AT_MS, Swing(up_w=1), None, lambda _: 0) == AT_MS + 4000


def test_nothing_waits_longer_than_is_allowed_and_a_refusal_takes_no_place() -> None:
    ramp = Ramp(RampPolicy(max_wait_ms=1000, jitter_ms=0))
    assert ramp.enter(AT_MS, Swing(up_w=200_000), None, lambda _: 0) == AT_MS
    assert ramp.enter(AT_MS, Swing(up_w=1), None, lambda _: 0) is None
    assert ramp.enter(AT_MS + 1000, Swing(up_w=1), None, lambda _: 0) == AT_MS + 2000


def test_steps_of_schedules_at_one_time_are_put_off_until_there_is_room() -> None:
    ramp = Ramp(POLICY)
    step = [Step(AT_MS, Swing(up_w=100_000)), Step(AT_MS + 3_600_000, Swing(0, 100_000))]
    assert [ramp.enter_steps(step, None) for _ in range(4)] == [0, 1000, 2000, 3000]
    assert Ramp(RampPolicy(spread_ms=0)).enter_steps(step, None) == 0
    close = [Step(AT_MS, Swing(up_w=1_000_000)), Step(AT_MS + 1000, Swing(up_w=1))]
    assert ramp.enter_steps(close, None) is None, "they would not keep the cap among themselves"


@pytest.mark.parametrize("power_w", [1, 100, 22_000])
def test_a_power_below_a_step_of_the_clock_still_takes_a_place(power_w: int) -> None:
    ramp = Ramp(RampPolicy(fleet_w_s=10**12, jitter_ms=0))
    places = [ramp.enter(AT_MS, Swing(power_w), None, lambda _: 0) for _ in range(3)]
    assert places == [AT_MS, AT_MS + 1, AT_MS + 2]
