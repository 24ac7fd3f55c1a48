"""Functional block J, metering: one file a message."""

from wattseal.wire.ocpp.blocks.metering import meter_values
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (meter_values.MESSAGE,)
