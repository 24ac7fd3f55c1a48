"""Functional block C, authorisation: one file a message."""

from wattseal.wire.ocpp.blocks.authorization import authorize, clear_cache
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (authorize.MESSAGE, clear_cache.MESSAGE)
