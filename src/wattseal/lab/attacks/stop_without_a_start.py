"""T20: a stop of a transaction that never began, and meter values after the stop, are to change what is billed."""

from wattseal.base.ids import EvseId
from wattseal.flow.charges import charge
from wattseal.flow.charges.disorder import open_early
from wattseal.flow.live import Live
from wattseal.flow.turn import Turn
from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.lab import Lab
from wattseal.lab.means.kept_back import notes_of
from wattseal.lab.null import swapped
from wattseal.model.transaction import Billing

TRUE_WH, LOW_WH, AFTER_WH = 20_000, 500, 90_000


async def _perform(lab: Lab) -> Found:
    return await _stop_and_go_on(lab)


async def _control(lab: Lab) -> Found:
    with swapped(charge, "open_early", _the_open_one):
        return await _stop_and_go_on(lab)


def _the_open_one(turn: Turn, transaction_id: str, evse_id: EvseId | None, *, kept: bool = True) -> Live:
    """Take a stop that fits nothing for that of the charge that is open."""
    live = next(iter(turn.memory.live.values()), None)
    return open_early(turn, transaction_id, evse_id, kept=kept) if live is None else live


async def _stop_and_go_on(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        station = await cpo.enrol("ST1")
        await cpo.token("CARD")
        number = await station.start16("CARD", 0, 0)
        invented = number % 1_000_000 + lab.dice.number(1, 1_000)
        await station.stop16(invented, LOW_WH, 20)
        await station.stop16(number, TRUE_WH, 60)
        await station.meter16(number, AFTER_WH, 61)
        await station.meter16(invented + 1, AFTER_WH, 62)
        await cpo.settle()
        sessions = await cpo.transactions()
        bills = await cpo.bills()
        notes = [note for each in sessions for note in notes_of(each, "end_without_start", "event_after_end")]
        strays = [alarm for alarm in await cpo.alarms() if alarm.code == "unknown_transaction"]
        kept = sum(each.billing is Billing.QUARANTINED for each in sessions)
    energies = [f"{bill.energy_wh:f}" for bill in bills]
    if energies != [str(TRUE_WH)]:
        return Found(Outcome.MISSED, f"billed {energies} Wh, drawn were {TRUE_WH}")
    codes = sorted({note.code for note in notes} | {alarm.code for alarm in strays})
    if codes != ["end_without_start", "event_after_end", "unknown_transaction"] or kept != 1:
        return Found(Outcome.MISSED, f"only {codes} were noted, {kept} sessions kept back")
    text = f"{', '.join(codes)}; the invented session is quarantined, the true one billed for {TRUE_WH} Wh"
    return Found(Outcome.DETECTED, text, records=1)


ATTACK = Attack(
    line="T20",
    title="a stop without a start, and meter values after the stop",
    steps=(
        "a car charges",
        f"tell a stop at {LOW_WH} Wh of a transaction that never began",
        f"end the charge at {TRUE_WH} Wh, then tell {AFTER_WH} Wh of it, and of a transaction that never was",
        "let whatever there is be billed",
    ),
    defence="a stop without a start is a session of its own that waits; nothing after an end changes it",
    without="a stop that fits nothing is taken for that of the charge that is open",
    residual="none known; what was told stands in the records",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
