"""T74: a whole session is never told: the car charges, and nothing of it is recorded or billed."""

from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.clockwork import Clockwork
from wattseal.lab.lab import Lab
from wattseal.lab.means.kept_back import without
from wattseal.watch import Watch

CODE = "unaccounted_session"
CLOCKED_MIN, LEAST_WH = 5, 1_100
"""How often a station tells its register by the clock, and from when on it tells of more than standby."""


async def _perform(lab: Lab) -> Found:
    return await _suppress(lab, Watch())


async def _control(lab: Lab) -> Found:
    return await _suppress(lab, without(CODE, "unaccounted_energy"))


async def _suppress(lab: Lab, watch: Watch) -> Found:
    """Suppress one of which nothing comes through, and one during which registers are told by the clock."""
    async with lab.clockwork() as cpo:
        cpo.world.watch = watch
        whole = await _everything(lab, cpo)
    async with lab.clockwork() as cpo:
        cpo.world.watch = watch
        clocked = await _the_session(lab, cpo)
    if whole is None or clocked is None:
        how = [name for name, told in (("all", whole), ("all but its registers", clocked)) if told is None]
        return Found(Outcome.MISSED, f"a session of which {' and '.join(how)} was swallowed: drawn, unbilled, unknown")
    text = f"{whole[0]}, by the next start after {whole[1]} records; {clocked[0]}, by the clock after {clocked[1]:g} s"
    return Found(Outcome.DETECTED, text, seconds=clocked[1], records=whole[1])


async def _everything(lab: Lab, cpo: Clockwork) -> tuple[str, int] | None:
    """Swallow all of a session, over a restart; return the alarm and the records it took from the next one."""
    station = await cpo.enrol("ST1")
    await cpo.token("CARD")
    await station.stop16(await station.start16("CARD", 1_000, 0), 5_000, 60)
    await cpo.restart()
    taken_wh = lab.dice.number(4_000, 40_000)
    before = await cpo.records()
    number = await station.start16("CARD", 5_000 + taken_wh, 180)
    records = await cpo.records() - before
    told = await _told(cpo)
    await station.stop16(number, 9_000 + taken_wh, 240)
    await cpo.settle()
    if sum(int(bill.energy_wh) for bill in await cpo.bills()) != 4_000 * 2:
        raise LabError("the honest sessions were not billed as they were", subject="ST1")
    return None if told is None else (told, records)


async def _the_session(lab: Lab, cpo: Clockwork) -> tuple[str, float] | None:
    """Swallow a session's messages alone; return the alarm and how long after its first kWh it came."""
    station = await cpo.enrol("ST2")
    await cpo.token("CARD")
    await station.stop16(await station.start16("CARD", 1_000, 0), 5_000, 60)
    power_w, first = lab.dice.number(7_000, 22_000), 0.0
    for minute in range(70, 130, CLOCKED_MIN):
        drawn_wh = power_w * (minute - 70) // 60
        sample = {"value": str(5_000 + drawn_wh), "context": "Sample.Clock"}
        values = [{"timestamp": cpo.at(minute), "sampledValue": [sample]}]
        await station.call("MeterValues", {"connectorId": 1, "meterValue": values}, minute)
        first = first or (minute if drawn_wh > LEAST_WH else 0.0)
        if (told := await _told(cpo)) is not None:
            return told, (minute - first) * 60
    return None


async def _told(cpo: Clockwork) -> str | None:
    """Return what the alarm says, None where there is none."""
    found = [alarm for alarm in await cpo.alarms() if alarm.code == CODE]
    return f"{CODE} at {found[0].station_id}: {found[0].detail}" if found else None


ATTACK = Attack(
    line="T74",
    title="a session is kept from the records altogether",
    steps=(
        "charge at a station and let it be recorded; the CSMS restarts",
        "charge a second time and swallow every message of it",
        "let an honest driver charge there",
        "at another station swallow a session's own messages alone, while it tells its register every five minutes",
    ),
    defence="each start, and each register told by the clock, is held against the end before it: energy in between "
    "that no standby explains is an alarm",
    without="the two detectors of energy between sessions are left out of the watch",
    residual="less than a kilowatt hour stays unseen, and a session after which nobody charges there again; who hides "
    "one from the records has to hide the meter's register as well",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
