"""A charge at a direct station: its messages become records of the CSMS, durable before the answer."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from wattseal.base.ids import EvseId, StationId, TransactionId
from wattseal.flow.charges.charge_records import end_record, mark_of, start_record
from wattseal.flow.charges.direct_records import put_record, record_reading, record_stray
from wattseal.flow.charges.disorder import EARLY, authorise_late, begun_offline, open_early, start_late, to_be_decided
from wattseal.flow.charges.settling import settlement_due
from wattseal.flow.charges.unnamed import unnamed_end, unnamed_reading
from wattseal.flow.charges.watching import Told, is_astray, power_of, remember_end, take
from wattseal.flow.drivers import reservations
from wattseal.flow.drivers.authorise import Asked, Refused, authorise, standing, use_grant
from wattseal.flow.drivers.known_tokens import find_token, token_of
from wattseal.flow.live import Live
from wattseal.flow.memory import Grant
from wattseal.flow.step import Plain, Step
from wattseal.flow.turn import Turn, find_live, keep_ended, keep_live
from wattseal.model.answers import Acknowledged, TransactionAnswer
from wattseal.model.facts import MeterReported, TransactionEnded, TransactionStarted, TransactionUpdated
from wattseal.model.metering import Reading
from wattseal.model.token import NO_AUTHORIZATION, Authorization, IdToken, TokenStatus
from wattseal.model.verdict import Finding
from wattseal.rules.authorize import may_stop
from wattseal.rules.retries import event_mark, payload_mark, start_key, transaction_key, usable_transaction_id
from wattseal.rules.transactions import (
    apply,
    begin,
    is_accepted,
    may_still_end,
    milliseconds,
)
from wattseal.seal.fields import Ops
from wattseal.seal.item import Kind

AUTHORIZED = "Authorized"
"""Trigger of the event that says who charges (2.x E03)."""
STOP_AUTHORIZED = "StopAuthorized"
"""Trigger of the event that ends a transaction's authorisation (2.x E07)."""
MAX_INT32 = 2**31 - 1


class StartAnswer(msgspec.Struct, frozen=True):
    """What a 1.6 start was told, kept for its retries."""

    transaction_id: str
    status: TokenStatus | None
    expires_at: datetime | None = None

    def answer(self) -> TransactionAnswer:
        """Return it as it was told."""
        told = None if self.status is None else Authorization(self.status, expires_at=self.expires_at)
        return _answer(TransactionId(self.transaction_id), told)


async def start(turn: Turn, fact: TransactionStarted) -> TransactionAnswer:
    """Record a start. 1.6: assign the transaction id; the same start again gets the same answer."""
    world, memory = turn.world, turn.memory
    key = start_key(fact) if turn.ocpp16 else None
    told = await _start_again(turn, fact, key)
    if told is not None:
        return told
    step = turn.step()
    transaction_id = fact.transaction_id or await _draw_transaction_id(turn)
    await world.chains.ready(turn.origin, fact.evse_id)
    claim = await reservations.claim(turn, fact.reservation_id, fact.id_token)
    grant, authorization, note = await _authorised(turn, step, fact)
    if fact.id_token is not None:
        use_grant(memory, fact.id_token, fact.evse_id)
    subject = grant.subject if grant else world.new_subject()
    if claim is not None:
        note = (*note, *claim.take(step, subject))
    plain, metered = start_record(turn, fact, transaction_id, note, subject)
    if grant is not None and grant.authorization.decision is not None:
        plain = msgspec.structs.replace(plain, refs=(grant.authorization.decision,))
    transaction = begin(subject, turn.station.id, turn.now_ms)
    for record in grant.records if grant else ():
        transaction = apply(transaction, record)
    live = Live(transaction, subject, authorization, latest_ms=turn.now_ms)
    live.decided(grant.records if grant else ())
    register_wh = plain.meter.register_wh if plain.meter else None
    told_start = Told(milliseconds(fact.at), register_wh, None, metered.valid)
    take(live, told_start, power_of(fact.readings), good=not is_astray(plain.observed.notes))
    live.token = fact.id_token.key() if fact.id_token else None
    live.held = None if grant is None else grant.held
    live.take(fact.seq_no, metered.valid)
    put_record(turn, step, live, plain, fact.evse_id)
    live.seen(plain.mark)
    keep_live(memory, transaction_id, live)
    step.remember(transaction_key(transaction_id), subject)
    if key is not None:
        kept = StartAnswer(transaction_id, None)
        if authorization is not None:
            kept = StartAnswer(transaction_id, authorization.status, authorization.expires_at)
        step.remember(key, msgspec.json.encode(kept))
    await step.hand_over()
    return _answer(TransactionId(transaction_id), authorization)


