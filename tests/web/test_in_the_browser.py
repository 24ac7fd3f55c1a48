"""What people do with the pages, in a real browser: the first login, decisions, roles, and strings meant to harm."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.serve.test_disputes_api import TARIFF
from tests.support.csms import Csms, serving
from tests.support.stations import ask, dialled
from tests.web.chromium import Seen, chromium, opened
from tests.web.support import browser, member
from tests.web.test_network_pages import answering

from wattseal.serve.web.nav import NAVIGATION

SETTINGS = "[billing]\nwait_s = 0\n[reproof]\ninterval_s = 0.5\n"
SECRET = "nine lives of a sealed watt"
MAIL = "olga@wattseal.test"
HARM = "<img src=x onerror=alert(1)>"
HARMS = (HARM, '"><script>alert(2)</script>', "javascript:alert(3)", "{{7*7}}\u202e'\"")
LOOKED_AT_WITHIN_S = 20
PATHS = tuple(place.path for _, places in NAVIGATION for place in places)


@dataclass
class House:
    """A CSMS in use, a browser, and the owner's session in it."""

    csms: Csms
    browser: Browser
    owner: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return str(self.csms.http.base_url).rstrip("/")

    @contextmanager
    def page(self, cookies: dict[str, str] | None = None) -> Iterator[tuple[Page, Seen]]:
        """Open a page of the owner, or of whose cookies these are."""
        known = self.owner if cookies is None else cookies
        with opened(self.browser, cookies=known, base=self.base, base_url=self.base) as (page, seen):
            yield page, seen

    def joined(self, secret: str, email: str = "") -> dict[str, str]:
        """Use a one-time link up in a browser of its own, and return the session's cookie."""
        with self.page({}) as (page, seen):
            page.goto(f"/join/{secret}")
            if page.locator("#name").count():
                page.fill("#name", "Olga Owner")
                page.fill("#email", email)
            if page.locator("#password").count():
                page.fill("#password", SECRET)
                page.fill("#again", SECRET)
            page.get_by_role("button", name="Continue").click()
            page.wait_for_url(lambda url: "/join/" not in url)
            assert not seen.errors
            return {one["name"]: one["value"] for one in page.context.cookies()}


def charged(csms: Csms, start_wh: int, stop_wh: int, hour: int) -> str:
    """Charge for an hour at D1 and return our id of it."""
    known = {t["id"] for t in csms.transactions("D1")}
    with dialled(csms, "D1") as socket:
        begin = {"connectorId": 1, "idTag": "CARD", "meterStart": start_wh, "timestamp": f"2026-11-01T{hour:02}:00:00Z"}
        number = ask(socket, "StartTransaction", begin)["transactionId"]
        end = {"transactionId": number, "meterStop": stop_wh, "timestamp": f"2026-11-01T{hour + 1:02}:00:00Z"}
        ask(socket, "StopTransaction", end)
    (new,) = {t["id"] for t in csms.transactions("D1")} - known
    return str(new)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with serving(tmp_path_factory.mktemp("house"), settings=SETTINGS) as csms, chromium() as browser:
        assert csms.http.put("/api/v1/tariffs/T1", json=TARIFF).status_code == 200
        csms.token("CARD")
        csms.enrol("D1")
        made = House(csms, browser)
        made.owner = made.joined(csms.http.post("/api/v1/people/owner-link").json()["secret"], MAIL)
        made.sessions = {"honest": charged(csms, 1000, 11_000, 8), "rolled back": charged(csms, 5000, 12_000, 10)}
        yield made


def test_the_first_owner_comes_in_by_a_link_that_is_good_once(house: House) -> None:
    secret = house.csms.http.post("/api/v1/people/owner-link").json()["secret"]
    assert house.joined(secret, "second@wattseal.test")
    with house.page({}) as (page, _):
        page.goto(f"/join/{secret}")
        expect(page.locator("#password")).to_have_count(0)
    with house.page() as (page, seen):
        page.goto("/")
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        assert not seen.errors


def test_who_is_not_signed_in_is_led_to_the_login_and_back(house: House) -> None:
    with house.page({}) as (page, _):
        page.goto("/quarantine?after=x")
        assert "/login" in page.url
        page.fill("#email", MAIL)
        page.fill("#password", "not the right one at all")
        page.get_by_role("button", name="Sign in").last.click()
        expect(page.get_by_role("alert").first).to_be_visible()
        page.fill("#email", MAIL)
        page.fill("#password", SECRET)
        page.get_by_role("button", name="Sign in").last.click()
        page.wait_for_url("**/quarantine?after=x")


def test_a_quarantined_session_is_decided_with_a_reason(house: House) -> None:
    session = house.sessions["rolled back"]
    deadline = time.monotonic() + LOOKED_AT_WITHIN_S
    while session not in {one["id"] for one in house.csms.http.get("/api/v1/quarantine").json()}:
        assert time.monotonic() < deadline, "not quarantined"
        time.sleep(0.1)
    with house.page() as (page, seen):
        page.goto("/quarantine")
        page.get_by_role("link", name=session[:8]).click()
        expect(page.locator("main")).to_contain_text("register_rolled_back")
        page.get_by_label("Waive it").check()
        page.get_by_label("Why").fill("the meter was replaced, nobody can say what was charged")
        page.get_by_label("I have looked at the evidence").check()
        page.get_by_role("button", name="Decide").click()
        expect(page.locator("main")).to_contain_text("the meter was replaced")
        assert not seen.errors
    (ruling,) = house.csms.http.get(f"/api/v1/transactions/{session}/rulings").json()
    assert ruling["verdict"] == "waive"
    assert ruling["person"].startswith("person/"), "a record names nobody"


