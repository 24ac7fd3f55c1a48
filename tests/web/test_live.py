"""The live feed at a real CSMS: what is told to whom, within bounds; a session seen live in a real browser."""

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import expect
from tests.support.csms import Csms, serving
from tests.support.stations import ask, dialled
from tests.support.tampering import another_document, another_group, another_item, tamper
from tests.web.chromium import chromium, opened
from tests.web.money_world import TARIFF, at, put
from tests.web.office import PASSWORD, office
from tests.web.support import browser, member

from wattseal.base.ids import StationId, TenantId
from wattseal.flow.documents import ALARM, EVSE, TRANSACTION
from wattseal.flow.ports import Batch, Put
from wattseal.model.principal import Principal
from wattseal.seal.item import Group, Kind
from wattseal.serve.feed import MAX_FOLLOWERS, MAX_MISSED, MAX_WAITING, RELOAD, Feed, Hint
from wattseal.serve.viewers import Viewer

TENANT = TenantId("default")
TOLD_WITHIN_S = 20


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    settings = "[billing]\nwait_s = 0\n\n[reproof]\ninterval_s = 0.2\n"
    with serving(tmp_path_factory.mktemp("live"), witnesses=("MSP",), settings=settings) as made:
        put(made, "tariffs/DAY", TARIFF)
        made.token("CARD")
        for station in ("L1", "L2", "L3"):
            made.enrol(station)
        yield made


@contextmanager
def told(csms: Csms, role: str) -> Iterator["queue.Queue[tuple[str, str]]"]:
    """Follow the feed as a person of a role; what it tells comes as (kind, about), "" once it ended."""
    client = httpx.Client(base_url=csms.http.base_url, cookies=member(csms, role).cookies, trust_env=False, timeout=60)
    with client, heard_by(client) as heard:
        yield heard


@contextmanager
def heard_by(client: httpx.Client) -> Iterator["queue.Queue[tuple[str, str]]"]:
    """Follow the feed with a browser that is signed in."""
    heard: queue.Queue[tuple[str, str]] = queue.Queue()
    with client.stream("GET", "/events") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines).startswith("retry: ")
        threading.Thread(target=_hear, args=(lines, heard), daemon=True).start()
        yield heard


def _hear(lines: Iterator[str], heard: "queue.Queue[tuple[str, str]]") -> None:
    kind = ""
    try:
        for line in lines:
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                heard.put((kind, line.removeprefix("data: ")))
    except httpx.HTTPError:
        pass
    heard.put(("", ""))


def until(heard: "queue.Queue[tuple[str, str]]", kind: str) -> list[tuple[str, str]]:
    """Return all that is told up to a hint of a kind."""
    found: list[tuple[str, str]] = []
    while not found or found[-1][0] != kind:
        found.append(heard.get(timeout=TOLD_WITHIN_S))
    return found


