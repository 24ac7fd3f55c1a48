"""T11: a station tells more energy than it can have delivered in the time."""

from decimal import Decimal

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.lab import Lab
from wattseal.lab.means.kept_back import kept_back, without
from wattseal.model.station import EvseEnrolment, Station
from wattseal.watch import Watch
from wattseal.watch.reach import most_wh

CODE = "energy_beyond_rating"
RATED_W = 22_000
MINUTES = 45


async def _perform(lab: Lab) -> Found:
    return await _invent(lab, Watch())


async def _control(lab: Lab) -> Found:
    return await _invent(lab, without(CODE))


async def _invent(lab: Lab, watch: Watch) -> Found:
    most = most_wh(RATED_W, MINUTES * 60_000)
    async with lab.clockwork() as cpo:
        cpo.world.watch = watch
        station = await cpo.enrol(Station(id="ST1", evses=(EvseEnrolment(id=1, rated_power_w=RATED_W),)))
        await cpo.token("CARD")
        told_wh = int(most) + lab.dice.number(1, 20_000)
        await station.stop16(await station.start16("CARD", 0, 0), told_wh, MINUTES)
        found = await kept_back(cpo, await cpo.newest(), CODE)
    bound = Figure("most that 22 kW are taken to deliver in 45 minutes", float(most / Decimal(1000)), "kWh")
    return Found(found.outcome, found.evidence, records=found.records, figures=(bound,))


ATTACK = Attack(
    line="T11",
    title="more energy is told than 22 kW deliver in 45 minutes",
    steps=(
        "begin a charge at an EVSE that is enrolled with 22 kW",
        "end it after 45 minutes with more than rating times duration",
        "let the session be billed",
    ),
    defence="the detector energy_beyond_rating: rating times duration, plus 10 %, two minutes and 1 kWh",
    without="the detector is left out of the watch",
    residual="up to the bound a station may invent energy that no signing meter contradicts; where no rating is "
    "enrolled the bound is 1 MW",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
