"""Tables put together out of those of several areas."""

from collections.abc import Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def united(*tables: Mapping[K, V]) -> dict[K, V]:
    """Return one table; a key that two of them have is a defect (`ValueError`), not silently the latter's."""
    found: dict[K, V] = {}
    for table in tables:
        twice = found.keys() & table.keys()
        if twice:
            raise ValueError(f"decided on twice: {sorted(map(str, twice))}")
        found.update(table)
    return found
