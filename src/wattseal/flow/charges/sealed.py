"""Records from a station's own signer (an edge): verified, kept as received, receipted, relayed to who may read them.

What is sealed stays sealed: of a meter group closed to this CPO nothing is opened, kept or said.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from wattseal.base.errors import InputError
from wattseal.base.ids import Origin, Subject, TransactionId
from wattseal.flow.chains import load_head
from wattseal.flow.charges.mismatches import refused_commands
from wattseal.flow.charges.settling import settlement_due
from wattseal.flow.charges.watching import Told, at_end, at_reading, at_start, is_astray, remember_end, take
from wattseal.flow.documents import put
from wattseal.flow.drivers.authorization import authorization_of
from wattseal.flow.drivers.decisions import decision_on
from wattseal.flow.live import Live
from wattseal.flow.money.holds import refuses_partner
from wattseal.flow.ports import Committed, Outgoing
from wattseal.flow.step import Step
from wattseal.flow.turn import Turn, find_live, keep_ended, keep_live, raise_alarms
from wattseal.flow.world import ASK_TIMEOUT_S, World
from wattseal.model.answers import AuthorizationAnswer, DataTransferAnswer, TransactionAnswer
from wattseal.model.facts import (
    AuthorizationRequested,
    DataTransferred,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from wattseal.model.token import Authorization, TokenStatus
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import Finding, Source, Verdict
from wattseal.pricing.periods import Point
from wattseal.rules import arrival
from wattseal.rules.arrival import Arrival, Tail, check_signer, source_of
from wattseal.rules.audience import shown_in_bundle
from wattseal.rules.recorded import Observed, Recorded, read_item
from wattseal.rules.retries import transaction_key
from wattseal.rules.transactions import apply, begin
from wattseal.seal import dcbor
from wattseal.seal.groups import PLAIN, Opening, open_box, unwrap
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.plain import PlainDraft
from wattseal.seal.receipt import Receipt, issue
from wattseal.watch.detector import Moment
from wattseal.wire.ocpp.blocks.data_transfer.data_transfer import ITEMS, items_text, read_items
from wattseal.wire.ocpp.message import VENDOR

MAX_ITEMS = 64
"""Items taken from one message; the sender keeps what was not receipted and sends it again."""
RELAY = "relay"
"""Outbox kind: an item for the driver's eMSP."""
REJECTED = "rejected_item"
"""Document kind: a record that did not verify, kept with its verdict."""

__all__ = ["ITEMS", "VENDOR", "accept", "authorise", "event", "transfer"]


class Relay(msgspec.Struct, frozen=True):
    """Body of an outbox message: an encoded item for a party."""

    party: str
    item: bytes


def relay_body(party: str, item: Item) -> bytes:
    """Return the outbox body that sends `item` to `party`."""
    return msgspec.json.encode(Relay(party, item.encode()))


@dataclass(frozen=True, slots=True)
class Rejected:
    """Document: a record that did not verify, exactly as it came."""

    item: bytes
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes back: receipts and decisions, encoded; the decision's words for the protocol's own fields."""

    items: tuple[bytes, ...] = ()
    authorization: Authorization | None = None


async def accept(turn: Turn, items: Sequence[bytes]) -> tuple[bytes, ...]:
    """Take items in and return receipts and decisions; nothing of it is ever an error to the sender."""
    return (await _take(turn, items)).items if items else ()


async def transfer(turn: Turn, fact: DataTransferred) -> DataTransferAnswer:
    """Take the items of a 1.6 DataTransfer."""
    items = read_items(fact.data)
    if items is None:
        return DataTransferAnswer("Rejected")
    return DataTransferAnswer("Accepted", items_text((await _take(turn, items)).items))


async def authorise(turn: Turn, fact: AuthorizationRequested) -> AuthorizationAnswer:
    """Take a request that travelled with an Authorize; the eMSP's decision is the answer."""
    answered = await _take(turn, fact.items)
    return AuthorizationAnswer(answered.authorization or Authorization(TokenStatus.INVALID), answered.items)


async def event(turn: Turn, fact: TransactionStarted | TransactionUpdated | TransactionEnded) -> TransactionAnswer:
    """Take the items of a 2.x event; the event itself says nothing that the items do not say signed."""
    answered = await _take(turn, fact.items)
    authorization = None
    if fact.id_token is not None:
        transaction_id = fact.transaction_id or TransactionId("")
        live = await find_live(turn, transaction_id)
        status = live.transaction.authorization if live else None
        authorization = Authorization(status or TokenStatus.INVALID)
    return TransactionAnswer(None, authorization, answered.items)


async def _take(turn: Turn, items: Sequence[bytes]) -> Answered:
    step = turn.step()
    taken: list[Item] = []
    for data in items[:MAX_ITEMS]:
        try:
            item = parse_item(data)
        except InputError:
            turn.world.count("item_unreadable")
            continue
        if await _keep(turn, step, item):
            taken.append(item)
    if not (step.items or step.puts):
        return Answered()
    committed = await step.commit()
    receipts = tuple(_receipts(turn, taken, committed))
    requests = [item for item in taken if item.payload.kind == Kind.REQUEST]
    decisions = [found for item in requests if (found := await _decision(turn, item)) is not None]
    items_back = (*receipts, *(item.encode() for item, _ in decisions))
    return Answered(items_back, decisions[-1][1] if decisions else None)


