"""A process that commits and tells what was acknowledged, to be killed: `python journal_child.py PATH FIRST`.

Sixteen stations commit an item, an answer and a document at a time; each acknowledgement is one line on standard
output, written at once.
"""

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

from tests.stores.journal_contract import T1, item, station

from wattseal.base.ids import StationId
from wattseal.flow.ports import Batch, Dedup
from wattseal.stores.sqlite import SqliteJournal


async def work(path: Path, first: int) -> None:
    journal = await SqliteJournal.open(path)
    numbers = count(first)

    async def one_station(name: str) -> None:
        for seq in numbers:
            batch = Batch(
                T1,
                items=(item(seq, leaf=seq % 2 == 0),),
                puts=(station(f"t{seq // 10}", name=name, body=b"%d" % seq),),
                dedups=(Dedup(StationId(name), f"k{seq}", b"%d" % seq),),
            )
            told = await journal.commit(batch)
            index = told.indexes.get(batch.items[0].payload_hash, -1)
            os.write(1, b"%s %d %d\n" % (name.encode(), seq, index))

    await asyncio.gather(*(one_station(f"S{n}") for n in range(16)))


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2])))
