"""Reservations: an EVSE, or any, kept free for a token until it comes or the time is over (2.x block H)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wattseal.base.ids import EvseId
from wattseal.model.message import Command, Fact
from wattseal.model.token import IdToken


class ReservationStatus(StrEnum):
    """Where a reservation stands.

    `requested` was sent and `unanswered` never answered: whether the station holds it is not known. `accepted` holds.
    The station refused with `occupied`, `faulted`, `unavailable` or `rejected`, or was never reached. It ended `used`
    by a transaction, `expired`, `cancelled` by us, `removed` by the station, or `no_transaction`: the driver came
    and did not charge (2.1).
    """

    REQUESTED = "requested"
    UNANSWERED = "unanswered"
    ACCEPTED = "accepted"
    OCCUPIED = "occupied"
    FAULTED = "faulted"
    UNAVAILABLE = "unavailable"
    REJECTED = "rejected"
    USED = "used"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REMOVED = "removed"
    NO_TRANSACTION = "no_transaction"

    @property
    def open(self) -> bool:
        """Whether the station may hold it."""
        return self in {ReservationStatus.REQUESTED, ReservationStatus.UNANSWERED, ReservationStatus.ACCEPTED}


@dataclass(frozen=True, slots=True)
class ReserveRequested(Command):
    """Reserve (2.x H01; 1.6 section 5.13); the same id again replaces a reservation.

    Without `evse_id` any EVSE will do, or any with a connector of `connector_type` (2.x only).
    """

    id: int
    id_token: IdToken
    expires_at: datetime
    evse_id: EvseId | None = None
    connector_type: str | None = None
    group: IdToken | None = None


@dataclass(frozen=True, slots=True)
class CancelRequested(Command):
    """Cancel a reservation (2.x H02; 1.6 section 5.1)."""

    id: int


@dataclass(frozen=True, slots=True)
class ReservationEnded(Fact):
    """ReservationStatusUpdate (2.x H04): `status` is Expired, Removed or, in 2.1, NoTransaction."""

    id: int
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A reservation of one station; `id` is unique there. `transaction` is the one that used it, by our id.

    `asked_by` is the name of who asked.
    """

    station_id: str
    id: int
    status: ReservationStatus
    id_token: IdToken
    expires_at: datetime
    evse_id: int | None = None
    connector_type: str | None = None
    group: IdToken | None = None
    requested_ms: int
    changed_ms: int
    asked_by: str
    transaction: str | None = None
