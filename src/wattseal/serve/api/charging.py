"""Charging limits: profiles by reference, limits from outside, resulting schedules, and setting a limit."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from wattseal.base.ids import StationId
from wattseal.flow import commands
from wattseal.flow.documents import read
from wattseal.flow.limits.fallback import FALLBACK, KeptFallback
from wattseal.flow.limits.needs import EV_SCHEDULE, NEEDS, KeptNeeds, KeptPlan
from wattseal.flow.limits.reports import DRIFT, Drift
from wattseal.flow.limits.sent import Limit as LimitToSet
from wattseal.flow.limits.sent import clear_limit, set_limit
from wattseal.flow.limits.store import LIMIT, PROFILE, KeptLimit, KeptProfile
from wattseal.flow.limits.views import last_comparison, our_schedule
from wattseal.model.charging import Composite, RateUnit
from wattseal.rules.charging_differs import Difference
from wattseal.rules.charging_spans import MAX_WINDOW_S
from wattseal.serve.api.amounts import Amount, amount_of
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.commands import POWER, answered, demand_command
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import Req, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who
from wattseal.wire.ocpp.profiles import lower_period, lower_profile, lower_schedule
from wattseal.wire.ocpp.values import ENCODER
from wattseal.wire.ocpp.version import Version

READ, STOP = "charging:read", "charging:stop"
"""Scopes of reading all of this, and of limits that stop charging."""
Evse = Annotated[int, QueryParameter(ge=0, le=9999)]
Lasting = Annotated[int, QueryParameter(ge=1, le=MAX_WINDOW_S)]


class LimitBody(Body, frozen=True, kw_only=True):
    """`POST /api/v1/stations/{id}/set-limit`: `limit_a` amperes of each phase, or `limit_w` watts.

    `evse_id` 0 is the station as a whole. With `transaction` the limit ends with the EVSE's present transaction.
    `until` is when it ends; without it the limit stays until it is replaced or cleared. A limit that stops charging
    needs `below_floor`.
    """

    limit_a: Amount | None = None
    limit_w: Amount | None = None
    evse_id: Annotated[int, msgspec.Meta(ge=0, le=9999)] = 0
    transaction: bool = False
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    below_floor: bool = False

    def limit(self) -> LimitToSet:
        """Return the limit; both units or none is an `InputError`."""
        amount, unit = amount_of(self.limit_a, self.limit_w)
        return LimitToSet(amount, unit, self.evse_id, self.transaction, self.until, self.below_floor)


class ClearLimitBody(Body, frozen=True, kw_only=True):
    """`POST /api/v1/stations/{id}/clear-limit`: the place whose limit is to go."""

    evse_id: Annotated[int, msgspec.Meta(ge=0, le=9999)] = 0
    transaction: bool = False


@get("/stations/{station_id:str}/charging-profiles")
async def get_profiles(
    principal: Who,
    service: What,
    request: Req,
    station_id: FromPath[str],
    *,
    active: FromQuery[bool] = True,
    limit: Limit = 100,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List a station's charging profiles in OCPP 2.1 words: those in force, or with `active=false` those before."""
    demand(principal, READ)
    memory = await commands.find_station(service.world, StationId(station_id))
    page = await service.world.journal.documents(
        principal.tenant,
        PROFILE,
        station_id=StationId(memory.station.id),
        active=active,
        after=after or "",
        limit=limit,
    )
    views = [_profile_view(read(document, KeptProfile)) for document in page]
    return paged(request, views, page[-1].key if len(page) == limit else None)


@get("/stations/{station_id:str}/charging-limits")
async def get_limits(principal: Who, service: What, station_id: FromPath[str]) -> dict[str, Any]:
    """Show a station's limits from outside, its EVs' needs and plans, how its profiles differed, its fallbacks."""
    demand(principal, READ)
    world = service.world
    memory = await commands.find_station(world, StationId(station_id))
    found: dict[str, list[dict[str, Any]]] = {}
    for name, kind, layout, view in _LISTS:
        page = await world.journal.documents(
            world.tenant, kind, station_id=StationId(memory.station.id), active=True if kind == LIMIT else None
        )
        found[name] = [view(read(document, layout)) for document in page]
    return {"station_id": memory.station.id, **found}


@get("/stations/{station_id:str}/composite-schedule")
async def get_composite(
    principal: Who,
    service: What,
    station_id: FromPath[str],
    *,
    evse_id: Evse = 0,
    duration_s: Lasting = 86_400,
    unit: FromQuery[RateUnit] = RateUnit.A,
) -> dict[str, Any]:
    """Show the limits of an EVSE (0: the station) that its profiles come to, and what the station said last.

    The station says it in answer to the command GetCompositeSchedule; where it allows more than its profiles do, there
    is an alarm.
    """
    demand(principal, READ)
    memory = await commands.find_station(service.world, StationId(station_id))
    ours = await our_schedule(service.world, memory, evse_id, duration_s, unit)
    last = await last_comparison(service.world, StationId(memory.station.id), evse_id)
    told = None
    if last is not None:
        told = {
            "at_ms": last.at_ms,
            "schedule": _composite_view(last.theirs),
            "ours_then": _composite_view(last.ours),
            "differences": [_difference_view(difference) for difference in last.differences],
        }
    return {"station_id": memory.station.id, "schedule": _composite_view(ours), "told": told}


