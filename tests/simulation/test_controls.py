"""What no promise could survive is found within a few storms, for each promise that is checked."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs
from tests.simulation.broken import BrokenPromiseError
from tests.simulation.play import play
from tests.simulation.storm import Storm
from tests.simulation.weather import Weather, dice

from wattseal.base.errors import WattsealError
from wattseal.flow.charges import open_transactions
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.lab.null import swapped
from wattseal.model.ledger import Posting, Transfer
from wattseal.model.principal import Principal

SEEDS = 60


def answers_before_it_is_durable(storm: Storm) -> None:
    storm.journal.early = True


def forgets_what_it_answered(storm: Storm) -> None:
    storm.disk.spoil = lambda batch: _with(batch, dedups=())


def bills_what_it_never_recorded(storm: Storm) -> None:
    """Records of readings of a session vanish from the disk."""

    def spoil(batch: Batch) -> Batch:
        return _with(batch, items=tuple(item for item in batch.items if item.seq % 7 != 5))

    storm.disk.spoil = spoil


def takes_money_from_nowhere(storm: Storm) -> None:
    """What is given back goes elsewhere than it came from."""

    def spoil(batch: Batch) -> Batch:
        return _with(batch, postings=tuple(_astray(posting) for posting in batch.postings))

    storm.disk.spoil = spoil


def _astray(posting: Posting) -> Posting:
    def moved(transfer: Transfer) -> Transfer:
        gone = transfer.debit.startswith("held/") and transfer.credit.startswith("customer/")
        return replace(transfer, credit="revenue/charging") if gone else transfer

    return replace(posting, transfers=tuple(map(moved, posting.transfers)))


def tears_commits(storm: Storm) -> None:
    """Postings are kept, what belongs to them is not."""
    storm.disk.spoil = lambda batch: _with(batch, items=(), puts=()) if batch.postings else batch


def drops_the_last_flushes(storm: Storm) -> None:
    """The disk said that it had flushed, and had not."""
    storm.disk.lose(6)


def signs_another_history(storm: Storm) -> None:
    """A log starts anew on other entries, and on no memory of what it published."""
    disk = storm.disk
    if disk.documents_by_key.pop(("checkpoint_head", "log"), None) is not None:
        disk.log[-1] = bytes(32)
        shutil.rmtree(storm.folder / "log")


def bills_nothing(storm: Storm) -> None:
    storm.disk.spoil = lambda batch: _with(batch, puts=tuple(put for put in batch.puts if put.kind != "bill"))


def lists_no_session(storm: Storm) -> None:
    storm.disk.spoil = lambda batch: _with(batch, sessions=())


def counts_by_token(storm: Storm) -> None:
    storm.world.count("refused_NOBODYS")


def _with(batch: Batch, **changes: Any) -> Batch:
    return structs.replace(batch, **changes)


def nothing(_: Storm) -> None:
    """Leave it whole."""


async def no_gaps(_: World) -> None:
    """Tell of no gap."""


Spoils = Callable[[Storm], None]
Without = Callable[[], AbstractContextManager[None]]
CONTROLS: tuple[tuple[set[int], Spoils, Spoils, Without], ...] = (
    ({1}, answers_before_it_is_durable, nothing, nullcontext),
    ({2}, forgets_what_it_answered, nothing, nullcontext),
    ({1, 3}, bills_what_it_never_recorded, nothing, nullcontext),
    ({4}, takes_money_from_nowhere, nothing, nullcontext),
    ({4, 11}, tears_commits, nothing, nullcontext),
    ({1}, nothing, drops_the_last_flushes, nullcontext),
    ({5}, nothing, signs_another_history, nullcontext),
    ({6}, nothing, nothing, lambda: swapped(open_transactions, "look_after", no_gaps)),
    ({7}, bills_nothing, nothing, nullcontext),
    ({8}, nothing, nothing, lambda: swapped(Principal, "may", lambda *_: True)),
    ({11}, lists_no_session, nothing, nullcontext),
    ({12}, counts_by_token, nothing, nullcontext),
)


@pytest.mark.parametrize(("promises", "spoil", "power", "without"), CONTROLS)
def test_what_breaks_a_promise_is_found(promises: set[int], spoil: Spoils, power: Spoils, without: Without) -> None:
    found: set[int] = set()
    for seed in range(1, SEEDS):
        try:
            with without():
                weather = Weather.drawn(dice(f"weather {seed}"))
                play(seed, weather=weather, spoil_process=spoil, lose_power=power)
        except BrokenPromiseError as error:
            found.add(error.promise)
        except WattsealError:
            continue  # it came to nothing in another way; what counts is what the checks say
        if found & promises:
            return
    raise AssertionError(f"{SEEDS} storms did not show it; they showed {found}")


def test_every_promise_that_is_checked_has_its_control() -> None:
    assert {1, 2, 3, 4, 5, 6, 7, 8, 11, 12} <= set().union(*(promises for promises, *_ in CONTROLS))
