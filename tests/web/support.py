"""A real CSMS for tests of pages, and browsers of people in different roles."""

import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from tests.support.csms import Csms

COOKIE, PARTY, ZONE = "wattseal", "MSP", "Europe/Berlin"
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@dataclass
class Browser:
    """What a person of one role sees, without script."""

    base: str
    headers: dict[str, str]

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send one request as this browser; no redirect is followed."""
        headers = self.headers | more.pop("headers", {})
        return asked(method, self.base + path, headers=headers, **more)

    def page(self, path: str, status: int = 200) -> str:
        """Return a page's text as it was sent."""
        answer = self.ask("GET", path)
        assert answer.status_code == status, answer.text
        return answer.text

    def seen(self, path: str, status: int = 200) -> str:
        """Return what a page says, without its elements and with single spaces."""
        return words(self.page(path, status))

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form with the token that pages of this session bear."""
        return self.ask("POST", path, data={"csrf": self.csrf(), **fields})

    def csrf(self) -> str:
        """Return that token."""
        found = _CSRF.search(self.page("/"))
        assert found is not None
        return found[1]


_client = httpx.Client(trust_env=False, timeout=60, limits=httpx.Limits(max_keepalive_connections=0))


def asked(method: str, address: str, **more: Any) -> httpx.Response:
    """Send one request with what is given and nothing else; no redirect is followed, no cookie kept."""
    try:
        return _client.request(method, address, **more)
    finally:
        _client.cookies.clear()


def words(page: str) -> str:
    """Return what a page says."""
    text = unescape(re.sub(r"<[^>]*>", " ", page.partition("<main")[2]))
    return re.sub(r"[\s\u202f]+", " ", text)


@dataclass
class Member:
    """Somebody who works here: the person's id, and the secret of the session."""

    person: str
    secret: str

    @property
    def cookies(self) -> dict[str, str]:
        """Return what this person's browser sends."""
        return {COOKIE: self.secret}


_hired: dict[tuple[Path, str], Member] = {}


def member(csms: Csms, role: str) -> Member:
    """Return the one person of a role in this CSMS: invited over the API, come in by the link, at home in Berlin."""
    if (csms.data, role) not in _hired:
        body = {"name": f"Kim {role}", "roles": [role]} | ({"party": PARTY} if role == "partner" else {})
        told = csms.http.post("/api/v1/people", json=body).json()
        with httpx.Client(base_url=base_of(csms), trust_env=False, timeout=60) as client:
            answer = client.post(f"/join/{told['secret']}")
            assert answer.status_code == 303, answer.text
            csrf = _CSRF.search(client.get("/profile").text)
            assert csrf is not None
            profile = {"csrf": csrf[1], "name": body["name"], "zone": ZONE}
            assert client.post("/profile", data=profile).status_code == 303
            _hired[csms.data, role] = Member(told["id"], client.cookies[COOKIE])
    return _hired[csms.data, role]


def base_of(csms: Csms) -> str:
    """Return where the pages are."""
    return str(csms.http.base_url).rstrip("/")


def browser(csms: Csms, role: str, language: str = "en") -> Browser:
    """Return the browser of the person of a role, signed in."""
    headers = {"Accept-Language": language, "Cookie": f"{COOKIE}={member(csms, role).secret}"}
    return Browser(base_of(csms), headers)


def nobody(csms: Csms) -> Browser:
    """Return a browser that nobody has signed in with."""
    return Browser(base_of(csms), {})
