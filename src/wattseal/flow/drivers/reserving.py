"""Reserve and cancel: what people ask for, as commands to the station."""

from dataclasses import dataclass
from datetime import datetime

from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId, StationId
from wattseal.flow.commands import DEADLINE_S, Declined, Outcome, Unanswered, UnknownStationError, send
from wattseal.flow.drivers.authorization import at
from wattseal.flow.drivers.known_tokens import find_token
from wattseal.flow.drivers.reservations import MAX_ID, find_reservation, moved, put_reservation
from wattseal.flow.ports import Batch
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.model.reservation import CancelRequested, Reservation, ReservationStatus, ReserveRequested
from wattseal.model.token import IdToken

MAX_DAYS = 30
"""Nobody reserves for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be reserved, for whom, until when; without `group` the one the token is known to have."""

    id_token: IdToken
    expires_at: datetime
    evse_id: int | None = None
    connector_type: str | None = None
    group: IdToken | None = None


async def reserve(
    world: World, principal: Principal, station_id: StationId, wish: Wish, deadline_s: float = DEADLINE_S
) -> tuple[Outcome, Reservation]:
    """Draw an id, keep the reservation as requested, ask the station, and return what became of it.

    Raises `InputError` where the wish cannot be or the station's version cannot spell it.
    """
    memory = await remember_station(world, station_id)
    if memory is None:
        raise UnknownStationError("there is no such station", subject=station_id)
    now_ms = world.now_ms()
    _check(wish, now_ms)
    token = await find_token(world, wish.id_token)
    group = wish.group or (None if token is None else token.group)
    evse_id = None if wish.evse_id is None else EvseId(wish.evse_id)
    number = await _draw(world, memory.station.id)
    command = ReserveRequested(number, wish.id_token, wish.expires_at, evse_id, wish.connector_type, group)
    requested = Reservation(
        station_id=memory.station.id,
        id=number,
        status=ReservationStatus.REQUESTED,
        id_token=wish.id_token,
        expires_at=wish.expires_at,
        evse_id=wish.evse_id,
        connector_type=wish.connector_type,
        group=group,
        requested_ms=now_ms,
        changed_ms=now_ms,
        asked_by=principal.name,
    )
    await world.journal.commit(Batch(world.tenant, puts=(put_reservation(requested),)))
    try:
        outcome = await send(world, principal, station_id, command, deadline_s)
    except InputError:
        await _keep(world, moved(requested, ReservationStatus.REJECTED, world.now_ms()))
        raise
    if isinstance(outcome, Declined | Unanswered):
        await _keep(world, moved(requested, _without_answer(outcome), world.now_ms()))
    return outcome, await find_reservation(world, memory.station.id, number) or requested


async def cancel(
    world: World, principal: Principal, reservation: Reservation, deadline_s: float = DEADLINE_S
) -> tuple[Outcome, Reservation]:
    """Ask the station to let a reservation go; return what became of it."""
    station_id = StationId(reservation.station_id)
    outcome = await send(world, principal, station_id, CancelRequested(reservation.id), deadline_s)
    return outcome, await find_reservation(world, station_id, reservation.id) or reservation


def _check(wish: Wish, now_ms: int) -> None:
    now = at(now_ms)
    if wish.expires_at <= now:
        raise InputError("a reservation ends in the future", subject="expires_at")
    if (wish.expires_at - now).days > MAX_DAYS:
        raise InputError(f"a reservation ends within {MAX_DAYS} days", subject="expires_at")
    if wish.evse_id is not None and wish.connector_type is not None:
        raise InputError("name an EVSE or a type of connector, not both", subject="connector_type")


def _without_answer(outcome: Declined | Unanswered) -> ReservationStatus:
    """Return where a reservation stands that was not answered: what was sent may be held, unless it was an error."""
    match outcome:
        case Unanswered(reason="timed_out" | "unreadable"):
            return ReservationStatus.UNANSWERED
        case _:
            return ReservationStatus.REJECTED


async def _draw(world: World, station_id: str) -> int:
    """Draw an id that this station has not had."""
    while True:
        drawn = int.from_bytes(world.random.bytes(4)) % MAX_ID + 1
        if await find_reservation(world, station_id, drawn) is None:
            return drawn


async def _keep(world: World, reservation: Reservation) -> None:
    await world.journal.commit(Batch(world.tenant, puts=(put_reservation(reservation),)))
