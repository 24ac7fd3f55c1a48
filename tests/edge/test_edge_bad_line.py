"""An edge between two bad lines: what its station was thanked for goes up whole, as one chain, and nothing twice."""

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path

from tests.edge.edge_bench import MemoryCsms
from tests.edge.edge_deployment import PASSWORD, SocketCsms
from tests.edge.edge_world import ORIGIN, REGISTRY, STATION, entries, key, site
from tests.support.bad_line import BadLine

from wattseal.app.edge import edge as edge_process
from wattseal.app.edge.edge import Edge, EdgeSettings
from wattseal.app.station import Station
from wattseal.app.station_plan import Plan, Report, Settings
from wattseal.app.system import SystemRandom
from wattseal.bundle.trust import Root, Trust
from wattseal.dial.ocpp import Backoff, Surroundings
from wattseal.lab.null import swapped
from wattseal.model.token import IdToken
from wattseal.parties.station import Fate
from wattseal.seal.chain import check_chain
from wattseal.seal.item import Item, Kind
from wattseal.stores.edge_home import EdgeHome
from wattseal.stores.sqlite import SqliteJournal
from wattseal.wire.ocpp.version import Version

SESSIONS, READINGS = 4, 3
STORM_S = 1.5
AGAIN = Backoff(0.02, 0.2)


async def charged(folder: Path, port: int, version: Version) -> Report:
    plan = Plan(IdToken("CARD", "ISO14443"), SESSIONS, readings=READINGS, interval_s=0.05)
    url = f"ws://127.0.0.1:{port}/ocpp"
    settings = Settings(url, STATION, version, plan, PASSWORD.encode(), folder, retry_s=0.02, backoff=AGAIN)
    return await Station(settings, lambda *_: None).run()


async def chain_of(csms: MemoryCsms, sessions: int) -> list[Item]:
    """Return the chain that arrived, each record once, when all of it has; it may have come several times."""
    async with asyncio.timeout(60):
        while True:
            found = {item.hash: item for item in csms.items if item.payload.stream == 1}
            if sum(item.payload.kind == Kind.ENDED for item in found.values()) >= sessions:
                return sorted(found.values(), key=lambda item: item.payload.place)
            await asyncio.sleep(0.05)


async def between_bad_lines(tmp_path: Path, version: Version) -> tuple[Report, list[Item]]:
    """Let a station charge through an edge until all is told; returns what it remembers, and what arrived above."""
    data, trust = tmp_path / "edge", tmp_path / "trust.json"
    async with AsyncExitStack() as stack:
        home = stack.enter_context(await asyncio.to_thread(EdgeHome.open, data, SystemRandom()))
        signers = tuple(entries(home.sign_key().public.spki))
        trust.write_bytes(Trust((Root(REGISTRY, key("root").public, "REG"),), (), (), 1, signers).to_json())
        csms = SocketCsms(MemoryCsms(site(version=version.value)))
        await csms.start()
        stack.push_async_callback(csms.stop)
        up = await stack.enter_async_context(BadLine(csms.port, random.Random(f"{version} up")))  # noqa: S311
        journal = await SqliteJournal.open(home.journal)
        stack.push_async_callback(journal.close)
        settings = EdgeSettings(
            data,
            trust,
            STATION,
            f"ws://127.0.0.1:{up.listens}/ocpp",
            password=PASSWORD.encode(),
            budget_s=0.3,
            pace_s=0.02,
        )
        with swapped(edge_process, "Surroundings", lambda clock, drawn: Surroundings(clock, drawn, AGAIN)):
            edge = Edge(settings, home, journal)
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        running = asyncio.create_task(edge.run(ready.set_result, stop))
        down = await stack.enter_async_context(BadLine(await ready, random.Random(f"{version} down")))  # noqa: S311
        charging = asyncio.create_task(charged(tmp_path / "station", down.listens, version))
        await asyncio.sleep(STORM_S)
        up.calm_down()
        down.calm_down()
        async with asyncio.timeout(60):
            report = await charging
        chain = await chain_of(csms.inner, len(report.sessions))
        stop.set()
        await running
    assert up.happened["reset"] + down.happened["reset"] > 0
    return report, chain


async def test_an_edge_between_bad_lines_tells_every_record_of_one_chain(tmp_path: Path) -> None:
    report, chain = await between_bad_lines(tmp_path, Version.V16)
    assert len(report.sessions) > 0
    assert {session.fate for session in report.sessions} == {Fate.ACKNOWLEDGED}
    assert check_chain(chain) == []
    assert {item.payload.origin for item in chain} == {ORIGIN}
    assert ends_of(chain) == (len(report.sessions), len(report.sessions))


def ends_of(chain: list[Item]) -> tuple[int, int]:
    kinds = [item.payload.kind for item in chain]
    return kinds.count(Kind.STARTED), kinds.count(Kind.ENDED)
