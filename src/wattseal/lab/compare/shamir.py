"""Shamir's secret sharing over GF(256), byte by byte: a baseline to compare with, used nowhere in the product."""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import combinations
from operator import xor

_POLYNOMIAL = 0x11B


def _tables() -> tuple[list[int], list[int]]:
    powers, logs, value = [0] * 510, [0] * 256, 1
    for exponent in range(255):
        powers[exponent] = powers[exponent + 255] = value
        logs[value] = exponent
        value ^= value << 1
        if value & 0x100:
            value ^= _POLYNOMIAL
    return powers, logs


_POWERS, _LOGS = _tables()


def _times(a: int, b: int) -> int:
    return _POWERS[_LOGS[a] + _LOGS[b]] if a and b else 0


def split(secret: bytes, n: int, k: int, random: Callable[[int], bytes]) -> list[bytes]:
    """Return n shares of which any k give the secret back; fewer say nothing of it. Share i is at x = i + 1."""
    coefficients = [secret, *(random(len(secret)) for _ in range(k - 1))]
    return [bytes(_at(x, column) for column in zip(*coefficients, strict=True)) for x in range(1, n + 1)]


def _at(x: int, column: Sequence[int]) -> int:
    value = 0
    for coefficient in reversed(column):
        value = _times(value, x) ^ coefficient
    return value


def join(shares: Sequence[tuple[int, bytes]]) -> bytes:
    """Return the secret from (place, share) pairs, as many as it takes; wrong shares give wrong bytes."""
    weights = [_weight([place + 1 for place, _ in shares], at) for at in range(len(shares))]
    columns = zip(*(share for _, share in shares), strict=True)
    return bytes(_sum(_times(w, byte) for w, byte in zip(weights, column, strict=True)) for column in columns)


def _weight(xs: Sequence[int], at: int) -> int:
    """Return the Lagrange weight of a share at x = 0."""
    up = down = 1
    for place, x in enumerate(xs):
        if place != at:
            up, down = _times(up, x), _times(down, x ^ xs[at])
    return _POWERS[(_LOGS[up] - _LOGS[down]) % 255]


def _sum(values: Iterable[int]) -> int:
    return reduce(xor, values, 0)


def agree(shares: Sequence[tuple[int, bytes]], k: int) -> bool:
    """Return whether every k of the shares give the same secret: one that was altered shows where there are more."""
    return len({join(chosen) for chosen in combinations(shares, k)}) == 1