async def _keep(turn: Turn, step: Step, item: Item) -> bool:
    """Judge one item and put it into the step; return whether it was accepted."""
    world = turn.world
    origin = world.signed_origin(turn.station)
    judged = check_signer(item, origin, world.registry, world.log_origin)
    if not judged.accepted:
        observed = Observed(judged.notes)
        rejected = Rejected(item.encode(), judged.verdict, judged.notes[0].code)
        key = f"{turn.station.id}/{item.hash.hex()}"
        step.puts.append(put(REJECTED, key, rejected, turn.now_ms, station_id=turn.station.id))
        raise_alarms(step, observed, item.hash)
        return False
    judged = await _follow(turn, item, judged)
    if judged.verdict is Verdict.VALID:
        turn.memory.signed_ms = turn.now_ms
    step.keep(item)
    if item.payload.subject is not None and item.payload.kind in {Kind.STARTED, Kind.READING, Kind.ENDED}:
        await _project(turn, step, item, judged)
    else:
        refused = await refused_commands(turn, item, judged)
        raise_alarms(step, Observed((*judged.notes, *refused)), item.hash)
    return True


async def _follow(turn: Turn, item: Item, judged: Arrival) -> Arrival:
    world, payload = turn.world, item.payload
    tail = turn.memory.tails.get(payload.stream)
    if tail is None:
        tail = Tail.at(await load_head(world.journal, world.tenant, payload.origin, payload.stream))
        turn.memory.tails[payload.stream] = tail
    follows = tail.follow(item)
    if follows is arrival.Step.NEXT:
        return judged
    note = Finding("chain_gap", "prev", f"record {payload.seq}")
    if follows is arrival.Step.BEFORE:
        start = (payload.epoch, payload.seq)
        known = await world.journal.items(world.tenant, Origin(payload.origin), payload.stream, start, 8)
        if any(kept.item.payload_hash == item.hash for kept in known):
            return judged
        note = Finding("chain_fork", "seq", f"record {payload.seq}")
    return Arrival(judged.verdict, (*judged.notes, note), judged.signer)


async def _project(turn: Turn, step: Step, item: Item, judged: Arrival) -> None:
    """Let the record change its transaction, and relay it to the eMSP that decided."""
    subject = item.payload.subject
    assert subject is not None  # noqa: S101 - the caller's condition
    live = await _live(turn, subject, judged)
    if item.hash.hex() in {live.transaction.started, live.transaction.ended}:
        return
    live.told_ms = turn.now_ms
    record = read_item(item, _openings(turn.world, live, item))
    observed = Observed((*judged.notes, *_notes(turn, live, record)))
    changed = apply(live.transaction, record)
    if observed.notes:
        await turn.world.chains.ready(turn.origin, item.payload.stream)
        step.finally_do(lambda: _note(turn, step, item, live, observed))
    good = not observed.notes or (record.kind is Kind.STARTED and not is_astray(observed.notes))
    told = _told(record)
    if record.meter is not None and good:
        live.latest_ms = record.ms
        if not observed.notes:
            live.measured(Point(told.at_ms, record.meter.register_wh))
    take(live, told, good=good and record.kind is not Kind.ENDED)
    if changed != live.transaction or record.kind is Kind.STARTED:
        live.transaction = changed
        step.project(changed)
    raise_alarms(step, observed, item.hash, changed)
    _place(turn, step, live, record.kind)
    if record.kind is Kind.ENDED:
        remember_end(turn, step, live, item.payload.stream, observed.notes)
    relay(step, changed, item)
    if record.kind is Kind.ENDED:
        step.outbox.extend(settlement_due(changed, turn.world.party, turn.now_ms))


def _note(turn: Turn, step: Step, item: Item, live: Live, observed: Observed) -> None:
    """Record what this CSMS observed about another's record, on its own chain: projections follow from records only."""
    groups = ((int(Group.RAW), dcbor.encode(observed.to_fields(b""))),)
    draft = PlainDraft(Kind.READING, turn.now_ms, groups, (item.hash,))
    note = step.write((turn.origin, item.payload.stream), turn.world.csms_key, draft, live.subject)
    live.transaction = apply(live.transaction, read_item(parse_item(note.item)))
    step.project(live.transaction)


def _place(turn: Turn, step: Step, live: Live, kind: Kind) -> None:
    """Keep the transaction where its id leads to it."""
    key = live.transaction.transaction_id
    if key is None:
        return
    if kind is Kind.STARTED:
        keep_live(turn.memory, key, live)
        step.remember(transaction_key(key), live.subject)
    if kind is Kind.ENDED:
        turn.memory.live.pop(key, None)
        keep_ended(turn.memory, key, live)
        turn.world.delivered(live.transaction)


