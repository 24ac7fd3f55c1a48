"""T64: whoever has a token of one tenant asks for the objects of another, on every route of the API."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from wattseal.app.log_keeper import CHECKPOINT, HEAD
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import now_text
from wattseal.lab.means.moved_tenant import fingerprint, move
from wattseal.lab.means.routes import Route, routes_of
from wattseal.lab.null import take_out
from wattseal.rules.roles import ROLES
from wattseal.stores.sqlite import SqliteJournal

STATION, SITE, TARIFF, TEMPLATE = "FOREIGN1", "FSITE", "FTARIFF", "FTEMPLATE"
CANARY = "Canary Lane"
"""Stands in foreign objects and in no request."""
ONE_SCOPE = "registry:read"
BILLED_WITHIN_S = 20.0
MAKES = "PUT"
"""What makes an own object of a name answers 2xx, and leaves the foreign one of that name as it is."""


async def _perform(lab: Lab) -> Found:
    return await _ask_all(lab)


async def _control(lab: Lab) -> Found:
    return await _ask_all(lab, "another_tenants_objects", list(ROLES)[:1])


def undefend() -> None:
    """Read documents of whatever tenant; the log's own state aside, without which the process would not start."""
    read = SqliteJournal._read  # noqa: SLF001 - the place of the defence

    async def of_any(self: SqliteJournal, sql: str, parameters: Any, how: Any, *looks_at: Any) -> Any:
        if "FROM documents" in sql and parameters[1] not in {CHECKPOINT, HEAD}:
            sql = sql.replace("tenant_id = $1", "$1 = $1")
        return await read(self, sql, parameters, how, *looks_at)

    take_out(SqliteJournal, "_read", of_any)


async def _ask_all(lab: Lab, undefend: str | None = None, roles: list[str] | None = None) -> Found:
    async with lab.alone("[billing]\nwait_s = 0\n", None) as cpo:
        ids = await _filled(cpo)
        await cpo.stop()
        rows = await asyncio.to_thread(move, cpo.data)
        cpo.undefend = undefend
        await cpo.start()
        before = await asyncio.to_thread(fingerprint, cpo.data)
        tokens = await _tokens(cpo, roles or list(ROLES))
        served, statuses = await _asked(cpo, tokens, ids)
        after = await asyncio.to_thread(fingerprint, cpo.data)
    asked = sum(statuses.values())
    if served or before != after:
        changed = "" if before == after else "; foreign rows were changed"
        return Found(Outcome.MISSED, f"{len(served)} of {asked} requests were served: {served[:3]}{changed}")
    good = sum(n for status, n in statuses.items() if status < 300)
    told = ", ".join(f"{status} {statuses[status]}x" for status in sorted(statuses) if status >= 400)
    text = (
        f"{asked} requests, every route as {len(tokens)} tokens with the ids of {rows} foreign rows: 0 unexpected 2xx; "
        f"the {good} others list or make own objects ({told}); no foreign text, no foreign row changed"
    )
    return Found(Outcome.PREVENTED, text, figures=(Figure("requests for foreign objects", asked, "requests"),))


async def _tokens(cpo: Alone, roles: list[str]) -> dict[str, str]:
    """Make an API token for each role, and one that has a single scope."""
    wanted = {role: sorted(ROLES[role]) for role in roles} | {ONE_SCOPE: [ONE_SCOPE]}
    made = {}
    for name, scopes in wanted.items():
        told = await cpo.api("POST", "/api/v1/api-tokens", {"name": name, "scopes": scopes})
        made[name] = told["secret"]
    return made


async def _asked(cpo: Alone, tokens: Mapping[str, str], ids: Mapping[str, str]) -> tuple[list[str], Counter[int]]:
    """Ask every route as everybody; returns what was served and must not be, and how often which status came."""
    served: list[str] = []
    statuses: Counter[int] = Counter()
    made: set[str] = set()
    for route in await routes_of(cpo):
        path = route.filled(ids)
        answers = await asyncio.gather(*(_answer(cpo, route, path, token) for token in tokens.values()))
        if route.method == MAKES and any(status < 300 for status, _ in answers):
            made.add(path)
        for name, (status, text) in zip(tokens, answers, strict=True):
            statuses[status] += 1
            good = status < 300
            if status >= 500:
                served.append(f"{route.method} {path} as {name} breaks: {status}")
            elif CANARY in text:
                served.append(f"{route.method} {path} as {name} shows a foreign text")
            elif good and (_foreign(route, ids, path, made) or _beyond(route, name)):
                served.append(f"{route.method} {path} as {name} is {status}")
    return served, statuses


async def _answer(cpo: Alone, route: Route, path: str, token: str) -> tuple[int, str]:
    async with cpo.asked(route.method, path, route.body, token) as answer:
        return answer.status, await answer.text(errors="replace")


