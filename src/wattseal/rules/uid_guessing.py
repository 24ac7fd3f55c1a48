"""Card numbers tried out: cards that are good for nothing, held one after the other to a station or to several.

Counted are different numbers, per station and per prefix of the issuer: a driver who holds a foreign card to the reader
again and again is one. `LIMIT` within `WINDOW_MS` is more than drivers with foreign cards are at one station; who tries
numbers out gets so many tries there and no more until the oldest is forgotten. At that pace somebody meets one of ten
thousand cards among the four thousand million numbers of four bytes once in some 1800 days.
"""

import re
from dataclasses import dataclass

from wattseal.crypto.hashes import sha256

LIMIT = 20
WINDOW_MS = 2 * 3_600_000
TOLD_AGAIN_MS = WINDOW_MS
"""How often the same place raises the alarm."""
CODE = "uid_guessing"
_UID = re.compile(r"[0-9a-f]*")
_UID_DIGITS, _CONTRACT_LETTERS = 4, 5
_MARK_BYTES = 2


@dataclass(frozen=True, slots=True)
class Try:
    """A card that was good for nothing: when, and what tells it from the others without saying its number."""

    at_ms: int
    mark: str


@dataclass(frozen=True, slots=True)
class Tries:
    """Those of one place within the window, the oldest first; `told_ms` is when the alarm was raised."""

    tries: tuple[Try, ...] = ()
    told_ms: int = 0

    def within(self, now_ms: int) -> "Tries":
        """Return what is not forgotten yet."""
        return Tries(tuple(one for one in self.tries if one.at_ms > now_ms - WINDOW_MS), self.told_ms)

    def stopped(self, now_ms: int) -> bool:
        """Return whether no more is tried here."""
        return len(self.within(now_ms).tries) >= LIMIT

    def with_try(self, mark: str, now_ms: int) -> "Tries":
        """Return these and one more; a number that was tried is no other try."""
        kept = self.within(now_ms)
        if any(one.mark == mark for one in kept.tries):
            return kept
        return Tries((*kept.tries, Try(now_ms, mark)), kept.told_ms)

    def to_be_told(self, now_ms: int) -> bool:
        """Return whether the alarm is due: the limit is reached, and it was not told of this wave."""
        return self.stopped(now_ms) and self.told_ms <= now_ms - TOLD_AGAIN_MS


def prefix_of(key: str) -> str:
    """Return what a token's canonical form has in common with its issuer's others.

    The first two bytes of a card's number, else country and provider of a contract (ISO 15118-2, annex H: "DE-8AA").
    """
    plain = "".join(filter(str.isalnum, key))
    return plain[: _UID_DIGITS if _UID.fullmatch(plain) else _CONTRACT_LETTERS]


def mark_of(key: str) -> str:
    """Return a mark of a number: many numbers share it, twenty that are tried hardly ever."""
    return sha256(key.encode())[:_MARK_BYTES].hex()
