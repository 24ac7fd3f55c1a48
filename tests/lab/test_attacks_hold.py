"""Attacks without processes come to what they must, and succeed where their defence is taken out.

Those that take long, and those on real processes and sockets, are played by `make attack`.
"""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from wattseal.lab.attack import Ground, Outcome
from wattseal.lab.catalogue import catalogue
from wattseal.lab.lab import Worlds
from wattseal.lab.worker import play

LONG = {
    "credential-guessing",
    "deaf-station",
    "gray-hole",
    "half-open",
    "poisoned-dependency",
    "reconnect-herd",
    "stop-of-anothers-charge",
}
PLAYED = [
    name
    for name, attack in catalogue().items()
    if attack.ground in {Ground.PURE, Ground.CLOCKWORK} and name not in LONG
]


@pytest.mark.parametrize("name", PLAYED)
async def test_it_comes_to_what_it_must_and_its_control_to_what_the_attacker_wants(name: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        worlds = Worlds(tmp_path / "world", stack)
        ran = await play(name, "perform", tmp_path, 5, worlds)
        control = await play(name, "control", tmp_path, 5, worlds)
    assert ran["trouble"] is None
    assert ran["found"]["outcome"] == catalogue()[name].expected, ran["found"]["evidence"]
    assert control["trouble"] is None
    assert control["found"]["outcome"] == Outcome.MISSED, control["found"]["evidence"]


def test_what_takes_long_is_what_there_is() -> None:
    assert set(catalogue()) >= LONG
