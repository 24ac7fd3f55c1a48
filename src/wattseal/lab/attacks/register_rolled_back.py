"""T09: a meter's register is set back between two sessions, so that the second one's energy was paid before."""

from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.lab import Lab
from wattseal.model.transaction import Billing
from wattseal.watch import DETECTORS, Watch

CODE = "register_rolled_back"


async def _perform(lab: Lab) -> Found:
    return await _roll_back(lab, Watch())


async def _control(lab: Lab) -> Found:
    return await _roll_back(lab, Watch([each for each in DETECTORS if each.code != CODE]))


async def _roll_back(lab: Lab, watch: Watch) -> Found:
    async with lab.clockwork() as cpo:
        cpo.world.watch = watch
        station = await cpo.enrol("ST1")
        await cpo.token("CARD")
        await station.stop16(await station.start16("CARD", 1_000, 0), 5_000, 60)
        await cpo.restart()
        below_wh = lab.dice.number(0, 900)
        await station.stop16(await station.start16("CARD", below_wh, 70), 4_000, 130)
        await cpo.round()
        second = max(await cpo.transactions(), key=lambda each: each.recorded_ms)
        told = [note for note in (*second.findings, *second.alarms) if note.code == CODE]
        if second.billing is Billing.QUARANTINED and told:
            return Found(
                Outcome.DETECTED,
                f"{CODE} of session {second.id[:8]}: {told[0].field} {told[0].detail}; quarantined, no bill",
                records=1,
            )
        return Found(Outcome.MISSED, f"the session is {second.billing.value} and nothing was noted")


ATTACK = Attack(
    line="T09",
    title="the register is set back between two sessions, over a restart of the CSMS",
    steps=(
        "charge from 1000 to 5000 Wh and let the session be recorded",
        "restart the CSMS, so that only what is durable is known",
        "charge again from a register below that, ending below where the first ended",
    ),
    defence="the detector register_rolled_back holds each start against the last end of its meter",
    without="the detector is left out of the watch",
    residual="a meter that was exchanged looks the same until the exchange is told",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
