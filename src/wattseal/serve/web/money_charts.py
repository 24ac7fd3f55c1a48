"""Charts of money and energy over time: what is verified at the bottom, what stood a period before as a mark."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest

from wattseal.model.revenue import Figures, Revenue, StepSize
from wattseal.pricing.money import minor_unit_digits
from wattseal.serve.web.chart import Chart, stacked
from wattseal.serve.web.formats import NOTHING, Formats
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.texts import translated

KINDS = ("verified", "unverified")
_LABEL = _("{day}: {net}, of which verified {verified}")
_BEFORE = _("a period before: {net}")


def money_charts(told: Revenue, before: Sequence[Figures], fmt: Formats) -> list[tuple[str, Chart]]:
    """Return a chart a currency: net revenue by step; `before` are the steps that they are compared with."""
    return [(total.currency, _money_chart(told, before, total.currency, fmt)) for total in told.total.totals]


def energy_chart(told: Revenue, before: Sequence[Figures], fmt: Formats) -> Chart:
    """Return the chart of billed energy by step."""
    values = [(step.verified_wh, billed_wh(step) - step.verified_wh) for step in told.steps]
    compared = [billed_wh(step) for step in before]
    labels = [
        _label(
            step,
            fmt.energy(sum(value, Decimal(0))),
            fmt.energy(value[0]),
            None if was is None else fmt.energy(was),
            fmt,
        )
        for step, value, was in zip_longest(told.steps, values, compared[: len(values)])
    ]
    return stacked(values, KINDS, labels, _ticks(told, fmt), compared)


def billed_wh(step: Figures) -> Decimal:
    """Return the energy that bills of a stretch charge."""
    return sum((line.energy_wh for line in step.earned), Decimal(0))


def _money_chart(told: Revenue, before: Sequence[Figures], currency: str, fmt: Formats) -> Chart:
    digits = minor_unit_digits(currency)
    minor = [_net(step, currency) for step in told.steps]
    compared = [sum(_net(step, currency)) for step in before]
    labels = [
        _label(
            step,
            fmt.minor(sum(value), currency),
            fmt.minor(value[0], currency),
            None if was is None else fmt.minor(was, currency),
            fmt,
        )
        for step, value, was in zip_longest(told.steps, minor, compared[: len(minor)])
    ]
    values = [[Decimal(part).scaleb(-digits) for part in value] for value in minor]
    marks = [Decimal(net).scaleb(-digits) for net in compared]
    return stacked(values, KINDS, labels, _ticks(told, fmt), marks)


def _net(step: Figures, currency: str) -> tuple[int, int]:
    """Return the verified and the unverified revenue of a step, in minor units."""
    total = next((t for t in step.totals if t.currency == currency), None)
    return (0, 0) if total is None else (total.verified_net, total.unverified_net)


def _label(step: Figures, net: str, verified: str, before: str | None, fmt: Formats) -> str:
    said = translated(fmt.language, _LABEL, day=_span(step, fmt), net=net, verified=verified)
    return said if before is None else f"{said}; {translated(fmt.language, _BEFORE, net=before)}"


def _ticks(told: Revenue, fmt: Formats) -> list[str]:
    """Return what stands below the bars: the day or the month that each begins with."""
    if told.query.step is StepSize.MONTH:
        return [fmt.month(step.from_ms) for step in told.steps]
    return [fmt.short_day(step.from_ms) for step in told.steps]


def _span(step: Figures, fmt: Formats) -> str:
    """Return which days a step is of."""
    first, last = fmt.day(step.from_ms), fmt.day(step.to_ms - 1)
    return first if first == last else f"{first} {NOTHING} {last}"
