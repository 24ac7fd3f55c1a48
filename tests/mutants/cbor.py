"""Changes of CBOR that leave it well-formed: a value, a type, an element more, less, or in another's place."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tests.support.mutants import OTHER_TYPES, change_at, leaves, other_value

from wattseal.seal import dcbor

Path = tuple[Any, ...]
MAX_BYTES = 1 << 24
FAR = (0, 1, 23, 24, 255, 256, 2**32, 2**53, 2**64 - 1, -1, -(2**63))


@dataclass(frozen=True, slots=True)
class Opened:
    """Decoded CBOR: the paths of its leaves, and of lists and maps that hold something."""

    value: Any
    leaves: tuple[Path, ...]
    holders: tuple[Path, ...]


@lru_cache(maxsize=64)
def opened(data: bytes) -> Opened:
    """Decode a specimen once for all its mutants; what comes is not to be changed in place."""
    value = dcbor.decode(data, MAX_BYTES)
    found = tuple(leaves(value))
    holders: dict[Path, None] = {}
    for path in found:
        for end in range(len(path)):
            if path[end] not in {"tag", "cbor"}:
                holders[path[:end]] = None
    return Opened(value, found, tuple(holders))


def at(value: Any, path: Path) -> Any:
    """Return what stands at a path."""
    for step in path:
        value = value.value if step == "tag" else dcbor.decode(value) if step == "cbor" else value[step]
    return value


def changed(data: bytes, path: Path, change: Callable[[Any], Any]) -> bytes:
    return dcbor.encode(change_at(opened(data).value, path, change))


def a_value(data: bytes, dice: random.Random) -> bytes:
    return changed(data, dice.choice(opened(data).leaves), lambda leaf: other_value(leaf, dice))


def a_far_number(data: bytes, dice: random.Random) -> bytes:
    numbers = _numbers(data)
    return changed(data, dice.choice(numbers), lambda _: dice.choice(FAR)) if numbers else data


@lru_cache(maxsize=64)
def _numbers(data: bytes) -> tuple[Path, ...]:
    kept = opened(data)
    return tuple(path for path in kept.leaves if type(at(kept.value, path)) is int)


def a_type(data: bytes, dice: random.Random) -> bytes:
    kept = opened(data)
    path = dice.choice(kept.leaves if dice.randrange(3) else kept.holders)
    return changed(data, path, lambda _: dice.choice(OTHER_TYPES))


def one_less(data: bytes, dice: random.Random) -> bytes:
    return changed(data, dice.choice(opened(data).holders), lambda holder: _without(holder, dice))


def _without(holder: Any, dice: random.Random) -> Any:
    gone = dice.choice(list(_keys(holder)))
    if isinstance(holder, list):
        return holder[:gone] + holder[gone + 1 :]
    return {key: value for key, value in holder.items() if key != gone}


def one_more(data: bytes, dice: random.Random) -> bytes:
    return changed(data, dice.choice(opened(data).holders), lambda holder: _with(holder, dice))


def _with(holder: Any, dice: random.Random) -> Any:
    same = holder[dice.choice(list(_keys(holder)))]
    if isinstance(holder, list):
        where = dice.randrange(len(holder) + 1)
        return [*holder[:where], same, *holder[where:]]
    return {**holder, dice.choice((0, 9, 13, 15, 63, 64, 2**32)): same}


def exchanged(data: bytes, dice: random.Random) -> bytes:
    """Let two elements of one list or map change places."""
    return changed(data, dice.choice(opened(data).holders), lambda holder: _exchange(holder, dice))


def _exchange(holder: Any, dice: random.Random) -> Any:
    made = list(holder) if isinstance(holder, list) else dict(holder)
    one, other = dice.choice(list(_keys(holder))), dice.choice(list(_keys(holder)))
    made[one], made[other] = made[other], made[one]
    return made


def _keys(holder: Any) -> Iterator[Any]:
    return iter(range(len(holder))) if isinstance(holder, list) else iter(holder)


def copied(data: bytes, dice: random.Random) -> bytes:
    """Put a leaf's value in the place of another one of the same kind and length."""
    kept = opened(data)
    source = at(kept.value, dice.choice(kept.leaves))
    alike = [path for path in dice.choices(kept.leaves, k=12) if _alike(at(kept.value, path), source)]
    return changed(data, dice.choice(alike), lambda _: source) if alike else a_value(data, dice)


def _alike(one: Any, other: Any) -> bool:
    if type(one) is not type(other) or one == other:
        return False
    return not isinstance(one, bytes) or len(one) == len(other)


CBOR: Mapping[str, Callable[[bytes, random.Random], bytes]] = {
    "another value": a_value,
    "a number far off": a_far_number,
    "another type": a_type,
    "an element left out": one_less,
    "an element twice": one_more,
    "two elements exchanged": exchanged,
    "a value from elsewhere": copied,
}
