"""A real browser, Debian's Chromium, that reaches loopback and nothing else."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}


@dataclass
class Seen:
    """What happened in a page that should not: dialogs, errors of scripts, things the policy refused to load."""

    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def taken(self) -> tuple[list[str], list[str]]:
        """Return dialogs and errors since this was last asked."""
        found = [*self.dialogs], [*self.errors]
        self.dialogs.clear()
        self.errors.clear()
        return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser meanwhile; without one the test fails and says what to do."""
    path = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
    if path is None:
        pytest.fail("no Chromium: run tools/need-chromium (make test does)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser,
    *,
    cookies: Mapping[str, str] | None = None,
    base: str = "",
    size: Mapping[str, int] = DESKTOP,
    **more: Any,
) -> Iterator[tuple[Page, Seen]]:
    """Open a page in a context of its own; `cookies` are those of `base`. Tells what happened in it."""
    viewport: Any = dict(size)
    context: BrowserContext = browser.new_context(viewport=viewport, **more)
    context.set_default_timeout(15_000)
    try:
        if cookies:
            context.add_cookies([{"name": name, "value": value, "url": base} for name, value in cookies.items()])
        page, seen = context.new_page(), Seen()

        def on_dialog(dialog: Dialog) -> None:
            seen.dialogs.append(dialog.message)
            dialog.dismiss()

        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                seen.errors.append(message.text)

        page.on("dialog", on_dialog)
        page.on("console", on_console)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        yield page, seen
    finally:
        context.close()
