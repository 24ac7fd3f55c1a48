"""Records of a direct station's starts and ends, before they are written."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from wattseal.base.ids import EvseId
from wattseal.evidence.format import Moment
from wattseal.flow.charges.direct_records import examine_here, observe
from wattseal.flow.charges.watching import Told, at_end, at_start, power_of, span_before, take
from wattseal.flow.drivers.own_risk import beyond_cap
from wattseal.flow.fleet import quirks
from wattseal.flow.live import Live
from wattseal.flow.step import Plain
from wattseal.flow.turn import Turn
from wattseal.model.continuity import Span
from wattseal.model.facts import TransactionEnded, TransactionStarted
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import Finding, Source
from wattseal.rules.metered import Metered, pages_complete, reconcile, signed_end_wh, signed_start_wh
from wattseal.rules.retries import event_mark, payload_mark
from wattseal.rules.transactions import METER_COMPLETE, METER_SIGNED, milliseconds
from wattseal.rules.vehicle import compare
from wattseal.seal.fields import Meter, Ops
from wattseal.seal.item import Kind
from wattseal.watch.detector import Moment as At

SIGNED_ELSEWHERE = "~csms"
"""Ending of the chain this CSMS writes for a station that has a signer of its own."""


def start_record(
    turn: Turn,
    fact: TransactionStarted,
    transaction_id: str,
    more: tuple[Finding, ...],
    live: bytes | Live,
) -> tuple[Plain, Metered]:
    """Return the record of a start, and what its meter signed; `live` is its subject, or all that is known of it."""
    metered = examine_here(turn, fact.readings, "started", Moment.BEGIN, fact.evse_id)
    register_wh, differs = reconcile(fact.register_wh, metered)
    station_ms = milliseconds(fact.at)
    told = Told(station_ms, register_wh, station_ms, metered.valid, fact.offline)
    seen = at_start(turn, live, fact.evse_id, told)
    known = () if metered.valid else quirks.notes(turn.station)
    vehicle = compare(metered.shown, None, register_wh, fact.id_token.key() if fact.id_token else None)
    notes = (*turn.world.watch.look(At.START, seen), *differs, *more, *known, *vehicle)
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
        meter=None if register_wh is None else _start_meter(register_wh, span_before(seen), metered),
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
    exact_wh = signed_start_wh((*live.pages, *metered.valid), transaction.start_wh, register_wh)
    source = transaction.source if exact_wh is None else Source.METER
    told = Told(station_ms, register_wh, station_ms, metered.valid, fact.offline)
    judged = [*notes, *at_end(turn, live, told, source), *differs]
    judged.extend(compare(metered.shown, live.highest_wh or transaction.start_wh, register_wh, live.token))
    if register_wh is None or transaction.start_wh is None:
        judged.append(Finding("no_register", "register_wh"))
    take(live, told, power_of(fact.readings), good=False)
    if exact_wh is not None:
        judged.append(Finding(METER_SIGNED, "start_wh", f"{exact_wh:f}"))
        if live.numbers.complete and pages_complete((*live.pages, *metered.valid)):
            judged.append(Finding(METER_COMPLETE))
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


def _start_meter(register_wh: Decimal, before: Span | None, metered: Metered) -> Meter:
    if before is None or before.end_wh is None:
        return Meter(register_wh, evidence=metered.evidence)
    unaccounted_wh = register_wh - before.end_wh
    prev_end = bytes.fromhex(before.record)
    return Meter(register_wh, unaccounted_wh=unaccounted_wh, prev_end=prev_end, evidence=metered.evidence)


def mark_of(turn: Turn, event: str, seq_no: int | None) -> int:
    """Return the mark of the turn's message, a 2.x event or any other."""
    return payload_mark(turn.payload) if seq_no is None else event_mark(event, seq_no)
