"""What a charge would cost: computed as bills are, from readings that somebody makes up."""

from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Annotated, Any

from litestar import post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from wattseal.base.errors import InputError
from wattseal.bundle.cdr import price_charge
from wattseal.flow.money.tariffs import tariff_book, tariff_by_record
from wattseal.model.tariff import Tariff
from wattseal.pricing.money import COMPONENT_DIGITS, rounded
from wattseal.pricing.periods import Point
from wattseal.pricing.price import Incomplete, Priced, TraceLine
from wattseal.rules.tariff_choice import Why, in_force
from wattseal.rules.tariff_text import tariff_text
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.problems import ProblemError, demand
from wattseal.serve.api.service import What, Who

MAX_STRETCHES = 200
MAX_READINGS = 10_000
_MILLIWATT_HOUR = Decimal("0.001")
Kwh = Annotated[str, Meta(pattern=r"\A[0-9]{1,6}(\.[0-9]{1,6})?\Z")]


class StretchBody(Body, frozen=True, kw_only=True):
    """A stretch of a charge: how long it is, and the energy drawn meanwhile, evenly; without any the car stands."""

    duration_s: Annotated[int, Meta(ge=1, le=31 * 86_400)]
    energy_kwh: Kwh = "0"


class PreviewBody(Body, frozen=True, kw_only=True):
    """`POST /api/v1/tariffs/{tariff_id}/preview`: a charge that begins then and goes on in these stretches.

    `reading_interval_s` is how often the meter is read: energy between two readings counts at the earlier one.
    """

    started_at: Annotated[datetime, Meta(tz=True)]
    stretches: Annotated[list[StretchBody], Meta(min_length=1, max_length=MAX_STRETCHES)]
    reading_interval_s: Annotated[int, Meta(ge=1, le=86_400)] = 60

    def points(self) -> tuple[Point, ...]:
        """Return what a meter would have read, to the milliwatt-hour; `InputError` where that is too much."""
        ms, register_wh = round(self.started_at.timestamp() * 1000), Decimal(0)
        points, every_s = [Point(ms, register_wh)], self.reading_interval_s
        if sum(stretch.duration_s // every_s for stretch in self.stretches) > MAX_READINGS:
            text = f"that is more than {MAX_READINGS} readings; give a longer reading_interval_s"
            raise InputError(text, code="too_many_readings", subject="reading_interval_s")
        for stretch in self.stretches:
            wh = Decimal(stretch.energy_kwh) * 1000
            for at_s in range(every_s, stretch.duration_s, every_s):
                drawn_wh = (wh * at_s / stretch.duration_s).quantize(_MILLIWATT_HOUR, ROUND_FLOOR)
                points.append(Point(ms + at_s * 1000, register_wh + drawn_wh))
            ms, register_wh = ms + stretch.duration_s * 1000, register_wh + wh
            points.append(Point(ms, register_wh))
        return tuple(points)


@post("/tariffs/{tariff_id:str}/preview", status_code=200)
async def post_preview(
    principal: Who, service: What, tariff_id: FromPath[str], data: JSONBody[PreviewBody]
) -> dict[str, Any]:
    """Say what a charge would cost under the version of a tariff that is in force when it begins, and why.

    It is priced like a bill: the same function over readings that lie at the ends of the stretches.
    """
    demand(principal, "tariffs:read")
    points = data.points()
    book = await tariff_book(service.world)
    versions = book.versions_of(tariff_id)
    if not versions:
        raise ProblemError(404, "not_found", "there is no such tariff")
    version = in_force(versions, points[0].ms)
    if isinstance(version, Why):
        text = f"the tariff is {version.replace('_', ' ')} at that time; name another in started_at"
        raise InputError(text, code="tariff_not_valid", subject="started_at")
    tariff = await tariff_by_record(service.world, version.record)
    assert tariff is not None  # noqa: S101 - a version that is listed has its record
    match price_charge(tariff, points):
        case Incomplete(what=what):
            code, _, where = what[0].partition(":")
            text = f"this charge cannot be priced exactly: {', '.join(what)}"
            raise InputError(text, code="not_priceable", subject=where or code)
        case Priced() as priced:
            return {"tariff_id": version.tariff_id, "record": version.record} | _view(tariff, priced)


def _view(tariff: Tariff, priced: Priced) -> dict[str, Any]:
    return {
        "text": tariff_text(tariff),
        "currency": priced.currency,
        "total_excl_vat": str(priced.total.before_tax),
        "total_incl_vat": None if priced.total.after_tax is None else str(priced.total.after_tax),
        "taxes": [
            {"percent": _text(share.percent), "net": str(share.net), "tax": str(share.tax)} for share in priced.taxes
        ],
        "trace": [_line(line) for line in priced.trace],
    }


def _line(line: TraceLine) -> dict[str, Any]:
    """Return a line of the trace; amounts to four digits, the total is of exact ones."""
    return {
        "why": line.why,
        "dimension": line.dimension,
        "local_start": line.local_start.isoformat(),
        "element": line.element,
        "component": line.component,
        "quantity": f"{line.quantity.normalize():f}",
        "unit_price": f"{line.unit_price:f}",
        "vat_percent": _text(line.vat_percent),
        "before_tax": str(rounded(line.before_tax, COMPONENT_DIGITS)),
        "after_tax": str(rounded(line.after_tax, COMPONENT_DIGITS)),
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


ROUTES = (post_preview,)
