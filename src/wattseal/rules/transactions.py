"""Transactions: what the recorder notes about each fact, and how records add up to the transaction they are about."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from wattseal.model.identity_level import RISING, level_of, with_signed
from wattseal.model.token import TokenStatus
from wattseal.model.transaction import Settled, Transaction
from wattseal.model.verdict import Finding, Source, Verdict
from wattseal.rules.billing import bill
from wattseal.rules.identity_level import signed_level
from wattseal.rules.notes import is_alarm
from wattseal.rules.recorded import Recorded
from wattseal.seal.fields import Decision, Ops, Settlement, SettlementVerdict
from wattseal.seal.item import Kind
from wattseal.seal.ruling import Ruling

METER_SIGNED = "meter_signed"
"""Note of an end whose registers, begin and end, one enrolled meter signed; its detail is the begin, exactly."""
METER_COMPLETE = "meter_complete"
"""Note of such an end when neither OCPP sequence numbers nor the meter's pages have a gap."""
CLOSED = "closed_without_stop"
"""Note of an end that a person recorded, for its station never told one; its detail says who and why."""
BEGIN_LATER = "begin_in_update"
"""Note of a register that a station read at the start and told when it knew the EVSE (2.x E01.FR.17); its detail."""
MISSING = "messages_missing"
"""Note on a session whose station does not send messages that are missing by their numbers."""
MISSING_STOP = "missing_stop"
"""Note on a session that has no end although its EVSE is free again, or has gone on."""
_EVENTS = frozenset({Kind.STARTED, Kind.READING, Kind.ENDED})
MAX_VERDICTS = 256
"""Verdicts that a transaction shows; every record keeps its own."""
MAX_OF_A_CODE = 8
"""Notes of one code that a transaction shows; every record keeps its own."""


def milliseconds(at: datetime) -> int:
    """Return Unix milliseconds of an aware datetime."""
    return int(at.timestamp() * 1000)


def begin(subject: bytes, station_id: str, now_ms: int, *, signer: Source = Source.CSMS) -> Transaction:
    """Return the transaction before any record of it; `signer` is who signs its records."""
    return Transaction(id=subject.hex(), station_id=station_id, recorded_ms=now_ms, source=signer)


def apply(transaction: Transaction, record: Recorded) -> Transaction:
    """Return the transaction with one more record of its own. What is once said is never overwritten."""
    changes = (
        told_anew(transaction, record.kind, record.ops) | _facts(transaction, record) | _identified(transaction, record)
    )
    observed = record.observed
    if observed.notes or observed.verdicts:
        changes["alarms"] = _added(transaction.alarms, tuple(n for n in observed.notes if is_alarm(n)))
        changes["findings"] = _added(transaction.findings, tuple(n for n in observed.notes if not is_alarm(n)))
        if any(n.code == "sequence_healed" for n in observed.notes):
            changes["findings"] = tuple(n for n in changes["findings"] if n.code != "sequence_gap")
            if transaction.started is not None or "started" in changes:
                changes["alarms"] = tuple(n for n in changes["alarms"] if n.code != MISSING)
        if "ended" in changes and all(n.code != CLOSED for n in observed.notes):
            changes["findings"] = tuple(n for n in changes["findings"] if n.code != CLOSED)
        changes["verdicts"] = (*transaction.verdicts, *observed.verdicts)[:MAX_VERDICTS]
        exact = next((n.detail for n in observed.notes if n.code == METER_SIGNED), None)
        if exact is not None:
            changes |= {"source": Source.METER, "start_wh": Decimal(exact)}
        later = next((n.detail for n in observed.notes if n.code == BEGIN_LATER), None)
        if later is not None and transaction.start_wh is None:
            changes["start_wh"] = Decimal(later)
    if not changes:
        return transaction
    new = replace(transaction, **changes)
    if new.active:
        return new
    if new.energy_wh is not None and any(n.code == "no_register" for n in new.findings):
        new = replace(new, findings=tuple(n for n in new.findings if n.code != "no_register"))
    billing, reason = bill(new)
    return replace(new, billing=billing, reason=reason)


def _identified(transaction: Transaction, record: Recorded) -> dict[str, Any]:
    """Return what a verified record of the meter at the start or end says of who was identified."""
    if record.meter is None or record.kind not in {Kind.STARTED, Kind.ENDED} or not record.meter.evidence:
        return {}
    verdicts = record.observed.verdicts
    if not verdicts or any(one.verdict is not Verdict.VALID for one in verdicts):
        return {}
    signed = signed_level(record.meter.evidence)
    if signed is None:
        return {}
    level = with_signed(transaction.identity_level, signed)
    return {} if level == transaction.identity_level else {"identity_level": level}


def _shown(decision: Decision) -> dict[str, Any]:
    """Return what whoever decided says of more than a number that was shown."""
    if decision.identified is None or decision.identified[0] not in RISING:
        return {}
    level, reference = decision.identified
    return {"identity_level": level, "identified": reference.hex()}


