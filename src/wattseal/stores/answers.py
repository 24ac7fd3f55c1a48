"""Answers to repeat, looked up for every message and found for hardly any.

A Bloom filter over all keys in the table says "certainly not seen" without touching the disk; a bounded dictionary
keeps the latest answers. Only what the filter may know and the dictionary does not costs a read.
"""

from collections import OrderedDict
from enum import Enum
from typing import Final

Key = tuple[str, str, str]
"""(tenant, station, key of the message)."""


class Look(Enum):
    """What memory says when it has no answer at hand."""

    NEVER = "never"
    ASK_THE_TABLE = "ask the table"


class Answers:
    """Memory of answers: `capacity` of them, and a filter with 16 bits for each of `expected` keys (at least 2^23)."""

    def __init__(self, expected: int = 0, capacity: int = 65_536) -> None:
        bits = max(1 << 23, 1 << (expected * 16).bit_length())
        self._mask: Final = bits - 1
        self._filter: Final = bytearray(bits >> 3)
        self._latest: Final[OrderedDict[Key, bytes]] = OrderedDict()
        self._capacity: Final = capacity

    def note(self, key: Key) -> bool:
        """Remember that the table has an answer for `key`; return whether the filter knew it already."""
        value = hash(key)
        step = (value >> 32) | 1
        known, mask, bits = True, self._mask, self._filter
        for _ in range(3):
            bit = value & mask
            place, flag = bit >> 3, 1 << (bit & 7)
            if not bits[place] & flag:
                bits[place] |= flag
                known = False
            value += step
        return known

    def keep(self, key: Key, answer: bytes) -> None:
        """Remember an answer that just became durable; the oldest goes when `capacity` is reached.

        Where the filter knows the key already, the table may hold an earlier answer, which stays the one.
        """
        if not self.note(key):
            latest = self._latest
            latest[key] = answer
            if len(latest) > self._capacity:
                latest.popitem(last=False)

    def get(self, key: Key) -> bytes | Look:
        """Return the answer, or whether the table must be asked for it."""
        answer = self._latest.get(key)
        if answer is not None:
            return answer
        value = hash(key)
        step = (value >> 32) | 1
        for _ in range(3):
            bit = value & self._mask
            if not self._filter[bit >> 3] & (1 << (bit & 7)):
                return Look.NEVER
            value += step
        return Look.ASK_THE_TABLE
