"""The edge: it stands beside a stock station, seals what the station says at the source and keeps it until it is safe.

Each function is one step: state and what happened in, a `Step` or a new state out. Nothing here waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from wattseal.crypto.keys import PublicKey
from wattseal.evidence.format import Moment
from wattseal.model.facts import MeterReported, TransactionEnded, TransactionStarted, TransactionUpdated
from wattseal.model.token import IdToken
from wattseal.parties.edge.records import Groups, measure, meter_groups, ops_group, raw_group
from wattseal.parties.edge.state import Charge, EdgeState, Mode, Permit, Site
from wattseal.parties.edge.step import STATION_STREAM, Step, append
from wattseal.parties.edge.upstream import Upward, seen_event
from wattseal.seal import receipt
from wattseal.seal.dcbor import CborError
from wattseal.seal.fields import Ops
from wattseal.seal.item import Item, Kind
from wattseal.seal.registry import Entry, Refusal, Role, Use
from wattseal.seal.signed import Statement
from wattseal.seal.writer import Draft, SubjectKeys


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as it came: the frame's bytes, when (Unix ms), and its payload where it is a 2.x TransactionEvent."""

    frame: bytes
    now_ms: int
    event: Mapping[str, Any] | None = None


def started(state: EdgeState, site: Site, heard: Heard, fact: TransactionStarted) -> Step:
    """Record that a transaction began; `fact.transaction_id` is set. It takes up the permit of its token."""
    permit = _permit(state, site, fact.id_token, fact.evse_id)
    if permit is not None:
        state = state.without_permit(permit.token)
    keys = permit.keys if permit is not None else SubjectKeys.new(site.writer.random)
    charge = Charge(str(fact.transaction_id), int(fact.evse_id), keys, permit)
    ops = Ops(
        transaction_id=charge.transaction_id,
        connector_id=fact.connector_id,
        trigger=fact.trigger,
        seq_no=fact.seq_no,
        station_ms=_ms(fact.at),
        offline=fact.offline or None,
        evse_id=charge.evse_id,
        remote_start_id=fact.remote_start_id,
    )
    measured = measure(site, fact.readings, fact.register_wh, Moment.BEGIN)
    groups = meter_groups(site, measured, fact.readings, state.stream(charge.evse_id))
    groups |= ops_group(ops) | raw_group(site, heard.frame)
    return _record(state, site, heard, charge, Kind.STARTED, groups)


def _permit(state: EdgeState, site: Site, token: IdToken | None, evse_id: int | None) -> Permit | None:
    """Return the permit of a token, unless its card proved itself for another EVSE: that one stays for there."""
    permit = state.permits.get(site.digest(token)) if token is not None else None
    return None if permit is None or permit.is_for_elsewhere(evse_id) else permit


def updated(state: EdgeState, site: Site, heard: Heard, fact: TransactionUpdated) -> Step:
    """Record what a 2.x transaction says while it runs: a link of its chain."""
    permit = _permit(state, site, fact.id_token, fact.evse_id)
    charge = charge_of(state, site, str(fact.transaction_id), fact.evse_id, permit)
    if permit is not None and permit.keys == charge.keys:
        charge, state = replace(charge, permit=permit), state.without_permit(permit.token)
    ops = Ops(
        transaction_id=charge.transaction_id,
        trigger=fact.trigger,
        seq_no=fact.seq_no,
        station_ms=_ms(fact.at),
        offline=fact.offline or None,
    )
    groups = meter_groups(site, measure(site, fact.readings, None, None), fact.readings) | ops_group(ops)
    groups |= raw_group(site, heard.frame)
    return _record(state, site, heard, charge, Kind.READING, groups)


def metered(state: EdgeState, site: Site, heard: Heard, fact: MeterReported) -> Step:
    """Record meter values of a running transaction (1.6); those of none stay at the edge."""
    if fact.transaction_id is None:
        return Step(state)
    charge = charge_of(state, site, str(fact.transaction_id), fact.evse_id)
    at = fact.readings[-1].at if fact.readings else None
    ops = Ops(transaction_id=charge.transaction_id, station_ms=None if at is None else _ms(at))
    groups = meter_groups(site, measure(site, fact.readings, None, None), fact.readings) | ops_group(ops)
    groups |= raw_group(site, heard.frame)
    return _record(state, site, heard, charge, Kind.READING, groups)


