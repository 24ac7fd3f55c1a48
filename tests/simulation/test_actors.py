"""What the others in a storm hold it against is found where it does not hold: each with what breaks it."""

from collections.abc import Callable

import pytest
from msgspec import structs
from tests.simulation.actors import ACTORS
from tests.simulation.broken import BrokenPromiseError
from tests.simulation.play import play
from tests.simulation.storm import Storm
from tests.simulation.weather import Weather

from wattseal.base.errors import WattsealError
from wattseal.flow.ports import Batch
from wattseal.seal.item import Kind

SEEDS = 20
Spoil = Callable[[Batch], Batch]


def without(*kinds: str) -> Spoil:
    """Documents of these kinds are never kept."""
    return lambda batch: structs.replace(batch, puts=tuple(put for put in batch.puts if put.kind not in kinds))


def nothing_is_erased(batch: Batch) -> Batch:
    return structs.replace(batch, erased=())


def alarms_stand_for_ever(batch: Batch) -> Batch:
    return structs.replace(batch, puts=tuple(put for put in batch.puts if put.kind != "alarm" or put.active))


def sealed_readings_vanish(batch: Batch) -> Batch:
    lost = [item for item in batch.items if item.origin == "CPO/EDGED" and item.kind == Kind.READING]
    return structs.replace(batch, items=tuple(item for item in batch.items if item not in lost))


def no_posting_is_kept(batch: Batch) -> Batch:
    return structs.replace(batch, postings=())


def why_it_ended_is_changed(batch: Batch) -> Batch:
    """A session is kept with another reason to have ended than its station told."""
    puts = (structs.replace(put, body=put.body.replace(b'"Local"', b'"Other"')) for put in batch.puts)
    return structs.replace(batch, puts=tuple(puts))


def no_works_are_kept(batch: Batch) -> Batch:
    return structs.replace(batch, items=tuple(item for item in batch.items if item.kind != Kind.WORKS))


CONTROLS: dict[str, tuple[set[int], Spoil]] = {
    "judges": ({1}, without("dispute")),
    "office": ({1}, without("invoice")),
    "watchers": ({1}, alarms_stand_for_ever),
    "personnel": ({1}, without("person")),
    "leaver": ({12}, nothing_is_erased),
    "EDGED": ({1}, sealed_readings_vanish),
    "operator": ({1}, without("command")),
    "payer": ({4}, no_posting_is_kept),
    "fleet": ({1}, without("waiting_command")),
    "reserver": ({1}, without("reservation")),
    "codes": ({8}, without("used_code")),
    "works": ({1}, no_works_are_kept),
    "clockwork": ({11}, why_it_ended_is_changed),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_what_breaks_what_they_were_told_is_found(name: str) -> None:
    promises, spoil = CONTROLS[name]

    def spoilt(storm: Storm) -> None:
        storm.disk.spoil = spoil

    found: list[str] = []
    for seed in range(1, SEEDS):
        try:
            play(seed, weather=Weather(sessions=3, actors=frozenset({name})), spoil_process=spoilt)
        except BrokenPromiseError as error:
            if error.promise in promises:
                return
            found.append(str(error))
        except WattsealError:
            continue
    raise AssertionError(f"{SEEDS} storms did not show it; they showed {found[:3]}")


def test_each_of_them_who_is_told_something_has_a_control() -> None:
    assert ACTORS.keys() - CONTROLS.keys() == {"readers"}
