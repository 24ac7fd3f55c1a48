"""2.x events out of their order: a transaction whose start arrives after its other events, and late authorisations.

The order of the events is that of their sequence numbers. A start that comes late is recorded when it comes; where the
end was recorded before it, the end is recorded once more after it, so that the chain tells both in order.
"""

from datetime import UTC, datetime

import msgspec

from wattseal.base.ids import EvseId, Subject
from wattseal.flow.charges.charge_records import end_record, start_record
from wattseal.flow.charges.direct_records import put_record
from wattseal.flow.charges.gaps import healed
from wattseal.flow.charges.settling import settlement_due
from wattseal.flow.charges.watching import Told, is_astray, remember_end, take
from wattseal.flow.drivers import reservations
from wattseal.flow.drivers.authorise import Asked, Refused, authorise, use_grant
from wattseal.flow.live import Live
from wattseal.flow.memory import Grant
from wattseal.flow.step import Step
from wattseal.flow.turn import Turn, keep_live
from wattseal.model.facts import TransactionEnded, TransactionStarted
from wattseal.model.token import Authorization, IdToken
from wattseal.model.verdict import Finding
from wattseal.rules.clock_drift import drift_ms
from wattseal.rules.recorded import read_item
from wattseal.rules.transactions import apply, begin, is_accepted, milliseconds
from wattseal.seal.item import Kind, parse_item
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.message import Lifted
from wattseal.wire.ocpp.rpc import Call
from wattseal.wire.ocpp.signed import payload_in
from wattseal.wire.ocpp.version import Version

EARLY = "update_without_start"
"""Note of the first event of a transaction whose start has not arrived."""


def open_early(turn: Turn, transaction_id: str, evse_id: EvseId | None, *, kept: bool = True) -> Live:
    """Return the memory of a transaction whose start has not arrived; with `kept` under its id."""
    subject = turn.world.new_subject()
    begun = begin(subject, turn.station.id, turn.now_ms)
    live = Live(msgspec.structs.replace(begun, evse_id=evse_id or 0), subject, fresh=kept)
    if kept:
        keep_live(turn.memory, transaction_id, live)
    return live


def to_be_decided(live: Live, id_token: IdToken) -> bool:
    """Return whether a transaction waits for its driver: nobody has come yet, or one who may not charge."""
    if live.transaction.authorization is None:
        return True
    return not is_accepted(live.transaction) and live.token != id_token.key()


def begun_offline(turn: Turn, fact: TransactionStarted) -> bool:
    """Return whether a station has let a transaction begin without asking: 2.x says so, 1.6 tells of it late.

    How late is by our clock, as far as it is known how the station's differs.
    """
    if not turn.ocpp16:
        return fact.offline
    late_ms = turn.now_ms - milliseconds(fact.at) + (drift_ms(turn.memory.clock) or 0)
    return late_ms > turn.world.settings.billing.holds.offline_after_s * 1000


async def start_late(turn: Turn, live: Live, fact: TransactionStarted) -> Authorization | None:
    """Record a start whose transaction is known by later events; return what its token is told."""
    ended = None if live.transaction.active else await _end_of(turn, live)
    step = turn.step()
    await turn.world.chains.ready(turn.origin, live.transaction.evse_id)
    claim = await reservations.claim(turn, fact.reservation_id, fact.id_token)
    notes = [Finding("start_late", "transaction_id"), *healed(live, fact.seq_no)]
    notes.extend(claim.take(step, live.subject) if claim else ())
    if fact.id_token is not None and to_be_decided(live, fact.id_token):
        await authorise_late(turn, step, live, fact.id_token, offline=begun_offline(turn, fact))
    plain, metered = start_record(turn, fact, fact.transaction_id or "", tuple(notes), live)
    if live.transaction.decision is not None:
        plain = msgspec.structs.replace(plain, refs=(bytes.fromhex(live.transaction.decision),))
    live.take(fact.seq_no, metered.valid)
    told = Told(milliseconds(fact.at), plain.meter.register_wh if plain.meter else None, None, metered.valid)
    take(live, told, good=not is_astray(plain.observed.notes))
    put_record(turn, step, live, plain, live.transaction.evse_id)
    live.seen(plain.mark)
    if ended is not None:
        again, end = ended
        stream = EvseId(live.transaction.evse_id)
        told_again = end_record(again, live, end, stream, ())
        put_record(again, step, live, told_again, stream)
        remember_end(again, step, live, live.transaction.place, told_again.observed.notes)
        step.outbox.extend(settlement_due(live.transaction, turn.world.party, turn.now_ms))
    await step.hand_over()
    return live.authorization if fact.id_token is not None else None


async def _end_of(turn: Turn, live: Live) -> tuple[Turn, TransactionEnded] | None:
    """Read the end that was recorded already; None where its frame does not say it plainly in one piece."""
    for kept in await turn.world.journal.items_by_subject(turn.world.tenant, Subject(live.subject)):
        if kept.item.kind != Kind.ENDED:
            continue
        record = read_item(parse_item(kept.item.item))
        if not record.frame:
            return None
        payload = payload_in(record.frame)
        at = datetime.fromtimestamp(record.ms / 1000, UTC)
        call = Call("", "TransactionEvent", msgspec.Raw(payload), record.frame, at)
        for version in (Version.V201, Version.V21):
            lifted = catalog.lift(version, call)
            if isinstance(lifted, Lifted) and isinstance(lifted.fact, TransactionEnded):
                again = msgspec.structs.replace(
                    turn, frame=record.frame, payload=payload, findings=lifted.findings, verdicts=()
                )
                return again, lifted.fact
    return None


async def authorise_late(
    turn: Turn, step: Step, live: Live, id_token: IdToken, *, offline: bool = False
) -> Authorization:
    """Take the decision on a token presented after the start; its records carry the transaction's subject."""
    asked = Asked(turn.memory, step, id_token, live.transaction.place, live.subject, starts=True, offline=offline)
    decided = await authorise(asked)
    live.authorization, live.token = decided.authorization, id_token.key()
    use_grant(turn.memory, id_token, live.transaction.place)
    take_decision(turn, step, live, decided)
    return decided.authorization


def take_decision(turn: Turn, step: Step, live: Live, decided: Grant | Refused) -> bool:
    """Take a signed decision on a transaction into it; false where there is none, or another was taken before."""
    grant = decided.refusal if isinstance(decided, Refused) else decided
    if grant is None:
        return False
    for record in grant.records:
        live.transaction = apply(live.transaction, record)
    live.decided(grant.records)
    step.project(live.transaction)
    step.outbox.extend(settlement_due(live.transaction, turn.world.party, turn.now_ms))
    taken = live.transaction.decision == (grant.authorization.decision or b"").hex()
    live.held = grant.held if taken else live.held
    return taken
