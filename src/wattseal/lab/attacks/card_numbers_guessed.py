"""T45: numbers of cards are tried out at a station, and those of one issuer at several, until one is good."""

from collections.abc import Iterator

from wattseal.flow.drivers import authorise
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.clockwork import Clockwork
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.rules.uid_guessing import CODE, LIMIT

TRIES, RESTART_AT = 240, 30
STATIONS = 8
REGULAR = "04A2C0FFEE"


async def _perform(lab: Lab) -> Found:
    return await _guess(lab)


async def _never(*_: object) -> bool:
    return False


async def _control(lab: Lab) -> Found:
    with swapped(authorise, "is_stopped", _never):
        return await _guess(lab)


async def _guess(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        place = lab.dice.number(LIMIT + STATIONS, TRIES - 1)
        here, at_one = await _tried(cpo, ["ONE"], "04A2", place)
        there, at_several = await _tried(cpo, [f"SEV{n}" for n in range(STATIONS)], "04B7", place)
        alarms = [alarm for alarm in await cpo.alarms() if alarm.code == CODE]
        regular = await _held(cpo, "ONE", REGULAR)
    if here or there:
        found = " and ".join(name for name, hit in (("one station", here), ("several", there)) if hit)
        return Found(Outcome.MISSED, f"the good number was found as try {place + 1} of {TRIES} at {found}")
    if not alarms or regular != "Accepted" or max(at_one, at_several) > LIMIT:
        text = f"{len(alarms)} alarms; {at_one} and {at_several} tries were decided on; the regular is {regular}"
        return Found(Outcome.MISSED, text)
    text = (
        f"stopped after {at_one} of {TRIES} tries at one station and {at_several} over {STATIONS}, over a restart; the "
        f"good number, try {place + 1}, was answered Invalid; {len(alarms)} alarms {CODE}; "
        "who has charged there before was let charge"
    )
    figures = (
        Figure("tries until stopped at a station", at_one, "tries"),
        Figure("tries until stopped over several stations", at_several, "tries"),
    )
    return Found(Outcome.BOUNDED, text, records=0, figures=figures)


async def _tried(cpo: Clockwork, stations: list[str], prefix: str, place: int) -> tuple[bool, int]:
    """Try numbers in turn, one of them good; returns whether that was found, and how many were decided on."""
    for name in stations:
        await cpo.enrol(name)
    await cpo.token(REGULAR)
    line = await cpo.enrol(stations[0])
    await line.stop16(await line.start16(REGULAR, 1_000, 0), 2_000, 30)
    numbers = list(_numbers(prefix))
    await cpo.token(numbers[place])
    stopped_before = cpo.world.counters.get("uid_guesses_refused", 0)
    found = False
    for number, card in enumerate(numbers):
        if number == RESTART_AT:
            await cpo.restart()
        found |= await _held(cpo, stations[number % len(stations)], card) == "Accepted"
    return found, TRIES - (cpo.world.counters.get("uid_guesses_refused", 0) - stopped_before)


def _numbers(prefix: str) -> Iterator[str]:
    return (f"{prefix}{0x51C0DE00 + number:08X}" for number in range(TRIES))


async def _held(cpo: Clockwork, station: str, card: str) -> str:
    line = await cpo.enrol(station)
    return str((await line.call("Authorize", {"idTag": card}))["idTagInfo"]["status"])


ATTACK = Attack(
    line="T45",
    title="card numbers are tried out one after the other, at one station and over several",
    steps=(
        f"at one station hold {TRIES} cards to the reader, numbers of one issuer in turn, one of them good",
        f"do the same with another issuer's numbers over {STATIONS} stations in turn",
        f"restart the CSMS after {RESTART_AT} tries, so that only what is durable is known",
        "see whether the good number was found, and whether a driver who belongs there still charges",
    ),
    defence=f"after {LIMIT} different cards that are good for nothing others are Invalid there, and not looked up",
    without="nothing is stopped",
    residual="each station gives away twenty numbers in two hours, one where the issuer's are stopped elsewhere; a "
    "good card that never charged at such a station has to wait or is started from the app; an edge that decides "
    "offline by its own list counts nothing",
    expected=Outcome.BOUNDED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
