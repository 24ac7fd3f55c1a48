"""Functional block P, data transfer: one file a message."""

from wattseal.wire.ocpp.blocks.data_transfer import data_transfer
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (data_transfer.MESSAGE,)
