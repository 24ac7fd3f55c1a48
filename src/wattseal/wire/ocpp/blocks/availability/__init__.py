"""Functional block G, availability: one file a message."""

from wattseal.wire.ocpp.blocks.availability import change_availability, status_notification
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (change_availability.MESSAGE, status_notification.MESSAGE)
