"""The CDR summary and price trace inside a bundle, and the one way a charge is priced (docs/spec/bundle.md, "Price").

Everything in it follows from records: the id is the transaction's pseudonym, times and energy are the records', and
the price is `pricing.price` of the tariff record that the decision or the CDR names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from wattseal.model.tariff import Tariff
from wattseal.pricing.clock import zone_of
from wattseal.pricing.money import Amount
from wattseal.pricing.periods import Point, periods
from wattseal.pricing.price import Incomplete, Priced, TraceLine, price
from wattseal.seal.dcbor import CborError
from wattseal.seal.reading import decimal_from, decimal_to_value

KWH = Decimal(1000)


@dataclass(frozen=True, slots=True)
class CdrSummary:
    """What the CPO asks to be paid. `id` is the subject in hex; `tariff` the hash of the tariff record."""

    id: str
    start_ms: int
    end_ms: int
    energy_wh: Decimal
    currency: str
    total_excl_vat: Decimal
    total_incl_vat: Decimal
    tariff: bytes

    def to_value(self) -> dict[int, Any]:
        """Return the bundle's field 6."""
        return {
            1: self.id,
            2: self.start_ms,
            3: self.end_ms,
            4: decimal_to_value(self.energy_wh),
            5: self.currency,
            6: decimal_to_value(self.total_excl_vat),
            7: decimal_to_value(self.total_incl_vat),
            8: self.tariff,
        }

    @staticmethod
    def read(value: Any) -> "CdrSummary":
        """Read field 6; `CborError` names what is wrong."""
        if type(value) is dict and sorted(value) == list(range(1, 9)):
            types = (str, int, int, list, str, list, list, bytes)
            if all(type(value[n]) is kind for n, kind in enumerate(types, start=1)):
                return CdrSummary(
                    id=value[1],
                    start_ms=value[2],
                    end_ms=value[3],
                    energy_wh=decimal_from(value[4], "energy_wh"),
                    currency=value[5],
                    total_excl_vat=decimal_from(value[6], "total_excl_vat"),
                    total_incl_vat=decimal_from(value[7], "total_incl_vat"),
                    tariff=value[8],
                )
        raise CborError("a CDR has fields 1 to 8", subject="cdr")


def price_charge(tariff: Tariff, points: Sequence[Point]) -> Priced | Incomplete:
    """Price one charge from its points, first the start, last the end: what CPO, eMSP and verifier all do."""
    found, zone = periods(points, tariff), zone_of(tariff.time_zone)
    if isinstance(found, Incomplete):
        return found
    return Incomplete(("time_zone",)) if zone is None else price(tariff, found, zone)


def bounds(start_ms: int, end_ms: int, energy_wh: Decimal) -> tuple[Point, Point]:
    """Return the points of a charge of which only times and energy are known."""
    return Point(start_ms, Decimal(0)), Point(end_ms, energy_wh)


def trace_to_value(trace: tuple[TraceLine, ...]) -> list[Any]:
    """Return the bundle's field 7."""
    return [_line_to_value(line) for line in trace]


def _line_to_value(line: TraceLine) -> list[Any]:
    value = [
        line.why,
        line.dimension,
        line.period,
        line.element,
        line.component,
        _amount(line.quantity),
        _amount(line.unit_price),
        _amount(line.vat_percent),
        _amount(line.before_tax),
        _amount(line.after_tax),
    ]
    return value if line.from_ms is None else [*value, line.from_ms, line.until_ms]


def _amount(value: Amount | None) -> list[int] | None:
    """Return [exponent, mantissa] of a decimal; of a fraction in lowest terms [0, numerator, denominator]."""
    if isinstance(value, Fraction):
        return [0, value.numerator, value.denominator]
    return None if value is None else decimal_to_value(value)
