"""T47: a blocked card, and another's station, are called by spellings that look the same."""

from urllib.parse import unquote

import aiohttp

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import CallRefusedError, Line, dial
from wattseal.lab.null import take_out
from wattseal.model import token

CARD = "\u00c5B-1caf\u00e9"
"""A blocked card whose number is more than ASCII, as some contracts' names are."""
SPELLINGS = (
    "\u00e5b-1CAF\u00c9",
    "A\u030aB-1cafe\u0301",
    "\u212bB-1caf\u00e9",
    " \u00c5B-1caf\u00e9 ",
    "\uff21\u030a\uff22-\uff11caf\u00e9",
    "\u00c5B-1caf\u00e9\u00a0",
)
"""Case, decomposed (NFD), the Angstrom sign, white space, full width, a space that does not break."""
HOMOGRAPHS = ("\u0410LPHA1", "ALPHA\u0661", "ALPH\u0391" + "1", "ALPHA1\u200b")
"""Cyrillic, Arabic and Greek letters and digits, and a space of no width, in the number of a good card, ALPHA1."""
STATION, OTHER = "Depot-1", "Depot-2"
DOORS = ("depot-1", "DEPOT-1", "Depot-1%20", "Depot%2D1", "D%D0%B5pot-1", "Depot-1%E2%80%8B", "./Depot-1", "Depot-1%00")

WRONG = 4


async def _perform(lab: Lab) -> Found:
    return await _spell(lab)


async def _control(lab: Lab) -> Found:
    return await _spell(lab, "look_alike_spelling")


def undefend() -> None:
    """Compare numbers as they are written."""
    take_out(token, "canonical", lambda value: value)


async def _spell(lab: Lab, undefend: str | None = None) -> Found:
    async with lab.alone(undefend=undefend) as cpo:
        await cpo.enrol(STATION)
        await cpo.enrol(OTHER)
        for spelling in SPELLINGS:
            await cpo.token(spelling)
        await cpo.token(CARD, status="Blocked")
        await cpo.token("ALPHA1")
        tokens = await cpo.api("GET", "/api/v1/tokens")
        async with cpo.station(STATION, "2.0.1") as line:
            await line.boot()
            let_in = [text for text in SPELLINGS if await _status(line, text) == "Accepted"]
            mistaken = [text for text in HOMOGRAPHS if await _status(line, text) == "Accepted"]
        doubles, strangers = await _doors(cpo)
    if let_in or mistaken or doubles or strangers:
        text = (
            f"the blocked card charges under {len(let_in)} of {len(SPELLINGS)} spellings, {len(mistaken)} homographs "
            f"pass for a good one; {strangers} doors open with another station's password, {doubles} stations are twins"
        )
        return Found(Outcome.MISSED, text)
    text = (
        f"{len(SPELLINGS)} spellings and the blocked one are {len(tokens) - 1} token, and Blocked; {len(HOMOGRAPHS)} "
        f"homographs of a good card are not it; {len(DOORS)} spellings of a station's id are that station or none, and "
        "open with no other password"
    )
    tried = len(SPELLINGS) + len(HOMOGRAPHS) + len(DOORS)
    return Found(Outcome.PREVENTED, text, figures=(Figure("spellings tried", tried, "spellings"),))


async def _status(line: Line, text: str) -> str:
    """Hold a card of this number to the reader."""
    try:
        told = await line.call("Authorize", {"idToken": {"idToken": text[:36], "type": "Central"}})
    except CallRefusedError as error:
        return str(error.subject)
    return str(told["idTokenInfo"]["status"])


async def _doors(cpo: Alone) -> tuple[int, int]:
    """Dial under spellings of a station's id; returns how many more stations there are, how often another got in."""
    strangers = 0
    for number, door in enumerate(DOORS):
        for password, own in ((cpo.passwords[STATION], True), (cpo.passwords[OTHER], False)):
            if not own and number >= WRONG:
                continue  # each wrong password waits longer
            try:
                async with dial(cpo.session, cpo.ocpp, door, password, user=unquote(door)) as line:
                    await line.boot()
                    strangers += not own
            except (aiohttp.WSServerHandshakeError, aiohttp.ClientConnectionError, UnicodeEncodeError):
                continue
    return len(await cpo.api("GET", "/api/v1/stations")) - 2, strangers


ATTACK = Attack(
    line="T47",
    title="a blocked card and another's station are called by spellings that look the same",
    steps=(
        f"enrol a card under {len(SPELLINGS)} spellings, then block it under one more, and charge under each",
        f"hold {len(HOMOGRAPHS)} cards to the reader whose numbers look like a good card's",
        f"dial under {len(DOORS)} spellings of a station's id, with its own password and with another station's",
    ),
    defence="numbers of cards have one canonical form (NFKC, trimmed, without case), ids of stations few letters",
    without="numbers are compared as they are written",
    residual="people can still be deceived by what a number looks like on paper",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
