"""T77: an eMSP tells cars apart by their charging curves, in the bundles it is sent to check its bills by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean

from wattseal.bundle.format import Bundle
from wattseal.flow.charges import bundling
from wattseal.flow.charges.bundling import assemble
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.clockwork import Clockwork, Line
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.seal.fields import Meter
from wattseal.seal.groups import Content
from wattseal.seal.item import Group

EACH, READINGS, MINUTES = 8, 7, 4.0
STRETCHES = 6
"""Of each session's time, over which the attacker looks at the power."""
BOUND = 0.5
MODELS: dict[str, Callable[[float], float]] = {
    "flat to half": lambda at: 150 if at < 0.5 else 60,
    "falling": lambda at: 180 - 140 * at,
    "flat": lambda _at: 110,
    "stepping": lambda at: 150 if at < 0.25 else 100 if at < 0.6 else 140 if at < 0.8 else 30,
}
"""Power in kW over the session's time, by model of car."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A session as the attacker has it: whose model it really is, and (minutes, Wh) as far as they are shown."""

    model: str
    points: tuple[tuple[float, float], ...]


async def _perform(lab: Lab) -> Found:
    return await _classify(lab)


async def _control(lab: Lab) -> Found:
    with swapped(bundling, "withheld_from_partners", lambda *_given, **_named: False):
        return await _classify(lab)


async def _classify(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        seen = await _sessions(cpo, lab)
    half = len(seen) // 2
    known, unknown = seen[:half], seen[half:]
    by_shape = _accuracy(known, unknown, _shape)
    by_power = _accuracy(known, unknown, _power)
    best, chance = max(by_shape, by_power), 1 / len(MODELS)
    shown = mean(len(each.points) for each in seen)
    told = f"{best:.0%} of {len(unknown)} cars named from {shown:.0f} registers a session; guessing names {chance:.0%}"
    figures = (
        Figure("cars named by the curve's shape", by_shape * 100, "%"),
        Figure("cars named by the mean power", by_power * 100, "%"),
        Figure("registers shown of a session", shown, ""),
    )
    return Found(Outcome.BOUNDED if best < BOUND else Outcome.MISSED, told, records=len(seen), figures=figures)


async def _sessions(cpo: Clockwork, lab: Lab) -> list[Seen]:
    line = await cpo.enrol("ST1")
    await cpo.token("CARD")
    charged = []
    at, register = 0.0, 1_000
    for _ in range(EACH):
        for model in MODELS:
            at, register = at + 60, register + 1
            scale = lab.dice.number(60, 100) / 100
            register = await _charge(line, model, scale, at, register)
            charged.append(model)
    await cpo.parts.keeper.step(64)
    sessions = sorted(await cpo.transactions(), key=lambda each: each.recorded_ms)
    found = []
    for model, session in zip(charged, sessions, strict=True):
        made = await assemble(cpo.world, cpo.parts.proofs, session, billing_party=True, curve=False)
        if not isinstance(made, Bundle):
            raise LabError("there is no bundle", subject=made.reason)
        found.append(Seen(model, _shown(made)))
    return found


async def _charge(line: Line, model: str, scale: float, at: float, register: int) -> int:
    number = await line.start16("CARD", register, at)
    wh = float(register)
    for step in range(1, READINGS + 2):
        kw = MODELS[model]((step - 0.5) / (READINGS + 1)) * scale
        wh += kw * 1000 * MINUTES / 60
        minutes = at + step * MINUTES
        if step <= READINGS:
            await line.meter16(number, round(wh), minutes)
        else:
            await line.stop16(number, round(wh), minutes)
    return round(wh)


def _shown(bundle: Bundle) -> tuple[tuple[float, float], ...]:
    """Return the registers that the bundle opens, with the times of their records."""
    open_now = {o.payload_hash: o for o in bundle.openings if o.gid == Group.METER}
    return tuple(
        (item.payload.ms / 60_000, float(Meter.read(Content.decode(open_now[item.hash].content).fields).register_wh))
        for item in bundle.items
        if item.hash in open_now
    )


def _power(seen: Seen) -> list[float]:
    (begin, first), (end, last) = seen.points[0], seen.points[-1]
    return [(last - first) / (end - begin)]


def _shape(seen: Seen) -> list[float]:
    """Return the power over equal parts of the time, in parts of the mean."""
    begin, end = seen.points[0][0], seen.points[-1][0]
    parts = []
    for number in range(STRETCHES):
        middle = begin + (number + 0.5) * (end - begin) / STRETCHES
        for (before, low), (after, high) in pairwise(seen.points):
            if before <= middle <= after and after > before:
                parts.append((high - low) / (after - before))
                break
    average = mean(parts)
    return [part / average for part in parts]


def _accuracy(known: Sequence[Seen], unknown: Sequence[Seen], look: Callable[[Seen], list[float]]) -> float:
    """Name each unknown car by the model whose known sessions are nearest in the mean; return how many are right."""
    centres = {}
    for model in MODELS:
        rows = [look(each) for each in known if each.model == model]
        centres[model] = [mean(column) for column in zip(*rows, strict=True)]
    right = 0
    for each in unknown:
        row = look(each)
        distances = {m: sum((a - b) ** 2 for a, b in zip(row, c, strict=True)) for m, c in centres.items()}
        right += min(distances, key=lambda m: distances[m]) == each.model
    return right / len(unknown)


ATTACK = Attack(
    line="T77",
    title="the charging curve in the bundles sent to an eMSP names the model of the car",
    steps=(
        "let cars of four models charge, with more or less power on each day, a register told every four minutes",
        "take what the bundle for the driver's eMSP opens of each session",
        "learn the models from half of the sessions and name the cars of the others, by shape and by mean power",
    ),
    defence="of registers between start and end a bundle for an eMSP opens only those that the price depends on, or "
    "that a meter signed",
    without="all registers are opened",
    residual="energy and duration are on the bill; under a tariff by power or time of day, or with signed readings, "
    "the registers are shown; an eMSP that a sealed station's meter group is sealed to reads all of it",
    expected=Outcome.BOUNDED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