def is_relayed(world: World, transaction: Transaction) -> bool:
    """Return whether somebody else decided on this transaction and can be told of it."""
    return transaction.party is not None and world.partners.known(transaction.party)


def relay(step: Step, transaction: Transaction, item: Item) -> None:
    """Send a record on to the eMSP that decided, without what is plain and not for it."""
    party = transaction.party
    if party is None or not is_relayed(step.world, transaction):
        return
    shown = shown_in_bundle(billing_party=True)
    boxes = {g: b for g, b in item.boxes.items() if g in shown or not (isinstance(b, list) and b[0] == PLAIN)}
    passed = Item(item.payload, item.payload_bytes, item.signature, boxes)
    step.outbox.append(
        Outgoing(f"{RELAY}-{item.payload.seq:016}-{item.hash.hex()}", RELAY, relay_body(party, passed), step.now_ms)
    )


async def _live(turn: Turn, subject: bytes, judged: Arrival) -> Live:
    """Return the transaction a record is of, with the request and decision before its start."""
    for live in (*turn.memory.live.values(), *turn.memory.ended.values()):
        if live.subject == subject:
            return live
    world = turn.world
    signer = Source.CSMS if judged.signer is None else source_of(judged.signer, world.party)
    transaction = begin(subject, turn.station.id, turn.now_ms, signer=signer)
    live = Live(transaction, subject)
    for kept in await world.journal.items_by_subject(world.tenant, Subject(subject)):
        known = parse_item(kept.item.item)
        live.transaction = apply(live.transaction, read_item(known, _openings(world, live, known)))
    return live


def _openings(world: World, live: Live, item: Item) -> tuple[Opening, ...]:
    """Open what is sealed for this CPO, and nothing else."""
    found: list[Opening] = []
    for gid in item.boxes:
        secret = live.secrets.get(gid) or unwrap(item, gid, world.seal_key)
        if secret is not None:
            live.secrets[gid] = secret
            opened = open_box(item, gid, secret)
            if isinstance(opened, Opening):
                found.append(opened)
    return tuple(found)


def _notes(turn: Turn, live: Live, record: Recorded) -> tuple[Finding, ...]:
    """Judge what can be read, as for a direct station; registers that are sealed are the eMSP's to judge."""
    transaction = live.transaction
    told = _told(record)
    match record.kind:
        case Kind.STARTED:
            seen = at_start(turn, live.subject, record.stream, told)
            stated_wh = record.meter.unaccounted_wh if record.meter else None
            return tuple(turn.world.watch.look(Moment.START, replace(seen, unaccounted_wh=stated_wh)))
        case Kind.READING:
            return tuple(at_reading(turn, live, told, late=False))
        case Kind.ENDED:
            notes = at_end(turn, live, told, transaction.source)
            sealed = transaction.sealed or record.sealed
            if not sealed and (told.register_wh is None or transaction.start_wh is None):
                notes.append(Finding("no_register", "register_wh"))
            if transaction.started is None:
                notes.append(Finding("end_without_start", "transaction_id"))
            return tuple(notes)
        case _:
            return ()


def _told(record: Recorded) -> Told:
    ops = record.ops
    station_ms = ops.station_ms if ops and ops.station_ms is not None else record.ms
    register_wh = record.meter.register_wh if record.meter else None
    return Told(station_ms, register_wh, station_ms, (), bool(ops and ops.offline))


def _receipts(turn: Turn, items: Iterable[Item], committed: Committed) -> Iterable[bytes]:
    world = turn.world
    for item in items:
        leaf, index = item.leaf_entry(), committed.indexes.get(item.hash)
        if leaf is None or index is None:
            continue
        p = item.payload
        receipt = Receipt(p.origin, p.stream, p.epoch, p.seq, item.hash, leaf, index, turn.now_ms, world.settings.mmd_s)
        yield issue(receipt, world.csms_key, world.log_origin).encode()


async def _decision(turn: Turn, request: Item) -> tuple[Item, Authorization] | None:
    """Return the billing party's decision on a request: the one in the journal, or a new one asked for."""
    world, subject = turn.world, request.payload.subject
    if subject is None:
        return None
    ops = read_item(request).ops
    route = ops.route if ops else None
    if route is None or not world.partners.known(route):
        world.count("no_route")
        return None
    if await refuses_partner(world, route):
        world.count("partner_refused")
        return None
    kept = await world.journal.items_by_subject(world.tenant, Subject(subject))
    found = decision_on(world, tuple(k.item.item for k in kept), request, route)
    if found is None:
        answered = await world.partners.ask(route, (request.encode(),), ASK_TIMEOUT_S)
        found = None if answered is None else decision_on(world, answered, request, route)
        if found is None:
            world.count("billing_party_unreachable" if answered is None else "decision_unusable")
            return None
        step = turn.step()
        step.keep(found[0])
        await step.commit()
    item, decision = found
    return item, authorization_of(decision, item)
