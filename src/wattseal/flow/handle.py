"""One message of a station, room by room: decode, lift, decide, record, answer.

What is decided about a fact stands in `HANDLERS`, one line a kind of fact; each area of the flow brings its own lines.
"""

from typing import assert_never

from wattseal.base.errors import StoreError
from wattseal.base.ids import StationId
from wattseal.flow import signing
from wattseal.flow.charges import charge, costs, payments, sealed
from wattseal.flow.charges.disorder import take_decision
from wattseal.flow.drivers import cards, contracts, plug_and_charge16, reservations
from wattseal.flow.drivers.authorise import Asked, Refused, authorise, keep_grant
from wattseal.flow.identity import certificates
from wattseal.flow.limits import batteries, der
from wattseal.flow.limits import needs as charging_needs
from wattseal.flow.limits import told as charging_told
from wattseal.flow.live import Live
from wattseal.flow.memory import Memory
from wattseal.flow.ports import Unflushed
from wattseal.flow.stations import device, vendors
from wattseal.flow.stations.provisioning import must_wait
from wattseal.flow.tables import united
from wattseal.flow.turn import Handlers, Turn, remember_station
from wattseal.flow.world import World
from wattseal.model.answers import AuthorizationAnswer, DataTransferAnswer, HeartbeatAnswer, TransactionAnswer
from wattseal.model.facts import (
    AuthorizationRequested,
    DataTransferred,
    HeartbeatReported,
    MeterReported,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from wattseal.model.message import Answer, Fact, Told
from wattseal.model.principal import Principal
from wattseal.model.token import Authorization, IdToken
from wattseal.rules.contracts import ChainStatus, contract_status
from wattseal.rules.transactions import is_accepted
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.message import Lifted
from wattseal.wire.ocpp.rpc import Call, Send
from wattseal.wire.ocpp.signed import Unwrapped, unwrap
from wattseal.wire.ocpp.version import Fault, Refusal, Version

STATION_SCOPE = "station"
"""Scope of a connected station: it speaks for itself and touches nothing of another."""


async def handle(world: World, principal: Principal, version: Version, call: Call) -> bytes | Refusal:
    """Return the payload of the answer to one call, or why it is refused; b"" for a message that has no answer.

    Whatever must not be lost is durable when this returns. `StoreError` means it is not: the caller closes the
    connection without an answer (1013), so that the station keeps the message and tries again.
    """
    begun = await begin(world, principal, version, call)
    if not isinstance(begun, Unflushed):
        return begun
    try:
        await begun.flush
    except StoreError:
        world.forget()
        raise
    return begun.payload


async def begin(world: World, principal: Principal, version: Version, call: Call) -> bytes | Refusal | Unflushed:
    """Do all that `handle` does but wait for the last commit; where it fails, the caller has the world `forget`.

    The station's next message is handled after that.
    """
    if principal.tenant != world.tenant or not principal.may(STATION_SCOPE):
        return Refusal(Fault.SECURITY, "this connection may not speak for a station")
    opened = _open(version, call)
    if isinstance(opened, Refusal):
        return opened
    lifted, signed = opened
    station_id = StationId(principal.name)
    memory = world.stations.get(station_id) or await remember_station(world, station_id)
    if memory is None:
        return Refusal(Fault.SECURITY, "this station is not enrolled")
    if must_wait(memory, lifted.fact, call.action if signed is None else signed.call.action):
        return Refusal(Fault.SECURITY, "this station is not accepted yet; send BootNotification")
    turn = Turn(
        world=world,
        memory=memory,
        frame=call.raw,
        payload=call.payload,
        now_ms=int(call.received_at.timestamp() * 1000),
        ocpp16=version is Version.V16,
        findings=lifted.findings,
    )
    memory.hear(turn.now_ms, 2000 * world.settings.boot_interval_s)
    if signed is not None:
        turn = await signing.checked(turn, signed, lifted.fact)
    elif memory.station.signed_messages:
        turn = signing.unsigned(turn)
    answer = await _decide(turn, lifted.fact)
    payload = b"" if isinstance(call, Send) else _lower(turn, version, signed or call, answer)
    return Unflushed(payload, turn.flushes[-1]) if turn.flushes else payload


def _lower(turn: Turn, version: Version, asked: Call | Unwrapped, answer: Answer) -> bytes:
    if isinstance(asked, Unwrapped):
        return signing.answer(turn, asked, catalog.lower(version, asked.call.action, answer))
    return catalog.lower(version, asked.action, answer)


def _open(version: Version, call: Call) -> tuple[Lifted, Unwrapped | None] | Refusal:
    """Return what a call tells, and the signed message that it was taken from; or why it is refused."""
    lifted = catalog.lift(version, call)
    if not isinstance(lifted, Refusal):
        return lifted, None
    signed = unwrap(version, call)
    if signed is None or isinstance(signed, Refusal):
        return signed or lifted
    lifted = catalog.lift(version, signed.call)
    return lifted if isinstance(lifted, Refusal) else (lifted, signed)


async def _decide(turn: Turn, fact: Fact) -> Answer:
    handler = HANDLERS[fact.action if isinstance(fact, Told) else type(fact)]
    return await handler(turn, fact)


async def _heartbeat(turn: Turn, fact: HeartbeatReported) -> HeartbeatAnswer:
    return HeartbeatAnswer(turn.world.clock.now(), await sealed.accept(turn, fact.items))


async def _authorization(turn: Turn, fact: AuthorizationRequested) -> AuthorizationAnswer:
    return await (sealed.authorise(turn, fact) if fact.items else _authorise(turn, fact))


async def _transaction(
    turn: Turn, fact: TransactionStarted | TransactionUpdated | TransactionEnded
) -> TransactionAnswer:
    if fact.items:
        return await sealed.event(turn, fact)
    match fact:
        case TransactionStarted():
            return await charge.start(turn, fact)
        case TransactionUpdated():
            return await charge.update(turn, fact)
        case TransactionEnded():
            answer = await charge.end(turn, fact)
            return answer if turn.ocpp16 else await costs.with_total(turn, fact, answer)
        case _:
            assert_never(fact)


async def _authorise(turn: Turn, fact: AuthorizationRequested) -> AuthorizationAnswer:
    if fact.certificate is None and not fact.hashes:
        return AuthorizationAnswer(await _authorise_token(turn, fact.id_token))
    shown = await contracts.judge(turn, fact)
    if shown is not ChainStatus.ACCEPTED:
        return AuthorizationAnswer(Authorization(shown.token_status), (), shown.value)
    told = await _authorise_token(turn, fact.id_token)
    return AuthorizationAnswer(told, (), contract_status(told.status).value)


async def _authorise_token(turn: Turn, id_token: IdToken) -> Authorization:
    """Decide on a card held to the reader; where one transaction waits for its driver, that is who it is."""
    step = turn.step()
    waits = _waiting(turn.memory, id_token)
    subject = None if waits is None else waits.subject
    asked = Asked(turn.memory, step, id_token, 0, subject, only_starts=turn.ocpp16, awaited=waits is not None)
    decided = await authorise(asked)
    if waits is not None and take_decision(turn, step, waits, decided) and not isinstance(decided, Refused):
        waits.authorization, waits.token = decided.authorization, id_token.key()
    if step.items or step.puts:
        await step.commit()
    if not isinstance(decided, Refused) and (waits is None or waits.transaction.active):
        keep_grant(turn.memory, id_token, decided)
    return decided.authorization


def _waiting(memory: Memory, id_token: IdToken) -> Live | None:
    """Return the one open transaction that waits for a driver, if there is exactly one; or that this token is for."""
    grant = memory.grants.get(id_token.key())
    mine = None if grant is None else next((one for one in memory.live.values() if one.subject == grant.subject), None)
    if mine is not None:
        return mine
    open_ones = [live for live in memory.live.values() if not live.fresh]
    waiting = [live for live in open_ones if live.token is None and not is_accepted(live.transaction)]
    return waiting[0] if len(waiting) == 1 else None


async def _transfer(turn: Turn, fact: DataTransferred) -> DataTransferAnswer:
    more = plug_and_charge16.vendors(_decide) if turn.ocpp16 else {}
    return await vendors.transfer(turn, fact, {**more, **cards.VENDORS})


HANDLERS: Handlers = united(
    device.HANDLERS,
    reservations.HANDLERS,
    batteries.HANDLERS,
    der.HANDLERS,
    payments.HANDLERS,
    charging_told.HANDLERS,
    charging_needs.HANDLERS,
    certificates.HANDLERS,
    {
        AuthorizationRequested: _authorization,
        DataTransferred: _transfer,
        HeartbeatReported: _heartbeat,
        MeterReported: charge.meter,
        TransactionEnded: _transaction,
        TransactionStarted: _transaction,
        TransactionUpdated: _transaction,
    },
)
