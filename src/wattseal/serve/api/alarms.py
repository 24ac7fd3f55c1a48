"""Alarms: what somebody should look at."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.alarm_keeper import AlarmKeeper
from wattseal.flow.documents import ALARM, read
from wattseal.model.alarm import Alarm
from wattseal.model.principal import Principal
from wattseal.rules.alarms import shown_to
from wattseal.seal.alarm import AlarmEvent
from wattseal.serve.alarm_actions import action_of, runbook_of
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, Service, ShortQuery, What, Who

READ, HANDLE, READ_ENERGY = "alarms:read", "alarms:handle", "energy:read"


@get("/alarms")
async def get_alarms(
    principal: Who,
    service: What,
    request: Req,
    *,
    limit: Limit = 100,
    station_id: ShortQuery = None,
    stands: FromQuery[bool | None] = None,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List alarms, oldest first, with `stands` those that wait for somebody or not; `Link` leads to the next page.

    What a charge's records tell is in `detail` for those who have `energy:read`.
    """
    demand(principal, READ)
    page = await service.world.journal.documents(
        principal.tenant,
        ALARM,
        station_id=None if station_id is None else StationId(station_id),
        active=stands,
        after=after or "",
        limit=limit,
    )
    views = [_view(principal, document.key, read(document, Alarm)) for document in page]
    return paged(request, views, page[-1].key if len(page) == limit else None)


@post("/alarms/{key:str}/acknowledge", status_code=200)
async def post_acknowledge(principal: Who, service: What, key: FromPath[str]) -> dict[str, Any]:
    """Say that somebody looks at an alarm; on record, with who it is."""
    return await _act(principal, service, key, AlarmEvent.ACKNOWLEDGED)


@post("/alarms/{key:str}/close", status_code=200)
async def post_alarm_close(principal: Who, service: What, key: FromPath[str]) -> dict[str, Any]:
    """Close an alarm that was looked at; on record, with who did. The same raised again is a new one."""
    return await _act(principal, service, key, AlarmEvent.CLOSED)


async def _act(principal: Principal, service: Service, key: str, event: AlarmEvent) -> dict[str, Any]:
    demand(principal, HANDLE)
    by = await service.api_tokens.author_of(principal.name)
    try:
        return _view(principal, key, await AlarmKeeper(service.world).act(key, event, by))
    except InputError as error:
        raise ProblemError(404 if error.code == "no_alarm" else 409, error.code, str(error)) from error


def _view(principal: Principal, key: str, alarm: Alarm) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(shown_to(alarm, reads_energy=principal.may(READ_ENERGY)))
    return told | {"id": key, "action": action_of(alarm), "runbook": runbook_of(alarm.code)}


ROUTES = (get_alarms, post_acknowledge, post_alarm_close)
