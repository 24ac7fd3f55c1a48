"""The price of a session under an OCPI tariff, with a trace that says what was applied where, and why.

Rules (OCPI 2.2.1 and 2.3.0, modules tariffs and cdrs; docs/spec/pricing.md has them whole): for each dimension the
first element in order that has it and whose restrictions hold. Time is split at every moment at which that may change,
energy at every amount at which it may; all energy of a period counts at the period's start, before its time. FLAT is
charged once a session. A step rounds a dimension's sum up once, with the last component's step; of time and parking
time only the one that comes last. What no component prices is free. What cannot be said exactly is `Incomplete`.
"""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from decimal import Decimal, Inexact, InvalidOperation
from itertools import pairwise

from wattseal.model.cdr import ChargingPeriod
from wattseal.model.tariff import Tariff
from wattseal.pricing import clock, taxes
from wattseal.pricing.money import EXACT, ZERO, Amount
from wattseal.pricing.sheet import Line, Sheet
from wattseal.pricing.terms import (
    ENERGY,
    FLAT,
    PARKING_TIME,
    RESERVATION_FLAT,
    RESERVATION_TIME,
    TIME,
    Terms,
    fits,
    terms_of,
)
from wattseal.pricing.trace import Incomplete, Priced, TraceLine
from wattseal.pricing.used import VOLUMES, Used, period_problems, read_period, use_problems

__all__ = ["ENERGY", "FLAT", "PARKING_TIME", "TIME", "Incomplete", "Priced", "TraceLine", "price"]

_ONE = Decimal(1)
_LARGEST = 2**63


def price(tariff: Tariff, periods: Sequence[ChargingPeriod], zone: tzinfo) -> Priced | Incomplete:
    """Price a session's charging periods, in order, under `tariff`; `zone` is the charging station's time zone.

    Times in periods are hours, read to the nearest millisecond, and count from the period's start.
    """
    if any(period.start_at.utcoffset() is None for period in periods):
        return Incomplete(("time_without_zone",))
    terms, problems = terms_of(tariff)
    problems += period_problems(tariff, periods)
    if problems:
        return Incomplete(tuple(sorted(set(problems))))
    used = [read_period(number, period) for number, period in enumerate(periods)]
    problems = use_problems(terms, used)
    if problems:
        return Incomplete(tuple(sorted(set(problems))))
    try:
        return _priced(tariff, terms, used, zone)
    except (Inexact, InvalidOperation):
        return Incomplete(("precision",))


def _priced(tariff: Tariff, terms: Terms, used: Sequence[Used], zone: tzinfo) -> Priced | Incomplete:
    charging = [u for u in used if RESERVATION_TIME not in u.stated]
    begun_ms = (charging or used)[0].start_ms
    sheet = Sheet(tariff, terms, zone, begun_ms, expired=not charging)
    end_ms = max(u.end_ms for u in used)
    changes = clock.changes(terms, zone, begun_ms, used[0].start_ms, end_ms)
    for one in used:
        if RESERVATION_TIME in one.stated:
            _reserve(sheet, one, changes)
        else:
            _charge(sheet, one, changes)
    if ENERGY not in sheet.open:
        _nothing_drawn(sheet, used)
    if sheet.unknown:
        return Incomplete(tuple(sorted(sheet.unknown)))
    _step(sheet)
    lines = [sheet.finish(line) for line in sheet.lines]
    began = clock.at(used[0].start_ms).astimezone(zone)
    priced = taxes.priced(tariff, lines, began, limited=bool(charging))
    return priced if all(map(_fits, priced.trace)) else Incomplete(("precision",))


def _reserve(sheet: Sheet, used: Used, changes: Sequence[int]) -> None:
    """Price reserved time: before the session, so that it has neither age nor energy."""
    sheet.charge_flat(RESERVATION_FLAT, sheet.moment(used.start_ms, ZERO, used), used, used.start_ms)
    for start_ms, until_ms in _pieces(used.start_ms, used.end_ms, changes):
        when = sheet.moment(start_ms, ZERO, used)
        sheet.charge_flat(RESERVATION_FLAT, when, used, start_ms)
        sheet.take(RESERVATION_TIME, _seconds(until_ms - start_ms), when, used.number, (start_ms, until_ms))


