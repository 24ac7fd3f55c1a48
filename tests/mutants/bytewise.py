"""Changes of bytes whatever they mean: flipped, cut, doubled, exchanged, with what parsers have choked on put in."""

import random
from collections.abc import Callable, Mapping

from tests.fuzz.mutations import NASTY


def flip_bit(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]


def other_byte(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ dice.randrange(1, 256)]) + data[at + 1 :]


def cut_out(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + data[at + dice.choice((1, 1, 2, 8, 40)) :]


def cut_off(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def put_in(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data) + 1)
    return data[:at] + dice.randbytes(dice.choice((1, 1, 2, 8))) + data[at:]


def put_in_nasty(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data) + 1)
    return data[:at] + dice.choice(NASTY) + data[at + dice.choice((0, 1, 4)) :]


def double(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[: at + dice.choice((1, 4, 32, 200))] + data[at:]


def exchange(data: bytes, dice: random.Random) -> bytes:
    """Exchange two stretches of the same length."""
    size = dice.choice((1, 1, 4, 32, 64))
    if len(data) < 2 * size:
        return data[::-1]
    first = dice.randrange(len(data) - 2 * size + 1)
    second = dice.randrange(first + size, len(data) - size + 1)
    between = data[first + size : second]
    return data[:first] + data[second : second + size] + between + data[first : first + size] + data[second + size :]


def several(data: bytes, dice: random.Random) -> bytes:
    for _ in range(dice.randrange(2, 6)):
        data = dice.choice(_ONE)(data or b"\0", dice)
    return data


_ONE = (flip_bit, other_byte, cut_out, put_in, double, exchange)
BYTEWISE: Mapping[str, Callable[[bytes, random.Random], bytes]] = {
    "a bit flipped": flip_bit,
    "a byte replaced": other_byte,
    "bytes cut out": cut_out,
    "the tail cut off": cut_off,
    "bytes put in": put_in,
    "what parsers choke on put in": put_in_nasty,
    "a stretch doubled": double,
    "two stretches exchanged": exchange,
    "several of these": several,
}
