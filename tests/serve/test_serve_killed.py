"""`kill -9` at any moment, fifty times: no acknowledged message is lost and none is recorded twice.

The oracle is the stations' own list of what was acknowledged; a station that got no answer sends the same message again
under a new message id.
"""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.cpo_process import Caller, Cpo, Nursery
from websockets.exceptions import WebSocketException

from wattseal.app.cpo.tenant import TENANT
from wattseal.app.fsck import run_fsck
from wattseal.rules.recorded import read_item
from wattseal.seal.item import Kind, parse_item
from wattseal.stores.sqlite import SqliteJournal

KILLS = 50
STATIONS = 6
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Station:
    """A 1.6 station that charges without end, and remembers what was acknowledged."""

    name: str
    cpo: list[Cpo]
    stopping: asyncio.Event
    sessions: list[tuple[int, int]] = field(default_factory=list)
    readings: list[tuple[int, int]] = field(default_factory=list)
    register: int = 0
    minute: int = 0
    caller: Caller | None = None

    async def run(self) -> None:
        while not self.stopping.is_set():
            start = self.register
            told = await self.tell(
                "StartTransaction",
                {"connectorId": 1, "idTag": "CARD", "meterStart": start, "timestamp": self.now()},
            )
            number = told["transactionId"]
            for _ in range(3):
                self.register += 7
                sample = {"timestamp": self.now(), "sampledValue": [{"value": str(self.register)}]}
                await self.tell("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [sample]})
                self.readings.append((number, self.register))
            await self.tell(
                "StopTransaction", {"transactionId": number, "meterStop": self.register, "timestamp": self.now()}
            )
            self.sessions.append((start, self.register))

    def now(self) -> str:
        self.minute += 1
        return (BEGIN + timedelta(minutes=self.minute)).isoformat().replace("+00:00", "Z")

    async def tell(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send until acknowledged, each time under a new message id."""
        while True:
            try:
                if self.caller is None:
                    self.caller = Caller(await self.cpo[-1].dial(self.name))
                return await self.caller.call(action, payload)
            except (OSError, WebSocketException, TimeoutError, EOFError):
                self.caller = None
                await asyncio.sleep(0.02)


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


async def test_no_acknowledged_message_is_lost_or_doubled_by_fifty_kills(nursery: Nursery, tmp_path: Path) -> None:
    dice = random.Random(7)  # noqa: S311 - picks moments
    data = tmp_path / "cpo"
    lives = [await asyncio.to_thread(nursery.start, data)]
    stopping = asyncio.Event()
    stations = [Station(f"ST{n}", lives, stopping) for n in range(STATIONS)]
    await asyncio.to_thread(lives[0].add_token)
    for station in stations:
        await asyncio.to_thread(lives[0].enrol, station.name)
    tasks = [asyncio.create_task(station.run()) for station in stations]
    kills_itself = False
    for life in range(1, KILLS + 1):
        if not kills_itself:
            await asyncio.sleep(dice.uniform(0.02, 0.25))
            lives[-1].kill()
        await lives[-1].gone()
        kills_itself = life % 2 == 1 and life < KILLS
        commits = dice.randint(10, 40) if kills_itself else 0
        lives.append(
            await asyncio.to_thread(partial(nursery.start, data, kill_after=commits, without_api=life < KILLS))
        )
    stopping.set()
    await asyncio.gather(*tasks)
    assert sum(len(station.sessions) for station in stations) > KILLS
    last = lives[-1]
    for station in stations:
        await _compare(last, station)
    last.kill(signal.SIGTERM)
    await last.gone()
    checked = await run_fsck(data, trust_file=None)
    assert checked.findings == ()
    await _compare_readings(data, stations)


async def _compare(cpo: Cpo, station: Station) -> None:
    answer = await cpo.asked("GET", f"/api/v1/transactions?station_id={station.name}&limit=1000")
    found = Counter((int(t["start_wh"]), int(t["end_wh"])) for t in answer.json() if not t["active"])
    assert found == Counter(station.sessions)
    assert all(t["billing"] == "billed" for t in answer.json())


async def _compare_readings(data: Path, stations: list[Station]) -> None:
    journal = await SqliteJournal.open(data / "journal.sqlite3")
    kept: Counter[tuple[int, Decimal]] = Counter()
    after = 0
    while page := await journal.replay(TENANT, after):
        for entry in page:
            item = parse_item(entry.item.item)
            record = read_item(item)
            if item.payload.kind == Kind.READING and record.meter is not None and record.frame:
                payload = msgspec.json.decode(record.frame)[3]
                kept[payload["transactionId"], record.meter.register_wh] += 1
        after = page[-1].position
    await journal.close()
    told = Counter((n, Decimal(wh)) for station in stations for n, wh in station.readings)
    assert kept == told