def _charge(sheet: Sheet, used: Used, changes: Sequence[int]) -> None:
    """Price a period: its energy at its start, split where an amount changes the price, then its time."""
    start_ms, end_ms = used.start_ms, used.end_ms
    sheet.charge_flat(FLAT, sheet.moment(start_ms, sheet.kwh, used), used, start_ms)
    reached = EXACT.add(sheet.kwh, used.kwh)
    if used.kwh:
        bounds = [sheet.kwh, *(kwh for kwh in sheet.terms.kwh if sheet.kwh < kwh < reached), reached]
        for low, high in pairwise(bounds):
            when = sheet.moment(start_ms, low, used)
            sheet.charge_flat(FLAT, when, used, start_ms)
            sheet.take(ENERGY, EXACT.subtract(high, low), when, used.number, (start_ms, end_ms))
        sheet.kwh = reached
        sheet.charge_flat(FLAT, sheet.moment(start_ms, reached, used), used, start_ms)
    time_ms, parking_ms, _ = used.times_ms
    if time_ms and parking_ms and clock.between(changes, start_ms, end_ms):
        sheet.unknown.add(f"time_ambiguous:charging_periods[{used.number}]")
    at_ms = start_ms
    for dimension, length_ms in ((TIME, time_ms), (PARKING_TIME, parking_ms)):
        for piece_ms, until_ms in _pieces(at_ms, at_ms + length_ms, changes):
            when = sheet.moment(piece_ms, sheet.kwh, used)
            sheet.charge_flat(FLAT, when, used, piece_ms)
            sheet.take(dimension, _seconds(until_ms - piece_ms), when, used.number, (piece_ms, until_ms))
        at_ms += length_ms


def _pieces(start_ms: int, end_ms: int, changes: Sequence[int]) -> Iterable[tuple[int, int]]:
    if end_ms == start_ms:
        return ()
    return pairwise((start_ms, *clock.between(changes, start_ms, end_ms), end_ms))


def _seconds(ms: int) -> Decimal:
    return EXACT.scaleb(Decimal(ms), -3)


def _nothing_drawn(sheet: Sheet, used: Sequence[Used]) -> None:
    """Say of a session without energy what none of it costs, where that does not depend on when."""
    first = next((u for u in used if ENERGY in u.stated), None)
    options = sheet.options(ENERGY)
    if first is not None and (not options or options[0].condition is None):
        when = sheet.moment(first.start_ms, ZERO, first)
        sheet.take(ENERGY, first.kwh, when, first.number, (first.start_ms, first.end_ms))


def _step(sheet: Sheet) -> None:
    """Round each dimension's sum up by the last component's step; of time and parking time only what comes last."""
    last: dict[str, Line] = {}
    for line in sheet.lines:
        if line.option is not None and line.quantity and line.dimension in VOLUMES:
            kind = TIME if line.dimension == PARKING_TIME else line.dimension
            if kind not in last or line.until_ms >= last[kind].until_ms or kind == ENERGY:
                last[kind] = line
    for line in last.values():
        option = line.option
        assert option is not None  # noqa: S101 - only such lines are kept above
        step = Decimal(option.component.step_size)
        unit = EXACT.scaleb(step, -3) if line.dimension == ENERGY else step
        same = (ln.quantity for ln in sheet.lines if ln.dimension == line.dimension and ln.option is not None)
        quantity = ZERO
        for one in same:
            quantity = EXACT.add(quantity, one)
        more = EXACT.subtract(_stepped(quantity, unit), quantity)
        if more:
            why = "step_size_once"
            sheet.lines.append(Line(why, line.dimension, option, line.period, line.from_ms, line.until_ms, more))


def _stepped(quantity: Decimal, step: Decimal) -> Decimal:
    """Return the least multiple of the step that is not below the quantity."""
    steps, rest = EXACT.divmod(quantity, step)
    return EXACT.multiply(EXACT.add(steps, _ONE) if rest else steps, step)


def _fits(line: TraceLine) -> bool:
    """Return whether a record can hold the line's numbers."""
    return fits(line.quantity) and _storable(line.before_tax) and _storable(line.after_tax)


def _storable(amount: Amount) -> bool:
    if isinstance(amount, Decimal):
        return fits(amount)
    return abs(amount.numerator) < _LARGEST and amount.denominator < _LARGEST
