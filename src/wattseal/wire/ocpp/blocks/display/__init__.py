"""Functional block O, display messages: one file a message."""

from wattseal.wire.ocpp.blocks.display import (
    clear_display_message,
    get_display_messages,
    notify_display_messages,
    set_display_message,
)
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (
    clear_display_message.MESSAGE,
    get_display_messages.MESSAGE,
    notify_display_messages.MESSAGE,
    set_display_message.MESSAGE,
)
