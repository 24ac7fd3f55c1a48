"""T74: a whole session is never told: the car charges, and nothing of it is recorded or billed."""

from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.kept_back import notes_of, without
from wattseal.lab.lab import Lab
from wattseal.watch import Watch

CODE = "unaccounted_session"


async def _perform(lab: Lab) -> Found:
    return await _suppress(lab, Watch())


async def _control(lab: Lab) -> Found:
    return await _suppress(lab, without(CODE, "unaccounted_energy"))


async def _suppress(lab: Lab, watch: Watch) -> Found:
    async with lab.clockwork() as cpo:
        cpo.world.watch = watch
        station = await cpo.enrol("ST1")
        await cpo.token("CARD")
        await station.stop16(await station.start16("CARD", 1_000, 0), 5_000, 60)
        await cpo.restart()
        taken_wh = lab.dice.number(4_000, 40_000)
        before = await cpo.records()
        number = await station.start16("CARD", 5_000 + taken_wh, 180)
        records = await cpo.records() - before
        told = [alarm for alarm in await cpo.alarms() if alarm.code == CODE]
        await station.stop16(number, 9_000 + taken_wh, 240)
        await cpo.settle()
        sessions = await cpo.transactions()
        billed_wh = sum(int(bill.energy_wh) for bill in await cpo.bills())
        noted = [note for each in sessions for note in notes_of(each, CODE)]
    if not told or not noted:
        return Found(Outcome.MISSED, f"{taken_wh} Wh were drawn beside the {billed_wh} Wh billed, and nobody knows")
    text = f"{CODE} at {told[0].station_id}: {told[0].detail}, record {(told[0].record or '')[:8]}"
    return Found(Outcome.DETECTED, text, records=records)


ATTACK = Attack(
    line="T74",
    title="a session is kept from the records altogether",
    steps=(
        "charge at a station and let it be recorded; the CSMS restarts",
        "charge a second time and swallow every message of it",
        "let an honest driver charge there",
    ),
    defence="each start is held against the end before it: energy between them that no standby explains is an alarm",
    without="the two detectors of energy between sessions are left out of the watch",
    residual="less than a kilowatt hour stays unseen, and a session after which nobody charges there again; who hides "
    "one from the records has to hide the meter's register as well",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
