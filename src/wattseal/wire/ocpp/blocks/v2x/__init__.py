"""Functional block Q, bidirectional power (2.1): one file a message."""

from wattseal.wire.ocpp.blocks.v2x import afrr_signal, notify_allowed_energy_transfer
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (afrr_signal.MESSAGE, notify_allowed_energy_transfer.MESSAGE)
