"""Repeatable choices: the same seed gives the same story. Never used for keys."""

import hashlib
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A stream of choices that follow from a seed alone."""

    def __init__(self, seed: int | str) -> None:
        """Start from a seed; equal seeds choose alike."""
        self._seed = seed
        self._throws = 0

    def number(self, low: int, high: int) -> int:
        """Return a number from `low` to `high`, both included."""
        self._throws += 1
        digest = hashlib.sha256(f"wattseal-lab/{self._seed}/{self._throws}".encode()).digest()
        return low + int.from_bytes(digest[:8]) % (high - low + 1)

    def word(self, letters: int) -> str:
        """Return capital letters and digits, without those that look alike."""
        alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
        return "".join(alphabet[self.number(0, len(alphabet) - 1)] for _ in range(letters))

    def shuffled(self, things: Iterable[T]) -> list[T]:
        """Return the things in an order of chance."""
        left, found = list(things), []
        while left:
            found.append(left.pop(self.number(0, len(left) - 1)))
        return found
