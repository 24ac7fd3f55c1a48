"""From the lines of a trace to the price: limits, rounding, and the parts under each rate of tax.

The policy is docs/adr/0009-rounding.md: exact sums, a minimum and a maximum on each of the two, one rounding each, half
up; then the parts, so that they add up to the total to the last minor unit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from wattseal.model.billing import TaxShare
from wattseal.model.tariff import Price, PriceComponent, Tariff, TaxIncluded
from wattseal.pricing.money import (
    EXACT,
    ZERO,
    Amount,
    added,
    allotted,
    minor_to_decimal,
    minor_unit_digits,
    rounded,
    subtracted,
    total,
)
from wattseal.pricing.terms import HUNDRED
from wattseal.pricing.trace import SESSION, Priced, TraceLine

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Sums:
    """Exact sums before and after tax."""

    net: Amount
    gross: Amount


def rate_of(component: PriceComponent, tax: TaxIncluded) -> Decimal | None:
    """Return the rate that a component bears; None where no tax applies or none is stated."""
    return None if tax is TaxIncluded.NOT_APPLICABLE else component.vat_percent


def taxed(amount: Amount, rate: Decimal | None, tax: TaxIncluded) -> Sums:
    """Return an amount of the tariff before and after tax."""
    if not rate:
        return Sums(amount, _same(amount, rate))
    factor = EXACT.scaleb(EXACT.add(HUNDRED, rate), -2)
    if tax is TaxIncluded.YES:
        return Sums(Fraction(amount) / Fraction(factor), amount)
    if isinstance(amount, Decimal):
        return Sums(amount, EXACT.multiply(amount, factor))
    return Sums(amount, amount * Fraction(factor))


def _same(amount: Amount, rate: Decimal | None) -> Amount:
    """Return an amount without tax with the digits that multiplying by 100 percent gives."""
    if isinstance(amount, Decimal):
        return EXACT.multiply(amount, EXACT.scaleb(EXACT.add(HUNDRED, rate or ZERO), -2))
    return amount


def priced(tariff: Tariff, lines: Sequence[TraceLine], began: datetime, *, limited: bool) -> Priced:
    """Return the price that the lines of a session come to; `limited`: minimum and maximum price apply."""
    sums = Sums(total(line.before_tax for line in lines), total(line.after_tax for line in lines))
    parts = _parts(lines)
    trace = list(lines)
    if limited and (tariff.min_price is not None or tariff.max_price is not None):
        basis = _basis(tariff)
        for why, limit in (("min_price", tariff.min_price), ("max_price", tariff.max_price)):
            within = sums if limit is None else _within(sums, limit, basis, least=why == "min_price")
            if limit is not None and within != sums:
                trace.append(_correction(why, limit, sums, within, began))
                parts = _scaled(parts, sums, within, basis)
                sums = within
    digits = minor_unit_digits(tariff.currency)
    whole = Price(rounded(sums.net, digits), rounded(sums.gross, digits))
    return Priced(whole, tariff.currency, tuple(trace), _shares(parts, whole, digits))


def _parts(lines: Iterable[TraceLine]) -> dict[Decimal | None, Sums]:
    """Return the exact sums under each rate, of what something prices."""
    parts: dict[Decimal | None, Sums] = {}
    for line in lines:
        if line.element is not None:
            known = parts.get(line.vat_percent)
            mine = Sums(line.before_tax, line.after_tax)
            parts[line.vat_percent] = mine if known is None else _plus(known, mine)
    return parts


def _plus(one: Sums, other: Sums) -> Sums:
    return Sums(added(one.net, other.net), added(one.gross, other.gross))


def _basis(tariff: Tariff) -> Decimal | None:
    """Return the rate of what a minimum price is for where nothing was used: that of the tariff's first component."""
    first = next((component for element in tariff.elements for component in element.components), None)
    return None if first is None else rate_of(first, tariff.tax_included)


def _within(sums: Sums, limit: Price, basis: Decimal | None, *, least: bool) -> Sums:
    """Hold a limit against both sums. Where it is not stated after tax, what changes bears tax as the rest does."""
    pick = max if least else min
    net = pick(sums.net, limit.before_tax)
    if limit.after_tax is not None:
        return Sums(net, pick(sums.gross, limit.after_tax))
    if net == sums.net:
        return sums
    if sums.net:
        return Sums(net, Fraction(sums.gross) * Fraction(net) / Fraction(sums.net))
    return Sums(net, added(sums.gross, taxed(limit.before_tax, basis, TaxIncluded.NO).gross))


def _correction(why: str, limit: Price, sums: Sums, within: Sums, began: datetime) -> TraceLine:
    return TraceLine(
        why=why,
        dimension=SESSION,
        period=None,
        local_start=began,
        element=None,
        component=None,
        quantity=_ONE,
        unit_price=limit.before_tax,
        vat_percent=None,
        before_tax=subtracted(within.net, sums.net),
        after_tax=subtracted(within.gross, sums.gross),
    )


def _scaled(
    parts: Mapping[Decimal | None, Sums], sums: Sums, within: Sums, basis: Decimal | None
) -> dict[Decimal | None, Sums]:
    """Spread what a limit changes over the rates, net and tax each in proportion; on `basis` where there is none."""
    tax, new_tax = Fraction(subtracted(sums.gross, sums.net)), Fraction(subtracted(within.gross, within.net))
    net, new_net = Fraction(sums.net), Fraction(within.net)
    found: dict[Decimal | None, Sums] = {}
    for rate, part in (parts or {basis: Sums(ZERO, ZERO)}).items():
        only = len(parts) <= 1
        part_net, part_tax = Fraction(part.net), Fraction(subtracted(part.gross, part.net))
        new = new_net if only else part_net * new_net / net if net else part_net
        more = new_tax if only else part_tax * new_tax / tax if tax else part_tax
        found[rate] = Sums(new, new + more)
    return found


def _shares(parts: Mapping[Decimal | None, Sums], whole: Price, digits: int) -> tuple[TaxShare, ...]:
    """Return the parts in minor units, by rising rate, no rate first; they add up to the whole."""
    rates = sorted(parts, key=lambda rate: (rate is not None, rate or ZERO))
    if len(rates) == 1:
        gross = whole.before_tax if whole.after_tax is None else whole.after_tax
        return (TaxShare(rates[0], whole.before_tax, EXACT.subtract(gross, whole.before_tax)),)
    net = [_minor(parts[rate].net, digits) for rate in rates]
    tax = [_minor(subtracted(parts[rate].gross, parts[rate].net), digits) for rate in rates]
    whole_net = int(whole.before_tax.scaleb(digits))
    whole_tax = int((whole.after_tax or ZERO).scaleb(digits)) - whole_net
    nets = allotted(whole_net, net, [True] * len(rates))
    taxes = allotted(whole_tax, tax, [bool(rate) for rate in rates])
    return tuple(
        TaxShare(rate, minor_to_decimal(n, digits), minor_to_decimal(t, digits))
        for rate, n, t in zip(rates, nets, taxes, strict=True)
    )


def _minor(amount: Amount, digits: int) -> Amount:
    return EXACT.scaleb(amount, digits) if isinstance(amount, Decimal) else amount * 10**digits
