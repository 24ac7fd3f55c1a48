"""Judging mutants and honest ones in batches, each repeatable from the seed and its number."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle

from tests.mutants.bytewise import flip_bit
from tests.mutants.specimens import SPECIES, Species, Specimen

PER_SPECIMEN = 250
"""How many mutants are made of one specimen before another one is made."""


@dataclass(slots=True)
class Tally:
    """What came of some mutants and honest ones of one format.

    `refused` counts mutants without the verdict VALID by what was done to them; `harmless` those that are VALID and say
    the same: a byte outside what is signed, another order of members; `unchanged` those that came out as they went in.
    """

    refused: Counter[str] = field(default_factory=Counter)
    harmless: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    honest: int = 0
    wrong: list[str] = field(default_factory=list)
    """False VALID, false INVALID, crashes: how to see them again."""

    @property
    def mutants(self) -> int:
        """How many differ from what they were made of."""
        return self.refused.total() + self.harmless.total() + sum(": honest" not in each for each in self.wrong)

    def add(self, other: "Tally") -> None:
        """Count another batch in."""
        self.refused += other.refused
        self.harmless += other.harmless
        self.unchanged += other.unchanged
        self.honest += other.honest
        self.wrong += other.wrong


def hunt(name: str, seed: int, number: int, mutants: int, honest: int) -> Tally:
    """Judge one batch of a format: so many mutants of one specimen, and so many honest ones."""
    species, dice = SPECIES[name], random.Random(f"{seed}/{name}/{number}")  # noqa: S311 - repeatable on purpose
    tally, where = Tally(), f"{name}, seed {seed}, batch {number}"
    specimen = species.make(dice)
    for index, (what, data) in enumerate(_mutants(species, specimen, dice, mutants)):
        trouble = _judge_mutant(species, specimen, data, tally, what)
        if trouble:
            tally.wrong.append(f"{where}, mutant {index} ({what}): {trouble}: {data.hex()}")
    for index in range(honest):
        trouble = _judge_honest(species.make(dice))
        tally.honest += 1
        if trouble:
            tally.wrong.append(f"{where}: honest {index}: {trouble}")
    return tally


def _mutants(species: Species, specimen: Specimen, dice: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """Take turns between all changes; one mutant in eight is changed once more, in its bytes."""
    names = list(species.changes)
    dice.shuffle(names)
    turns = cycle(names)
    for _ in range(count):
        name = next(turns)
        made = species.changes[name](specimen.data, dice)
        if dice.randrange(8) == 0:
            made = flip_bit(made or b"\0", dice)
        yield name, made


def _judge_mutant(species: Species, specimen: Specimen, data: bytes, tally: Tally, what: str) -> str | None:
    """Count a mutant; return what is wrong with how it was judged."""
    if data == specimen.data:
        tally.unchanged += 1
        return None
    try:
        said = specimen.judge(data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
        return f"crash, {type(error).__name__} {error}"
    if said is None:
        tally.refused[what] += 1
    elif species.same(said, specimen.judge(specimen.data)):
        tally.harmless[what] += 1
    else:
        return "false VALID"
    return None


def _judge_honest(specimen: Specimen) -> str | None:
    try:
        said = specimen.judge(specimen.data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
        return f"crash, {type(error).__name__} {error}: {specimen.data.hex()}"
    return None if said is not None else f"false INVALID: {specimen.data.hex()}"
