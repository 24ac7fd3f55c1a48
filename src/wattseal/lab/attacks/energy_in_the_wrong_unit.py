"""T10: a register is told in the wrong unit: a thousandth of the energy is billed, or a thousandfold."""

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.clockwork import Clockwork, Line
from wattseal.lab.lab import Lab
from wattseal.lab.means.kept_back import kept_back, without
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.transaction import Transaction
from wattseal.watch import Watch

TOO_LITTLE = "energy_scale_doubtful"
TOO_MUCH = ("energy_beyond_rating", "register_jumped", "implausible_energy")
RATED_W = 22_000
POWER_W = (3_000, 20_000)
MINUTES = 60


async def _perform(lab: Lab) -> Found:
    return await _tell_both(lab, Watch())


async def _control(lab: Lab) -> Found:
    return await _tell_both(lab, without(TOO_LITTLE, *TOO_MUCH))


async def _tell_both(lab: Lab, watch: Watch) -> Found:
    power_w = lab.dice.number(*POWER_W)
    found = []
    for wh_an_hour in (power_w // 1000, power_w * 1000):
        async with lab.clockwork() as cpo:
            cpo.world.watch = watch
            station = await cpo.enrol(Station(id="ST1", evses=(EvseEnrolment(id=1, rated_power_w=RATED_W),)))
            await cpo.token("CARD")
            session = await _charge(cpo, station, power_w, wh_an_hour)
            found.append(await kept_back(cpo, session, TOO_LITTLE, *TOO_MUCH))
    missed = [each.evidence for each in found if each.outcome is not Outcome.DETECTED]
    if missed:
        return Found(Outcome.MISSED, f"{power_w} W for an hour: {'; '.join(missed)}")
    evidence = "; ".join(each.evidence.partition(";")[0] for each in found)
    power = Figure("power told with the register", power_w, "W")
    return Found(Outcome.DETECTED, f"{evidence}; neither is billed", records=1, figures=(power,))


async def _charge(cpo: Clockwork, station: Line, power_w: int, wh_an_hour: int) -> Transaction:
    """Charge for an hour at a steady power, with a register that says something else."""
    number = await station.start16("CARD", 1_000, 0)
    for minute in range(5, MINUTES, 5):
        samples = [
            {"value": str(1_000 + wh_an_hour * minute // 60), "measurand": "Energy.Active.Import.Register"},
            {"value": str(power_w), "measurand": "Power.Active.Import", "unit": "W"},
        ]
        values = [{"timestamp": cpo.at(minute), "sampledValue": samples}]
        payload = {"connectorId": 1, "transactionId": number, "meterValue": values}
        await station.call("MeterValues", payload, minute)
    await station.stop16(number, 1_000 + wh_an_hour, MINUTES)
    return await cpo.newest()


ATTACK = Attack(
    line="T10",
    title="a station tells kWh as Wh, another one Wh as kWh",
    steps=(
        "charge for an hour and tell the power truly every five minutes",
        "tell the register in kWh as if it were Wh: a thousandth",
        "the same at another station with the register multiplied by a thousand",
        "let both sessions be billed",
    ),
    defence="register against the power told with it (energy_scale_doubtful), and against rating times duration",
    without="the four detectors that compare energy with power, rating and batteries are left out of the watch",
    residual="a station that tells no power and registers a thousandth shows it only in the meter's own display",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
