import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.stores import journal_child
from tests.stores.journal_contract import ORIGIN, T1

from wattseal.base.ids import StationId
from wattseal.stores.migrate import migrate
from wattseal.stores.sqlite import SqliteJournal

KILLS = 5


def run_until_killed(path: Path, first: int, acknowledgements: int) -> dict[int, tuple[str, int]]:
    """Return what the child acknowledged, by seq: (station, log index). It gets SIGKILL after so many of them."""
    child = subprocess.Popen(  # noqa: S603 - our own test program
        [sys.executable, journal_child.__file__, str(path), str(first)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
    )
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(acknowledgements)]
    child.kill()
    lines += child.stdout.readlines()
    child.stdout.close()
    child.wait()
    told = [line.split() for line in lines if line.endswith(b"\n")]
    return {int(seq): (name.decode(), int(index)) for name, seq, index in told}


@pytest.mark.parametrize("seed", [1])
async def test_every_acknowledged_row_survives_kill_9_at_any_moment(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "journal.sqlite3"
    migrate(f"sqlite:///{path}")
    moments = random.Random(seed)  # noqa: S311 - when to kill, not a secret
    acknowledged: dict[int, tuple[str, int]] = {}
    for _ in range(KILLS):
        first = max(acknowledged, default=-1) + 1000
        acknowledged |= run_until_killed(path, first, moments.randrange(1, 400))
        journal = await SqliteJournal.open(path)
        kept = {k.item.seq: k.log_index for k in await journal.items(T1, ORIGIN, 1, limit=10**6)}
        assert acknowledged.keys() <= kept.keys()
        assert all(kept[seq] == (index if index >= 0 else None) for seq, (_, index) in acknowledged.items())
        assert sorted(i for i in kept.values() if i is not None) == list(range(await journal.log_size(T1)))
        for seq, (name, _) in list(acknowledged.items())[-50:]:
            assert await journal.answer(T1, StationId(name), f"k{seq}") == b"%d" % seq
        written = {put.key: int(put.body) for put in await journal.documents(T1, "transaction", limit=10**6)}
        assert all(written[f"t{seq // 10}"] >= seq for seq in acknowledged)
        await journal.close()
    assert len(acknowledged) >= KILLS