def _foreign(route: Route, ids: Mapping[str, str], path: str, made: set[str]) -> bool:
    """Return whether a route names a foreign object, and nobody has made an own one in its place."""
    return any(name in ids for name in route.in_path) and not any(path.startswith(own) for own in made)


def _beyond(route: Route, name: str) -> bool:
    """Return whether a token for the keys alone is served something else."""
    return name == ONE_SCOPE and "/registry/keys" not in route.path


async def _filled(cpo: Alone) -> dict[str, str]:
    """Make one of each and return their ids by the names that paths have for them."""
    component = {"type": "ENERGY", "price": 0.5, "vat": 19, "step_size": 1}
    tariff: dict[str, Any] = {"country_code": "DE", "party_id": "CPO", "id": TARIFF, "currency": "EUR"}
    texts = [{"language": "en", "text": CANARY}]
    tariff |= {"elements": [{"price_components": [component]}], "last_updated": "2026-01-01T00:00:00Z"}
    await cpo.api("PUT", f"/api/v1/tariffs/{TARIFF}", tariff | {"tariff_alt_text": texts})
    await cpo.api("PUT", f"/api/v1/tariffs/{TARIFF}/assignments", {"level": "cpo"})
    site = {"name": CANARY, "address": CANARY, "city": "Berlin", "country": "DEU", "time_zone": "Europe/Berlin"}
    await cpo.api("PUT", f"/api/v1/sites/{SITE}", site | {"latitude": "52.520008", "longitude": "13.404954"})
    await cpo.enrol(STATION, site=SITE)
    payer = {"name": CANARY, "country": "DE"}
    account = await cpo.api("POST", "/api/v1/accounts", {"kind": "credit", "currency": "EUR", "limit": "500.00"})
    await cpo.api("PUT", f"/api/v1/accounts/{account['id']}/payer", payer)
    await cpo.token("FCARD", account=account["id"])
    person = await cpo.api("POST", "/api/v1/people", {"name": CANARY, "roles": ["support"]})
    token = await cpo.api("POST", "/api/v1/api-tokens", {"name": CANARY, "scopes": [ONE_SCOPE]})
    times = {"from": "2026-12-01T00:00:00Z", "to": "2026-12-02T00:00:00Z"}
    window = await cpo.api("POST", "/api/v1/maintenance-windows", {"station_id": STATION, "note": CANARY, **times})
    variable = {"component": "AuthCtrlr", "variable": "Enabled", "value": CANARY}
    await cpo.api("PUT", f"/api/v1/templates/{TEMPLATE}", {"variables": [variable]})
    session = await _charged(cpo)
    bill = await _billed(cpo)
    return {
        "account_id": account["id"],
        "bill_id": bill["id"],
        "cdr_id": bill["id"],
        "key": session,
        "name": TEMPLATE,
        "person_id": person["id"],
        "site_id": SITE,
        "station_id": STATION,
        "tariff_id": TARIFF,
        "token_id": token["id"],
        "transaction_id": session,
        "window_id": window["id"],
    }


async def _charged(cpo: Alone) -> str:
    async with cpo.station(STATION) as line:
        await line.boot(CANARY)
        start = {"connectorId": 1, "idTag": "FCARD", "meterStart": 0, "timestamp": now_text(-60)}
        number = (await line.call("StartTransaction", start))["transactionId"]
        stop = {"transactionId": number, "meterStop": 900, "timestamp": now_text()}
        await line.call("StopTransaction", stop)
    (session,) = await cpo.api("GET", "/api/v1/transactions")
    return str(session["id"])


async def _billed(cpo: Alone) -> dict[str, Any]:
    end = time.monotonic() + BILLED_WITHIN_S
    while not (bills := await cpo.api("GET", "/api/v1/bills")):
        if time.monotonic() > end:
            (session,) = await cpo.api("GET", "/api/v1/transactions")
            raise LabError(f"the session was not billed: {session}", subject=STATION)
        await asyncio.sleep(0.2)
    first: dict[str, Any] = bills[0]
    return first


ATTACK = Attack(
    line="T64",
    title="every route of the API is asked for another tenant's objects, by every role",
    steps=(
        "make a site, station, card, account, tariff, person, session, bill and more, and give them to another tenant",
        "read every route from the API's own document, and make a body that fits",
        "ask each as every role, and with a token for one scope, by the ids of the foreign objects",
        "count answers of 2xx, look for foreign texts in every answer, and compare every foreign row before and after",
    ),
    defence="every statement names the tenant, and every route asks for its scope",
    without="documents are read without their tenant",
    residual="who may change the database or its statements is an insider: see the attacks on its records",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
    within_s=180,
)
