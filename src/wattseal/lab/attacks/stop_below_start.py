"""T08: a session ends below where it began, so that its energy comes to less than nothing."""

from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.lab import Lab
from wattseal.lab.means.kept_back import kept_back, without
from wattseal.model.transaction import Billing
from wattseal.watch import Watch

CODE = "register_decreased"
TRUE_WH = 9_000


async def _perform(lab: Lab) -> Found:
    return await _end_below(lab, Watch())


async def _control(lab: Lab) -> Found:
    return await _end_below(lab, without(CODE))


async def _end_below(lab: Lab, watch: Watch) -> Found:
    async with lab.clockwork() as cpo:
        cpo.world.watch = watch
        station = await cpo.enrol("ST1")
        await cpo.token("CARD")
        number = await station.start16("CARD", 1_000, 0)
        below_wh = lab.dice.number(0, 900)
        await station.stop16(number, below_wh, 60)
        session = await cpo.newest()
        found = await kept_back(cpo, session, CODE)
        session = await cpo.transaction(session.id)
        if session.billing is Billing.FREE:
            text = f"{TRUE_WH - 1_000} Wh for nothing: the session is closed as free ({session.reason}), unnoticed"
            return Found(Outcome.MISSED, text)
        return found


ATTACK = Attack(
    line="T08",
    title="a charge is told to have ended below its start",
    steps=(
        "begin a charge at 1000 Wh and draw 8 kWh",
        "tell a stop whose register is below the start",
        "let the session be billed",
    ),
    defence="the detector register_decreased: the stop is recorded and answered, the session waits for a person",
    without="the detector is left out of the watch",
    residual="what was drawn is not known from such a stop: the station's log or the next start's register has to say",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
