"""Functional block F, remote control: one file a message."""

from wattseal.wire.ocpp.blocks.remote_control import (
    extended_trigger_message,
    remote_start_transaction,
    remote_stop_transaction,
    request_start_transaction,
    request_stop_transaction,
    trigger_message,
    unlock_connector,
)
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (
    extended_trigger_message.MESSAGE,
    remote_start_transaction.MESSAGE,
    remote_stop_transaction.MESSAGE,
    request_start_transaction.MESSAGE,
    request_stop_transaction.MESSAGE,
    trigger_message.MESSAGE,
    unlock_connector.MESSAGE,
)
