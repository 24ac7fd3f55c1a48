"""Functional block E, transactions: one file a message."""

from wattseal.wire.ocpp.blocks.transactions import (
    get_transaction_status,
    start_transaction,
    stop_transaction,
    transaction_event,
)
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (
    get_transaction_status.MESSAGE,
    start_transaction.MESSAGE,
    stop_transaction.MESSAGE,
    transaction_event.MESSAGE,
)
