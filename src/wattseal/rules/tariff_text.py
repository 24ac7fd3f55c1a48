"""A tariff in one line of text, for the display of a station: what a driver pays, taxes included where they are known.

Amounts are exact: a price before tax is shown with the tax of its rate added, digits and all. A reservation is not part
of it. What does not fit is shown as a range for each dimension, and then not at all: nothing is cut off.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from decimal import Decimal

from wattseal.model.tariff import Price, PriceComponent, Restrictions, Tariff, TaxIncluded
from wattseal.pricing.money import EXACT, minor_unit_digits

LONGEST = 512
"""Characters of a message in OCPP 2.0.1 (part 2, MessageContentType)."""
_ORDER = ("FLAT", "ENERGY", "TIME", "PARKING_TIME")
_SHOWN = ("ENERGY", "TIME", "PARKING_TIME", "FLAT")
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class _Words:
    """What a language says; {} is where amounts go."""

    units: dict[str, str]
    point: str
    otherwise: str
    tax_rate: str
    taxes: str
    no_tax: str
    before_tax: str
    free: str
    least: str
    most: str
    to: str
    days: tuple[str, ...]
    up_to: str
    beyond: str
    below: str
    step: str
    after_idle: str
    dates: tuple[str, str]


_EN = _Words(
    units={"ENERGY": "/kWh", "TIME": "/h charging", "PARKING_TIME": "/h not charging", "FLAT": " a charge"},
    point=".",
    otherwise="otherwise",
    tax_rate="incl. {} % VAT",
    taxes="incl. taxes",
    no_tax="no taxes",
    before_tax="before tax",
    free="free of charge",
    least="at least {}",
    most="at most {}",
    to="{} to {}",
    days=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    up_to="up to {}",
    beyond="from {}",
    below="below {}",
    step="in steps of {}",
    after_idle="after {}",
    dates=("from {}", "until {}"),
)
_DE = _Words(
    units={"ENERGY": "/kWh", "TIME": "/h Laden", "PARKING_TIME": "/h ohne Laden", "FLAT": " je Ladevorgang"},
    point=",",
    otherwise="sonst",
    tax_rate="inkl. {} % USt.",
    taxes="inkl. Steuern",
    no_tax="ohne Steuern",
    before_tax="vor Steuern",
    free="kostenlos",
    least="mindestens {}",
    most="höchstens {}",
    to="{} bis {}",
    days=("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
    up_to="bis {}",
    beyond="ab {}",
    below="unter {}",
    step="in Schritten von {}",
    after_idle="nach {}",
    dates=("ab {}", "bis {}"),
)
_WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


def tariff_text(tariff: Tariff, language: str | None = None, longest: int = LONGEST) -> str | None:
    """Return the tariff in one line, German for languages `de`, else English; None where it does not fit."""
    words = _DE if (language or "").casefold().partition("-")[0] == "de" else _EN
    teller = _Teller(tariff, words)
    for text in (teller.whole(), teller.ranges()):
        if len(text) <= longest:
            return text
    return None


@dataclass(frozen=True, slots=True)
class _Teller:
    """Says a tariff in the words of a language."""

    tariff: Tariff
    words: _Words

    def whole(self) -> str:
        """Say each dimension with all its prices and when they apply."""
        return self._line([self._dimension(kind) for kind in _SHOWN])

    def ranges(self) -> str:
        """Say each dimension with its least and its highest price."""
        return self._line([self._range(kind) for kind in _SHOWN])

    def _line(self, parts: Iterable[str]) -> str:
        said = " + ".join(part for part in parts if part)
        if not said:
            return self.words.free
        return ", ".join((said, *self._limits(), *self._taxes()))

    def _options(self, kind: str) -> list[tuple[Decimal, PriceComponent, Restrictions | None]]:
        """Return a dimension's prices in the tariff's order, up to the first that always applies."""
        found: list[tuple[Decimal, PriceComponent, Restrictions | None]] = []
        for element in self.tariff.elements:
            when = element.restrictions
            if when is not None and when.reservation is not None:
                continue
            for component in element.components:
                if component.type == kind:
                    found.append((self._shown(component.price, component.vat_percent), component, when))
                    if when is None:
                        return found
        return found if any(price for price, _, _ in found) else []

    def _dimension(self, kind: str) -> str:
        options = self._options(kind)
        if not any(price for price, _, _ in options):
            return ""
        said = []
        for price, component, when in options:
            parts = [f"{self._money(price)}{self.words.units[kind]}"]
            parts += [] if when is None else [self._when(when)]
            parts += self._terms(kind, component)
            said.append(" ".join(part for part in parts if part))
        return f"; {self.words.otherwise} ".join(said)

    def _range(self, kind: str) -> str:
        options = self._options(kind)
        prices = [price for price, _, _ in options]
        if not any(prices):
            return ""
        if options[-1][2] is not None:
            prices.append(Decimal(0))
        least, most = min(prices), max(prices)
        money = self._money(most)
        amount = money if least == most else self.words.to.format(self._number(least), money)
        return f"{amount}{self.words.units[kind]}"

    def _terms(self, kind: str, component: PriceComponent) -> list[str]:
        """Say what else a driver should know of a price: steps, and when standing begins to count."""
        terms = []
        if kind == "PARKING_TIME" and self.tariff.idle_grace_s:
            terms.append(self.words.after_idle.format(_span(self.tariff.idle_grace_s)))
        if kind != "FLAT" and component.step_size > 1:
            size = f"{component.step_size} Wh" if kind == "ENERGY" else _span(component.step_size)
            terms.append(f"({self.words.step.format(size)})")
        return terms

    def _when(self, r: Restrictions) -> str:
        words, said = self.words, []
        if r.days_of_week:
            said.append(self._days(r.days_of_week))
        if r.start_time is not None or r.end_time is not None:
            said.append(f"{_clock(r.start_time)}-{_clock(r.end_time)}")
        for day, text in zip((r.start_date, r.end_date), words.dates, strict=True):
            said += [] if day is None else [text.format(day.isoformat())]
        bounds = (
            (r.min_kwh, r.max_kwh, "kWh"),
            (r.min_power_kw, r.max_power_kw, "kW"),
            (r.min_current_a, r.max_current_a, "A"),
        )
        for least, most, unit in bounds:
            said += [] if least is None else [words.beyond.format(f"{self._number(least, 0)} {unit}")]
            below = words.up_to if unit == "kWh" else words.below
            said += [] if most is None else [below.format(f"{self._number(most, 0)} {unit}")]
        for seconds, text in ((r.min_duration_s, words.beyond), (r.max_duration_s, words.up_to)):
            said += [] if seconds is None else [text.format(_span(seconds))]
        said += list(r.unknown)
        return " ".join(said)

    def _days(self, days: tuple[str, ...]) -> str:
        numbers = sorted({_WEEK.index(day) for day in days if day in _WEEK})
        names = self.words.days
        if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
            return f"{names[numbers[0]]}-{names[numbers[-1]]}"
        return "/".join(names[number] for number in numbers)

    def _limits(self) -> list[str]:
        said = []
        for limit, text in ((self.tariff.min_price, self.words.least), (self.tariff.max_price, self.words.most)):
            if limit is not None:
                said.append(text.format(self._limit(limit)))
        return said

    def _limit(self, limit: Price) -> str:
        if limit.after_tax is not None:
            return self._money(limit.after_tax)
        untaxed = not any(vat for vat in self._rates())
        return self._money(limit.before_tax) + ("" if untaxed else f" {self.words.before_tax}")

    def _taxes(self) -> list[str]:
        rates = self._rates()
        if self.tariff.tax_included is TaxIncluded.NOT_APPLICABLE:
            return [self.words.no_tax]
        if len(rates) == 1 and (rate := next(iter(rates))):
            return [self.words.tax_rate.format(self._number(rate, 0))]
        if any(rates) or self.tariff.tax_included is TaxIncluded.YES:
            return [self.words.taxes]
        return []

    def _rates(self) -> set[Decimal | None]:
        return {component.vat_percent for kind in _ORDER for price, component, _ in self._options(kind) if price}

    def _shown(self, price: Decimal, vat_percent: Decimal | None) -> Decimal:
        """Return a price with its tax."""
        if self.tariff.tax_included is not TaxIncluded.NO or not vat_percent:
            return price
        return EXACT.scaleb(EXACT.multiply(price, EXACT.add(_HUNDRED, vat_percent)), -2)

    def _money(self, amount: Decimal) -> str:
        return f"{self._number(amount)} {self.tariff.currency}"

    def _number(self, amount: Decimal, least_digits: int | None = None) -> str:
        """Return an amount with as many digits as it needs, of money at least as many as its coins have."""
        digits = minor_unit_digits(self.tariff.currency) if least_digits is None else least_digits
        plain = f"{amount:f}"
        whole, _, places = plain.partition(".")
        places = places.rstrip("0").ljust(digits, "0")
        return f"{whole}{self.words.point}{places}" if places else whole


def _clock(at: time | None) -> str:
    return "00:00" if at is None else at.strftime("%H:%M")


def _span(seconds: int) -> str:
    """Return a length of time in the largest unit that says it exactly."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
