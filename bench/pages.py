"""How long the operator's pages take among a million sessions, asked one after another over HTTP as the owner.

    python -m bench --only pages

`wattseal serve` runs as it is installed; what is measured is wall time from the request to the last byte, the server's
CPU time meanwhile, and the size.
"""

import statistics
import tempfile
import time
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped] # no stubs installed
from bench.dashboard import BEGIN_MS, DAY_MS, DAYS, STATIONS, fill_lists
from bench.measure import Row, at_most
from tests.support.csms import Csms, serving

GROUP = "Pages"
TENANT = "default"
WANTED_MS = 300.0
QUIET = "[reproof]\ninterval_s = 3600.0\n"
"""The rows have no records: nothing is proved again meanwhile."""
PAGES = {
    "overview": "/",
    "revenue of 90 days by week": "/revenue?range=90d",
    "revenue of 90 days by day, one station": "/revenue?range=90d&step=day&station=ST7",
    "sessions, newest": "/sessions",
    "sessions of a station": "/sessions?station=ST7",
    "sessions, quarantined": "/sessions?state=quarantined",
    "quarantine": "/quarantine",
    "network": "/network",
    "a station": "/stations/ST7",
    "CDRs": "/cdrs",
    "alarms": "/alarms",
    "tokens": "/tokens",
}


def signed_in(csms: Csms) -> dict[str, str]:
    """Become the owner and return the session's cookie."""
    secret = csms.http.post("/api/v1/people/owner-link").json()["secret"]
    with httpx.Client(base_url=csms.http.base_url, trust_env=False) as browser:
        answer = browser.post(f"/join/{secret}", data={"name": "Owner"})
        if answer.status_code != 303:
            raise RuntimeError(f"nobody came in: {answer.status_code} {answer.text[:300]}")
        return dict(browser.cookies)


def measure(*, quick: bool = False) -> list[Row]:
    """Return the median time of each page."""
    sessions, rounds = (20_000, 3) if quick else (1_000_000, 15)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(folder, settings=QUIET) as csms:
            cookies = signed_in(csms)
            for number in range(20 if quick else STATIONS):
                csms.enrol(f"ST{number}")
        newest = time.time() * 1000
        fill_lists(
            folder / "cpo" / "journal.sqlite3", sessions, tenant=TENANT, shift_ms=int(newest) - BEGIN_MS - DAYS * DAY_MS
        )
        with (
            serving(folder, settings=QUIET) as csms,
            httpx.Client(base_url=csms.http.base_url, cookies=cookies, trust_env=False, timeout=60) as browser,
        ):
            server = psutil.Process(csms.process.pid)
            return [_row(browser, server, what, sessions=sessions, rounds=rounds) for what in PAGES]


def _row(browser: httpx.Client, server: psutil.Process, what: str, *, sessions: int, rounds: int) -> Row:
    path = PAGES[what]
    found = []
    size, spent_s = 0, 0.0
    for _ in range(rounds + 1):
        before = server.cpu_times()
        began = time.perf_counter()
        answer = browser.get(path)
        found.append(1000 * (time.perf_counter() - began))
        after = server.cpu_times()
        if len(found) > 1:
            spent_s += after.user + after.system - before.user - before.system
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")
        size = len(answer.content)
    ms = statistics.median(found[1:])
    target, met = at_most(ms / WANTED_MS, 1)
    cpu = f"{1000 * spent_s / rounds:,.0f} CPU-ms"
    note = f"{cpu}, {size / 1024:,.0f} KiB, slowest {max(found[1:]):,.0f} ms, the first {found[0]:,.0f} ms"
    return Row(
        GROUP, f"{what}, {sessions:,} sessions", ms, "ms", ms / WANTED_MS, f"{WANTED_MS:g} ms", target, met, note
    )
