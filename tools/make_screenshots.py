"""Take the screenshots of docs/how-to/pages.md from a demo's pages: `python tools/make_screenshots.py demo.json`.

    wattseal demo --data demo --json demo.json      # in another terminal; leave it alive
    python tools/make_screenshots.py demo.json

A station of its own charges meanwhile, so that there is something live to see. Needs Chromium.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, sync_playwright

OUT = Path(__file__).parents[1] / "docs" / "images" / "pages"
STATION, PASSWORD, TOKEN = "CS-LIVE", "charging while you look", "LIVE-CARD"
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
PAGES = {
    "overview": "/",
    "revenue": "/revenue?range=7d&step=day",
    "sessions": "/sessions",
    "session-broken": "/sessions/{broken}",
    "why": "/why/session/{broken}",
    "cdrs": "/cdrs",
    "network": "/network",
    "station": "/stations/CS-LIVE",
    "station-frames": "/stations/CS-LIVE/frames",
    "station-commands": "/stations/CS-LIVE/commands",
    "alarms": "/alarms",
    "log": "/log",
    "backups": "/backups",
    "settings": "/settings",
    "quarantine": "/quarantine",
    "tariffs": "/tariffs",
    "tokens": "/tokens",
    "accounts": "/accounts",
    "invoices": "/invoices",
    "disputes": "/disputes",
    "fleet-limits": "/fleet-limits",
    "ramp": "/ramp",
    "works": "/works",
    "people": "/people",
    "audit": "/audit",
    "profile": "/profile",
    "welcome": "/welcome",
}
ON_A_PHONE = ("overview", "sessions", "session-broken", "revenue")


@contextmanager
def charging(base: str, ocpp: str, admin: str) -> Iterator[None]:
    """Let a station charge meanwhile."""
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {admin}"}, trust_env=False) as api:
        site = {"name": "Depot", "address": "Harbour Road 4", "city": "Hamburg", "country": "DEU"}
        site |= {"latitude": "53.543000", "longitude": "9.966000", "time_zone": "Europe/Berlin"}
        api.put("/api/v1/sites/DEPOT", json=site).raise_for_status()
        body: dict[str, Any] = {"id": STATION, "password": PASSWORD, "evses": [{"id": 1}], "site": "DEPOT"}
        api.post("/api/v1/stations", json=body).raise_for_status()
        token = {"id_token": TOKEN, "type": "ISO14443", "status": "Accepted"}
        api.post("/api/v1/tokens", json=token).raise_for_status()
    words = ["station", "--url", ocpp, "--id", STATION, "--ocpp", "2.0.1", "--password", PASSWORD, "--id-token", TOKEN]
    words += ["--sessions", "1", "--energy-wh", "90000", "--readings", "400", "--interval", "1"]
    process = subprocess.Popen([sys.executable, "-m", "wattseal", *words], stdout=subprocess.DEVNULL)
    try:
        time.sleep(5)
        yield
    finally:
        process.terminate()
        process.wait(10)


def take(context: BrowserContext, base: str, name: str, path: str) -> None:
    """Take one page."""
    page = context.new_page()
    answer = page.goto(base + path)
    if answer is None or answer.status != 200:
        raise SystemExit(f"{path}: {answer.status if answer else 'no answer'}")
    page.wait_for_timeout(1500)
    page.screenshot(path=OUT / f"{name}.jpg", type="jpeg", quality=72)
    page.close()


def made_link(context: BrowserContext, base: str) -> str:
    """Make a link for the driver of the first account, and return its path."""
    page = context.new_page()
    page.goto(f"{base}/accounts")
    page.locator("td a.mono").first.click()
    page.get_by_role("button", name="Make a link for the driver").click()
    link = page.locator("#driver-data code").inner_text()
    page.close()
    return link[link.index("/mine/") :]


def take_all(browser: Browser, told: dict[str, str], base: str) -> None:
    """Come in by the one-time link and take every page."""
    context = browser.new_context(viewport=DESKTOP)  # type: ignore[arg-type] # a dict of the right shape
    page = context.new_page()
    page.goto(told["dashboard"])
    page.fill("#name", "Olga Owner")
    page.screenshot(path=OUT / "join.jpg", type="jpeg", quality=72)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(lambda url: "/join/" not in url)
    for name, path in PAGES.items():
        take(context, base, name, path.format(**told))
    cookies = context.cookies()
    phone = browser.new_context(viewport=PHONE, color_scheme="dark")  # type: ignore[arg-type] # same
    phone.add_cookies(cookies)  # type: ignore[arg-type] # as they were given
    for name in ON_A_PHONE:
        take(phone, base, f"{name}-phone", PAGES[name].format(**told))
    anybody = browser.new_context(viewport=PHONE)  # type: ignore[arg-type] # same
    take(anybody, base, "mine-phone", made_link(context, base))
    take(anybody, base, "receipt-phone", told["receipt"].removeprefix(base))
    take(anybody, base, "check-phone", "/check")
    take(anybody, base, "login-phone", "/login")


def main() -> None:
    """Take them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="what `wattseal demo --json` wrote")
    demo = json.loads(parser.parse_args().demo.read_text())
    base = demo["pages"]["dashboard"].partition("/join/")[0]
    admin = (Path(demo["trust"]).parent / "cpo" / "admin-token").read_text().strip()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    OUT.mkdir(parents=True, exist_ok=True)
    with charging(base, demo["pages"]["stations"], admin), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        take_all(browser, demo["pages"], base)
        browser.close()


if __name__ == "__main__":
    main()
