"""T43: the sessions of a site are ended together by somebody on its link."""

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.clockwork import Clockwork, Line
from wattseal.lab.lab import Lab
from wattseal.lab.means.kept_back import without
from wattseal.model.station import EvseEnrolment, Station
from wattseal.watch import Watch

CODE, SITE, OTHER = "sessions_cut", "DEPOT", "MALL"
CARS, CUT = 8, 6
WAIT_MIN = 0.1
"""Six seconds: the clock looks every five."""


async def _perform(lab: Lab) -> Found:
    return await _cut(lab, Watch())


async def _control(lab: Lab) -> Found:
    return await _cut(lab, without(CODE))


async def _cut(lab: Lab, watch: Watch) -> Found:
    async with lab.clockwork() as cpo:
        cpo.world.watch = watch
        await cpo.token("CARD")
        depot, mall = await _charging(cpo, SITE), await _charging(cpo, OTHER)
        for minute, (line, number) in enumerate(mall.values()):
            await line.stop16(number, 3_000, 20 + minute / 10)
        await cpo.look()
        if before := [each for each in await cpo.alarms() if each.code == CODE]:
            return Found(Outcome.MISSED, f"drivers who left one after the other raised {before[0].detail}")
        began = 30.0
        for nth, (line, number) in enumerate(list(depot.values())[:CUT]):
            await line.stop16(number, 4_000, began + nth / 10, reason=("Other", "PowerLoss")[lab.dice.number(0, 1)])
        cpo.move_to(began + CUT / 10 + WAIT_MIN)
        await cpo.look()
        seconds = (cpo.clock.ms - cpo.began_ms) / 1000 - began * 60
        told = [each for each in await cpo.alarms() if each.code == CODE]
        active = sum(each.active for each in await cpo.transactions())
    figures = (Figure("sessions ended by him", CUT, ""),)
    if not told:
        text = f"{CUT} of {CARS} cars at {SITE} stand uncharged, {active} charge on, and nobody was told"
        return Found(Outcome.MISSED, text, figures=figures)
    text = f"one alarm {CODE} of {told[0].field}: {told[0].detail}"
    return Found(Outcome.DETECTED, text, round(seconds, 1), records=CUT, figures=figures)


async def _charging(cpo: Clockwork, site: str) -> dict[str, tuple[Line, int]]:
    """Let cars charge at a site; returns their stations' lines and transaction numbers."""
    found = {}
    for number in range(CARS):
        name = f"{site}-{number}"
        line = await cpo.enrol(Station(id=name, site=site, evses=(EvseEnrolment(id=1),)))
        found[name] = line, await line.start16("CARD", 0, number / 10)
    return found


ATTACK = Attack(
    line="T43",
    title="most sessions of a site are ended at once",
    steps=(
        f"{CARS} cars charge at a site, as many at another",
        "at the other one drivers end their charges one after the other: no reason for an alarm",
        f"sit on the first site's link and end {CUT} charges within a minute, as faults or losses of power",
    ),
    defence="the clock looks at what ended without its driver's doing: three in a minute, and half of a site's, alarm",
    without="the detector is left out of the watch",
    residual="what is ended is ended: the alarm says where to look; slower than three a minute it looks like chance",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
