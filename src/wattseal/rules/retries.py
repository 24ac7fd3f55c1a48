"""Retries: one message, one record, the same answer again, whatever message id the retry comes under."""

import hashlib

from wattseal.crypto.hashes import sha256
from wattseal.model.facts import TransactionStarted


def start_key(fact: TransactionStarted) -> str:
    """Return what makes a 1.6 start the same start: connector, idTag, timestamp and meterStart."""
    token = fact.id_token.key() if fact.id_token else ""
    text = f"{fact.evse_id}|{token}|{fact.at.isoformat()}|{fact.register_wh}"
    return "start:" + sha256(text.encode()).hex()[:32]


def transaction_key(transaction_id: str) -> str:
    """Return the key under which a station's transaction id leads to the transaction's subject."""
    return f"tx:{transaction_id}"


def event_mark(event: str, seq_no: int) -> int:
    """Return a 64-bit mark of a 2.x transaction event: the same (event, seqNo) is the same event."""
    return int.from_bytes(sha256(f"{event}|{seq_no}".encode())[:8])


def payload_mark(payload: bytes) -> int:
    """Return a 64-bit mark of a message's payload, which does not contain its message id."""
    return int.from_bytes(hashlib.sha256(payload).digest()[:8])


def usable_transaction_id(transaction_id: str, *, ocpp16: bool) -> bool:
    """Return whether the id names one transaction: in 1.6, stations that started offline may send -1 or 0."""
    if not ocpp16:
        return bool(transaction_id)
    return transaction_id.isdecimal() and 0 < int(transaction_id) < 2**31
