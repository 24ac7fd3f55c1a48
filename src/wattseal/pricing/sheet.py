"""A price in the making: stretches of dimensions under the components that apply to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal
from fractions import Fraction

from wattseal.model.tariff import Tariff
from wattseal.pricing import clock, taxes
from wattseal.pricing.money import EXACT, ZERO, Amount
from wattseal.pricing.terms import ENERGY, Moment, Option, Terms
from wattseal.pricing.trace import TraceLine
from wattseal.pricing.used import TIMES, Used

_ONE = Decimal(1)
_HOUR_S = 3600
_ANY = Moment(clock.at(0), 0, ZERO, None, None)
"""Any moment is as good as another under a tariff without conditions."""


@dataclass(slots=True)
class Line:
    """A stretch of one dimension under one component, or under none, that is still growing."""

    why: str
    dimension: str
    option: Option | None
    period: int | None
    from_ms: int
    until_ms: int
    quantity: Decimal


@dataclass(slots=True)
class Sheet:
    """A session's price in the making."""

    tariff: Tariff
    terms: Terms
    zone: tzinfo
    begun_ms: int
    expired: bool
    lines: list[Line] = field(default_factory=list)
    open: dict[str, Line] = field(default_factory=dict)
    flats: set[str] = field(default_factory=set)
    kwh: Decimal = ZERO
    unknown: set[str] = field(default_factory=set)

    def options(self, dimension: str) -> tuple[Option, ...]:
        """Return what prices a dimension, in order; an expired reservation's own terms come first."""
        found = self.terms.options.get(dimension, ())
        return self.terms.expired.get(dimension, ()) + found if self.expired else found

    def take(self, dimension: str, quantity: Decimal, when: Moment, number: int, span: tuple[int, int]) -> None:
        """Price a stretch of one dimension in a period by what applies when it begins; one like the last extends it."""
        start_ms, until_ms = span
        options = self.options(dimension)
        option = self.first(options, when)
        if option is not None:
            alone = len(options) == 1 and option.condition is None
            only = "only_energy_component" if dimension == ENERGY else "only_component"
            why = only if alone else "first_match"
        else:
            why = "no_match" if options else "dimension_not_priced"
        last = self.open.get(dimension)
        joins = dimension == ENERGY or (last is not None and last.until_ms == start_ms)
        if last is not None and joins and last.option is option and last.why == why:
            last.quantity = EXACT.add(last.quantity, quantity)
            last.until_ms = max(last.until_ms, until_ms)
            return
        line = Line(why, dimension, option, number, start_ms, until_ms, quantity)
        self.open[dimension] = line
        self.lines.append(line)

    def first(self, options: Sequence[Option], when: Moment) -> Option | None:
        """Return the first component whose condition holds; what would have to be known for that is noted."""
        for option in options:
            lacks = None if option.condition is None else option.condition.lacks(when)
            if lacks is None:
                return option
            if lacks != "no":
                self.unknown.add(f"{lacks}_unknown:elements[{option.element}]")
                return None
        return None

    def charge_flat(self, dimension: str, when: Moment, used: Used, at_ms: int) -> None:
        """Charge the flat fee that applies now, unless one has been charged."""
        options = self.options(dimension)
        if dimension in self.flats or not options:
            return
        option = self.first(options, when)
        if option is not None:
            self.flats.add(dimension)
            period = None if used.number == 0 and at_ms == used.start_ms else used.number
            self.lines.append(Line("flat_once", dimension, option, period, at_ms, at_ms, _ONE))

    def moment(self, at_ms: int, kwh: Decimal, used: Used) -> Moment:
        """Return what conditions are held against at a moment of a period."""
        if not self.terms.conditions:
            return _ANY
        age_ms = max(at_ms - self.begun_ms, 0)
        return Moment(clock.at(at_ms).astimezone(self.zone), age_ms, kwh, used.power, used.current)

    def finish(self, line: Line) -> TraceLine:
        """Return a line with its amounts."""
        option, tax = line.option, self.tariff.tax_included
        unit_price = ZERO if option is None else option.component.price
        rate = None if option is None else taxes.rate_of(option.component, tax)
        amount: Amount = ZERO
        if option is not None and line.dimension in TIMES:
            amount = Fraction(unit_price) * Fraction(line.quantity) / _HOUR_S
        elif option is not None:
            amount = EXACT.multiply(unit_price, line.quantity)
        sums = taxes.Sums(ZERO, ZERO) if option is None else taxes.taxed(amount, rate, tax)
        lasts = line.until_ms > line.from_ms
        return TraceLine(
            why=line.why,
            dimension=line.dimension,
            period=line.period,
            local_start=clock.at(line.from_ms).astimezone(self.zone),
            element=None if option is None else option.element,
            component=None if option is None else option.place,
            quantity=line.quantity,
            unit_price=unit_price,
            vat_percent=rate,
            before_tax=sums.net,
            after_tax=sums.gross,
            from_ms=line.from_ms if lasts else None,
            until_ms=line.until_ms if lasts else None,
        )
