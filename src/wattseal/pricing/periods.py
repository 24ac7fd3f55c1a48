"""From what a meter read to charging periods (docs/spec/pricing.md, "From readings to periods").

Anybody's OCPI engine comes to the same price from these periods: they begin wherever the price may change, and say how
long the car charged and how long it stood.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal, Inexact, InvalidOperation
from fractions import Fraction
from itertools import pairwise
from math import floor

from wattseal.model.cdr import ChargingPeriod, Dimension
from wattseal.model.tariff import Tariff
from wattseal.pricing import clock
from wattseal.pricing.money import EXACT, ZERO
from wattseal.pricing.terms import ENERGY, PARKING_TIME, RESERVATION_TIME, TIME, Terms, terms_of
from wattseal.pricing.trace import Incomplete

KWH = Decimal(1000)
NEITHER = ""
"""Time that is neither charging nor parking: the grace of a car that stands, or none at all."""
POWER_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Point:
    """A register of energy at a moment, in Unix milliseconds and Wh; None where it is not shown."""

    ms: int
    register_wh: Decimal | None


@dataclass(slots=True)
class _Piece:
    """A stretch of time in which nothing changes, the energy that counts at its beginning, and the bounds of power."""

    key: tuple[str, int, int, int]
    start_ms: int
    end_ms: int
    wh: Decimal
    bounds: tuple[Decimal, Decimal] | None


def needs_readings(tariff: Tariff) -> bool:
    """Return whether a price under the tariff depends on more than start, end and their registers."""
    return terms_of(tariff)[0].by_readings


def by_clock(tariff: Tariff) -> bool:
    """Return whether a price under the tariff depends on the time of day or the date."""
    return terms_of(tariff)[0].by_clock


def usable(start: Point, readings: Iterable[Point], end: Point) -> tuple[Point, ...]:
    """Return a session's points in the order of time, from `start` to `end`.

    Readings at or before the start and at or after the end are left out. Readings of one moment stay in the order
    given. A register counts as no lower than the highest before it and no higher than the end's: a station may round
    some figures and others not, and what it says of energy in all is what start and end say.
    """
    between = sorted((point for point in readings if start.ms < point.ms < end.ms), key=lambda point: point.ms)
    highest, most = start.register_wh, end.register_wh
    found = [start]
    for point in between:
        wh = point.register_wh
        if wh is not None and highest is not None and most is not None:
            highest = min(max(wh, highest), most)
            point = Point(point.ms, highest)  # noqa: PLW2901 - the same reading, held within bounds
        found.append(point)
    return (*found, end)


def reserved(start_ms: int, end_ms: int, tariff: Tariff) -> ChargingPeriod:
    """Return the period of a reservation: from when it was made to when it was used, or expired."""
    return ChargingPeriod(clock.at(start_ms), (Dimension(RESERVATION_TIME, hours(end_ms - start_ms)),), tariff.id)


def periods(points: Sequence[Point], tariff: Tariff) -> tuple[ChargingPeriod, ...] | Incomplete:
    """Return the charging periods of a session from its points, first the start, last the end, in order of time.

    Between two points in which the register grew the car charged (TIME), between two in which it did not it stood
    (PARKING_TIME), but for the first `idle_grace_s` seconds of the session's standing.
    """
    terms, problems = terms_of(tariff)
    problems += _problems(points, by_readings=terms.by_readings)
    zone = clock.zone_of(tariff.time_zone)
    if zone is None:
        problems.append("time_zone")
    elif not problems and not clock.in_span(points[0].ms, points[-1].ms if terms.by_readings else points[0].ms):
        problems.append("time_span")
    elif not problems and terms.by_readings and clock.too_much(terms, len(points), points[0].ms, points[-1].ms):
        problems.append("too_much")
    if problems or zone is None:
        return Incomplete(tuple(sorted(set(problems))))
    try:
        cutter = _Cutter.of(terms, zone, points, grace_ms=tariff.idle_grace_s * 1000)
        pieces = cutter.cut(points) if terms.by_readings else cutter.energy_alone(points)
    except (Inexact, InvalidOperation):
        return Incomplete(("precision",))
    if cutter.unknown is not None:
        return Incomplete((f"power_unknown:points[{cutter.unknown}]",))
    return tuple(_period(piece, tariff.id, timed=terms.by_readings) for piece in pieces)


def _problems(points: Sequence[Point], *, by_readings: bool) -> list[str]:
    """Name what is missing or contradictory in the points that matter."""
    if len(points) < 2:
        return ["points_missing"]
    last = len(points) - 1
    numbered = list(enumerate(points)) if by_readings else [(0, points[0]), (last, points[-1])]
    problems = [f"register_missing:points[{number}]" for number, point in numbered if point.register_wh is None]
    for (_, before), (number, after) in pairwise(numbered):
        if by_readings and after.ms < before.ms:
            problems.append(f"time_backwards:points[{number}]")
        low, high = before.register_wh, after.register_wh
        if low is not None and high is not None and not low <= high:
            problems.append(f"register_backwards:points[{number}]")
    return problems


@dataclass(slots=True)
class _Cutter:
    """Cuts a session into pieces. `states` number what holds by the clock from each of `starts` on, energies in Wh."""

    terms: Terms
    starts: list[int]
    states: list[int]
    amounts_wh: list[Decimal]
    grace_ms: int
    unknown: int | None = None
    pieces: list[_Piece] = field(default_factory=list)

    @staticmethod
    def of(terms: Terms, zone: tzinfo, points: Sequence[Point], *, grace_ms: int) -> "_Cutter":
        """Return what cuts a session of these points."""
        begun_ms = points[0].ms
        changes = clock.changes(terms, zone, begun_ms, begun_ms, points[-1].ms) if terms.by_readings else []
        starts = [begun_ms, *changes]
        numbers: dict[tuple[bool, ...], int] = {}
        states = []
        for ms in starts:
            local = clock.at(ms).astimezone(zone)
            holds = tuple(condition.holds_by_clock(local, ms - begun_ms) for condition in terms.conditions)
            states.append(numbers.setdefault(holds, len(numbers)))
        amounts = [EXACT.multiply(kwh, KWH) for kwh in terms.kwh]
        return _Cutter(terms, starts, states, amounts, grace_ms)

    def energy_alone(self, points: Sequence[Point]) -> list[_Piece]:
        """Return pieces without length: only how much there was in all matters."""
        start_ms = points[0].ms
        steps = list(self._steps(ZERO, _grown(points[0], points[-1])))
        for number, wh in enumerate(steps):
            self.pieces.append(_Piece((NEITHER, 0, number, 0), start_ms, start_ms, wh, None))
        return self.pieces

    def cut(self, points: Sequence[Point]) -> list[_Piece]:
        """Return the pieces of a session, like ones in a row as one."""
        reached = ZERO
        for number, (before, after) in enumerate(pairwise(points)):
            grown = _grown(before, after)
            bounds = self._power(number, before.ms, after.ms, grown)
            reached = self._energy(before.ms, after.ms, reached, grown, bounds)
            band = bisect_right(self.amounts_wh, reached)
            for kind, start_ms, end_ms in self._stretches(before.ms, after.ms, charging=bool(grown)):
                marks = clock.between(self.starts, start_ms, end_ms)
                for low, high in pairwise((start_ms, *marks, end_ms)):
                    self._add(kind, (low, high), band, ZERO, bounds)
        if not self.pieces:
            self._add(NEITHER, (points[0].ms, points[0].ms), 0, ZERO, None)
        return self.pieces

    def _energy(
        self, start_ms: int, end_ms: int, reached: Decimal, grown: Decimal, bounds: tuple[Decimal, Decimal] | None
    ) -> Decimal:
        """Count the energy of an interval at its beginning, split where an amount may change the price."""
        whole = EXACT.add(reached, grown)
        alone = end_ms == start_ms or bisect_right(self.amounts_wh, reached) != bisect_right(self.amounts_wh, whole)
        for wh in self._steps(reached, whole) if grown else ():
            band = bisect_right(self.amounts_wh, reached)
            kind = NEITHER if alone else TIME
            self._add(kind, (start_ms, start_ms), band, wh, bounds, apart=alone)
            reached = EXACT.add(reached, wh)
        return whole

    def _steps(self, reached: Decimal, whole: Decimal) -> Iterator[Decimal]:
        bounds = (reached, *(amount for amount in self.amounts_wh if reached < amount < whole), whole)
        for low, high in pairwise(bounds):
            yield EXACT.subtract(high, low)

    def _stretches(self, start_ms: int, end_ms: int, *, charging: bool) -> Iterator[tuple[str, int, int]]:
        if start_ms == end_ms:
            return
        if charging:
            yield TIME, start_ms, end_ms
            return
        graced_ms = min(self.grace_ms, end_ms - start_ms)
        self.grace_ms -= graced_ms
        if graced_ms:
            yield NEITHER, start_ms, start_ms + graced_ms
        if start_ms + graced_ms < end_ms:
            yield PARKING_TIME, start_ms + graced_ms, end_ms

    def _power(self, number: int, start_ms: int, end_ms: int, grown: Decimal) -> tuple[Decimal, Decimal] | None:
        """Return the interval's average power in kW, rounded down, where the tariff asks for it."""
        if not self.terms.powers_kw:
            return None
        if start_ms == end_ms:
            self.unknown = number + 1 if grown and self.unknown is None else self.unknown
            return (ZERO, ZERO)
        average = floor(Fraction(grown) * 3600 * 10**POWER_DIGITS / (end_ms - start_ms))
        power = EXACT.scaleb(Decimal(average), -POWER_DIGITS)
        return (power, power)

    def _add(
        self,
        kind: str,
        span: tuple[int, int],
        band: int,
        wh: Decimal,
        bounds: tuple[Decimal, Decimal] | None,
        *,
        apart: bool = False,
    ) -> None:
        """Add a piece, or lengthen the last where this one is like it and follows it without a gap."""
        start_ms, end_ms = span
        state = self.states[bisect_right(self.starts, start_ms) - 1]
        power = 0 if bounds is None else bisect_right(self.terms.powers_kw, bounds[0])
        key = (kind, state, band, power)
        last = self.pieces[-1] if self.pieces else None
        if last is not None and not apart and last.key == key and last.end_ms == start_ms:
            last.end_ms = end_ms
            last.wh = EXACT.add(last.wh, wh)
            if bounds is not None and last.bounds is not None:
                last.bounds = (min(last.bounds[0], bounds[0]), max(last.bounds[1], bounds[1]))
        else:
            self.pieces.append(_Piece(key, start_ms, end_ms, wh, bounds))


def _grown(before: Point, after: Point) -> Decimal:
    assert before.register_wh is not None  # noqa: S101 - `_problems` has looked
    assert after.register_wh is not None  # noqa: S101
    return EXACT.subtract(after.register_wh, before.register_wh)


def _period(piece: _Piece, tariff_id: str, *, timed: bool) -> ChargingPeriod:
    """Return the period of a piece; where time matters, one that is neither charging nor parking has no TIME."""
    dimensions = [Dimension(ENERGY, EXACT.divide(piece.wh, KWH))]
    if piece.key[0] != NEITHER:
        dimensions.append(Dimension(piece.key[0], hours(piece.end_ms - piece.start_ms)))
    elif timed:
        dimensions.append(Dimension(TIME, ZERO))
    if piece.bounds is not None:
        dimensions += [Dimension("MIN_POWER", piece.bounds[0]), Dimension("MAX_POWER", piece.bounds[1])]
    return ChargingPeriod(clock.at(piece.start_ms), tuple(dimensions), tariff_id)


def hours(ms: int) -> Decimal:
    """Return milliseconds as hours of seven digits after the point, which give the milliseconds back."""
    return EXACT.scaleb(Decimal((50 * ms + 9) // 18), -7)
