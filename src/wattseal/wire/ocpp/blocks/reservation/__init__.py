"""Functional block H, reservations: one file a message."""

from wattseal.wire.ocpp.blocks.reservation import cancel_reservation, reservation_status_update, reserve_now
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (cancel_reservation.MESSAGE, reservation_status_update.MESSAGE, reserve_now.MESSAGE)
