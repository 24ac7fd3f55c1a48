"""Functional block D, local authorisation lists: one file a message."""

from wattseal.wire.ocpp.blocks.local_lists import get_local_list_version, send_local_list
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (get_local_list_version.MESSAGE, send_local_list.MESSAGE)
