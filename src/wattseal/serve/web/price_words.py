"""The lines of a price in words: what was taken, at which price, and why that one."""

from collections.abc import Mapping

from wattseal.pricing.money import rounded
from wattseal.pricing.trace import TraceLine
from wattseal.serve.web.formats import NARROW, NOTHING, Formats
from wattseal.serve.web.texts import marked as _

WHY: Mapping[str, str] = {
    "flat_once": _("once a session"),
    "only_energy_component": _("always applies"),
    "only_component": _("always applies"),
    "first_match": _("the first that applies then"),
    "step_size_once": _("rounded up to the step"),
    "no_match": _("none applies then: free"),
    "dimension_not_priced": _("not priced: free"),
    "min_price": _("up to the minimum price"),
    "max_price": _("down to the maximum price"),
}
DIMENSIONS: Mapping[str, str] = {
    "ENERGY": _("Energy"),
    "TIME": _("Charging time"),
    "PARKING_TIME": _("Standing time"),
    "RESERVATION_TIME": _("Reserved time"),
    "FLAT": _("Fee"),
    "SESSION": _("Whole session"),
}
_DIGITS = 4


def quantity(fmt: Formats, line: TraceLine) -> str:
    """Return what was taken: kWh or minutes."""
    match line.dimension:
        case "ENERGY":
            return f"{fmt.number(line.quantity, 3)}{NARROW}kWh"
        case "TIME" | "PARKING_TIME" | "RESERVATION_TIME":
            return f"{fmt.number(line.quantity / 60, 1)}{NARROW}min"
        case _:
            return NOTHING


def unit_price(fmt: Formats, line: TraceLine, currency: str) -> str:
    """Return the price of one: of a kWh, an hour or a piece."""
    each = {"ENERGY": "/kWh", "TIME": "/h", "PARKING_TIME": "/h", "RESERVATION_TIME": "/h"}.get(line.dimension, "")
    return f"{fmt.money(line.unit_price, currency)}{each}"


def amount(fmt: Formats, line: TraceLine, currency: str) -> str:
    """Return what a line comes to before tax, with at most four digits."""
    return fmt.money(rounded(line.before_tax, _DIGITS), currency)
