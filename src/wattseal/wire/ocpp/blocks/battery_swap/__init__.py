"""Functional block S, battery swapping (2.1): one file a message."""

from wattseal.wire.ocpp.blocks.battery_swap import battery_swap, request_battery_swap
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (battery_swap.MESSAGE, request_battery_swap.MESSAGE)
