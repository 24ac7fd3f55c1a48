"""What somebody hears of an edge's link who can read nothing of it, and how well he guesses from that.

The link is simulated: records, messages and the pace are the product's, times are those that a station, a car and an
eMSP would take.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, dist
from statistics import mean, pstdev

from wattseal.app.cpo.endpoint import ANSWER_STEP_S
from wattseal.lab.dice import Dice
from wattseal.parties.edge import pace
from wattseal.parties.edge.pace import COVER
from wattseal.parties.edge.upstream import Upward, spell, to_json
from wattseal.rules import evenly
from wattseal.wire.ocpp import blanks

ID = "0" * 32
COVER_ANSWER = b'{"status":"Accepted","data":"{\\"items\\":[]}"}'
FOLDS, NEIGHBOURS, PARTS = 5, 7, 8


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, in time and length: up to the CSMS or down to the edge."""

    at_s: float
    length: int
    up: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What an edge has to send up from a moment on, how long the CSMS takes and what it answers with (no blanks)."""

    at_s: float
    message: Upward
    takes_s: float
    answer: bytes


def overhear(said: Sequence[Said], begin_s: float, end_s: float, pace_s: float | None) -> list[Frame]:
    """Return the frames on the link: at once where there is no pace, else as the pace has them go.

    The car charges from `begin_s` to `end_s`.
    """
    if pace_s is None:
        return [frame for one in said for frame in _exchange(one, one.at_s)]
    cover = _exchange(Said(0.0, COVER, 0.01, COVER_ANSWER), 0.0)
    frames: list[Frame] = []
    waiting: list[Said] = []
    coming = sorted(said, key=lambda one: one.at_s)
    now_s = coming[0].at_s
    while coming or waiting or now_s < end_s:
        step_s = pace.next_step(now_s, pace_s)
        while coming and coming[0].at_s < step_s:
            waiting.append(coming.pop(0))
            if pace.is_hurried([one.message for one in waiting]):
                frames.extend(frame for one in waiting for frame in _exchange(one, waiting[-1].at_s))
                waiting = []
        now_s = step_s
        if waiting:
            frames.extend(_exchange(waiting.pop(0), now_s))
        elif begin_s <= now_s < end_s:
            frames.extend(replace(frame, at_s=frame.at_s + now_s) for frame in cover)
    return frames


def _exchange(one: Said, at_s: float) -> tuple[Frame, Frame]:
    action, payload = spell("1.6", one.message)
    called = blanks.fill_call(to_json(payload), action, len(ID))
    frame = json.dumps([2, ID, action, ""], separators=(",", ":")).encode()
    asked = frame[:-3] + called + b"]"
    answer = blanks.fill_answer(one.answer, len(ID)) if blanks.is_filled(asked) else one.answer
    took_s = one.takes_s
    if blanks.is_filled(asked):
        took_s += evenly.rest_of_step(took_s, ANSWER_STEP_S)
    return Frame(at_s, len(asked), up=True), Frame(at_s + took_s, len(answer) + len(ID) + 7, up=False)


def features(frames: Sequence[Frame]) -> tuple[float, ...]:
    """Return what a listener measures of a session: how much, how often, part by part, how soon it is answered."""
    first, last = frames[0].at_s, max(frame.at_s for frame in frames)
    part_s = (last - first) / PARTS or 1.0
    counts, lengths = [0.0] * PARTS, [0.0] * PARTS
    for frame in frames:
        part = min(int((frame.at_s - first) / part_s), PARTS - 1)
        counts[part] += 1
        lengths[part] += frame.length
    ups = [frame for frame in frames if frame.up]
    downs = [frame for frame in frames if not frame.up]
    gaps = [later.at_s - earlier.at_s for earlier, later in pairwise(ups)]
    waits = [down.at_s - up.at_s for up, down in zip(ups, downs, strict=False)]
    early = (mean(waits), pstdev(waits), max(waits[1:]), downs[0].at_s - first, float(downs[0].length), *gaps[:3])
    whole = (float(len(frames)), mean(gaps), pstdev(gaps), last - first, float(sum(f.length for f in downs)))
    return (*early, *whole, *counts, *lengths)


def accuracy(rows: Sequence[Sequence[float]], answers: Sequence[bool], dice: Dice) -> float:
    """Return how often the best of three classifiers is right about sessions it has not seen.

    Nearest neighbours, nearest centre, and the one feature that tells most; each over FOLDS folds of an order of
    chance. Every feature counts in its own standard deviations, as learned.
    """
    order = dice.shuffled(range(len(rows)))
    right = {_neighbours: 0, _centre: 0, _feature: 0}
    for fold in range(FOLDS):
        unknown = order[fold::FOLDS]
        known = [number for number in order if number not in set(unknown)]
        scale = _scale([rows[number] for number in known])
        learned = [(scale(rows[number]), answers[number]) for number in known]
        for number in unknown:
            for classify in right:
                right[classify] += classify(learned, scale(rows[number])) is answers[number]
    return max(right.values()) / len(rows)


def _scale(rows: Sequence[Sequence[float]]) -> Callable[[Sequence[float]], tuple[float, ...]]:
    measured = [(mean(column), pstdev(column)) for column in zip(*rows, strict=True)]
    return lambda row: tuple(
        (value - centre) / spread if spread > 1e-9 else 0.0
        for value, (centre, spread) in zip(row, measured, strict=True)
    )


def _neighbours(learned: Sequence[tuple[tuple[float, ...], bool]], row: tuple[float, ...]) -> bool:
    near = sorted(learned, key=lambda one: dist(one[0], row))[:NEIGHBOURS]
    return sum(answer for _, answer in near) >= ceil(NEIGHBOURS / 2)


def _centre(learned: Sequence[tuple[tuple[float, ...], bool]], row: tuple[float, ...]) -> bool:
    centres = {}
    for kind in (False, True):
        of_kind = [known for known, answer in learned if answer is kind]
        centres[kind] = tuple(mean(column) for column in zip(*of_kind, strict=True))
    return dist(centres[True], row) < dist(centres[False], row)


def _feature(learned: Sequence[tuple[tuple[float, ...], bool]], row: tuple[float, ...]) -> bool:
    """Go by the feature whose centres of the two kinds are farthest apart."""
    low = [mean(column) for column in zip(*(known for known, answer in learned if not answer), strict=True)]
    high = [mean(column) for column in zip(*(known for known, answer in learned if answer), strict=True)]
    best = max(range(len(row)), key=lambda number: abs(high[number] - low[number]))
    return bool(abs(row[best] - high[best]) < abs(row[best] - low[best]))
