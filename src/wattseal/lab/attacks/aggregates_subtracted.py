"""T76: two sums that show no session are subtracted from each other, to be left with one person's energy."""

from dataclasses import dataclass
from itertools import combinations

from wattseal.flow.aggregates import Asked, atoms
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.clockwork import AT, Clockwork
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.station import EvseEnrolment, Station
from wattseal.rules import aggregates
from wattseal.rules.aggregates import DAY_MS, together

SITES = ("NORTH", "SOUTH")
CROWD = 6
DAY = 1440


async def _perform(lab: Lab) -> Found:
    return await _subtract(lab)


async def _control(lab: Lab) -> Found:
    with swapped(aggregates, "large_enough", lambda _found: True):
        return await _subtract(lab)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question was answered with."""

    question: str
    energy_wh: int


async def _subtract(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        victim_wh = lab.dice.number(11_000, 19_999)
        await _week(cpo, lab, victim_wh)
        asked = await _ask_everything(cpo)
        told = [each for each in asked if each.energy_wh == victim_wh]
        told += [
            Answer(f"{a.question} less {b.question}", victim_wh)
            for a, b in combinations(asked, 2)
            if abs(a.energy_wh - b.energy_wh) == victim_wh
        ]
        figures = (Figure("answers subtracted from each other", len(asked) * (len(asked) - 1) / 2, "pairs"),)
        if told:
            return Found(Outcome.MISSED, f"the driver drew {victim_wh} Wh: {told[0].question}", figures=figures)
        some = sum(each.energy_wh > 0 for each in asked)
        if not some:
            return Found(Outcome.MISSED, "nothing was told at all, so nothing was tried")
        return Found(
            Outcome.PREVENTED,
            f"{some} of {len(asked)} answers tell energy; no two of them differ by what the driver drew, alone or in a "
            f"group of fewer than {aggregates.K}",
            figures=figures,
        )


async def _week(cpo: Clockwork, lab: Lab, victim_wh: int) -> None:
    """Let a crowd charge each day at one site, and the victim alone, with three others, and with most of the energy."""
    lines = {site: await cpo.enrol(Station(id=f"ST-{site}", evses=(EvseEnrolment(id=1),), site=site)) for site in SITES}
    cards = [f"CARD{number}" for number in range(CROWD)]
    for card in (*cards, "VICTIM"):
        await cpo.token(card)
    present = (
        ("NORTH", 0, cards),
        ("NORTH", 1, ["VICTIM"]),
        ("SOUTH", 0, cards),
        ("SOUTH", 1, [*cards[:3], "VICTIM"]),
        ("SOUTH", 2, [*cards[:4], "VICTIM"]),
    )
    registers = dict.fromkeys(SITES, 1_000)
    for site, day, drivers in sorted(present, key=lambda each: each[1]):
        begin = day * DAY + (0 if site == "NORTH" else 400)
        for number, card in enumerate(drivers):
            wh = victim_wh if card == "VICTIM" else lab.dice.number(1_000, 1_900)
            at = begin + number * 40
            started = await lines[site].start16(card, registers[site], at)
            registers[site] += wh
            await lines[site].stop16(started, registers[site], at + 30)
    cpo.move_to(8 * DAY)
    await cpo.round()


async def _ask_everything(cpo: Clockwork) -> list[Answer]:
    """Ask for every span of the days there are, of every site and of all, in one order and then in the other."""
    first = int(AT.timestamp() * 1000) // DAY_MS
    spans = [(since, until) for since in range(4) for until in range(since + 1, 5)]
    found: dict[str, Answer] = {}
    for since, until in (*spans, *reversed(spans)):
        for site in (None, *SITES):
            told = together(await atoms(cpo.world, Asked(first + since, first + until, site)))
            question = f"{site or 'all sites'}, days {since} to {until}"
            found[question] = Answer(question, round(told.energy_mwh / 1000))
    return list(found.values())


ATTACK = Attack(
    line="T76",
    title="sums that show no session are subtracted until one driver's energy is left",
    steps=(
        "let a crowd charge at two sites, and one driver alone, among three others, and with most of a day's energy",
        "with `aggregates:read` alone ask for every span of days of every site and of all",
        "subtract every answer from every other and look for what the driver drew",
    ),
    defence="sums are made of whole days of whole sites, kept once made; a day of fewer than five drivers, or mostly "
    "one's, is in none of them, so no two sums differ by less",
    without="every day counts as large enough",
    residual="four drivers who work together know what the fifth drew; whoever holds `bills:read` sees sessions anyway",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
