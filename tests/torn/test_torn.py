"""Whatever a power cut leaves, nothing acknowledged is missing; whatever damage leaves, no second history is signed."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.torn import hold
from tests.torn.hold import TornError
from tests.torn.play import cuts, damages, edge_cuts, without_log

from wattseal.app.fsck import Checked
from wattseal.base.errors import WattsealError
from wattseal.lab.null import swapped
from wattseal.stores import files, sqlite_writer
from wattseal.stores.tiles import DiskLog

CONTROL_SEEDS = 8


def test_after_a_power_cut_at_any_moment_nothing_acknowledged_is_missing() -> None:
    assert cuts(1, 30).total() > 15


def test_an_edge_goes_on_with_one_chain_after_a_power_cut_at_any_moment() -> None:
    assert edge_cuts(1, 12).total() > 5


def test_on_a_damaged_disk_it_goes_on_truly_or_refuses_and_says_what_to_do() -> None:
    came = damages(1, 16)
    assert came.total() == 16
    assert any(name.startswith("refused") for name in came)


def test_a_log_whose_files_are_gone_is_built_again_from_the_journal_and_leads_to_what_was_published() -> None:
    without_log(1)


def no_sync_of_commits() -> AbstractContextManager[None]:
    """Leave a commit to be flushed when it suits the system, as SQLite does by default in this mode."""
    opened = sqlite_writer.open_connection

    def normal(path: Path) -> sqlite3.Connection:
        connection = opened(path)
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    return swapped(sqlite_writer, "open_connection", normal)


def no_sync_of_files() -> AbstractContextManager[None]:
    """Rename a file before its bytes are on the disk."""

    def replace(path: Path, data: bytes, mode: int) -> None:
        beside = path.with_name(f".{path.name}.new")
        beside.unlink(missing_ok=True)
        descriptor = vars(files)["os"].open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        os.write(descriptor, data)
        os.close(descriptor)
        beside.replace(path)

    return swapped(files, "_replace", replace)


def no_sync_of_names() -> AbstractContextManager[None]:
    """Rename a file and leave it to the system when its directory knows."""
    return swapped(files, "_sync_directory", lambda _path: None)


@pytest.mark.parametrize("without", [no_sync_of_commits, no_sync_of_files, no_sync_of_names])
def test_a_sync_that_is_left_out_is_found(without: Callable[[], AbstractContextManager[None]]) -> None:
    for seed in range(1, CONTROL_SEEDS):
        try:
            with without():
                cuts(seed, 40)
        except (TornError, WattsealError):
            return
    raise AssertionError("no power cut showed it")


def signs_what_it_finds() -> AbstractContextManager[None]:
    """Sign whatever tree there is, and never mind what was published."""
    return swapped(DiskLog, "_demand", lambda *_: None)


async def blind(*_: object, **__: object) -> Checked:
    """Re-prove nothing."""
    return Checked(0, 0, ())


@pytest.mark.parametrize(
    ("without", "seed", "first"), [(signs_what_it_finds, 1, 24), (lambda: swapped(hold, "run_fsck", blind), 18, 0)]
)
def test_a_second_history_and_silence_about_damage_are_found(
    without: Callable[[], AbstractContextManager[None]], seed: int, first: int
) -> None:
    with without(), pytest.raises(TornError, match=r"another history|says nothing"):
        damages(seed, 3, first=first)
