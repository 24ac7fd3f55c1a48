"""A real CSMS for tests of pages, and browsers of people in different roles."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import csms as running
from tests.support.csms import Csms, serving
from tests.web.known_viewers import SECRET

PROGRAM = running.program
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@dataclass
class Browser:
    """What a person of one role sees, without script."""

    base: str
    headers: dict[str, str]

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send one request as this browser; no redirect is followed."""
        headers = self.headers | more.pop("headers", {})
        return httpx.request(method, self.base + path, headers=headers, trust_env=False, timeout=30, **more)

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


def words(page: str) -> str:
    """Return what a page says."""
    text = unescape(re.sub(r"<[^>]*>", " ", page.partition("<main")[2]))
    return re.sub(r"[\s\u202f]+", " ", text)


def browser(csms: Csms, role: str, language: str = "en") -> Browser:
    """Return the browser of a person of a role, signed in."""
    headers = {"Accept-Language": language, "Cookie": f"wattseal={SECRET.format(role)}"}
    return Browser(str(csms.http.base_url).rstrip("/"), headers)


@contextmanager
def dashboard(folder: Path, *, witnesses: Sequence[str] = (), settings: str = "") -> Iterator[Csms]:
    """Run a CSMS whose pages know people."""

    @contextmanager
    def known(arguments: Sequence[str | Path], errors: Path) -> Iterator[object]:
        module = "tests.web.known_viewers" if arguments[0] == "serve" else "wattseal"
        with PROGRAM(arguments, errors, module=module) as process:
            yield process

    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(running, "program", known)
            csms = stack.enter_context(serving(folder, witnesses=witnesses, settings=settings))
        yield csms


def cookies(role: str) -> dict[str, str]:
    """Return what the browser of a person of a role sends, signed in."""
    return {"wattseal": SECRET.format(role)}
