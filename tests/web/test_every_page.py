"""Every page there is: usable with keyboard and screen reader, on phone and desk, light and dark, without noise."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.web.chromium import DESKTOP, PHONE, chromium, opened
from tests.web.money_world import Business
from tests.web.project import project
from tests.web.support import cookies

from wattseal.serve.web.nav import NAVIGATION

PATHS = tuple(place.path for _, places in NAVIGATION for place in places)
LOOKS = {"desk, by day": (DESKTOP, "light"), "phone, at night": (PHONE, "dark")}
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def axe(pytestconfig: pytest.Config) -> str:
    return (project(pytestconfig) / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def base(business: Business) -> str:
    return str(business.csms.http.base_url).rstrip("/")


def faults(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate("async () => await axe.run()")
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("look", LOOKS)
def test_a_page_has_no_serious_fault_fits_its_screen_and_says_something(
    earned: Business, browser: Browser, axe: str, path: str, look: str
) -> None:
    size, scheme = LOOKS[look]
    where = base(earned)
    known = cookies("owner")
    with opened(browser, cookies=known, base=where, size=size, color_scheme=scheme) as (page, seen):
        answer = page.goto(where + path)
        assert answer is not None
        assert answer.status == 200
        assert page.locator("main h1").count() == 1
        assert faults(page, axe) == []
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, "the page scrolls sideways"
        assert not seen.errors
        assert not seen.dialogs


def test_a_page_with_a_serious_fault_would_be_told(browser: Browser, axe: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text("<html lang=en><title>x</title><main><h1>x</h1><img src=x><input></main>")
    with opened(browser) as (page, _):
        page.goto(file.as_uri())
        assert {fault.partition(":")[0] for fault in faults(page, axe)} >= {"image-alt", "label"}