async def _start_again(turn: Turn, fact: TransactionStarted, key: str | None) -> TransactionAnswer | None:
    """Return the answer to a start of a transaction that is known: told before, by later events, or another's id."""
    if key is not None:
        told = await turn.world.journal.answer(turn.world.tenant, StationId(turn.station.id), key)
        return None if told is None else msgspec.json.decode(told, type=StartAnswer).answer()
    known = None if fact.transaction_id is None else await find_live(turn, fact.transaction_id)
    if known is None:
        return None
    if known.transaction.started is None:
        return _answer(None, await start_late(turn, known, fact))
    return await _event(turn, known, fact, fact.readings, "Started")


async def update(turn: Turn, fact: TransactionUpdated) -> TransactionAnswer:
    """Record a 2.x event in the middle of a transaction; of one whose start has not arrived, the first opens it."""
    live = await find_live(turn, fact.transaction_id) or open_early(turn, fact.transaction_id, fact.evse_id)
    return await _event(turn, live, fact, fact.readings, "Updated")


async def end(turn: Turn, fact: TransactionEnded) -> TransactionAnswer:
    """Record an end. A second end changes nothing: the same is told the same, another one raises an alarm."""
    transaction_id = str(fact.transaction_id)
    usable = usable_transaction_id(transaction_id, ocpp16=turn.ocpp16)
    key = transaction_id if usable else f"{transaction_id}:{payload_mark(turn.payload)}"
    live = await find_live(turn, key)
    authorization = await _told(turn, fact.id_token, live)
    if live is not None and not live.transaction.active and not may_still_end(live.transaction):
        await _second_end(turn, live, fact)
        return _answer(None, authorization)
    step = turn.step()
    notes: list[Finding] = []
    if not usable:
        live, notes = unnamed_end(turn, fact)
        if live is not None:
            step.remember(transaction_key(key), live.subject)
    notes.extend(await _stopped_by(turn, fact.id_token, live))
    if live is None:
        live = open_early(turn, key, fact.evse_id, kept=False)
        step.remember(transaction_key(key), live.subject)
    if usable and live.transaction.started is None:
        notes.append(Finding("end_without_start", "transaction_id"))
    stream = live.transaction.evse_id
    await turn.world.chains.ready(turn.origin, stream)
    live.take(fact.seq_no, ())
    plain = end_record(turn, live, fact, EvseId(stream), notes)
    put_record(turn, step, live, plain, stream)
    live.seen(plain.mark)
    evse_id = live.transaction.place or fact.evse_id
    if evse_id:
        remember_end(turn, step, live, evse_id, plain.observed.notes)
    key = key if usable else live.transaction.transaction_id or key
    turn.memory.live.pop(key, None)
    keep_ended(turn.memory, key, live)
    step.outbox.extend(settlement_due(live.transaction, turn.world.party, turn.now_ms))
    await step.hand_over()
    turn.world.delivered(live.transaction)
    return _answer(None, authorization)


async def meter(turn: Turn, fact: MeterReported) -> Acknowledged:
    """Record meter values, in a transaction or outside; the same payload again is one record."""
    known = None if fact.transaction_id is None else await find_live(turn, fact.transaction_id)
    notes: tuple[Finding, ...] = ()
    if known is None and turn.ocpp16:
        known, notes = unnamed_reading(turn, fact)
    if known is None:
        await record_stray(turn, fact.evse_id, fact.readings, fact.transaction_id, None)
        return Acknowledged()
    mark = payload_mark(turn.payload)
    if not known.seen(mark):
        await turn.world.chains.ready(turn.origin, known.transaction.evse_id)
        ops = Ops(station_ms=milliseconds(fact.readings[-1].at)) if fact.readings else None
        await record_reading(turn, known, fact.readings, ops, mark, step=turn.step(), notes=notes)
    return Acknowledged()


async def _authorised(
    turn: Turn, step: Step, fact: TransactionStarted
) -> tuple[Grant | None, Authorization | None, tuple[Finding, ...]]:
    """Return the signed decision on a start, a refusal as well, what its token is told, and what to note."""
    if fact.id_token is None:
        return None, None, ()
    offline = begun_offline(turn, fact)
    decided = await authorise(Asked(turn.memory, step, fact.id_token, fact.evse_id, starts=True, offline=offline))
    if isinstance(decided, Refused):
        notes = (Finding(decided.note, "id_token"),) if decided.note else ()
        return decided.refusal, decided.authorization, notes
    return decided, decided.authorization, ()


async def _told(turn: Turn, id_token: IdToken | None, live: Live | None) -> Authorization | None:
    """Return what a later message with a token is told: what the start was, else what is known of that token."""
    if id_token is None:
        return None
    if live is not None and live.authorization is not None and live.token in {None, id_token.key()}:
        return live.authorization
    return await standing(turn.memory, turn.world, id_token, turn.now_ms)


