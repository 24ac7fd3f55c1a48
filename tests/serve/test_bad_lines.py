"""Stations over lines that split, delay, reset and double: every session is there once and whole.

The oracle is the stations' own memory.
"""

import asyncio
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.support.bad_line import BadLine, Weather

from wattseal.app.cpo.endpoint import make_endpoint
from wattseal.app.doorman import Doorman
from wattseal.app.fsck import run_fsck
from wattseal.app.metrics import Traffic
from wattseal.app.station import Station
from wattseal.app.station_plan import Plan, Report, Settings
from wattseal.dial.ocpp import Backoff
from wattseal.flow.charges import charge
from wattseal.lab.grounds.clockwork import Clockwork, clockwork
from wattseal.lab.null import swapped
from wattseal.model.token import IdToken
from wattseal.parties.station import Fate
from wattseal.serve.ocpp_ws import OcppServer
from wattseal.wire.ocpp.version import Version

STATIONS = {f"ST{n}": version for n, version in enumerate((Version.V16, Version.V201, Version.V21) * 2)}
SESSIONS, READINGS = 4, 3
STORM_S = 1.5
PATIENCE_S = 120


@dataclass
class Played:
    """What the stations remember, what came of it at the CPO (registers and billing by station), what the lines did."""

    reports: list[Report]
    found: dict[str, Counter[tuple[int, int | None]]]
    unbilled: int
    happened: Counter[str]

    @property
    def told(self) -> dict[str, Counter[tuple[int, int | None]]]:
        """Return what the CPO should have."""
        return {
            report.station: Counter((session.start_wh, session.stop_wh) for session in report.sessions)
            for report in self.reports
        }


def simulated(name: str, port: int, folder: Path) -> Station:
    plan = Plan(IdToken("CARD", "ISO14443"), SESSIONS, readings=READINGS, interval_s=0.05)
    url, again = f"ws://127.0.0.1:{port}/ocpp", Backoff(0.02, 0.2)
    settings = Settings(url, name, STATIONS[name], plan, data=folder, retry_s=0.02, backoff=again)
    return Station(settings, lambda *_: None)


async def over_bad_lines(folder: Path, seed: int, weather: Weather) -> Played:
    """Let stations charge over bad lines, which calm down after a while, until all is told and settled."""
    async with clockwork(folder / "cpo", {}) as cpo, AsyncExitStack() as stack:
        cpo.clock.ms = round(time.time() * 1000)
        await cpo.token("CARD")
        for name in STATIONS:
            await cpo.enrol(name)
        server = OcppServer(make_endpoint(cpo.world, Doorman(cpo.world, insecure_dev=True), Traffic()))
        port = await server.start("127.0.0.1", 0)
        stack.push_async_callback(server.stop, 0)
        lines = {
            name: await stack.enter_async_context(BadLine(port, random.Random(f"{seed} {name}"), weather))  # noqa: S311
            for name in STATIONS
        }
        stations = [simulated(name, line.listens, folder / name) for name, line in lines.items()]
        running = asyncio.gather(*(station.run() for station in stations))
        await asyncio.sleep(STORM_S)
        for line in lines.values():
            line.calm_down()
        async with asyncio.timeout(PATIENCE_S):
            reports = await running
        await cpo.settle()
        return await _compared(cpo, reports, sum((line.happened for line in lines.values()), Counter[str]()))


async def _compared(cpo: Clockwork, reports: list[Report], happened: Counter[str]) -> Played:
    found: dict[str, Counter[tuple[int, int | None]]] = {name: Counter() for name in STATIONS}
    unbilled = 0
    for one in await cpo.transactions():
        end = None if one.end_wh is None else int(one.end_wh)
        found[one.station_id][int(one.start_wh or 0), end] += 1
        unbilled += await cpo.bill(one) is None
    return Played(list(reports), found, unbilled, happened)


async def test_over_bad_lines_every_session_is_told_once_and_whole(tmp_path: Path) -> None:
    played = await over_bad_lines(tmp_path, 1, Weather())
    assert min(played.happened[what] for what in ("split", "late", "reset")) > 0
    for report in played.reports:
        assert (report.waiting, {session.fate for session in report.sessions}) == (0, {Fate.ACKNOWLEDGED})
    assert played.found == played.told
    assert played.unbilled == 0
    assert (await run_fsck(tmp_path / "cpo", trust_file=None)).findings == ()


async def test_a_cpo_that_takes_every_start_for_a_new_one_has_sessions_that_nobody_charged(tmp_path: Path) -> None:
    async def never(*_: object) -> None:
        """Know of no start told before."""

    with swapped(charge, "_start_again", never):
        played = await over_bad_lines(tmp_path, 1, Weather(reset=0.15))
    assert played.found != played.told
