"""T14: starts and stops bear times of 1970 or 2099, or none at all, so that the price of another hour applies."""

from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.lab import Lab
from wattseal.lab.means.kept_back import kept_back, without
from wattseal.lab.month.tariffs import TIME_OF_USE
from wattseal.watch import Watch

CODE = "time_implausible"
NIGHTS = (
    ("1970-01-01T00:30:00Z", "1970-01-01T01:30:00Z"),
    ("2099-06-01T01:00:00Z", "2099-06-01T02:00:00Z"),
)
NO_TIMES = ("yesterday", "0000-00-00T00:00:00Z", "2027-01-15T25:61:00Z", "", "1e9")
ENERGY_WH = 20_000


async def _perform(lab: Lab) -> Found:
    return await _misdate(lab, Watch())


async def _control(lab: Lab) -> Found:
    return await _misdate(lab, without(CODE))


async def _misdate(lab: Lab, watch: Watch) -> Found:
    evidence = []
    for from_, until in NIGHTS:
        async with lab.clockwork() as cpo:
            cpo.world.watch = watch
            station = await cpo.enrol("ST1", TIME_OF_USE)
            await cpo.token("CARD")
            start = {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": from_}
            number = (await station.call("StartTransaction", start, 0))["transactionId"]
            taken = 0
            for text in NO_TIMES:
                stop = {"transactionId": number, "meterStop": 1, "timestamp": text}
                try:
                    await station.call("StopTransaction", stop, 30)
                    taken += 1
                except LabError:
                    continue
            stop = {"transactionId": number, "meterStop": ENERGY_WH, "timestamp": until}
            await station.call("StopTransaction", stop, 60)
            found = await kept_back(cpo, await cpo.newest(), CODE)
        if taken:
            return Found(Outcome.MISSED, f"{taken} stops without a time were taken")
        if found.outcome is not Outcome.DETECTED:
            return Found(found.outcome, f"a charge by day, told as of {from_}: {found.evidence}")
        evidence.append(f"{from_[:4]}: {found.evidence}")
    text = f"{'; '.join(evidence)}; {len(NO_TIMES)} stops without a time refused, the station keeps them"
    return Found(Outcome.DETECTED, text, records=1)


ATTACK = Attack(
    line="T14",
    title="charges by day are told as of a night in 1970 and one in 2099",
    steps=(
        "charge by day under a tariff that is cheaper by night",
        "tell start and stop with times of 1970, at another station of 2099",
        f"in between tell stops whose time is no time: {', '.join(repr(each) for each in NO_TIMES)}",
        "let the sessions be billed",
    ),
    defence="the detector time_implausible quarantines the session; what is no time at all is refused",
    without="the detector is left out of the watch: the night's price applies",
    residual="what a driver of such a station owes is for a person to decide",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
