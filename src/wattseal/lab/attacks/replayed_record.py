"""T29: frames are replayed byte for byte, and a meter's signed record is shown a second time, after a restart too."""

import json

from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.grounds.signing import enrol_signing
from wattseal.lab.lab import Lab
from wattseal.lab.means.kept_back import kept_back, without
from wattseal.watch import Watch

CODE = "evidence_replayed"


async def _perform(lab: Lab) -> Found:
    return await _replay(lab, Watch())


async def _control(lab: Lab) -> Found:
    return await _replay(lab, without(CODE))


async def _replay(lab: Lab, watch: Watch) -> Found:
    async with lab.clockwork() as cpo:
        cpo.world.watch = watch
        station = await enrol_signing(cpo, "ST1", "METER-1")
        await cpo.token("CARD")
        begins = 0.0
        record = station.sign(0, begins, begins + 60)
        stop = await station.charge(0, begins, begins + 60, record)
        await cpo.settle()
        records, sessions = await cpo.records(), len(await cpo.transactions())
        await cpo.restart()
        frame = json.dumps([2, "replayed", "StopTransaction", stop]).encode()
        for _ in range(10):
            await cpo.say("ST1", station.line.version, frame)
        await station.line.start16("CARD", 0, begins)
        again, more = await cpo.records() - records, len(await cpo.transactions()) - sessions
        if again or more:
            return Found(Outcome.MISSED, f"frames replayed left {again} records and {more} sessions")
        later = (cpo.clock.ms - cpo.began_ms) / 60_000 + 10
        await station.charge(0, later, later + 60, record)
        return await kept_back(cpo, await cpo.newest(), CODE)


ATTACK = Attack(
    line="T29",
    title="a stop's frame is replayed, then its signed record in another session, over a restart",
    steps=(
        "record the frames of a charge whose meter signs, and let it be billed",
        "restart the CSMS; send the frame of the stop ten times more, and the start once",
        "begin a session of his own and end it with the record that was signed for the other one",
    ),
    defence="frames are known again by what they tell; the meter's page counter shows the record's second use",
    without="the detector evidence_replayed is left out of the watch",
    residual="a record of a meter whose pages nobody counts (no PG) is known again by its registers alone",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
