"""What a session is billed once for: the hash of what was measured, where and when.

Whatever ids, messages or protocol versions told of it, one physical session has one evidence hash: replays, duplicate
stops and retries under other names come to the same. Ones that tell slightly different figures of the same charge do
not: their registers overlap, which the billing gate looks at.
"""

from decimal import ROUND_FLOOR, Decimal

from wattseal.crypto.hashes import sha256
from wattseal.model.transaction import Transaction
from wattseal.seal import dcbor

DOMAIN = "wattseal-evidence-v1"


def evidence_hash(party: str, transaction: Transaction) -> bytes:
    """Return the hash of an ended session at a station of `party`.

    Where this CPO reads the registers it covers them in whole Wh, with start and end in whole seconds of the station's
    time: 1.6 tells no more. Sealed ones are hashed by the record of their end, which no second session can share.
    """
    place = [DOMAIN, party, transaction.station_id.casefold(), transaction.place]
    if transaction.sealed or transaction.start_wh is None or transaction.end_wh is None:
        return sha256(dcbor.encode([*place, bytes.fromhex(transaction.ended or "")]))
    wh = [_whole(transaction.start_wh), _whole(transaction.end_wh)]
    return sha256(dcbor.encode([*place, *wh, _seconds(transaction.started_ms), _seconds(transaction.ended_ms)]))


def _whole(register_wh: Decimal) -> int:
    return int(register_wh.to_integral_value(ROUND_FLOOR))


def _seconds(ms: int | None) -> int | None:
    return None if ms is None else ms // 1000