@post("/stations/{station_id:str}/set-limit", status_code=200)
async def post_limit(
    principal: Who, service: What, station_id: FromPath[str], data: JSONBody[LimitBody]
) -> dict[str, Any]:
    """Limit a station, an EVSE or its transaction, in whatever way the station's version has for it."""
    demand_command(principal, POWER)
    if data.below_floor:
        demand(principal, STOP)
    profile, outcome = await set_limit(service.world, principal, StationId(station_id), data.limit())
    done = answered(outcome)
    status = getattr(done.answer, "status", "")
    reason = getattr(done.answer, "reason", None)
    return {"status": status, "reason": reason, "profile_id": profile.id, "record": done.record.hex()}


@post("/stations/{station_id:str}/clear-limit", status_code=200)
async def post_clear_limit(
    principal: Who, service: What, station_id: FromPath[str], data: JSONBody[ClearLimitBody]
) -> dict[str, Any]:
    """Clear the limit that set-limit has set for the same place."""
    demand_command(principal, POWER)
    outcome = await clear_limit(
        service.world, principal, StationId(station_id), data.evse_id, transaction=data.transaction
    )
    done = answered(outcome)
    return {"status": getattr(done.answer, "status", ""), "record": done.record.hex()}


def _plain(value: Any) -> Any:
    """Return OCPP content as JSON values, figures as numbers."""
    return msgspec.json.decode(ENCODER.encode(value))


def _profile_view(kept: KeptProfile) -> dict[str, Any]:
    return {
        "evse_id": kept.evse_id,
        "source": kept.source,
        "since_ms": kept.since_ms,
        "asked_by": kept.asked_by,
        "profile": _plain(lower_profile(kept.profile, Version.V21)),
    }


def _limit_view(kept: KeptLimit) -> dict[str, Any]:
    return {
        "evse_id": kept.evse_id,
        "source": kept.source,
        "since_ms": kept.since_ms,
        "grid_critical": kept.grid_critical,
        "local_generation": kept.local_generation,
        "schedules": [_plain(lower_schedule(schedule)) for schedule in kept.schedules],
    }


def _needs_view(kept: KeptNeeds) -> dict[str, Any]:
    return {
        "evse_id": kept.evse_id,
        "transaction_id": kept.transaction_id or None,
        "at_ms": kept.at_ms,
        "needs": _plain(kept.needs),
        "max_tuples": kept.max_tuples,
    }


def _plan_view(kept: KeptPlan) -> dict[str, Any]:
    return {
        "evse_id": kept.evse_id,
        "at_ms": kept.at_ms,
        "within_limits": kept.within,
        "exceeds_from_s": kept.exceeds_from_s,
        "schedule": _plain(lower_schedule(kept.schedule)),
    }


def _drift_view(drift: Drift) -> dict[str, Any]:
    return {
        "at_ms": drift.at_ms,
        "missing": list(drift.missing),
        "unknown": list(drift.unknown),
        "changed": list(drift.changed),
    }


def _fallback_view(kept: KeptFallback) -> dict[str, Any]:
    return {
        "evse_id": kept.evse_id,
        "purpose": kept.purpose.value,
        "profile_id": kept.profile_id,
        "limit": float(kept.amount),
        "unit": kept.unit.value,
        "ends_ms": kept.ends_ms,
        "standing": kept.standing.value,
        "at_ms": kept.at_ms,
    }


_LISTS: Sequence[tuple[str, str, type[Any], Any]] = (
    ("limits", LIMIT, KeptLimit, _limit_view),
    ("needs", NEEDS, KeptNeeds, _needs_view),
    ("plans", EV_SCHEDULE, KeptPlan, _plan_view),
    ("drift", DRIFT, Drift, _drift_view),
    ("fallbacks", FALLBACK, KeptFallback, _fallback_view),
)


def _composite_view(schedule: Composite) -> dict[str, Any]:
    shape: Mapping[str, Any] = {
        "evse_id": schedule.evse_id,
        "start": schedule.start,
        "duration_s": schedule.duration_s,
        "unit": schedule.unit.value,
        "periods": [lower_period(period) for period in schedule.periods],
    }
    view: dict[str, Any] = _plain(shape)
    return view


def _difference_view(difference: Difference) -> dict[str, Any]:
    return {
        "start_s": difference.start_s,
        "end_s": difference.end_s,
        "ours": None if difference.ours is None else float(difference.ours),
        "theirs": None if difference.theirs is None else float(difference.theirs),
        "above": difference.above,
    }


ROUTES = (get_profiles, get_limits, get_composite, post_limit, post_clear_limit)
