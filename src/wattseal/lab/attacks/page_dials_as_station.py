"""T62: a page of another site opens a WebSocket to the CSMS out of the browser of somebody who works there."""

import aiohttp

from wattseal.app import doorman
from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import dial, now_text
from wattseal.lab.null import take_out

ORIGINS = ("https://evil.example", "null", "http://127.0.0.1.evil.example")
CLAIMED, UNPROTECTED = "GHOST", "OLD1"


async def _perform(lab: Lab) -> Found:
    return await _dial(lab)


async def _control(lab: Lab) -> Found:
    return await _dial(lab, "page_dials_as_station")


def undefend() -> None:
    """Take a browser's page for a station of this machine."""
    take_out(doorman, "is_foreign_page", lambda _origin: False)


async def _dial(lab: Lab, undefend: str | None = None) -> Found:
    """Dial as an unknown station and as one without a password, the way a browser does: with the page's origin."""
    async with lab.alone("", undefend, "--insecure-dev") as cpo:
        await cpo.api("POST", "/api/v1/stations", {"id": UNPROTECTED, "security_profile": 0, "evses": [{"id": 1}]})
        refused = 0
        for origin in ORIGINS:
            for station in (CLAIMED, UNPROTECTED):
                refused += not await _comes_in(cpo, station, origin)
        sessions = await cpo.api("GET", "/api/v1/transactions")
        if not await _comes_in(cpo, UNPROTECTED, None):
            raise LabError("the station itself is not let in", subject=UNPROTECTED)
    tries = len(ORIGINS) * 2
    if sessions or refused != tries:
        text = f"{tries - refused} of {tries} connections of foreign pages came in and made {len(sessions)} sessions"
        return Found(Outcome.MISSED, text)
    text = f"{tries} WebSockets with the origin of another site answered 401; the station, without one, came in"
    return Found(Outcome.PREVENTED, text)


async def _comes_in(cpo: Alone, station: str, origin: str | None) -> bool:
    """Dial without a password, and begin a charge where that is let in."""
    try:
        async with dial(cpo.session, cpo.ocpp, station, None, origin=origin) as line:
            await line.boot()
            if origin is not None:
                start = {"connectorId": 1, "idTag": "FREE", "meterStart": 0, "timestamp": now_text()}
                await line.call("StartTransaction", start)
    except aiohttp.WSServerHandshakeError as error:
        if error.status != 401:
            raise
        return False
    return True


ATTACK = Attack(
    line="T62",
    title="a page of another site connects as a station through the browser of somebody on the machine",
    steps=(
        "run a CSMS that lets unknown stations in from its own machine, and one station without a password",
        "out of a browser there, let a page of another site open WebSockets under both names",
        "begin a charge on every one that opens",
    ),
    defence="who shows nothing is not let in when a page of another site asks: browsers tell its origin",
    without="the origin is not looked at",
    residual="a page served from the machine itself is let in, for simulators; so is whatever else runs there",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
