"""Sums for those who may see no session: no group in them is so small that it tells somebody's own figures."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from litestar import get
from litestar.params import QueryParameter

from wattseal.base.errors import InputError
from wattseal.flow.aggregates import Asked, atoms
from wattseal.rules.aggregates import DAY_MS, Atom, K, together
from wattseal.serve.api.problems import demand
from wattseal.serve.api.service import ShortQuery, What, Who

READ = "aggregates:read"
Day = Annotated[str | None, QueryParameter(max_length=10)]
_EPOCH = date(1970, 1, 1)
_DEFAULT_DAYS, _LAG = 30, 3


@get("/aggregates")
async def get_aggregates(
    principal: Who, service: What, *, since: Day = None, until: Day = None, site: ShortQuery = None
) -> dict[str, Any]:
    """Add up sessions and energy of whole days (YYYY-MM-DD, UTC) from `since` to before `until`, by site and day.

    A site's day of fewer than five sessions or drivers, or most of which is one driver's, is in no sum; it counts in
    `left_out`, as does one without any. A day is added up once, when it has been over for three days: 422
    `not_settled_yet` before that.
    """
    demand(principal, READ)
    today = service.world.now_ms() // DAY_MS
    end = today - _LAG if until is None else _day(until, "until")
    start = end - _DEFAULT_DAYS if since is None else _day(since, "since")
    found = await atoms(service.world, Asked(start, end, site))
    total = together(found)
    return {
        "least": K,
        "sessions": total.sessions,
        "energy_wh": _wh(total.energy_mwh),
        "seconds": total.seconds,
        "left_out": total.left_out,
        "days": [_view(one) for one in found if one.shown],
    }


def _day(text: str, name: str) -> int:
    try:
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError as error:
        raise InputError("a day is written YYYY-MM-DD", code="bad_day", subject=name) from error


def _view(one: Atom) -> dict[str, Any]:
    return {
        "site": one.site or None,
        "day": datetime.fromtimestamp(one.day * DAY_MS / 1000, UTC).date().isoformat(),
        "sessions": one.sessions,
        "energy_wh": _wh(one.energy_mwh),
        "seconds": one.seconds,
    }


def _wh(mwh: int) -> str:
    return format(Decimal(mwh) / 1000, "f")


ROUTES = (get_aggregates,)
