"""Figures as people read them: numbers with units, money, times in the reader's zone; German and English."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

from markupsafe import Markup

from wattseal.pricing.money import minor_unit_digits

NARROW = "\u202f"
"""Between a number and its unit, and between thousands: narrow, and never broken."""
NOTHING = "\u2013"
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Formats:
    """How one reader wants figures."""

    language: str
    zone: ZoneInfo

    def number(self, value: Decimal | float | None, digits: int = 0) -> str:
        """Return a number with grouped thousands and so many digits after the point."""
        if value is None:
            return NOTHING
        exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
        whole, _, part = f"{exact:,f}".partition(".")
        point = "," if self.language == "de" else "."
        return whole.replace(",", NARROW) + (point + part if part else "")

    def energy(self, wh: Decimal | None) -> str:
        """Return energy: Wh below one kWh, kWh to three digits, MWh from ten on."""
        if wh is None:
            return NOTHING
        if abs(wh) < 1000:
            return f"{self.number(wh)}{NARROW}Wh"
        if abs(wh) < 10_000_000:
            return f"{self.number(wh / 1000, 3 if abs(wh) < 100_000 else 1)}{NARROW}kWh"
        return f"{self.number(wh / 1_000_000, 2)}{NARROW}MWh"

    def round_energy(self, wh: Decimal) -> str:
        """Return energy that is a round figure, as on the scale of a chart, with no more digits than it needs."""
        size, unit = next((s, u) for s, u in ((10**6, "MWh"), (10**3, "kWh"), (1, "Wh")) if abs(wh) >= s or s == 1)
        exponent = (wh / size).normalize().as_tuple().exponent
        return f"{self.number(wh / size, max(0, -exponent) if isinstance(exponent, int) else 0)}{NARROW}{unit}"

    def power(self, watts: Decimal | None) -> str:
        """Return power in kW."""
        return NOTHING if watts is None else f"{self.number(watts / 1000, 1)}{NARROW}kW"

    def money(self, amount: Decimal | None, currency: str) -> str:
        """Return an amount with at least the digits of its currency."""
        if amount is None:
            return NOTHING
        exponent = amount.normalize().as_tuple().exponent
        places = min(4, max(0, -exponent)) if isinstance(exponent, int) else 0
        return f"{self.number(amount, max(minor_unit_digits(currency), places))}{NARROW}{currency}"

    def minor(self, amount: int | None, currency: str) -> str:
        """Return an amount of minor units."""
        if amount is None:
            return NOTHING
        return self.money(Decimal(amount).scaleb(-minor_unit_digits(currency)), currency)

    def amount(self, minor: int, currency: str) -> str:
        """Return an amount of minor units without its currency, for columns that name it in their head."""
        digits = minor_unit_digits(currency)
        return self.number(Decimal(minor).scaleb(-digits), digits)

    def percent(self, share: Decimal | float | None, digits: int = 0) -> str:
        """Return a share of one as a percentage."""
        return NOTHING if share is None else f"{self.number(Decimal(str(share)) * 100, digits)}{NARROW}%"

    def rate(self, percent: Decimal | None) -> str:
        """Return a rate of tax with no more digits than it needs."""
        if percent is None:
            return NOTHING
        exponent = percent.normalize().as_tuple().exponent
        return f"{self.number(percent, max(0, -exponent) if isinstance(exponent, int) else 0)}{NARROW}%"

    def time(self, ms: int | None) -> Markup:
        """Return a time of Unix milliseconds, as an element that machines read too."""
        return self._moment(ms, "%H:%M")

    def second(self, ms: int | None) -> Markup:
        """Return a time to the second, where what came first matters."""
        return self._moment(ms, "%H:%M:%S")

    def _moment(self, ms: int | None, clock: str) -> Markup:
        if ms is None:
            return Markup("\u2013")
        at = datetime.fromtimestamp(ms / 1000, UTC)
        shown = at.astimezone(self.zone).strftime(f"{'%d.%m.%Y' if self.language == 'de' else '%d %b %Y'} {clock}")
        exact = at.isoformat(timespec="seconds").replace("+00:00", "Z")
        return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, exact, shown)

    def clock(self, ms: int, *, seconds: bool = False) -> str:
        """Return the time of day of Unix milliseconds."""
        return datetime.fromtimestamp(ms / 1000, self.zone).strftime("%H:%M:%S" if seconds else "%H:%M")

    def day(self, ms: int) -> str:
        """Return the day of Unix milliseconds."""
        at = datetime.fromtimestamp(ms / 1000, self.zone)
        return at.strftime("%d.%m.%Y" if self.language == "de" else "%d %b %Y")

    def short_day(self, ms: int) -> str:
        """Return the day without its year."""
        at = datetime.fromtimestamp(ms / 1000, self.zone)
        return at.strftime("%d.%m." if self.language == "de" else "%d %b")

    def month(self, ms: int) -> str:
        """Return the month and its year."""
        at = datetime.fromtimestamp(ms / 1000, self.zone)
        return at.strftime("%m.%Y" if self.language == "de" else "%b %Y")

    def duration(self, ms: int | None) -> str:
        """Return how long something took, in its two largest units."""
        if ms is None:
            return NOTHING
        seconds = max(0, ms // 1000)
        days, hours, minutes = seconds // DAY_S, seconds % DAY_S // HOUR_S, seconds % HOUR_S // MINUTE_S
        if days:
            return f"{days}{NARROW}d {hours}{NARROW}h"
        if hours:
            return f"{hours}{NARROW}h {minutes:02}{NARROW}min"
        return f"{minutes}{NARROW}min" if minutes else f"{seconds}{NARROW}s"
