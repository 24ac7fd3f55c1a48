"""Reservations as documents: what commands, stations, transactions and time make of them."""

from dataclasses import dataclass, replace

from wattseal.base.ids import StationId
from wattseal.flow.documents import put, read
from wattseal.flow.drivers.authorization import at
from wattseal.flow.drivers.known_tokens import find_token
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.ports import Batch, Put
from wattseal.flow.step import Step
from wattseal.flow.turn import Handlers, Turn
from wattseal.flow.world import World
from wattseal.model.answers import Acknowledged
from wattseal.model.remote import Responded
from wattseal.model.reservation import (
    CancelRequested,
    Reservation,
    ReservationEnded,
    ReservationStatus,
    ReserveRequested,
)
from wattseal.model.token import IdToken
from wattseal.model.verdict import Finding
from wattseal.rules.authorize import same_group

RESERVATION = "reservation"
"""Document kind, by station and id; active while the station may hold it."""
MAX_ID = 2**31 - 1
PAGE = 200
_ENDED = {
    "Expired": ReservationStatus.EXPIRED,
    "Removed": ReservationStatus.REMOVED,
    "NoTransaction": ReservationStatus.NO_TRANSACTION,
}


def reservation_key(station_id: str, number: int) -> str:
    """Return the key of a reservation's document."""
    return f"{station_id.casefold()}/{number:010d}"


def put_reservation(reservation: Reservation) -> Put:
    """Return a reservation's document."""
    return put(
        RESERVATION,
        reservation_key(reservation.station_id, reservation.id),
        reservation,
        reservation.changed_ms,
        station_id=reservation.station_id,
        active=reservation.status.open,
    )


async def find_reservation(world: World, station_id: str, number: int) -> Reservation | None:
    """Return a station's reservation."""
    document = await world.journal.document(world.tenant, RESERVATION, reservation_key(station_id, number))
    return None if document is None else read(document, Reservation)


async def list_reservations(
    world: World, *, station_id: str | None, active: bool | None, after: str, limit: int
) -> tuple[tuple[str, Reservation], ...]:
    """Return reservations with their keys, in the order of station and id."""
    page = await world.journal.documents(
        world.tenant,
        RESERVATION,
        station_id=None if station_id is None else StationId(station_id),
        active=active,
        after=after,
        limit=limit,
    )
    return tuple((document.key, read(document, Reservation)) for document in page)


def moved(known: Reservation, status: ReservationStatus, now_ms: int, transaction: str | None = None) -> Reservation:
    """Return a reservation with another status."""
    return replace(known, status=status, changed_ms=now_ms, transaction=transaction or known.transaction)


@dataclass(frozen=True, slots=True)
class Claim:
    """A transaction names a reservation; `entitled`: its token is the one it was made for, or of that group."""

    number: int
    known: Reservation | None
    entitled: bool

    def take(self, step: Step, subject: bytes) -> list[Finding]:
        """Mark the reservation as used by a transaction (2.x H03, 1.6 section 3.11); say what is odd about it."""
        where, number = "reservation_id", str(self.number)
        if self.known is None:
            return [Finding("reservation_unknown", where, number)]
        if self.known.transaction not in {None, subject.hex()}:
            return [Finding("reservation_used_twice", where, number)]
        step.puts.append(put_reservation(moved(self.known, ReservationStatus.USED, step.now_ms, subject.hex())))
        step.world.used_reservations.add(reservation_key(self.known.station_id, self.number))
        return [] if self.entitled else [Finding("reservation_of_another", "id_token", number)]


async def claim(turn: Turn, number: int | None, id_token: IdToken | None) -> Claim | None:
    """Look up the reservation that a transaction's message names, if it names one."""
    if number is None:
        return None
    known = await find_reservation(turn.world, turn.station.id, number)
    if known is None or id_token is None or id_token.key() == known.id_token.key():
        return Claim(number, known, entitled=True)
    token = await find_token(turn.world, id_token)
    return Claim(number, known, entitled=token is not None and same_group(token.group, known.group))


async def expire(world: World) -> int:
    """Mark reservations whose time is over, a page at a time; return how many there were.

    One that a charge has just used may still be read as it was: it stays what that charge makes of it.
    """
    now_ms = world.now_ms()
    now, after, count = at(now_ms), "", 0
    used_before, seen = frozenset(world.used_reservations), set[str]()
    while page := await list_reservations(world, station_id=None, active=True, after=after, limit=PAGE):
        seen |= {key for key, _ in page}
        late = [(key, found) for key, found in page if found.expires_at <= now]
        over = [
            moved(one, ReservationStatus.EXPIRED, now_ms) for key, one in late if key not in world.used_reservations
        ]
        if over:
            await world.journal.commit(Batch(world.tenant, puts=tuple(map(put_reservation, over))))
        count, after = count + len(over), page[-1][0]
    world.used_reservations -= used_before - seen
    return count


async def _ended(turn: Turn, fact: ReservationEnded) -> Acknowledged:
    known = await find_reservation(turn.world, turn.station.id, fact.id)
    if known is None:
        turn.world.count("reservation_unknown")
    elif known.status.open or known.status is ReservationStatus.EXPIRED:
        step = turn.step()
        step.puts.append(put_reservation(moved(known, _ENDED[fact.status], turn.now_ms)))
        await step.commit()
    return Acknowledged()


async def _reserved(answered: Answered, command: ReserveRequested, answer: Responded) -> None:
    """Keep a reservation as the station answered it; one with the same id is replaced where it was accepted."""
    known = await find_reservation(answered.world, answered.station_id, command.id)
    status = ReservationStatus(answer.status.lower())
    if known is not None and known.status is ReservationStatus.ACCEPTED and status is not ReservationStatus.ACCEPTED:
        return
    requested = known is not None and known.status is ReservationStatus.REQUESTED
    now_ms = answered.step.now_ms
    reservation = Reservation(
        station_id=answered.station_id,
        id=command.id,
        status=status,
        id_token=command.id_token,
        expires_at=command.expires_at,
        evse_id=command.evse_id,
        connector_type=command.connector_type,
        group=command.group,
        requested_ms=known.requested_ms if known is not None and requested else now_ms,
        changed_ms=now_ms,
        asked_by=answered.asked_by,
    )
    answered.step.puts.append(put_reservation(reservation))


async def _cancelled(answered: Answered, command: CancelRequested, answer: Responded) -> None:
    """Keep that a reservation was cancelled; a station that refuses does not have it (any more)."""
    known = await find_reservation(answered.world, answered.station_id, command.id)
    if known is None or not known.status.open:
        return
    status = ReservationStatus.CANCELLED if answer.status == "Accepted" else ReservationStatus.REMOVED
    world, step, key = answered.world, answered.step, reservation_key(known.station_id, known.id)

    def keep() -> None:
        if key not in world.used_reservations:  # it refused because a charge has it, which may not be read yet
            step.puts.append(put_reservation(moved(known, status, step.now_ms)))

    step.finally_do(keep)


HANDLERS: Handlers = {ReservationEnded: _ended}
EFFECTS: Effects = {ReserveRequested: _reserved, CancelRequested: _cancelled}
