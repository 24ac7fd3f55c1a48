"""When a transaction has ended, its bundle is due at the eMSP that decided on it."""

from wattseal.flow.ports import Outgoing
from wattseal.model.transaction import Transaction

SETTLE = "settle"
"""Outbox kind: a transaction, by id, whose bundle is to be settled."""


def settlement_due(transaction: Transaction, own_party: str, now_ms: int) -> tuple[Outgoing, ...]:
    """Return the message that sends an ended transaction's bundle to its eMSP; none for the CPO's own customers."""
    if transaction.ended is None or transaction.party in {None, own_party}:
        return ()
    return (Outgoing(f"{SETTLE}-{transaction.id}", SETTLE, transaction.id.encode(), now_ms),)
