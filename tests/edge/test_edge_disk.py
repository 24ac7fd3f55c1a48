"""An edge whose disk refuses, or keeps what it said it had not: its chain goes on as one."""

import asyncio
from pathlib import Path

import pytest
from tests.edge.edge_bench import bench, call
from tests.edge.edge_world import site
from tests.edge.test_edge_sides import START, meter_values

from wattseal.base.errors import StoreError
from wattseal.flow.ports import Batch, Committed, Journal
from wattseal.seal.chain import check_chain
from wattseal.seal.item import Kind


async def test_when_the_disk_refuses_nothing_is_answered_and_the_chain_goes_on_afterwards(tmp_path: Path) -> None:
    async with bench(tmp_path, site()) as b:
        transaction_id = (await b.say("StartTransaction", START))["transactionId"]
        await b.settle()
        before = b.memory.state
        disk = b.memory._journal
        b.memory._journal = FullDisk(disk)  # type: ignore[assignment] # a journal that only refuses
        for action, payload in (("MeterValues", meter_values(transaction_id, 2)), ("Authorize", {"idTag": "X"})):
            with pytest.raises(StoreError):
                await b.up.handle(call(action, payload))
        assert b.memory.state is before
        b.memory._journal = disk
        assert await b.say("MeterValues", meter_values(transaction_id, 2)) == {}
        chain = await b.memory.items_from(1, (0, 0), 10)
        assert [item.payload.kind for item in chain] == [Kind.BOOT, Kind.STARTED, Kind.READING]
        assert check_chain(chain[:2]) == []
        assert chain[2].payload.prev == chain[1].hash


@pytest.mark.parametrize("how", ["fails", "is given up"])
async def test_no_record_takes_the_place_of_one_that_reached_the_disk_all_the_same(tmp_path: Path, how: str) -> None:
    async with bench(tmp_path, site()) as b:
        transaction_id = (await b.say("StartTransaction", START))["transactionId"]
        await b.settle()
        disk = b.memory._journal
        b.memory._journal = TornDisk(disk, asyncio.CancelledError() if how == "is given up" else StoreError("fsync"))  # type: ignore[assignment]
        with pytest.raises((StoreError, asyncio.CancelledError)):
            await b.up.handle(call("MeterValues", meter_values(transaction_id, 2)))
        b.memory._journal = disk
        assert await b.say("MeterValues", meter_values(transaction_id, 3)) == {}
        assert await b.say("MeterValues", meter_values(transaction_id, 2)) == {}  # told again, as a station does
        chain = await b.memory.items_from(1, (0, 0), 10)
        assert [item.payload.seq for item in chain] == [0, 1, 2, 3]
        assert [problem.code for problem in check_chain(chain)] == ["unsigned_tail"]


class TornDisk:
    """A journal that does what it was asked, and says that it failed."""

    def __init__(self, journal: Journal, error: BaseException) -> None:
        self.answer = journal.answer
        self._journal = journal
        self._error = error

    async def commit(self, batch: Batch) -> Committed:
        await self._journal.commit(batch)
        raise self._error


class FullDisk:
    """A journal on a disk that is full: what is there can be read."""

    def __init__(self, journal: Journal) -> None:
        self.answer = journal.answer

    async def commit(self, batch: Batch) -> Committed:
        del batch
        raise StoreError("the disk is full")
