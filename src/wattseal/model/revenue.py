"""Revenue as people ask for it: sums over a stretch of time, by steps of the clock in one zone, and what they rest on.

Amounts are whole minor units of their currency, energies exact Wh, times Unix milliseconds. A session belongs to the
time it ended by its station; one whose station told no end, to when it was first heard of.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from wattseal.model.verdict import Grade, Source


class StepSize(StrEnum):
    """How long one step is, by the clock of the query's zone; weeks begin on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueQuery:
    """What is asked for: from `from_ms` to before `to_ms`, each on a full quarter of an hour.

    `zone` is an IANA name. Empty filters let everything pass: `stations` are ids as enrolled, `sites` ids of sites
    (with both given, all those stations count), `parties` are eMSPs, this CPO itself among them for its own drivers,
    "" sessions that nobody was asked about.
    """

    from_ms: int
    to_ms: int
    zone: str = "UTC"
    step: StepSize = StepSize.DAY
    stations: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Earned:
    """Bills of one currency, one grade and one source: `bills` and `net` and `tax` as billed, and what was taken back.

    A bill in place of one taken back counts as one of its own. `energy_wh` is that of the bills that stand.
    """

    currency: str
    grade: Grade
    source: Source
    bills: int = 0
    net: int = 0
    tax: int = 0
    reversed_bills: int = 0
    reversed_net: int = 0
    reversed_tax: int = 0
    energy_wh: Decimal = Decimal(0)

    @property
    def is_verified(self) -> bool:
        """Whether somebody other than this CPO's own system signed what was measured (G2 and better)."""
        return self.grade >= Grade.G2 and self.source is not Source.CSMS


@dataclass(frozen=True, slots=True)
class Total:
    """What stands of one currency: bills less what was taken back, before tax and the tax, and the verified part."""

    currency: str
    bills: int
    net: int
    tax: int
    reversed_net: int
    reversed_tax: int
    verified_net: int
    verified_tax: int

    @property
    def gross(self) -> int:
        """What stands after tax."""
        return self.net + self.tax

    @property
    def unverified_net(self) -> int:
        """The part of `net` that rests on this CPO's own word."""
        return self.net - self.verified_net


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions that ended, by where they stand; `seconds` is for how long they charged, counted where they ended."""

    pending: int = 0
    quarantined: int = 0
    free: int = 0
    billed: int = 0
    energy_wh: Decimal = Decimal(0)
    seconds: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.pending + self.quarantined + self.free + self.billed


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one stretch of time. `earned` has one line a currency, grade and source, in that order."""

    from_ms: int
    to_ms: int
    sessions: Sessions = Sessions()
    earned: tuple[Earned, ...] = ()
    evses: int = 0
    """EVSEs enrolled at present at the stations asked for."""

    @property
    def totals(self) -> tuple[Total, ...]:
        """What stands, by currency in the order of their codes."""
        currencies = sorted({line.currency for line in self.earned})
        return tuple(_total(code, [line for line in self.earned if line.currency == code]) for code in currencies)

    @property
    def verified_wh(self) -> Decimal:
        """Billed energy that somebody other than this CPO's own system signed for."""
        return sum((line.energy_wh for line in self.earned if line.is_verified), Decimal(0))

    @property
    def energy_by_grade(self) -> dict[Grade, Decimal]:
        """Billed energy by grade; grades without any are left out."""
        found: dict[Grade, Decimal] = {}
        for line in sorted(self.earned, key=lambda one: -one.grade):
            if line.energy_wh:
                found[line.grade] = found.get(line.grade, Decimal(0)) + line.energy_wh
        return found

    @property
    def utilisation(self) -> float | None:
        """Time charged as a part of the time that the EVSEs enrolled at present could have; None where there are none.

        A session counts whole where it ended: over an hour it may come to more than 1.
        """
        possible_s = self.evses * (self.to_ms - self.from_ms) / 1000
        return self.sessions.seconds / possible_s if possible_s else None


@dataclass(frozen=True, slots=True)
class Revenue:
    """The answer: `total` of the whole stretch, `steps` one behind the other, `before` the stretch just before it.

    The first and last step are cut at the query's ends. Steps without anything are there, with zeros.
    """

    query: RevenueQuery
    total: Figures
    steps: tuple[Figures, ...]
    before: Figures


def _total(currency: str, lines: Iterable[Earned]) -> Total:
    lines = tuple(lines)
    verified = [line for line in lines if line.is_verified]
    return Total(
        currency=currency,
        bills=sum(line.bills - line.reversed_bills for line in lines),
        net=sum(line.net - line.reversed_net for line in lines),
        tax=sum(line.tax - line.reversed_tax for line in lines),
        reversed_net=sum(line.reversed_net for line in lines),
        reversed_tax=sum(line.reversed_tax for line in lines),
        verified_net=sum(line.net - line.reversed_net for line in verified),
        verified_tax=sum(line.tax - line.reversed_tax for line in verified),
    )