def test_strings_meant_to_harm_are_shown_as_what_they_are(house: House) -> None:
    csms = house.csms
    for number, harm in enumerate(HARMS):
        name = f"EVIL{number}"
        csms.enrol(name)
        with dialled(csms, name) as socket:
            boot = {"chargePointVendor": harm[:20], "chargePointModel": harm[:20], "firmwareVersion": harm[:50]}
            ask(socket, "BootNotification", boot)
            status = {"connectorId": 1, "status": "Faulted", "errorCode": "OtherError", "info": harm[:50]}
            ask(socket, "StatusNotification", status)
        csms.token(harm[:20])
    with house.page() as (page, seen):
        for path in (*PATHS, *(f"/stations/EVIL{number}" for number in range(len(HARMS)))):
            page.goto(path)  # its pictures too: what they would run when they fail has run
            page.evaluate("new Promise(done => setTimeout(done))")
        assert seen.dialogs == []
        refused = [error for error in seen.errors if "Content Security Policy" in error]
        assert refused == [], "nothing was loaded that the policy had to refuse"
        page.goto("/network")
        expect(page.locator("main")).to_contain_text(HARM[:20])
        with page.expect_console_message(lambda told: "Content Security Policy" in told.text):
            page.evaluate("document.querySelector('main').innerHTML = '<img src=x onerror=alert(9)>'")
        page.wait_for_function("document.querySelector('main img').complete")
        assert seen.dialogs == [], "even inside the page the policy lets no handler run"
        assert any("Content Security Policy" in error for error in seen.errors)


def test_each_role_sees_its_own_pages_and_no_others(house: House) -> None:
    for role in ("owner", "operator", "finance", "support", "auditor"):
        asked = browser(house.csms, role)
        with house.page(member(house.csms, role).cookies) as (page, _):
            page.goto("/")
            shown = {link.get_attribute("href") for link in page.locator(".side nav a").all()}
        statuses = {path: asked.ask("GET", path).status_code for path in PATHS}
        assert statuses == {path: 200 if path in shown else 403 for path in PATHS}, role


def test_revenue_is_what_the_address_asks_for(house: House) -> None:
    with house.page() as (page, seen):
        page.goto("/revenue?from=2026-11-01&to=2026-11-01&step=day&station=D1")
        expect(page.locator(".tiles")).to_contain_text("17.000")
        expect(page.get_by_label("Station")).to_have_value("D1")
        page.get_by_label("Station").fill("NOWHERE")
        page.get_by_label("In steps of").select_option("month")
        page.get_by_role("button", name="Show").click()
        page.wait_for_url(lambda url: "station=NOWHERE" in url and "step=month" in url)
        expect(page.locator("main")).not_to_contain_text("17.000")
        page.go_back()
        expect(page.locator(".tiles")).to_contain_text("17.000")
        assert not seen.errors


def test_a_command_is_confirmed_and_its_answer_is_shown(house: House) -> None:
    with house.page() as (page, seen), dialled(house.csms, "D1") as socket:
        ask(socket, "BootNotification", {"chargePointVendor": "ACME", "chargePointModel": "One"})
        page.goto("/stations/D1/commands")
        form = page.locator("form", has=page.locator("select#kind"))
        form.get_by_role("button", name="Continue").click()
        with answering(socket, {"status": "Accepted"}) as heard:
            page.get_by_role("button", name="Send").click()
            expect(page.locator("main")).to_contain_text("Accepted")
        assert [action for action, _ in heard] == ["Reset"]
        assert not seen.errors
    (command,) = house.csms.http.get("/api/v1/commands", params={"station_id": "D1"}).json()
    assert (command["action"], "Olga Owner" in str(command)) == ("Reset", False), "records bear no names"


def test_a_key_is_copied_as_it_stands_there_and_the_button_says_so(house: House) -> None:
    with house.page() as (page, seen):
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto("/log")
        line = page.locator("dd", has=page.get_by_role("button", name="Copy: Verifier key"))
        line.get_by_role("button").click()
        expect(line.get_by_role("button")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == line.locator("code").inner_text()
        assert seen.taken() == ([], [])


def test_the_menu_of_a_narrow_screen_closes_by_keyboard_and_by_a_click_beside_it(house: House) -> None:
    with house.page() as (page, seen):
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto("/log")
        menu, button = page.locator("details.menu"), page.locator("details.menu > summary")
        button.focus()
        page.keyboard.press("Enter")
        expect(menu.get_by_role("link", name="Stations", exact=True)).to_be_visible()
        page.keyboard.press("Escape")
        expect(menu.get_by_role("link", name="Stations", exact=True)).to_be_hidden()
        expect(button).to_be_focused()
        button.click()
        page.mouse.click(200, 830)
        expect(menu.get_by_role("link", name="Stations", exact=True)).to_be_hidden()
        assert seen.taken() == ([], [])