def ended(state: EdgeState, site: Site, heard: Heard, fact: TransactionEnded) -> Step:
    """Record that a transaction ended.

    A second end is kept on the station's own chain under keys of its own, so that the first one stands.
    """
    known = state.charges.get(str(fact.transaction_id))
    charge = charge_of(state, site, str(fact.transaction_id), fact.evse_id)
    if charge.end is not None:
        charge = Charge(charge.transaction_id, STATION_STREAM, SubjectKeys.new(site.writer.random))
    ops = Ops(
        transaction_id=charge.transaction_id,
        reason=fact.reason,
        trigger=fact.trigger,
        seq_no=fact.seq_no,
        station_ms=_ms(fact.at),
        offline=fact.offline or None,
    )
    measured = measure(site, fact.readings, fact.register_wh, Moment.END)
    groups = meter_groups(site, measured, fact.readings) | ops_group(ops)
    groups |= raw_group(site, heard.frame)
    step = _record(state, site, heard, charge, Kind.ENDED, groups)
    last = step.items[-1]
    if known is not None and known.end is not None:
        return replace(step, state=step.state.with_charge(known))
    stream = step.state.stream(charge.evse_id)
    stream = replace(stream, last_register_wh=measured.register_wh, prev_end=last.hash)
    closed = replace(step.state.charges[charge.transaction_id], end=(last.payload.epoch, last.payload.seq))
    return replace(step, state=step.state.with_stream(stream).with_charge(closed))


def charge_of(
    state: EdgeState, site: Site, transaction_id: str, evse_id: int | None, permit: Permit | None = None
) -> Charge:
    """Return the charge a message belongs to; one not seen before gets the keys of its permit, or keys of its own."""
    known = state.charges.get(transaction_id)
    if known is not None:
        return known
    keys = permit.keys if permit is not None else SubjectKeys.new(site.writer.random)
    return Charge(transaction_id, int(evse_id or 0), keys)


def _record(state: EdgeState, site: Site, heard: Heard, charge: Charge, kind: Kind, groups: Groups) -> Step:  # noqa: PLR0917 - private, all six vary
    """Put one record of a charge on its chain and on its way; the first one after the decision refers to it."""
    granted = charge.permit.granted if charge.permit is not None and not charge.referred else None
    refs = (granted.decision,) if granted is not None else ()
    draft = Draft(kind, heard.now_ms, site.clock, groups, refs)
    state, items = append(state, site, charge.evse_id, draft, charge.keys)
    charge = replace(charge, referred=charge.referred or granted is not None)
    upward = Upward(tuple(item.encode() for item in items))
    if heard.event is not None:
        shown = dict(heard.event) if site.mode is Mode.SIGNED else seen_event(heard.event, charge)
        upward = replace(upward, action="TransactionEvent", payload=shown)
    return Step(state.with_charge(charge), items, (upward,))


def receipted(state: EdgeState, site: Site, statement: Statement, item: Item) -> EdgeState | Refusal:
    """Take the CSMS's receipt for one of our items; a charge whose end is receipted loses its keys."""
    entry = site.registry.by_kid(statement.signature.kid)
    if entry is None or not _may_receipt(entry, site):
        return Refusal("receipt_by_an_unknown_key")
    try:
        said = receipt.read(statement, PublicKey.from_spki(entry.spki), site.log_origin)
    except CborError:
        return Refusal("receipt_unreadable")
    payload = item.payload
    if said is None:
        return Refusal("receipt_signature_invalid")
    if (said.origin, said.stream, said.epoch, said.seq) != payload.place:
        return Refusal("receipt_for_another_record")
    if (said.head, said.leaf) != (item.hash, item.leaf_entry()):
        return Refusal("receipt_for_another_content")
    stream = state.stream(payload.stream)
    pending = tuple(place for place in stream.pending if place != (payload.epoch, payload.seq))
    return _forget_done(state.with_stream(replace(stream, pending=pending)))


def _may_receipt(entry: Entry, site: Site) -> bool:
    return entry.role is Role.CSMS and entry.use is Use.SIGN and entry.revoked_ms is None and entry.covers(site.origin)


def _forget_done(state: EdgeState) -> EdgeState:
    for charge in tuple(state.charges.values()):
        waiting = state.stream(charge.evse_id).pending
        if charge.end is not None and (not waiting or waiting[0] > charge.end):
            state = state.without_charge(charge.transaction_id)
    return state


def new_transaction_id(state: EdgeState, site: Site) -> str:
    """Draw the transaction id the edge gives a 1.6 station: a random positive int32 not in use."""
    while True:
        number = int.from_bytes(site.writer.random(4)) & 0x7FFFFFFF
        if number and str(number) not in state.charges:
            return str(number)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
