"""A recomputed price in words: each line of its trace with what was taken, at which price, and why."""

from collections.abc import Iterator

from wattseal.bundle.report import Repriced
from wattseal.pricing.money import Amount, rounded
from wattseal.pricing.trace import TraceLine

_DIGITS = 4
_WHY = {
    "flat_once": "once a session",
    "only_energy_component": "always applies",
    "only_component": "always applies",
    "first_match": "the first that applies then",
    "step_size_once": "rounded up to the step",
    "no_match": "none applies then: free",
    "dimension_not_priced": "not priced: free",
    "min_price": "up to the minimum price",
    "max_price": "down to the maximum price",
}
_ENERGY, _TIME = ("kWh", "kWh"), ("min", "h")
_UNITS = {"ENERGY": _ENERGY, "TIME": _TIME, "PARKING_TIME": _TIME, "RESERVATION_TIME": _TIME}
"""In what a quantity is said, and for which unit the price is."""


def total_line(found: Repriced) -> str:
    """Return the total and its taxes: `9.00 EUR, 10.70 with tax (10 %: 1.00 + 0.10; 20 %: 8.00 + 1.60)`."""
    total, currency = found.priced.total, found.priced.currency
    after_tax = total.before_tax if total.after_tax is None else total.after_tax
    taxes = "; ".join(
        f"{'no rate' if part.percent is None else f'{_short(part.percent)} %'}: {part.net:f} + {part.tax:f}"
        for part in found.priced.taxes
    )
    return f"{total.before_tax:f} {currency}, {after_tax:f} with tax" + (f" ({taxes})" if taxes else "")


def trace_lines(found: Repriced) -> Iterator[str]:
    """Yield a line for each line of the trace."""
    for line in found.priced.trace:
        when = line.local_start.strftime("%Y-%m-%d %H:%M")
        tax = "" if not line.vat_percent else f" + {_short(line.vat_percent)} % tax"
        place = "" if line.element is None else f"element {line.element + 1}, "
        why = _WHY.get(line.why, line.why)
        yield f"{when}  {line.dimension.lower():12} {_taken(line)} = {_money(line.before_tax)}{tax}  ({place}{why})"


def _taken(line: TraceLine) -> str:
    unit, each = _UNITS.get(line.dimension, ("", ""))
    if not unit:
        return f"{line.unit_price:f}"
    quantity = line.quantity / 60 if unit == "min" else line.quantity
    return f"{_short(quantity)} {unit} x {line.unit_price:f}/{each}"


def _short(amount: Amount) -> str:
    """Return a number with no more digits than it needs, four after the point at most."""
    whole, point, rest = format(rounded(amount, _DIGITS), "f").partition(".")
    kept = rest.rstrip("0")
    return whole + (point + kept if kept else "")


def _money(amount: Amount) -> str:
    """Return an amount with two digits after the point, four where it needs them."""
    whole, _, rest = format(rounded(amount, _DIGITS), "f").partition(".")
    return f"{whole}.{rest.rstrip('0'):0<2}"
