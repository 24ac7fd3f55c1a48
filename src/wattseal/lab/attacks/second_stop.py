"""T15: a stop comes a second time under a new message id, with the same value and then with a lower one."""

from wattseal.flow.charges import charge
from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.lab import Lab
from wattseal.lab.means.kept_back import notes_of
from wattseal.lab.null import swapped
from wattseal.model.transaction import Transaction
from wattseal.rules import transactions

CODE = "conflicting_end"
TRUE_WH = 20_000


async def _perform(lab: Lab) -> Found:
    return await _stop_again(lab)


async def _control(lab: Lab) -> Found:
    with swapped(charge, "may_still_end", _always), swapped(transactions, "may_still_end", _always):
        return await _stop_again(lab)


def _always(_: Transaction) -> bool:
    """Let the last stop count."""
    return True


async def _stop_again(lab: Lab) -> Found:
    low_wh = lab.dice.number(1, 900)
    async with lab.clockwork() as cpo:
        station = await cpo.enrol("ST1")
        await cpo.token("CARD")
        number = await station.start16("CARD", 0, 0)
        first = await station.stop16(number, TRUE_WH, 60)
        before = await cpo.records()
        again = await station.stop16(number, TRUE_WH, 60)
        same = await cpo.records() - before
        await cpo.restart()
        await station.stop16(number, low_wh, 61)
        conflicts = await cpo.records() - before - same
        await cpo.settle()
        await station.stop16(number, low_wh, 62)
        await cpo.settle()
        sessions = await cpo.transactions()
        bills = await cpo.bills()
        notes = [note for each in sessions for note in notes_of(each, CODE)]
    energies = [int(bill.energy_wh) for bill in bills]
    if energies != [TRUE_WH]:
        return Found(Outcome.MISSED, f"billed {energies} Wh, drawn were {TRUE_WH}")
    if again != first or same or conflicts != 1 or not notes:
        return Found(Outcome.MISSED, f"one bill, but {same} more records of the same stop and {conflicts} of another")
    text = f"{CODE}: {notes[0].field} {notes[0].detail}; one bill, of {TRUE_WH} Wh; the same stop again left no record"
    return Found(Outcome.DETECTED, text, records=1)


ATTACK = Attack(
    line="T15",
    title="a stop is sent again, first as it was and then with a lower register",
    steps=(
        "a charge of 20 kWh is told and ended",
        "the stop comes again under another message id",
        "after a restart of the CSMS it comes with a lower register, before and after the session is billed",
    ),
    defence="the first stop counts; the same again is answered the same, another one is kept as a conflict",
    without="the last stop that comes is the one that counts",
    residual="whose stop comes first is believed: a false one before the genuine one is T07's and T44's matter",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
