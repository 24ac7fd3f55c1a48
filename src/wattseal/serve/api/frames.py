"""OCPP frames as they went over the wire, for finding out what a station and this CSMS said to each other."""

import asyncio
from typing import Annotated, Any, Literal

from litestar import Response, get
from litestar.params import FromPath, FromQuery, PathParameter, QueryParameter

from wattseal.serve.api.paging import Instant, milliseconds, paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, Service, ShortQuery, What, Who
from wattseal.stores.frame_queries import Frame, FrameQuery
from wattseal.stores.frames import FrameStore

READ = "frames:read"
Cursor = Annotated[int, QueryParameter(ge=0, le=10**15)]
Number = Annotated[int, PathParameter(ge=0, le=10**15)]


@get("/frames")
async def get_frames(
    principal: Who,
    service: What,
    request: Req,
    *,
    limit: Limit = 100,
    station_id: ShortQuery = None,
    since: Instant = None,
    until: Instant = None,
    action: ShortQuery = None,
    direction: FromQuery[Literal["in", "out"] | None] = None,
    message_id: ShortQuery = None,
    text: ShortQuery = None,
    faulty: FromQuery[bool | None] = None,
    after: Cursor = 0,
) -> Response[list[dict[str, Any]]]:
    """List frames in the order they went; `text` is found anywhere in one, `faulty` ones are errors or were refused.

    Frames name drivers' tokens; passwords in them are hidden.
    """
    demand(principal, READ)
    query = FrameQuery(
        limit=limit,
        after=after,
        station_id=station_id,
        since_ms=milliseconds(since, "since"),
        until_ms=milliseconds(until, "until"),
        action=action,
        outgoing=None if direction is None else direction == "out",
        message_id=message_id,
        text=text,
        faulty=faulty,
    )
    found, next_id = await asyncio.to_thread(_store(service).find, query)
    return paged(request, [_view(frame) for frame in found], None if next_id is None else str(next_id))


@get("/frames/{number:int}")
async def get_frame(principal: Who, service: What, number: FromPath[Number]) -> dict[str, Any]:
    """Show one frame."""
    demand(principal, READ)
    found = await asyncio.to_thread(_store(service).get, number)
    if found is None:
        raise ProblemError(404, "not_found", "there is no such frame, or it was kept long enough")
    return _view(found)


def _store(service: Service) -> FrameStore:
    if service.frames is None:
        raise ProblemError(404, "frames_not_kept", "frames are not kept here; set enabled in [frames]")
    return service.frames


def _view(frame: Frame) -> dict[str, Any]:
    return {
        "id": frame.id,
        "at_ms": frame.at_ms,
        "station_id": frame.station_id,
        "direction": "out" if frame.outgoing else "in",
        "type": frame.type,
        "action": frame.action,
        "message_id": frame.message_id,
        "code": frame.code,
        "note": frame.note,
        "frame": frame.frame,
    }


ROUTES = (get_frames, get_frame)
