"""Passkeys in a real browser: made, used to sign in, refused where they are not good; no script of the page's own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.web.chromium import Seen, chromium, opened
from tests.web.office import Office, office


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("office")) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@contextmanager
def keyed(running: Office, browser: Browser) -> Iterator[tuple[Page, Seen, str]]:
    """Open a browser with a device that keeps passkeys and whose user consents; the page is called localhost."""
    base = f"http://localhost:{urlsplit(running.base).port}"
    with opened(browser) as (page, seen):
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield page, seen, base


def test_an_owner_comes_by_link_makes_a_passkey_and_signs_in_with_it(running: Office, browser: Browser) -> None:
    with keyed(running, browser) as (page, seen, base):
        page.goto(base + urlsplit(running.link or "").path)
        page.fill("#name", "Ada")
        page.click("text=Continue")
        expect(page.locator("h1")).to_have_text("Your profile")
        page.click("#make-passkey")
        page.wait_for_url("**/profile?done=passkey")
        expect(page.locator("[role=status]")).to_contain_text("The passkey is added")
        page.click("text=Sign out")
        page.goto(base + "/people")
        page.wait_for_url("**/login?next=*")
        page.click("#use-passkey")
        page.wait_for_url("**/people")
        expect(page.locator("h1")).to_have_text("People")
        told = page.context.cookies()
        assert [(one["name"], one["httpOnly"], one["sameSite"]) for one in told] == [("wattseal", True, "Lax")]
        assert not seen.errors
        page.click(f"a[href^='/people/{running.api('GET', '/people').json()[0]['id']}']")
        running.api("DELETE", f"/people/{running.hired('support', name='Bo').person}")
    with keyed(running, browser) as (page, _, base):
        page.goto(base + "/login")
        page.click("#use-passkey")
        expect(page.locator("#passkey-trouble")).to_contain_text("did not work")


def test_an_answer_is_good_once_and_for_its_own_challenge(running: Office, browser: Browser) -> None:
    sent: list[tuple[str, str]] = []
    with keyed(running, browser) as (page, _, base):
        page.goto(base + running.owner_link())
        page.fill("#name", "Ada")
        page.click("text=Continue")
        page.click("#make-passkey")
        page.wait_for_url("**/profile?done=passkey")
        page.click("text=Sign out")
        page.on("request", lambda one: sent.append((one.url, one.post_data or "")))
        page.click("#use-passkey")
        page.wait_for_url(base + "/")
    (answer,) = [body for url, body in sent if url.endswith("/login/passkey")]
    visitor = running.visitor(Host=urlsplit(base).netloc)

    def again(body: str, host: str = urlsplit(base).netloc) -> int:
        headers = {"Content-Type": "application/json", "Host": host}
        return visitor.client.post("/login/passkey", content=body, headers=headers).status_code

    assert again(answer) == 401, "the challenge was answered"
    fresh = visitor.client.post("/login/passkey/challenge").json()["challenge"]
    assert len(fresh) == 43
    assert again(json.dumps({**json.loads(answer), "id": "AAAA", "rawId": "AAAA"})) == 401
    for broken in ("{}", '{"rawId": 7}', '{"response": {"clientDataJSON": "e30"}}', '{"response": []}'):
        assert again(broken) == 401, broken
    assert visitor.client.post("/login/passkey/challenge", headers={"Host": "127.0.0.1:1"}).status_code == 422
