"""Every page there is: usable with keyboard and screen reader, on phone and desk, light and dark, without noise."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.web.chromium import DESKTOP, PHONE, Seen, chromium, opened
from tests.web.money_world import Business
from tests.web.project import project
from tests.web.support import base_of, member

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


@pytest.fixture(scope="module")
def looks(earned: Business, browser: Browser) -> Iterator[dict[str, tuple[Page, Seen]]]:
    """Return the owner's open page in each look."""
    with ExitStack() as stack:
        known, base = member(earned.csms, "owner").cookies, base_of(earned.csms)
        more: dict[str, Any] = {"cookies": known, "base": base, "base_url": base}
        yield {
            name: stack.enter_context(opened(browser, size=size, color_scheme=scheme, **more))
            for name, (size, scheme) in LOOKS.items()
        }


def faults(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate("async () => await axe.run({resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("look", LOOKS)
def test_a_page_has_no_serious_fault_fits_its_screen_and_says_something(
    looks: dict[str, tuple[Page, Seen]], axe: str, path: str, look: str
) -> None:
    page, seen = looks[look]
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200
    assert page.locator("main h1").count() == 1
    assert faults(page, axe) == []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "the page scrolls sideways"
    assert seen.taken() == ([], []), "dialogs and errors"


def test_a_page_with_a_serious_fault_would_be_told(browser: Browser, axe: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text("<html lang=en><title>x</title><main><h1>x</h1><img src=x><input></main>")
    with opened(browser) as (page, _):
        page.goto(file.as_uri())
        assert {fault.partition(":")[0] for fault in faults(page, axe)} >= {"image-alt", "label"}