async def _stopped_by(turn: Turn, id_token: IdToken | None, live: Live | None) -> tuple[Finding, ...]:
    """Say so where a token ended the transaction that is neither the one that began it nor entitled to end it."""
    if id_token is None or live is None or not await _is_anothers(turn, id_token, live):
        return ()
    return (Finding("stopped_by_another", "id_token"),)


async def _charged_by(turn: Turn, id_token: IdToken, live: Live) -> tuple[Finding, ...]:
    """Say so where the station names another token than the one that was let charge: it was held to another reader."""
    if not is_accepted(live.transaction):
        return ()
    if await _is_anothers(turn, id_token, live):
        return (Finding("charged_by_another", "id_token"),)
    grant = turn.memory.grants.get(id_token.key())
    if grant is not None and grant.subject == live.subject:
        del turn.memory.grants[id_token.key()]
    return ()


async def _is_anothers(turn: Turn, id_token: IdToken, live: Live) -> bool:
    if live.token in {None, id_token.key()} or id_token.type == NO_AUTHORIZATION:
        return False
    shown, starting = await find_token(turn.world, id_token), await token_of(turn.world, live.token or "")
    return not may_stop(shown, starting, turn.world.settings.master_group)


async def _event(
    turn: Turn,
    live: Live,
    fact: TransactionStarted | TransactionUpdated,
    readings: Sequence[Reading],
    event: str,
) -> TransactionAnswer:
    if fact.seq_no is not None and live.seen(event_mark(event, fact.seq_no)):
        return _answer(None, await _told(turn, fact.id_token, live))
    step = turn.step()
    await turn.world.chains.ready(turn.origin, live.transaction.evse_id)
    notes = [Finding("transaction_id_reused", "transaction_id")] if event == "Started" else []
    if fact.trigger == STOP_AUTHORIZED:
        notes.extend(await _stopped_by(turn, fact.id_token, live))
    told = await _told(turn, fact.id_token, live)
    claim = await reservations.claim(turn, fact.reservation_id, fact.id_token)
    if claim is not None:
        notes.extend(claim.take(step, live.subject))
    if live.fresh:
        step.remember(transaction_key(fact.transaction_id or ""), live.subject)
        notes.append(Finding(EARLY, "transaction_id"))
    if fact.id_token is not None and fact.trigger == AUTHORIZED:
        notes.extend(await _charged_by(turn, fact.id_token, live))
    if fact.id_token is not None and to_be_decided(live, fact.id_token):
        told = await authorise_late(turn, step, live, fact.id_token, offline=fact.offline)
    ops = Ops(
        transaction_id=fact.transaction_id if live.fresh else None,
        seq_no=fact.seq_no,
        station_ms=milliseconds(fact.at),
        trigger=fact.trigger,
        offline=fact.offline or None,
        evse_id=None if live.transaction.place else fact.evse_id,
        remote_start_id=fact.remote_start_id,
        charging_state=fact.charging_state,
        charging_s=fact.charging_s if isinstance(fact, TransactionUpdated) else None,
    )
    mark = mark_of(turn, "Updated", fact.seq_no)
    live.fresh = False
    await record_reading(turn, live, readings, ops, mark, step=step, notes=tuple(notes))
    return _answer(None, told)


async def _second_end(turn: Turn, live: Live, fact: TransactionEnded) -> None:
    before = live.transaction
    if (fact.register_wh, milliseconds(fact.at)) == (before.end_wh, before.ended_ms):
        return
    if live.seen(payload_mark(turn.payload)):
        return
    detail = f"{before.end_wh} kept, {fact.register_wh} told again"
    ops = Ops(station_ms=milliseconds(fact.at), reason=fact.reason)
    step = turn.step()
    await turn.world.chains.ready(turn.origin, before.evse_id)
    plain = Plain(
        kind=Kind.READING,
        ops=ops,
        meter=None,
        observed=turn.observed(Finding("conflicting_end", "register_wh", detail)),
        frame=turn.frame,
        mark=payload_mark(turn.payload),
    )
    put_record(turn, step, live, plain, before.evse_id)
    await step.hand_over()


async def _draw_transaction_id(turn: Turn) -> str:
    """Draw a positive int32 that this station has not had."""
    while True:
        drawn = str(int.from_bytes(turn.world.random.bytes(4)) % MAX_INT32 + 1)
        if await find_live(turn, drawn) is None:
            return drawn


def _answer(transaction_id: TransactionId | None, authorization: Authorization | None) -> TransactionAnswer:
    return TransactionAnswer(transaction_id, authorization)