def start(csms: Csms, station: str) -> str:
    with dialled(csms, station) as socket:
        told = {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": at(8)}
        ask(socket, "StartTransaction", told)
    return str(csms.transaction(station)["id"])


def test_a_session_is_told_of_and_nothing_of_its_energy_is_in_the_feed(csms: Csms) -> None:
    with told(csms, "auditor") as heard:
        session = start(csms, "L1")
        found = until(heard, "session")
        assert found[-1] == ("session", session)
        with dialled(csms, "L1") as socket:
            number = int(csms.transaction("L1")["transaction_id"])
            stop = {"transactionId": number, "meterStop": 4321, "timestamp": at(9)}
            ask(socket, "StopTransaction", stop)
        more = until(heard, "verdict")
        assert "4321" not in str(found + more)


def test_a_page_is_told_what_its_viewer_may_see_and_nothing_else(csms: Csms) -> None:
    with told(csms, "auditor") as auditor, told(csms, "finance") as finance, told(csms, "partner") as partner:
        session = start(csms, "L2")
        assert until(auditor, "session")[-1] == ("session", session)
        assert {kind for kind, _ in until(finance, "session")} <= {"session", "verdict", "broken", "station"}
        assert partner.empty()


def test_nobody_follows_from_another_site_or_without_a_session(csms: Csms) -> None:
    owner = browser(csms, "owner")
    for header in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert owner.ask("GET", "/events", headers=header).status_code == 403
    nobody = httpx.get(csms.http.base_url.join("/events"), trust_env=False)
    assert (nobody.status_code, nobody.headers["location"]) == (303, "/login?next=%2Fevents")


def test_a_session_is_seen_live_and_turns_red_when_it_is_changed(csms: Csms) -> None:
    base = str(csms.http.base_url).rstrip("/")
    with chromium() as running, opened(running, cookies=member(csms, "owner").cookies, base=base) as (page, seen):
        page.goto(f"{base}/sessions?station=L3")
        expect(page.get_by_text("No session is like that.")).to_be_visible()
        page.wait_for_selector('html[data-feed="open"]')
        with dialled(csms, "L3") as socket:
            begun = {"connectorId": 1, "idTag": "CARD", "meterStart": 1000, "timestamp": at(8)}
            number = ask(socket, "StartTransaction", begun)["transactionId"]
            row = page.locator("tbody tr")
            expect(row).to_contain_text("Charging", timeout=TOLD_WITHIN_S * 1000)
            value = {"timestamp": at(9), "sampledValue": [{"value": "4000"}]}
            ask(socket, "MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [value]})
            expect(row).to_contain_text("3.000\u202fkWh", timeout=TOLD_WITHIN_S * 1000)
            ask(socket, "StopTransaction", {"transactionId": number, "meterStop": 9000, "timestamp": at(10)})
        expect(row).to_contain_text("8.000\u202fkWh", timeout=TOLD_WITHIN_S * 1000)
        expect(row).to_contain_text("Billed", timeout=TOLD_WITHIN_S * 1000)
        session = str(csms.transaction("L3")["id"])
        journal = csms.data / "journal.sqlite3"
        tamper(journal, another_item(session, Kind.ENDED, another_group(Group.METER)))
        expect(page.locator("tr.broken")).to_have_count(1, timeout=TOLD_WITHIN_S * 1000)
        page.locator("tr.broken a.badge").click()
        drawer = page.locator("#drawer [role=dialog]")
        expect(drawer).to_be_focused()
        expect(drawer).to_contain_text("Field: meter group")
        page.keyboard.press("Escape")
        expect(drawer).to_have_count(0)
        assert seen.errors == []
        assert seen.dialogs == []


def test_the_overview_counts_live(csms: Csms) -> None:
    base = str(csms.http.base_url).rstrip("/")
    session = next(t["id"] for t in csms.transactions("L1"))
    with chromium() as running, opened(running, cookies=member(csms, "owner").cookies, base=base) as (page, seen):
        page.goto(f"{base}/")
        page.wait_for_selector('html[data-feed="open"]')
        before = page.locator(".tile.bad").count()
        tamper(csms.data / "journal.sqlite3", another_document("transaction", session, end_wh="9999"))
        expect(page.locator(".tile.bad")).to_contain_text(str(before + 1), timeout=TOLD_WITHIN_S * 1000)
        assert seen.errors == []


def test_the_feed_ends_with_the_session_it_belongs_to_and_another_s_goes_on(tmp_path: Path) -> None:
    with office(tmp_path) as running:
        leaving, staying = running.hired("auditor", name="Bo"), running.hired("auditor", name="Cy")
        with heard_by(leaving.client) as left, heard_by(staying.client) as stayed:
            answer = running.api("DELETE", f"/people/{leaving.person}/sessions")
            assert answer.status_code < 300, answer.text
            assert until(left, "")[-1] == ("", "")
            assert stayed.empty()
            running.api("POST", "/stations", {"id": "S1", "password": PASSWORD, "evses": [{"id": 1}]})
            assert until(stayed, "station")[-1] == ("station", "S1")


def viewer(*scopes: str) -> Viewer:
    principal = Principal(TENANT, "kim", frozenset(), frozenset(scopes))
    return Viewer(principal, "kim", "Kim", (), "en", ZoneInfo("UTC"), "")


def batch(kind: str, *keys: str) -> Batch:
    return Batch(TENANT, puts=tuple(Put(kind, key, 1, b"{}", 0, StationId("S")) for key in keys))


async def test_hints_wait_once_each_and_beyond_a_bound_the_page_is_to_load_itself_again() -> None:
    feed = Feed()
    follower = feed.join(viewer("*"))
    assert follower is not None
    for _ in range(1000):
        feed.committed(batch(TRANSACTION, "a"))
    assert follower.take() == (Hint("session", "a"),)
    feed.committed(batch(TRANSACTION, *map(str, range(MAX_WAITING + 1))))
    assert follower.take() == (RELOAD,)
    feed.committed(batch(TRANSACTION, "b"))
    assert follower.take() == (Hint("session", "b"),)


async def test_a_page_that_does_not_read_is_let_go_and_others_stay() -> None:
    feed = Feed()
    stuck = asyncio.create_task(asyncio.Event().wait())
    slow, quick = feed.join(viewer("*"), stuck), feed.join(viewer("*"))
    assert slow is not None
    assert quick is not None
    for number in range(MAX_WAITING + MAX_MISSED + 1):
        feed.committed(batch(TRANSACTION, str(number)))
        quick.take()
    assert feed.followers == {quick}
    assert slow.gone
    assert len(slow.waiting) == 1
    with pytest.raises(asyncio.CancelledError):
        await stuck
    assert not quick.gone


async def test_so_many_pages_may_be_open_and_one_that_leaves_makes_room() -> None:
    feed = Feed()
    followers = [feed.join(viewer()) for _ in range(MAX_FOLLOWERS)]
    assert None not in followers
    assert feed.join(viewer()) is None
    first = followers[0]
    assert first is not None
    feed.leave(first)
    assert feed.join(viewer()) is not None
    feed.close()
    assert feed.join(viewer()) is None


@pytest.mark.parametrize(
    ("kind", "scope"), [(TRANSACTION, "transactions:read"), (EVSE, "stations:read"), (ALARM, "alarms:read")]
)
async def test_a_hint_goes_to_those_with_its_scope_alone(kind: str, scope: str) -> None:
    feed = Feed()
    other = {"transactions:read", "stations:read", "alarms:read"} - {scope}
    holder, others = feed.join(viewer(scope)), feed.join(viewer(*other))
    assert holder is not None
    assert others is not None
    feed.committed(batch(kind, "x"))
    assert len(holder.take()) == 1
    assert others.take() == ()
