"""What the journal keeps beside its documents to list sessions and bills, and to add them up: rows and sums.

Energies are whole mWh and amounts whole minor units, so that databases add them exactly; texts are "" where nothing is
known. `at_ms` is the time a session belongs to (`wattseal.model.revenue`).
"""

from enum import StrEnum

from msgspec import Struct

QUARTER_MS = 900_000
"""Sums are kept by quarters of an hour in UTC: every time zone's days begin on one."""

RollupKey = tuple[int, str, int, int, str, str, int, str]
"""(width in quarters, station, first quarter, EVSE, party, currency, grade, source) of sums as they are kept.

Those of all stations have EVSE 0 and station "" by party, or `TOGETHER` and party "" of all parties."""

TOGETHER = "*"
"""In place of a station: sums of all stations and parties. A station of this name has sums of quarters only."""


class SessionState(StrEnum):
    """Where a session stands. One that changes after it ended is pending until it was looked at again."""

    OPEN = "open"
    PENDING = "pending"
    QUARANTINED = "quarantined"
    FREE = "free"
    BILLED = "billed"


class ListedSession(Struct, frozen=True, gc=False):
    """A session as it is listed; written when it begins, when it has ended and with each decision on its billing.

    While it is open, `at_ms`, `energy_mwh` and `seconds` are 0, and `evse_id` and `party` as they were at its begin.
    """

    recorded_ms: int
    id: str
    station_id: str
    evse_id: int
    party: str
    source: str
    state: str
    at_ms: int = 0
    energy_mwh: int = 0
    seconds: int = 0


class ListedBill(Struct, frozen=True, gc=False):
    """A bill as it is listed; written when it is made, and when it is taken back (`reversed`)."""

    billed_ms: int
    id: str
    account: str
    station_id: str
    evse_id: int
    party: str
    currency: str
    grade: int
    source: str
    at_ms: int
    energy_mwh: int
    net: int
    tax: int
    reversed: bool = False


class RolledUp(Struct, frozen=True, gc=False):
    """Sums of one step of the time asked for, numbered from 0, of one currency, grade and source.

    With `currency` "" and `grade` -1 they are of sessions, else of bills: those made, and of them those taken back.
    """

    step: int
    currency: str
    grade: int
    source: str
    pending: int = 0
    quarantined: int = 0
    free: int = 0
    billed: int = 0
    energy_mwh: int = 0
    seconds: int = 0
    bills: int = 0
    net: int = 0
    tax: int = 0
    reversed_bills: int = 0
    reversed_net: int = 0
    reversed_tax: int = 0
    reversed_mwh: int = 0
