"""T63: values, cursors and filters of lists that are to become SQL."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import now_text
from wattseal.lab.means.routes import routes_of
from wattseal.lab.null import take_out
from wattseal.stores.frame_queries import FrameQuery

STATION, CARD = "ST1", "CARD"
INJECTIONS = (
    "' OR '1'='1",
    "x' OR 1=1 --",
    '" OR ""="',
    "1) OR (1=1",
    "x'; DROP TABLE documents; --",
    "x' UNION SELECT 1,1,'x',0,2,'x','x',NULL,NULL,body FROM documents --",
    "%",
    "id DESC; DELETE FROM frames",
)
CURSORS = frozenset({"after", "before"})
"""What says where a page begins: any text is a place in the order."""
SPOKEN = ("sqlite", "syntax error", 'near "', "traceback", "operationalerror")


async def _perform(lab: Lab) -> Found:
    return await _inject(lab)


async def _control(lab: Lab) -> Found:
    return await _inject(lab, "sql_in_query")


def undefend() -> None:
    """Write what is asked for into the statement."""

    def spelt(query: FrameQuery) -> tuple[str, list[Any]]:
        asked = (("action", query.action), ("message_id", query.message_id), ("frame", query.text))
        terms = [f"{name} = '{value}'" for name, value in asked if value is not None]
        return " AND ".join(terms) or "1", []

    take_out(FrameQuery, "_filter", spelt)


async def _inject(lab: Lab, undefend: str | None = None) -> Found:
    async with lab.alone(undefend=undefend) as cpo:
        await _filled(cpo)
        before = await _there(cpo)
        tried, gained, broken = 0, [], []
        for route in await routes_of(cpo):
            if route.method != "GET":
                continue
            for name, schema in route.in_query:
                for injection in INJECTIONS if _takes_text(schema) else INJECTIONS[:2]:
                    tried += 1
                    where = f"{route.path}?{name}"
                    query = urlencode({name: injection})
                    status, found, text = await _asked(cpo, f"{route.filled({'station_id': STATION})}?{query}")
                    if status >= 500 or any(word in text.lower() for word in SPOKEN):
                        broken.append(f"{where} answers {status}")
                    elif found and name not in CURSORS:
                        gained.append(f"{where}={injection} lists {found}")
        after = await _there(cpo)
    if gained or broken or before != after:
        lost = "" if before == after else f"; there were {before}, now {after}"
        return Found(Outcome.MISSED, f"{tried} tries: {(gained + broken)[:2]}{lost}")
    text = (
        f"{tried} injections into every parameter of every list were values: none found a row, none broke a statement, "
        "and everything is there still"
    )
    return Found(Outcome.PREVENTED, text, figures=(Figure("injections", tried, "requests"),))


def _takes_text(schema: Mapping[str, Any]) -> bool:
    return "string" in str(schema) and "enum" not in str(schema)


async def _filled(cpo: Alone) -> None:
    """Have something of what lists show."""
    await cpo.enrol(STATION)
    await cpo.token(CARD)
    async with cpo.station(STATION) as line:
        await line.boot()
        start = {"connectorId": 1, "idTag": CARD, "meterStart": 0, "timestamp": now_text()}
        number = (await line.call("StartTransaction", start))["transactionId"]
        await line.call("StopTransaction", {"transactionId": number, "meterStop": 9, "timestamp": now_text(1)})


async def _asked(cpo: Alone, path: str) -> tuple[int, int, str]:
    """Return the status, how many rows were listed, and the text of an answer."""
    async with cpo.asked("GET", path) as answer:
        text = await answer.text(errors="replace")
        if answer.status != 200 or not answer.content_type.endswith("json"):
            return answer.status, 0, text if answer.status != 200 else ""
        told = await answer.json()
        return answer.status, len(told) if isinstance(told, list) else 0, ""


async def _there(cpo: Alone) -> list[int]:
    return [len(await cpo.api("GET", f"/api/v1/{name}")) for name in ("stations", "tokens", "transactions")]


ATTACK = Attack(
    line="T63",
    title="filters and cursors of every list carry SQL",
    steps=(
        "read from the API's own document which lists take which parameters",
        f"put {len(INJECTIONS)} injections into each: always true, comments, a second statement, a union",
        "see whether a filter that nothing fits lists rows, a statement breaks, or something is gone",
    ),
    defence="what is asked for is a parameter of a statement, never part of its text",
    without="the filters of frames are written into the statement",
    residual="none known",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
