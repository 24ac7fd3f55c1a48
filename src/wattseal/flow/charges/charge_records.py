"""Records of a direct station's starts and ends, before they are written."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from wattseal.base.ids import EvseId
from wattseal.evidence.format import Moment
from wattseal.flow.charges.direct_records import examine_here, observe
from wattseal.flow.drivers.own_risk import beyond_cap
from wattseal.flow.fleet import quirks
from wattseal.flow.step import Plain
from wattseal.flow.turn import Turn
from wattseal.flow.world import Live
from wattseal.model.facts import TransactionEnded, TransactionStarted
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import Finding
from wattseal.rules.metered import Metered, pages_complete, reconcile, signed_end_wh, signed_start_wh
from wattseal.rules.retries import event_mark, payload_mark
from wattseal.rules.transactions import METER_COMPLETE, METER_SIGNED, milliseconds, note_end, note_pin, note_start
from wattseal.rules.vehicle import compare
from wattseal.seal.fields import Meter, Ops
from wattseal.seal.item import Kind

SIGNED_ELSEWHERE = "~csms"
"""Ending of the chain this CSMS writes for a station that has a signer of its own."""


def start_record(
    turn: Turn, fact: TransactionStarted, transaction_id: str, more: tuple[Finding, ...], own_end: str | None = None
) -> tuple[Plain, Metered]:
    """Return the record of a start, and what its meter signed; `own_end` is its end's record, where that came first."""
    metered = examine_here(turn, fact.readings, "started", Moment.BEGIN, fact.evse_id)
    register_wh, differs = reconcile(fact.register_wh, metered)
    last = turn.memory.last_end.get(fact.evse_id)
    last = None if last is not None and last[0].hex() == own_end else last
    station_ms = milliseconds(fact.at)
    known = () if metered.valid else quirks.notes(turn.station)
    seen = compare(metered.shown, None, register_wh, fact.id_token.key() if fact.id_token else None)
    notes = (
        *note_start(register_wh, last[1] if last else None, station_ms, turn.now_ms),
        *differs,
        *more,
        *known,
        *seen,
    )
    plain = Plain(
        kind=Kind.STARTED,
        ops=Ops(
            transaction_id=transaction_id,
            connector_id=fact.connector_id,
            evse_id=fact.evse_id,
            seq_no=fact.seq_no,
            station_ms=station_ms,
            trigger=fact.trigger,
            offline=fact.offline or None,
            remote_start_id=fact.remote_start_id,
            charging_state=fact.charging_state,
        ),
        meter=None if register_wh is None else _start_meter(register_wh, last, metered),
        observed=observe(turn, metered, notes),
        frame=turn.frame,
        mark=mark_of(turn, "Started", fact.seq_no),
    )
    return plain, metered


def end_record(turn: Turn, live: Live, fact: TransactionEnded, stream: EvseId, notes: Sequence[Finding]) -> Plain:
    """Return the record of an end, judged by all that is known of the transaction; its number is counted already."""
    transaction = live.transaction
    station_ms = milliseconds(fact.at)
    metered = examine_here(turn, fact.readings, "ended", Moment.END, transaction.place or fact.evse_id or stream)
    if not metered.evidence:
        metered = replace(metered, signed_wh=signed_end_wh(live.pages))
    register_wh, differs = reconcile(fact.register_wh, metered)
    judged = [*notes, *note_end(transaction, register_wh, live.highest_wh, station_ms, turn.now_ms), *differs]
    judged.extend(compare(metered.shown, live.highest_wh or transaction.start_wh, register_wh, live.token))
    exact_wh = signed_start_wh((*live.pages, *metered.valid), transaction.start_wh, register_wh)
    if exact_wh is not None:
        judged.append(Finding(METER_SIGNED, "start_wh", f"{exact_wh:f}"))
        if live.numbers.complete and pages_complete((*live.pages, *metered.valid)):
            judged.append(Finding(METER_COMPLETE))
    if live.numbers.gap:
        judged.append(Finding("sequence_gap", "seq_no"))
    judged.extend(note_pin(transaction, turn.station, meter_signed=exact_wh is not None))
    judged.extend(beyond_cap(live.authorization, _drawn(transaction, register_wh)))
    if turn.origin.endswith(SIGNED_ELSEWHERE):
        judged.append(Finding("plain_at_signed_station", "signature"))
    return Plain(
        kind=Kind.ENDED,
        ops=Ops(
            transaction_id=str(fact.transaction_id),
            reason=fact.reason,
            seq_no=fact.seq_no,
            station_ms=station_ms,
            trigger=fact.trigger,
            offline=fact.offline or None,
            charging_state=fact.charging_state,
            charging_s=fact.charging_s,
        ),
        meter=None if register_wh is None else Meter(register_wh, evidence=metered.evidence),
        observed=observe(turn, metered, tuple(judged)),
        frame=turn.frame,
        mark=mark_of(turn, "Ended", fact.seq_no),
    )


def _drawn(transaction: Transaction, end_wh: Decimal | None) -> Decimal | None:
    return None if end_wh is None or transaction.start_wh is None else end_wh - transaction.start_wh


def _start_meter(register_wh: Decimal, last: tuple[bytes, Decimal] | None, metered: Metered) -> Meter:
    if last is None:
        return Meter(register_wh, evidence=metered.evidence)
    return Meter(register_wh, unaccounted_wh=register_wh - last[1], prev_end=last[0], evidence=metered.evidence)


def mark_of(turn: Turn, event: str, seq_no: int | None) -> int:
    """Return the mark of the turn's message, a 2.x event or any other."""
    return payload_mark(turn.payload) if seq_no is None else event_mark(event, seq_no)
