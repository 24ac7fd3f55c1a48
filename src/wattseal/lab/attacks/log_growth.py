"""T78: a competitor watches the public log and the ids that stations hand out, to learn how busy the stations are."""

from itertools import pairwise
from statistics import correlation

from wattseal.app import log_keeper
from wattseal.app.cpo.timers import LOG_BATCH
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome, Series
from wattseal.lab.grounds.clockwork import Clockwork, Line
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped

STEPS, LEARNING = 36, 12
"""Checkpoints looked at, of which so many are the first day: on it the pace finds out what a busy hour is."""
STEP_MINUTES = 90
BOUND = 0.1
BY_CHANCE = (0.3, 0.7)
"""Of ids drawn at random about half are greater than the one before."""


async def _perform(lab: Lab) -> Found:
    return await _watch(lab)


async def _control(lab: Lab) -> Found:
    with swapped(log_keeper, "_padding", lambda _base, _filler: None):
        return await _watch(lab)


async def _watch(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        line = await cpo.enrol("ST1")
        await cpo.token("CARD")
        loads, growth, ids = [], [], []
        size = 0
        for step in range(STEPS):
            busy = lab.dice.number(3, 6) if step % LEARNING >= LEARNING // 2 else lab.dice.number(0, 1)
            ids += await _charges(cpo, line, step, busy)
            published = (await cpo.parts.keeper.step(LOG_BATCH)).signed.checkpoint.size
            loads.append(busy)
            growth.append(published - size)
            size = published
        r = _correlation(loads[LEARNING:], growth[LEARNING:])
        rising = sum(after > before for before, after in pairwise(ids)) / (len(ids) - 1)
        figures = (
            Figure("correlation of sessions and growth of the log, second day on", r, ""),
            Figure("ids greater than the one before", rising, ""),
            Figure("sessions", len(ids), ""),
        )
        series = (
            Series("the log as the public sees it", "sessions", "checkpoint", "", _points(loads)),
            Series("the log as the public sees it", "entries", "checkpoint", "", _points(growth)),
        )
        told = (
            f"|r| {abs(r):.3f} between sessions and growth over {STEPS - LEARNING} checkpoints of {sum(loads)} sessions"
        )
        hidden = abs(r) < BOUND and BY_CHANCE[0] < rising < BY_CHANCE[1]
        evidence = f"{told}; the log grows by {growth[-1]} each time; {rising:.0%} of ids are above the one before"
        return Found(
            Outcome.BOUNDED if hidden else Outcome.MISSED, evidence, records=size, figures=figures, series=series
        )


async def _charges(cpo: Clockwork, line: Line, step: int, count: int) -> list[int]:
    """Let some sessions begin and end before the next checkpoint; return the ids their station was given."""
    found = []
    for number in range(count):
        at = step * STEP_MINUTES + number * 10
        register = (step * 10 + number) * 1_000
        started = await line.start16("CARD", register, at)
        await line.stop16(started, register + 1_000, at + 8)
        found.append(started)
    cpo.move_to((step + 1) * STEP_MINUTES)
    return found


def _correlation(loads: list[int], growth: list[int]) -> float:
    """Return Pearson's r; what never changes tells nothing."""
    return 0.0 if len(set(growth)) == 1 else correlation(loads, growth)


def _points(values: list[int]) -> tuple[tuple[float, float], ...]:
    return tuple((float(at), float(value)) for at, value in enumerate(values))


ATTACK = Attack(
    line="T78",
    title="how busy the stations are is read from the growth of the public log, and from ids",
    steps=(
        "watch the log's checkpoints while quiet and busy hours follow each other",
        "hold their growth against how many sessions there were",
        "look whether the ids that stations are given count up",
    ),
    defence="the log grows by the same number of entries at every checkpoint, filled up with random ones; a busier "
    "cadence than ever doubles that for good. Ids are drawn at random",
    without="nothing is filled up",
    residual="that a cadence was the busiest so far shows once; invoice numbers count up, as law wants it, and who "
    "gets one now and then learns how many there were between",
    expected=Outcome.BOUNDED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