def told_anew(transaction: Transaction, kind: Kind, ops: Ops | None) -> dict[str, Any]:
    """Return what a message tells beside its event: state of charging, remote start, EVSE; {} where that is known.

    An event that arrives late does not bring back an older state, and nothing follows the end.
    """
    if ops is None or not transaction.active or kind not in _EVENTS:
        return {}
    changes: dict[str, Any] = {}
    state, seq = ops.charging_state, ops.seq_no or 0
    if state is not None and (transaction.charging_seq is None or seq >= transaction.charging_seq):
        changes |= {} if state == transaction.charging_state else {"charging_state": state, "charging_seq": seq}
    if ops.charging_s is not None and (changes or kind is Kind.ENDED):
        changes["charging_s"] = max(ops.charging_s, transaction.charging_s or 0)
    if ops.remote_start_id is not None and transaction.remote_start_id is None:
        changes["remote_start_id"] = ops.remote_start_id
    if kind is Kind.READING and ops.evse_id and not transaction.place:
        changes["told_evse_id"] = ops.evse_id
    return changes


def _added(known: tuple[Finding, ...], more: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the notes with those that are new; of one code no more are kept than say what is going on."""
    kept = list(known)
    for note in more:
        if note not in kept and sum(n.code == note.code for n in kept) < MAX_OF_A_CODE:
            kept.append(note)
    return tuple(kept)


def _facts(transaction: Transaction, record: Recorded) -> dict[str, Any]:
    match record.kind:
        case Kind.REQUEST if transaction.decision is None or _refused(transaction):
            level = None if record.identity is None else level_of(record.identity.type)
            party = record.ops.route if record.ops else None
            return {"request": record.hash.hex(), "party": party, "identity_level": level}
        case Kind.DECISION if record.decision is not None and (transaction.decision is None or _refused(transaction)):
            return {"decision": record.hash.hex(), "authorization": record.decision.status} | _shown(record.decision)
        case Kind.STARTED if transaction.started is None:
            return _start(transaction, record)
        case Kind.ENDED if transaction.ended is None or transaction.ended_first or may_still_end(transaction):
            return _end(transaction, record) | _ANEW
        case Kind.READING if transaction.started is None and transaction.opened is None and transaction.ended is None:
            return _open(record)
        case Kind.SETTLEMENT if record.settlement is not None and transaction.settlement is None:
            return {"settlement": record.hash.hex(), "settled": _settled(record.settlement)}
        case Kind.RULING if record.ruling is not None:
            return _ruled(transaction, record.hash, record.ruling)
        case _:
            return {}


def may_still_end(transaction: Transaction) -> bool:
    """Return whether its station's stop would take the place of its end: a person's, on which nobody has decided."""
    return transaction.ruling is None and any(note.code == CLOSED for note in transaction.findings)


def is_accepted(transaction: Transaction) -> bool:
    """Return whether somebody pays for it, by a signed decision."""
    return transaction.authorization is TokenStatus.ACCEPTED


def _refused(transaction: Transaction) -> bool:
    """Return whether another token may still be decided on: the one before may not charge."""
    return transaction.authorization is not None and not is_accepted(transaction)


def _open(record: Recorded) -> dict[str, Any]:
    """Return what a first record other than the start tells; one that names its transaction opens it."""
    if record.ops is None or record.ops.transaction_id is None:
        return {}
    return {
        "origin": record.origin,
        "opened": record.hash.hex(),
        "evse_id": record.stream,
        "transaction_id": record.ops.transaction_id,
    }


def _start(transaction: Transaction, record: Recorded) -> dict[str, Any]:
    ops = record.ops
    later: dict[str, Any] = {"ended_first": True} if transaction.ended is not None else {}
    if ops is not None and ops.evse_id and not record.stream:
        later["told_evse_id"] = ops.evse_id
    return later | {
        "origin": record.origin,
        "started": record.hash.hex(),
        "sealed": transaction.sealed or record.sealed,
        "evse_id": record.stream,
        "connector_id": ops.connector_id if ops else None,
        "transaction_id": ops.transaction_id if ops else None,
        "started_ms": ops.station_ms if ops else None,
        "start_wh": record.meter.register_wh if record.meter else None,
    }


_ANEW: dict[str, Any] = {"ruling": None, "ruled": None, "ruled_on": ()}
"""A ruling is on an end; another end is to be ruled on anew."""


def _end(transaction: Transaction, record: Recorded) -> dict[str, Any]:
    ops = record.ops
    return {
        "origin": transaction.origin or record.origin,
        "ended": record.hash.hex(),
        "ended_first": False,
        "sealed": transaction.sealed or record.sealed,
        "evse_id": transaction.evse_id or record.stream,
        "transaction_id": transaction.transaction_id or (ops.transaction_id if ops else None),
        "ended_ms": ops.station_ms if ops else None,
        "stop_reason": ops.reason if ops else None,
        "end_wh": record.meter.register_wh if record.meter else None,
    }


def _ruled(transaction: Transaction, ruling_hash: bytes, ruling: Ruling) -> dict[str, Any]:
    """Return what a ruling changes: nothing where it is about another end, or does not name the one it supersedes."""
    supersedes = None if ruling.supersedes is None else ruling.supersedes.hex()
    if ruling.ended is None or ruling.ended.hex() != transaction.ended or supersedes != transaction.ruling:
        return {}
    return {"ruling": ruling_hash.hex(), "ruled": ruling.verdict, "ruled_on": ruling.reasons}


def _settled(settlement: Settlement) -> Settled:
    return Settled(
        accepted=settlement.verdict is SettlementVerdict.ACCEPTED,
        free=None if settlement.energy_wh is None else settlement.energy_wh == 0,
        grade=settlement.grade,
        source=settlement.source,
        step=settlement.step,
        reason=settlement.reason,
    )
