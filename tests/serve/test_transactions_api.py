"""Transactions over HTTP: found by station, time, end and token; the token only for those who may see it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.cpo_process import Caller, Cpo, Nursery

PATH = "/api/v1/transactions"


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    made = nursery.start(tmp_path_factory.mktemp("transactions") / "cpo")
    for station in ("TX1", "TX2"):
        made.enrol(station)
    made.add_token("CARD")
    asyncio.run(charges(made))
    yield made
    nursery.close()


async def charges(cpo: Cpo) -> None:
    """Charge thrice at TX1 (a running one last), once at TX2 with a card nobody knows."""
    async with cpo.dial("TX1") as socket:
        station = Caller(socket)
        for meter, reason in enumerate(("Local", "EVDisconnected", None)):
            start = {"connectorId": 1, "idTag": "CARD", "meterStart": meter, "timestamp": "2026-01-01T00:00:00Z"}
            number = (await station.call("StartTransaction", start))["transactionId"]
            if reason is not None:
                stop = {"meterStop": 2005, "timestamp": "2026-01-01T01:00:00Z", "reason": reason}
                await station.call("StopTransaction", {"transactionId": number, **stop})
    async with cpo.dial("TX2") as socket:
        start = {"connectorId": 1, "idTag": "nobody's", "meterStart": 5, "timestamp": "2026-01-01T00:00:00Z"}
        await Caller(socket).call("StartTransaction", start)


def listed(cpo: Cpo, query: str, **headers: str) -> list[dict[str, Any]]:
    answer = cpo.ask("GET", f"{PATH}?{query}", **headers)
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = answer.json()
    return found


def test_transactions_are_found_by_station_state_and_end(cpo: Cpo) -> None:
    assert len(listed(cpo, "")) == 4
    assert len(listed(cpo, "station_id=tx1")) == 3
    assert [t["stop_reason"] for t in listed(cpo, "stop_reason=EVDisconnected")] == ["EVDisconnected"]
    assert {t["station_id"] for t in listed(cpo, "active=true")} == {"TX1", "TX2"}
    assert len(listed(cpo, "active=false&station_id=TX1")) == 2
    assert listed(cpo, "stop_reason=Other") == []


def test_a_stop_says_when_why_and_for_which_token(cpo: Cpo) -> None:
    (one,) = listed(cpo, "stop_reason=EVDisconnected")
    assert one["started_at_ms"] == 1_767_225_600_000
    assert one["ended_at_ms"] - one["started_at_ms"] == 3_600_000
    assert one["id_token"] == {"id_token": "CARD", "type": "ISO14443"}
    (other,) = listed(cpo, "station_id=TX2")
    assert other["id_token"]["id_token"] == "nobody's", "a card nobody knows is shown too"


def test_transactions_are_found_by_token(cpo: Cpo) -> None:
    assert len(listed(cpo, "id_token=card")) == 3
    assert [t["station_id"] for t in listed(cpo, "id_token=nobody's")] == ["TX2"]
    assert listed(cpo, "id_token=other") == []


def test_with_a_time_they_come_in_its_order_page_by_page(cpo: Cpo) -> None:
    now = datetime.now(UTC)
    since = (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    later = (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = listed(cpo, f"since={since}")
    assert [t["stop_reason"] for t in found] == ["Local", "EVDisconnected", None, None]
    assert [t["station_id"] for t in found] == ["TX1", "TX1", "TX1", "TX2"]
    assert listed(cpo, f"since={later}") == []
    assert listed(cpo, f"until={since}") == []
    assert len(listed(cpo, f"since={since}&until={later}&station_id=TX1&active=false")) == 2
    seen: list[str] = []
    path = f"{PATH}?since={since}&limit=3"
    while path:
        answer = cpo.ask("GET", path)
        seen += [t["id"] for t in answer.json()]
        link = answer.headers.get("link", "")
        path = link[1 : link.index(">")] if link else ""
    assert seen == [t["id"] for t in found]


def test_the_token_is_for_those_who_may_read_tokens(cpo: Cpo) -> None:
    made = cpo.ask("POST", "/api/v1/api-tokens", {"name": "less", "scopes": ["transactions:read"]}).json()
    less = {"Authorization": f"Bearer {made['secret']}"}
    assert {t["id_token"] for t in listed(cpo, "", **less)} == {None}
    refused = cpo.ask("GET", f"{PATH}?id_token=CARD", **less)
    assert (refused.status, refused.json()["code"]) == (403, "not_allowed")
    assert {t["energy_wh"] for t in listed(cpo, "", **less)} == {None}, "energy has a scope of its own, too"
    noted = "register_rolled_back", "register_wh", "2005 to 1"
    assert noted in {(n["code"], n["field"], n["detail"]) for t in listed(cpo, "") for n in t["alarms"]}
    assert {n["detail"] for t in listed(cpo, "", **less) for n in t["alarms"]} == {""}, "it tells registers"


def test_a_transaction_is_found_by_the_stations_own_id_whatever_the_case(cpo: Cpo) -> None:
    (one,) = listed(cpo, "stop_reason=Local")
    again = cpo.ask("GET", f"{PATH}/{one['transaction_id']}?station_id=tx1")
    assert again.json()["id"] == one["id"]
    assert cpo.ask("GET", f"{PATH}/{one['transaction_id']}?station_id=TX2").status == 404


def test_who_may_close_what(cpo: Cpo) -> None:
    body = {"person": "Jo Doe", "text": "the stop is lost"}
    (running,) = listed(cpo, "active=true&station_id=TX1")
    (ended,) = listed(cpo, "stop_reason=Local")
    told = cpo.ask("POST", f"{PATH}/{running['id']}/close", body)
    assert (told.status, told.json()["code"]) == (409, "still_told_of")
    told = cpo.ask("POST", f"{PATH}/{ended['id']}/close", body)
    assert (told.status, told.json()["code"]) == (409, "ended_already")
    assert cpo.ask("POST", f"{PATH}/{'00' * 16}/close", body).status == 404
    assert cpo.ask("POST", f"{PATH}/{running['id']}/close", {"person": "Jo Doe"}).status == 422
    made = cpo.ask("POST", "/api/v1/api-tokens", {"name": "closes not", "scopes": ["transactions:read"]}).json()
    less = {"Authorization": f"Bearer {made['secret']}"}
    assert cpo.ask("POST", f"{PATH}/{running['id']}/close", body, **less).status == 403


def test_transactions_are_found_by_site_state_and_grade_the_newest_first(cpo: Cpo) -> None:
    site = {"name": "Depot", "address": "a", "city": "c", "country": "DEU", "time_zone": "UTC"}
    at = {"latitude": "50.940000", "longitude": "6.960000"}
    assert cpo.ask("PUT", "/api/v1/sites/DEPOT", site | at).status in {200, 201}
    assert cpo.ask("POST", "/api/v1/stations", {"id": "TX1", "site": "DEPOT"}).status in {200, 201}
    newest_first = [t["id"] for t in reversed(listed(cpo, "since=2026-01-01T00:00:00Z&station_id=TX1"))]
    assert [t["id"] for t in listed(cpo, "site=DEPOT")] == newest_first
    assert [t["active"] for t in listed(cpo, "state=running")] == [True, True]
    assert [t["station_id"] for t in listed(cpo, "state=running&id_token=card")] == ["TX1"]
    assert [t["id"] for t in listed(cpo, "state=quarantined&site=DEPOT")] == newest_first[1:2]
    shown = cpo.ask("GET", f"{PATH}/{newest_first[1]}").json()
    assert (shown["billing"], shown["broken"]) == ("quarantined", [])
    looked_at = listed(cpo, "state=billed&site=DEPOT") or listed(cpo, "state=free&site=DEPOT")
    assert [t["id"] for t in looked_at] == newest_first[2:]
    assert listed(cpo, "state=broken") == listed(cpo, "grade=G4") == []
    assert listed(cpo, "site=DEPOT&until=2026-01-01T00:00:00Z") == listed(cpo, "site=NOWHERE") == []
    seen: list[str] = []
    path = f"{PATH}?site=DEPOT&limit=2"
    while path:
        answer = cpo.ask("GET", path)
        seen += [t["id"] for t in answer.json()]
        link = answer.headers.get("link", "")
        path = link[1 : link.index(">")] if link else ""
    assert seen == newest_first


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("state=open", "bad_state", "running, pending, billed, quarantined, free, broken"),
        ("state=", "bad_state", "running, pending"),
        ("grade=G9", "bad_grade", "G0, G1, G2, G3, G4"),
        ("grade=3", "bad_grade", "G0, G1, G2, G3, G4"),
        ("state=billed&after=x", "bad_cursor", "follow the links"),
    ],
)
def test_a_filter_that_is_none_is_answered_with_the_words_there_are(
    cpo: Cpo, query: str, code: str, words: str
) -> None:
    answer = cpo.ask("GET", f"{PATH}?{query}")
    assert (answer.status, answer.json()["code"]) == (422, code)
    assert words in answer.json()["title"]
