"""Stops and meter values of 1.6 that name no transaction (-1 or 0): brought to the one they are of, where that is sure.

A stop that was matched ends its transaction, which is kept from being billed until somebody has looked at it.
"""

from wattseal.flow.live import Live
from wattseal.flow.turn import Turn
from wattseal.model.facts import MeterReported, TransactionEnded
from wattseal.model.metering import ENERGY_IMPORT_REGISTER, energy_register_wh
from wattseal.model.verdict import Finding
from wattseal.rules.retries import usable_transaction_id
from wattseal.rules.transactions import milliseconds
from wattseal.rules.unnamed import Open, Unnamed, find_named

BEGIN = "Transaction.Begin"


def unnamed_end(turn: Turn, fact: TransactionEnded) -> tuple[Live | None, list[Finding]]:
    """Return the transaction that an end without an id is of, None where that is not sure, and what to note."""
    notes = [Finding("unusable_transaction_id", "transaction_id")]
    begins = (r.value for r in fact.readings if (r.context, r.measurand) == (BEGIN, ENERGY_IMPORT_REGISTER))
    told = Unnamed(
        at_ms=milliseconds(fact.at),
        register_wh=fact.register_wh,
        begin_wh=next((value for value in begins if value is not None), None),
        token=None if fact.id_token is None else fact.id_token.key(),
    )
    live, matched = _match(turn, told)
    return live, [*notes, *matched]


def unnamed_reading(turn: Turn, fact: MeterReported) -> tuple[Live | None, tuple[Finding, ...]]:
    """Return the transaction that meter values with an id of none are of, and what to note; None for all others."""
    if fact.transaction_id is None or not fact.readings or usable_transaction_id(fact.transaction_id, ocpp16=True):
        return None, ()
    at_ms = milliseconds(max(reading.at for reading in fact.readings))
    return _match(turn, Unnamed(at_ms, fact.evse_id, energy_register_wh(fact.readings)))


def _match(turn: Turn, told: Unnamed) -> tuple[Live | None, tuple[Finding, ...]]:
    lives = turn.memory.live
    found = find_named((_open(name, live) for name, live in lives.items() if live.transaction.active), told)
    if found is None:
        return None, ()
    return lives[found.transaction_id], (Finding("matched_by_evidence", "transaction_id", found.transaction_id),)


def _open(name: str, live: Live) -> Open:
    transaction = live.transaction
    highest_wh = transaction.start_wh if live.highest_wh is None else live.highest_wh
    return Open(name, transaction.evse_id, transaction.started_ms, transaction.start_wh, highest_wh, live.token)
