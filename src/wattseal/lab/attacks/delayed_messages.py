"""T28: messages are held up on the way, by seconds to a day; the station tells them again meanwhile."""

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.clockwork import Clockwork
from wattseal.lab.lab import Lab
from wattseal.lab.means.forgetful import LAYERS, forgetful
from wattseal.lab.means.kept_back import notes_of
from wattseal.model.transaction import Transaction

DELAYS = (("10 s", 10, None), ("60 s", 60, None), ("1 h", 3_600, "time_differs"), ("24 h", 86_460, "recorded_late"))
"""How long, in words and seconds, and what has to be noted of it; below five minutes a link may take that long."""
ENERGY_WH, MINUTES = 12_000, 60
AGAIN = (0, 0.5)
"""When each message comes: at once, and half a minute later again."""


async def _perform(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        return await _delay(cpo)


async def _control(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        with forgetful(cpo):
            return await _delay(cpo)


async def _delay(cpo: Clockwork) -> Found:
    await cpo.token("CARD")
    evidence, figures, begins = [], [], 0.0
    for number, (words, delay_s, code) in enumerate(DELAYS):
        station = f"ST{number}"
        await _charge(cpo, station, begins, delay_s)
        await cpo.settle()
        sessions = [each for each in await cpo.transactions() if each.station_id == station]
        bills = [bill for each in sessions if (bill := await cpo.bill(each)) is not None]
        energies = [int(bill.energy_wh) for bill in bills]
        if energies != [ENERGY_WH]:
            return Found(Outcome.MISSED, f"{words}: billed {energies} Wh for {ENERGY_WH} drawn")
        noted = notes_of(sessions[0], "time_differs", "recorded_late")
        if [note.code for note in noted][:1] != ([code] if code else []):
            return Found(Outcome.MISSED, f"{words}: noted was {[note.code for note in noted]}")
        grade = bills[0].grade.name
        evidence.append(f"{words}: {noted[0].code if noted else 'both times kept'}, {grade}")
        figures.append(Figure(f"delay of {words} as the record tells it", _told_s(sessions[0]), "s"))
        begins = (cpo.clock.ms - cpo.began_ms) / 60_000 + 10
    return Found(Outcome.DETECTED, f"{'; '.join(evidence)}; billed once each", records=1, figures=tuple(figures))


async def _charge(cpo: Clockwork, name: str, begins: float, delay_s: int) -> None:
    """Charge with start and stop that arrive so much later, each of them twice."""
    station, ends = await cpo.enrol(name), begins + MINUTES
    start = {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": cpo.at(begins)}
    numbers = []
    for again in AGAIN:
        answer = await station.call("StartTransaction", start, begins + delay_s / 60 + again)
        numbers.append(answer["transactionId"])
    for number, again in zip(numbers, AGAIN, strict=True):
        stop = {"transactionId": number, "meterStop": ENERGY_WH, "timestamp": cpo.at(ends)}
        await station.call("StopTransaction", stop, ends + delay_s / 60 + again)


def _told_s(session: Transaction) -> float:
    """Return by how much the start arrived after its own time, by the two times that are kept."""
    return 0.0 if session.started_ms is None else (session.recorded_ms - session.started_ms) / 1000


ATTACK = Attack(
    line="T28",
    title="messages are held up by 10 s, a minute, an hour and a day, while the station sends them again",
    steps=(
        "hold up start and stop of a charge by 10 s, at other stations by 60 s, an hour, a day",
        "let the station, which got no answer, send each of them a second time",
        "let the sessions be billed",
    ),
    defence="both times stand in the record, what is late by minutes or days is noted, and a message counts once",
    without=LAYERS,
    residual="up to five minutes nothing is noted; in 1.6 a message that was held up looks like one that waited",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
