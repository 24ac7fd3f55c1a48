"""A transaction in memory: what is known of it between its messages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from wattseal.model.held import Held
from wattseal.model.token import Authorization
from wattseal.model.transaction import Transaction
from wattseal.pricing.periods import Point
from wattseal.rules.recorded import Recorded
from wattseal.watch.detector import Page
from wattseal.watch.power import Power

MAX_MARKS = 4096
"""Messages remembered per transaction to recognise retries; beyond that the oldest is forgotten."""
MAX_PAGES = 256
"""Signed meter records kept in memory per transaction; with more of them its pages are not proven complete."""
MAX_POINTS = 4096
"""Readings of an open charge kept in memory for its running cost; of more the last intervals are long."""


@dataclass(slots=True)
class Numbers:
    """The OCPP sequence numbers of a transaction, as far as completeness needs them."""

    lowest: int | None = None
    highest: int | None = None
    count: int = 0
    without: int = 0

    def take(self, number: int | None) -> None:
        """Count one record, with or without a number."""
        if number is None:
            self.without += 1
            return
        self.lowest = number if self.lowest is None else min(self.lowest, number)
        self.highest = number if self.highest is None else max(self.highest, number)
        self.count += 1

    @property
    def gap(self) -> bool:
        """Whether numbers are missing between the lowest and the highest."""
        return self.lowest is not None and self.highest is not None and self.highest - self.lowest + 1 != self.count

    @property
    def complete(self) -> bool:
        """Whether every record had a number and none is missing."""
        return self.count > 0 and self.without == 0 and not self.gap


@dataclass(slots=True)
class Gap:
    """Messages of a transaction that are missing, since when, and when the last came that was; numbers are of 2.x."""

    since_ms: int
    filled_ms: int
    from_number: int
    to_number: int

    @staticmethod
    def opened(now_ms: int, number: int) -> "Gap":
        """Begin with the message that shows it."""
        return Gap(now_ms, now_ms, number, number)

    def take(self, now_ms: int, highest: int) -> None:
        """Take a message: it goes on, or it is one of those that were missing."""
        if highest == self.to_number:
            self.filled_ms = now_ms
        self.to_number = highest

    @property
    def messages(self) -> int:
        """How many messages have gone on since."""
        return self.to_number - self.from_number


@dataclass(slots=True)
class Live:
    """A transaction in memory.

    `marks` recognise retried messages; `highest_wh` is the highest good register on the way, recorded at `latest_ms`
    and read at `read_ms` of the station's time; `at_ms` is the latest such time told, `power` what its power comes to;
    `pages` is what the meter signed since the start, `meter_pages` where that stands among its records; `secrets` open
    the groups that are sealed for this CPO. `token` is the canonical form of the one that started it, as far as that is
    known; `fresh` means that nothing of it is recorded yet, `told_ms` is when its station last told of it, `held` what
    is set aside for it; `gap` what is missing of it. `points` are its readings, kept once a running cost that depends
    on them was asked for; `terms` is a decision on it (hash in hex) with what that refers to, as far as it is at hand.
    """

    transaction: Transaction
    subject: bytes
    authorization: Authorization | None = None
    highest_wh: Decimal | None = None
    latest_ms: int | None = None
    read_ms: int | None = None
    at_ms: int | None = None
    power: Power | None = None
    meter_pages: dict[Page, None] = field(default_factory=dict)
    marks: dict[int, None] = field(default_factory=dict)
    pages: list[bytes] = field(default_factory=list)
    numbers: Numbers = field(default_factory=Numbers)
    secrets: dict[int, bytes] = field(default_factory=dict, repr=False)
    token: str | None = None
    fresh: bool = False
    told_ms: int = 0
    held: Held | None = None
    points: list[Point] | None = None
    terms: tuple[str, tuple[bytes, ...]] | None = None
    gap: Gap | None = None

    @property
    def missing(self) -> bool:
        """Whether messages of it are missing by their numbers, the start included."""
        return self.numbers.gap or (self.transaction.started is None and self.numbers.count > 0)

    def follow_gap(self, now_ms: int, *, started: bool | None = None) -> None:
        """Take note of a message that was counted: whether some are missing since, still, or no more.

        `started`: whether the start had come by then, where that is another time than now.
        """
        lacks_start = self.numbers.count > 0 if started is False else self.missing
        if not (self.numbers.gap or lacks_start):
            self.gap = None
        elif self.gap is None:
            self.gap = Gap.opened(now_ms, self.numbers.highest or 0)
        else:
            self.gap.take(now_ms, self.numbers.highest or 0)

    def is_told(self, code: str) -> bool:
        """Return whether an alarm of this code stands in it."""
        return any(note.code == code for note in self.transaction.alarms)

    def decided(self, records: Iterable[Recorded]) -> None:
        """Keep what the decision among these refers to."""
        for record in records:
            if record.decision is not None:
                self.terms = record.hash.hex(), record.refs

    def measured(self, point: Point) -> None:
        """Keep a reading for the running cost, where that depends on it."""
        if self.points is not None and len(self.points) < MAX_POINTS:
            self.points.append(point)

    def take(self, seq_no: int | None, valid: Sequence[bytes]) -> None:
        """Count one record: its sequence number, and the meter's pages in it."""
        self.numbers.take(seq_no)
        if valid and len(self.pages) + len(valid) <= MAX_PAGES:
            self.pages.extend(valid)

    def seen(self, mark: int) -> bool:
        """Remember a message; return whether it was there before."""
        if mark in self.marks:
            return True
        if len(self.marks) >= MAX_MARKS:
            del self.marks[next(iter(self.marks))]
        self.marks[mark] = None
        return False
