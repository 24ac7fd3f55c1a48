"""Registers of one EVSE across its sessions: a Wh is charged for once, whoever pays and whatever told of it."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from wattseal.base.units import ROUNDING_WH


@dataclass(frozen=True, slots=True)
class Charged:
    """A session's stretch of the register, in Wh, and when it was first heard of (Unix milliseconds)."""

    session: str
    recorded_ms: int
    start_wh: Decimal
    end_wh: Decimal


def broken(sessions: Iterable[Charged]) -> Iterator[tuple[str, str]]:
    """Yield (session, why) of each that shares Wh with one heard of before it, or begins below where that ended.

    Sessions that end below their start have no stretch and are passed over. What shares with several is told once; a
    session that is told of itself makes no other one wrong.
    """
    taken: list[Charged] = []
    for one in sorted(sessions, key=lambda charged: (charged.recorded_ms, charged.start_wh)):
        if one.end_wh < one.start_wh:
            continue
        place = bisect_left(taken, one.start_wh, key=lambda charged: charged.start_wh)
        other = next((t for t in taken[max(0, place - 1) : place + 1] if _share(one, t)), None)
        if other is not None:
            yield (
                one.session,
                f"{one.start_wh} to {one.end_wh} Wh, {other.start_wh} to {other.end_wh} in {other.session}",
            )
            continue
        taken.insert(place, one)


def _share(one: Charged, other: Charged) -> bool:
    """Return whether two stretches have more in common than rounding to whole Wh explains."""
    return min(one.end_wh, other.end_wh) - max(one.start_wh, other.start_wh) >= ROUNDING_WH
