"""What holds of every price, and an oracle that prices second by second without splitting anything."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pricing.prices import BERLIN, D, element, energy, flat, hourly, parking, tariff
from tests.support.examples import examples

from wattseal.model.cdr import ChargingPeriod, Dimension
from wattseal.model.tariff import Price, PriceComponent, Restrictions, Tariff, TariffElement, TaxIncluded
from wattseal.pricing import Incomplete, Priced, minor_unit_digits, price, rounded
from wattseal.pricing.clock import milliseconds
from wattseal.pricing.money import total
from wattseal.pricing.periods import Point, hours, periods
from wattseal.pricing.terms import WEEKDAYS

DAYS = [
    datetime(2026, 3, 28, 19, tzinfo=UTC),  # an hour is skipped in this night
    datetime(2026, 10, 24, 18, tzinfo=UTC),  # an hour comes twice
    datetime(2026, 7, 31, 17, tzinfo=UTC),
]
MONEY = st.decimals(0, 20, places=3)
VAT = st.sampled_from([None, D(0), D("5.5"), D(19), D(20)])
STEPS = st.sampled_from([1, 60, 900])
RARELY = st.sampled_from([True, False, False, False])
CLOCKS = st.just(time(0)) | st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))


def components(kind: str, step: st.SearchStrategy[int] = STEPS) -> st.SearchStrategy[PriceComponent]:
    return st.builds(PriceComponent, st.just(kind), MONEY, VAT, step)


@st.composite
def restrictions(draw: st.DrawFn, *, kwh: bool = True) -> Restrictions | None:
    told: dict[str, Any] = {}
    if draw(st.booleans()):
        clocks = st.tuples(CLOCKS, CLOCKS).filter(lambda two: two[0] != two[1])
        told["start_time"], told["end_time"] = draw(clocks)
        told.pop(draw(st.sampled_from(["start_time", "end_time", ""])), None)
    if draw(RARELY):
        told["days_of_week"] = tuple(draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1)))
    if draw(RARELY):
        told["start_date" if draw(st.booleans()) else "end_date"] = draw(st.sampled_from(DAYS)).date() + timedelta(1)
    if draw(st.booleans()):
        told["min_duration_s" if draw(st.booleans()) else "max_duration_s"] = draw(st.integers(0, 400)) * 60
    if kwh and draw(st.booleans()):
        told["min_kwh" if draw(st.booleans()) else "max_kwh"] = D(draw(st.integers(0, 60))) / 10
    return Restrictions(**told) if told else None


@st.composite
def tariffs(draw: st.DrawFn, *, kwh: bool = True, step: st.SearchStrategy[int] = STEPS) -> Tariff:
    kinds = ("ENERGY", "TIME", "PARKING_TIME", "FLAT")
    elements = []
    for _ in range(draw(st.integers(1, 4))):
        chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4, unique=True))
        made = tuple(draw(components(kind, step)) for kind in chosen)
        elements.append(TariffElement(made, draw(restrictions(kwh=kwh))))
    grace_s = draw(st.sampled_from([0, 60, 1000]))
    taxes = draw(st.sampled_from([TaxIncluded.NO, TaxIncluded.YES]))
    return tariff(*elements, idle_grace_s=grace_s, tax_included=taxes)


@st.composite
def sessions(draw: st.DrawFn) -> tuple[Point, ...]:
    """Return readings of whole tenths of a kWh at whole minutes, through a night or a day."""
    at_ms = milliseconds(draw(st.sampled_from(DAYS))) + draw(st.integers(0, 300)) * 60_000
    wh = 0
    found = [Point(at_ms, D(0))]
    for _ in range(draw(st.integers(1, 6))):
        at_ms += draw(st.integers(1, 90)) * 60_000
        wh += draw(st.sampled_from([0, 0, 100, 700, 2500]))
        found.append(Point(at_ms, D(wh)))
    return tuple(found)


def priced(read: tuple[Point, ...], by: Tariff) -> Priced:
    found = periods(read, by)
    assert not isinstance(found, Incomplete), found
    made = price(by, found, BERLIN)
    assert isinstance(made, Priced), made
    return made


def amounts(made: Priced) -> tuple[Decimal | Fraction, Decimal | Fraction]:
    return total(line.before_tax for line in made.trace), total(line.after_tax for line in made.trace)


@settings(max_examples=examples(150))
@given(tariffs(), sessions())
def test_a_price_is_never_negative_and_its_trace_and_taxes_add_up_to_it(by: Tariff, read: tuple[Point, ...]) -> None:
    made = priced(read, by)
    net, gross = amounts(made)
    assert (rounded(net, 2), rounded(gross, 2)) == (made.total.before_tax, made.total.after_tax)
    assert 0 <= net <= gross
    assert sum((share.net for share in made.taxes), D(0)) == made.total.before_tax
    assert sum((share.net + share.tax for share in made.taxes), D(0)) == made.total.after_tax
    assert all(share.net >= 0 and share.tax >= 0 for share in made.taxes)
    assert all(share.tax == 0 for share in made.taxes if not share.percent)
    assert [s.percent or D(-1) for s in made.taxes] == sorted(s.percent or D(-1) for s in made.taxes)


@settings(max_examples=examples(150))
@given(tariffs(kwh=False), sessions(), st.data())
def test_more_energy_never_costs_less(by: Tariff, read: tuple[Point, ...], data: st.DataObject) -> None:
    """Premise: no restriction by energy or power, no maximum; the car charged whenever it did before."""
    more, extra = [read[0]], D(0)
    for before, after in pairwise(read):
        if after.register_wh != before.register_wh:
            extra += data.draw(st.integers(0, 3000))
        more.append(Point(after.ms, (after.register_wh or D(0)) + extra))
    less, after_more = amounts(priced(read, by)), amounts(priced(tuple(more), by))
    assert less[0] <= after_more[0]
    assert less[1] <= after_more[1]


@settings(max_examples=examples(150))
@given(tariffs(), sessions(), st.data())
def test_cutting_a_period_in_two_changes_no_total(by: Tariff, read: tuple[Point, ...], data: st.DataObject) -> None:
    """Premise: no restriction by power. Time is cut at any instant, its energy staying ahead; energy at any amount."""
    whole = periods(read, by)
    assert not isinstance(whole, Incomplete)
    number = data.draw(st.integers(0, len(whole) - 1))
    cut = list(_cut(whole[number], by, data))
    split = (*whole[:number], *cut, *whole[number + 1 :])
    one, other = price(by, whole, BERLIN), price(by, split, BERLIN)
    assert isinstance(one, Priced)
    assert isinstance(other, Priced)
    assert amounts(one) == amounts(other)
    assert one.total == other.total


def _cut(period: ChargingPeriod, by: Tariff, data: st.DataObject) -> Iterator[ChargingPeriod]:
    volumes = {d.type: d.volume for d in period.dimensions}
    kwh = volumes.pop("ENERGY")
    none = tuple(d for d in period.dimensions if d.type != "ENERGY" and not d.volume)
    volumes = {kind: length for kind, length in volumes.items() if length}
    first_kwh = D(data.draw(st.integers(0, int(kwh * 10)))) / 10
    yield ChargingPeriod(period.start_at, (Dimension("ENERGY", first_kwh),), by.id)
    rest = Dimension("ENERGY", kwh - first_kwh)
    if not volumes:
        yield ChargingPeriod(period.start_at, (rest, *none), by.id)
        return
    ((kind, length),) = volumes.items()
    ms = int((length * 3_600_000).to_integral_value())
    first_ms = data.draw(st.integers(0, ms))
    yield ChargingPeriod(period.start_at, (rest, Dimension(kind, hours(first_ms))), by.id)
    after = period.start_at + timedelta(milliseconds=first_ms)
    yield ChargingPeriod(after, (Dimension("ENERGY", D(0)), Dimension(kind, hours(ms - first_ms))), by.id)


@settings(max_examples=examples(200))
@given(tariffs(step=st.just(1)), sessions())
def test_the_price_is_what_counting_minutes_and_tenths_of_a_kwh_gives(by: Tariff, read: tuple[Point, ...]) -> None:
    """Boundaries here lie on whole minutes and whole 100 Wh, so that counting those misses nothing."""
    assert amounts(priced(read, by)) == counted(read, by)


def counted(read: tuple[Point, ...], by: Tariff) -> tuple[Fraction, Fraction]:
    sums, flat_due = [Fraction(0), Fraction(0)], True
    grace_ms, reached, begun = by.idle_grace_s * 1000, D(0), read[0].ms

    def take(kind: str, amount: Fraction, at_ms: int, kwh: Decimal) -> bool:
        component = applying(by, kind, at_ms, at_ms - begun, kwh)
        if component is None:
            return False
        told, factor = Fraction(component.price) * amount, 1 + Fraction(component.vat_percent or 0) / 100
        included = by.tax_included is TaxIncluded.YES
        sums[0] += told / factor if included else told
        sums[1] += told if included else told * factor
        return True

    for before, after in pairwise(read):
        grown = (after.register_wh or D(0)) - (before.register_wh or D(0))
        flat_due = flat_due and not take("FLAT", Fraction(1), before.ms, reached)
        for _ in range(int(grown) // 100):
            flat_due = flat_due and not take("FLAT", Fraction(1), before.ms, reached)
            take("ENERGY", Fraction(1, 10), before.ms, reached)
            reached += D("0.1")
        flat_due = flat_due and not take("FLAT", Fraction(1), before.ms, reached)
        for at_ms in range(before.ms, after.ms, STEP_MS):
            flat_due = flat_due and not take("FLAT", Fraction(1), at_ms, reached)
            if grown:
                take("TIME", Fraction(STEP_MS, 3_600_000), at_ms, reached)
            elif grace_ms > 0:
                grace_ms -= STEP_MS
            else:
                take("PARKING_TIME", Fraction(STEP_MS, 3_600_000), at_ms, reached)
    return sums[0], sums[1]


STEP_MS = 20_000
"""A common measure of minutes and of all grace that is drawn."""


def applying(by: Tariff, kind: str, at_ms: int, age_ms: int, kwh: Decimal) -> PriceComponent | None:
    local = datetime.fromtimestamp(at_ms / 1000, BERLIN)
    for one in by.elements:
        for component in one.components:
            if component.type == kind and holds(one.restrictions, local, age_ms, kwh):
                return component
    return None


def holds(r: Restrictions | None, local: datetime, age_ms: int, kwh: Decimal) -> bool:
    if r is None:
        return True
    clock = local.hour * 60 + local.minute
    start = 0 if r.start_time is None else r.start_time.hour * 60 + r.start_time.minute
    end = 0 if r.end_time is None else r.end_time.hour * 60 + r.end_time.minute
    window = {m % 1440 for m in range(start, end if end > start else end + 1440)}
    return (
        clock in window
        and (not r.days_of_week or local.strftime("%A").upper() in r.days_of_week)
        and (r.start_date is None or local.date() >= r.start_date)
        and (r.end_date is None or local.date() < r.end_date)
        and (r.min_duration_s is None or age_ms >= r.min_duration_s * 1000)
        and (r.max_duration_s is None or age_ms < r.max_duration_s * 1000)
        and (r.min_kwh is None or kwh >= r.min_kwh)
        and (r.max_kwh is None or kwh < r.max_kwh)
    )


@settings(max_examples=examples(100))
@given(tariffs(), sessions(), MONEY, MONEY, st.sampled_from([None, D("1.25")]))
def test_minimum_and_maximum_hold_before_and_after_tax(
    by: Tariff, read: tuple[Point, ...], one: Decimal, other: Decimal, stated: Decimal | None
) -> None:
    low, high = (rounded(limit, 2) for limit in sorted((one, other)))
    least = Price(low, low * stated if stated else None)
    most = Price(high, high * stated if stated else None)
    made = priced(read, replace(by, min_price=least, max_price=most))
    net, gross = amounts(made)
    assert low <= net <= high
    assert net <= gross
    assert stated is None or low * stated <= gross <= high * stated
    assert (rounded(net, 2), rounded(gross, 2)) == (made.total.before_tax, made.total.after_tax)
    assert sum((share.net for share in made.taxes), D(0)) == made.total.before_tax
    assert sum((share.net + share.tax for share in made.taxes), D(0)) == made.total.after_tax


@settings(max_examples=examples(100))
@given(tariffs(), sessions(), st.sampled_from(["JPY", "EUR", "KWD", "CLF"]))
def test_taxes_are_in_whole_minor_units_of_any_currency(by: Tariff, read: tuple[Point, ...], currency: str) -> None:
    made, digits = priced(read, replace(by, currency=currency)), minor_unit_digits(currency)
    told = [made.total.before_tax, made.total.after_tax, *(a for share in made.taxes for a in (share.net, share.tax))]
    assert all(amount == rounded(amount or D(0), digits) for amount in told)
    assert sum((share.net + share.tax for share in made.taxes), D(0)) == made.total.after_tax


def test_the_oracle_can_tell_right_from_wrong() -> None:
    """The control: a price that is a boundary off is not what counting gives."""
    by = tariff(element(hourly("6"), end_time="02:30"), element(energy("1"), hourly("60")), flat("1"), parking("2"))
    start = milliseconds(DAYS[2].replace(hour=23))
    read = (Point(start, D(0)), Point(start + 3_600_000 * 3, D(100)))
    assert amounts(priced(read, by)) == counted(read, by)
    later = replace(by, elements=(element(hourly("6"), end_time="02:45"), *by.elements[1:]))
    assert amounts(priced(read, by)) != counted(read, later)
