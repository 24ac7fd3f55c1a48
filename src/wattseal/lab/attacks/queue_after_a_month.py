"""T16: a station's queue of a month comes in out of order, twice, over a restart."""

from dataclasses import dataclass

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.dice import Dice
from wattseal.lab.grounds.clockwork import Clockwork, Told2x
from wattseal.lab.lab import Lab
from wattseal.lab.means.forgetful import LAYERS, forgetful
from wattseal.wire.ocpp.version import Version

DAY = 1_440
DAYS = 30
SESSIONS = 6
"""As many of each station; one in five days."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A session in the queue: register and minutes, of its start and its end."""

    name: str
    from_wh: int
    to_wh: int
    begins: int
    ends: int


async def _perform(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        return await _deliver(lab, cpo)


async def _control(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        with forgetful(cpo):
            return await _deliver(lab, cpo)


async def _deliver(lab: Lab, cpo: Clockwork) -> Found:
    old, new = await cpo.enrol("OLD"), await cpo.enrol("NEW")
    new.version = Version.V201
    await cpo.token("CARD")
    queue = _queue(lab.dice)
    cpo.move_to(DAYS * DAY)
    for _ in range(2):
        for kept in lab.dice.shuffled(queue):
            number = await old.start16("CARD", kept.from_wh, kept.begins)
            await old.stop16(number, kept.to_wh, kept.ends)
        for kind, seq, told in lab.dice.shuffled(_events(queue)):
            await new.event2x(kind, seq, told)
        await cpo.settle()
        await cpo.restart()
    return await _judge(cpo, queue)


def _queue(dice: Dice) -> list[_Kept]:
    """Draw what a station has kept while it was cut off."""
    found, register_wh = [], dice.number(0, 5_000_000)
    for number in range(SESSIONS):
        energy_wh, begins = dice.number(2_000, 20_000), number * (DAYS // SESSIONS) * DAY + dice.number(0, DAY)
        found.append(_Kept(f"T{number}", register_wh, register_wh + energy_wh, begins, begins + dice.number(120, 600)))
        register_wh += energy_wh
    return found


def _events(queue: list[_Kept]) -> list[tuple[str, int, Told2x]]:
    events = []
    for kept in queue:
        middle = Told2x(kept.name, (kept.from_wh + kept.to_wh) // 2, (kept.begins + kept.ends) // 2)
        events.append(("Started", 0, Told2x(kept.name, kept.from_wh, kept.begins)))
        events.append(("Updated", 1, middle))
        events.append(("Ended", 2, Told2x(kept.name, kept.to_wh, kept.ends)))
    return events


async def _judge(cpo: Clockwork, queue: list[_Kept]) -> Found:
    sessions = await cpo.transactions()
    bills = await cpo.bills()
    due_wh = 2 * sum(kept.to_wh - kept.from_wh for kept in queue)
    billed_wh = sum(int(bill.energy_wh) for bill in bills)
    figures = (Figure("messages told twice", 5 * SESSIONS, ""),)
    if len(bills) != 2 * SESSIONS or billed_wh != due_wh:
        reasons = sorted({str(each.reason) for each in sessions if each.reason})
        text = f"{len(bills)} bills of {billed_wh} Wh for {2 * SESSIONS} charges of {due_wh} Wh; {reasons}"
        return Found(Outcome.MISSED, text, figures=figures)
    text = f"{len(bills)} bills of {billed_wh} Wh for as many charges, each told twice and out of order"
    return Found(Outcome.PREVENTED, text, figures=figures)


ATTACK = Attack(
    line="T16",
    title="a month's queue comes out of order, and again after a restart",
    steps=(
        f"two stations, 1.6 and 2.0.1, were cut off for {DAYS} days with {SESSIONS} charges each",
        "their queues are delivered shuffled: by sessions in 1.6, by events in 2.0.1",
        "the CSMS bills, restarts, and gets all of it again in another order under new message ids",
    ),
    defence="a start is known again by what it tells, an event by its number, a session by its register and its hash",
    without=LAYERS,
    residual="a session told a month late pays the tariff of its start; it bears the note recorded_late",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
