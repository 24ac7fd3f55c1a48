"""Reservations: EVSEs kept free for a token."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from wattseal.base.ids import StationId
from wattseal.flow.drivers import reserving
from wattseal.flow.drivers.reservations import find_reservation, list_reservations
from wattseal.model.principal import Principal
from wattseal.model.reservation import Reservation
from wattseal.model.token import IdToken
from wattseal.serve.api.bodies import Body, GroupBody, ShortText
from wattseal.serve.api.commands import answered
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who

READ, WRITE = "reservations:read", "reservations:write"


class ReservationBody(Body, frozen=True, kw_only=True):
    """`POST /api/v1/reservations`: at one EVSE, at any with a connector of a type (2.x only), or at any.

    Without `group` it is made for the group the token is known to have, too.
    """

    station_id: ShortText
    id_token: ShortText
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] = "ISO14443"
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)]
    evse_id: Annotated[int, msgspec.Meta(ge=1, le=9999)] | None = None
    connector_type: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] | None = None
    group: GroupBody | None = None

    def wish(self) -> reserving.Wish:
        """Return what is to be reserved."""
        return reserving.Wish(
            id_token=IdToken(self.id_token, self.type),
            expires_at=self.expires_at.astimezone(UTC),
            evse_id=self.evse_id,
            connector_type=self.connector_type,
            group=None if self.group is None else IdToken(self.group.id_token, self.group.type),
        )


@post("/reservations")
async def post_reservation(principal: Who, service: What, data: JSONBody[ReservationBody]) -> dict[str, Any]:
    """Reserve at a station (201); `status` says what the station made of it."""
    demand(principal, WRITE)
    outcome, made = await reserving.reserve(service.world, principal, StationId(data.station_id), data.wish())
    answered(outcome)
    return reservation_view(made, principal)


@get("/reservations")
async def get_reservations(
    principal: Who,
    service: What,
    request: Req,
    *,
    limit: Limit = 100,
    station_id: ShortQuery = None,
    active: FromQuery[bool | None] = None,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List reservations of one station or all; `active` ones the station may still hold."""
    demand(principal, READ)
    page = await list_reservations(service.world, station_id=station_id, active=active, after=after or "", limit=limit)
    views = [reservation_view(found, principal) for _, found in page]
    return paged(request, views, page[-1][0] if len(page) == limit else None)


@get("/stations/{station_id:str}/reservations/{number:int}")
async def get_reservation(
    principal: Who, service: What, station_id: FromPath[str], number: FromPath[int]
) -> dict[str, Any]:
    """Show one reservation."""
    demand(principal, READ)
    return reservation_view(await _find(service, station_id, number), principal)


@delete("/stations/{station_id:str}/reservations/{number:int}", status_code=200)
async def delete_reservation(
    principal: Who, service: What, station_id: FromPath[str], number: FromPath[int]
) -> dict[str, Any]:
    """Have the station cancel a reservation; `removed` means that it did not have it."""
    demand(principal, WRITE)
    known = await _find(service, station_id, number)
    if not known.status.open:
        raise ProblemError(409, "reservation_over", "this reservation is over; there is nothing to cancel")
    outcome, left = await reserving.cancel(service.world, principal, known)
    answered(outcome)
    return reservation_view(left, principal)


async def _find(service: What, station_id: str, number: int) -> Reservation:
    known = await find_reservation(service.world, station_id, number) if 0 <= number < 2**53 else None
    if known is None:
        raise ProblemError(404, "not_found", "there is no such reservation")
    return known


def reservation_view(reservation: Reservation, principal: Principal) -> dict[str, Any]:
    """Return a reservation; the driver's token only for those who may read tokens."""
    token, group = reservation.id_token, reservation.group
    reads = principal.may("tokens:read")
    return {
        "station_id": reservation.station_id,
        "id": reservation.id,
        "status": reservation.status.value,
        "active": reservation.status.open,
        "id_token": token.value if reads else None,
        "type": token.type if reads else None,
        "group": None if group is None or not reads else {"id_token": group.value, "type": group.type},
        "evse_id": reservation.evse_id,
        "connector_type": reservation.connector_type,
        "expires_at": reservation.expires_at,
        "requested_at_ms": reservation.requested_ms,
        "changed_at_ms": reservation.changed_ms,
        "asked_by": reservation.asked_by,
        "transaction": reservation.transaction,
    }


ROUTES = (post_reservation, get_reservations, get_reservation, delete_reservation)
