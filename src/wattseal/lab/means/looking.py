"""Pages looked at as a browser would: Chromium through playwright where both are there, else by their elements.

playwright is no dependency of the product; who installs it and Chromium sees scripts run or not run. Without them the
elements of a page are read, and what could run under the page's policy counts.
"""

import importlib
import importlib.util
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from wattseal.lab.means.visitor import COOKIE, Visitor

MARK = "pwned"
"""What a script of the attacker calls or says, and none of ours."""
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run")
MAPPED = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
_SETTLED_MS = 150


@dataclass(slots=True)
class Looked:
    """What looking at pages showed: `by` whom, `pages` looked at, scripts of the attacker that `ran`."""

    by: str
    pages: int = 0
    ran: list[str] = field(default_factory=list)
    refused: int = 0
    """Scripts in a page that its policy refused to run."""


async def look(visitor: Visitor, paths: Sequence[str]) -> Looked:
    """Look at pages as somebody who is signed in."""
    browser = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
    if browser is None or importlib.util.find_spec("playwright") is None:
        return await _read(visitor, paths)
    return await _seen(visitor, paths, browser)


async def _seen(visitor: Visitor, paths: Sequence[str], browser: str) -> Looked:
    async_playwright: Any = importlib.import_module("playwright.async_api").async_playwright
    looked = Looked("Chromium")
    base = visitor.cpo.http
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser, args=[*FLAGS, MAPPED])
        try:
            context = await chromium.new_context()
            await context.add_cookies([{"name": COOKIE, "value": visitor.secret, "url": base}])
            page = await context.new_page()

            async def on_dialog(dialog: Any) -> None:
                looked.ran.append(f"{page.url.removeprefix(base)}: {dialog.message}")
                await dialog.dismiss()

            def on_console(message: Any) -> None:
                looked.refused += message.type == "error" and "Content Security Policy" in message.text

            page.on("dialog", on_dialog)
            page.on("console", on_console)
            for path in paths:
                await page.goto(base + path)
                await page.wait_for_timeout(_SETTLED_MS)
                looked.pages += 1
        finally:
            await chromium.close()
    return looked


class _Elements(HTMLParser):
    """Finds what a browser would run: handlers, scripts and addresses with the mark in them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._script = tag == "script"
        for name, value in attrs:
            runs = name.startswith("on") or (value or "").strip().lower().startswith("javascript:")
            if runs and MARK in (value or ""):
                self.found.append(f"{tag} {name}")

    def handle_endtag(self, tag: str) -> None:
        self._script = self._script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._script and MARK in data:
            self.found.append("script")


async def _read(visitor: Visitor, paths: Sequence[str]) -> Looked:
    looked = Looked("a reader of HTML (no Chromium here)")
    for path in paths:
        page = await visitor.get(path)
        found = would_run(page.text)
        if allows_inline(page.headers):
            looked.ran += [f"{path}: {each}" for each in found]
        else:
            looked.refused += len(found)
        looked.pages += 1
    return looked


def would_run(text: str) -> list[str]:
    """Return where in a page something of the attacker would run as script."""
    reader = _Elements()
    reader.feed(text)
    return reader.found


def allows_inline(headers: Mapping[str, str]) -> bool:
    """Return whether the policy of a page lets scripts in its text run (CSP 3, 6.7.3)."""
    policy = next((value for name, value in headers.items() if name.lower() == "content-security-policy"), "")
    rules = {part.split()[0]: part.split()[1:] for part in policy.split(";") if part.split()}
    allowed = rules.get("script-src", rules.get("default-src"))
    return allowed is None or "'unsafe-inline'" in allowed
