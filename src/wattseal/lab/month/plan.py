"""What truly happened in the month: which car charged where, when and how much. All of it follows from a seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from wattseal.lab.dice import Dice
from wattseal.wire.ocpp.version import Version

SESSIONS_A_STATION = 400
"""So many sessions a month make a busy station."""
TOKENS = 60
WITHOUT_ACCOUNT = 3
"""Every third token has no account."""
MINUTE_MS = 60_000
_KINDS = (
    (Version.V16, False),
    (Version.V201, False),
    (Version.V201, True),
    (Version.V21, False),
)


class Fault(StrEnum):
    """What can be spoilt, at the station or afterwards in the operator's database."""

    TOLD_AGAIN = "told_again"
    TOLD_BY_ANOTHER_VERSION = "told_by_another_version"
    SECOND_STOP = "second_stop"
    EVENT_DROPPED = "event_dropped"
    STOP_LOST = "stop_lost"
    START_LOST = "start_lost"
    BEGINS_BELOW = "begins_below"
    DECREASES = "decreases"
    RECORD_CHANGED = "record_changed"
    ENERGY_CHANGED = "energy_changed"
    POSTING_CHANGED = "posting_changed"
    POSTING_REMOVED = "posting_removed"
    POSTING_INVENTED = "posting_invented"
    BILL_CHANGED = "bill_changed"


CLASSES = {
    "duplicates": (Fault.TOLD_AGAIN, Fault.TOLD_BY_ANOTHER_VERSION, Fault.SECOND_STOP),
    "gaps": (Fault.EVENT_DROPPED, Fault.STOP_LOST, Fault.START_LOST),
    "rollbacks": (Fault.BEGINS_BELOW, Fault.DECREASES),
    "tampering": (
        Fault.RECORD_CHANGED,
        Fault.ENERGY_CHANGED,
        Fault.POSTING_CHANGED,
        Fault.POSTING_REMOVED,
        Fault.POSTING_INVENTED,
        Fault.BILL_CHANGED,
    ),
}
"""Faults by the class they are counted under."""
NUMBERED = frozenset({Fault.EVENT_DROPPED, Fault.START_LOST, Fault.TOLD_AGAIN, Fault.TOLD_BY_ANOTHER_VERSION})
"""Faults of stations whose messages bear numbers and ids of their own (2.x): elsewhere nobody could see them."""


@dataclass(frozen=True, slots=True)
class Box:
    """A station of one EVSE: what it speaks, whether its meter signs, which tariff applies.

    Where that is in a currency of its own, only drivers charge whose account is in none.
    """

    id: str
    version: Version
    signing: bool
    tariff: str


@dataclass(frozen=True, slots=True)
class Session:
    """One charge. `readings` are (Unix milliseconds, register in Wh), the first at its start, the last at its end."""

    number: int
    token: str
    readings: tuple[tuple[int, int], ...]
    fault: Fault | None = None


def boxes(count: int) -> tuple[Box, ...]:
    """Return the stations: a quarter of each kind."""
    tariffs = ("STANDARD", "STANDARD", "STANDARD", "TIME-OF-USE", "FOREIGN")
    return tuple(Box(f"M{n:04}", *_KINDS[n % len(_KINDS)], tariffs[n % len(tariffs)]) for n in range(count))


@dataclass(frozen=True, slots=True)
class Month:
    """What is to be played: sessions in all, stations, the month's first and last instant, faults in a thousand."""

    sessions: int
    stations: int
    from_ms: int
    to_ms: int
    seed: int
    faults_per_mille: int


def sessions_of(month: Month, place: int, box: Box) -> Iterator[Session]:
    """Yield a station's sessions of the month in order; of two that follow one another at most one is spoilt."""
    dice = Dice(month.seed * 100_003 + place)
    count = month.sessions // month.stations + (place < month.sessions % month.stations)
    room_ms = (month.to_ms - month.from_ms - 120 * MINUTE_MS) // max(count, 1)
    register_wh = dice.number(0, 5_000_000)
    spoilt = True
    for nth in range(count):
        begin_ms = month.from_ms + nth * room_ms + dice.number(0, room_ms // 10)
        length_ms = dice.number(room_ms // 4, room_ms * 7 // 10)
        power_w = dice.number(3_000, 22_000)
        readings = [(begin_ms // 1000 * 1000, register_wh)]
        parts = dice.number(2, 4)
        for part in range(1, parts + 1):
            at_ms = (begin_ms + length_ms * part // parts) // 1000 * 1000
            register_wh += power_w * (length_ms // parts) // 3_600_000 if dice.number(0, 9) else 0
            readings.append((at_ms, register_wh))
        token = dice.number(0, TOKENS - 1)
        token -= token % WITHOUT_ACCOUNT if box.tariff == "FOREIGN" else 0
        fault = None if spoilt else _fault(month, dice, box)
        spoilt = fault is not None
        yield Session(nth * month.stations + place, f"CARD{token:03}", tuple(readings), fault)
        register_wh += dice.number(0, 1)


def _fault(month: Month, dice: Dice, box: Box) -> Fault | None:
    if dice.number(1, 1000) > month.faults_per_mille:
        return None
    chosen = CLASSES[tuple(CLASSES)[dice.number(0, len(CLASSES) - 1)]]
    fault = chosen[dice.number(0, len(chosen) - 1)]
    if box.version is Version.V16 and fault in NUMBERED:
        return Fault.SECOND_STOP
    return fault
