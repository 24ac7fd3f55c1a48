"""What is sent on later (relayed records, bundles to settle, CDRs); all of it waits in the outbox until delivered."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Protocol

import msgspec

from wattseal.base.errors import InputError
from wattseal.crypto.hashes import sha256
from wattseal.flow.alerts import ALERT, KEEP_MS, Alert, Tell, read_alert
from wattseal.flow.charges.bundling import NotYet, Proofs, assemble
from wattseal.flow.charges.party_stops import take_answer
from wattseal.flow.charges.sealed import RELAY, Relay
from wattseal.flow.charges.settling import CDR_OUT, SETTLE, read_settlement
from wattseal.flow.charges.standing import standing_of
from wattseal.flow.documents import CDR, TRANSACTION, put, read
from wattseal.flow.drivers.decisions import signed_by
from wattseal.flow.limits.needs import SCHEDULE
from wattseal.flow.limits.sent import send_schedule
from wattseal.flow.money.cdrs import cdr_by_id
from wattseal.flow.ports import Attempt, Batch, Outgoing
from wattseal.flow.step import Step
from wattseal.flow.turn import memory_of
from wattseal.flow.world import World
from wattseal.model.transaction import Billing, Transaction
from wattseal.rules.billing import AWAITING_CHECKPOINT
from wattseal.rules.transactions import apply
from wattseal.seal import dcbor
from wattseal.seal.item import Item, Kind, parse_item
from wattseal.wire.ocpi.v2_2_1.cdrs import encode_cdr

FIRST_DELAY_MS, MAX_DELAY_MS = 1000, 300_000
PAGE = 100
FAR_MS = 2**53
"""Due by then is all there is."""
JSON = "application/json"


class Delivery(StrEnum):
    """What came of sending: DONE, REFUSED for good, or LATER."""

    DONE = "done"
    REFUSED = "refused"
    LATER = "later"


class Post(Protocol):
    """How to reach partners."""

    async def __call__(self, party: str, path: str, body: bytes, content_type: str) -> tuple[Delivery, bytes]:
        """POST `body` to a partner; return what came of it and the body answered."""


Start = Callable[[Callable[[], Awaitable[object]]], bool]
"""Begins work in the background; false where there is no room."""


class Courier:
    """Empties the outbox, message by message; whatever fails stays and is tried again with growing delay."""

    def __init__(
        self, world: World, proofs: Proofs, post: Post, start: Start | None = None, tell: Tell | None = None
    ) -> None:
        """Take `start` for what waits for stations' answers: everything else goes on meanwhile. `tell` tells alarms."""
        self._tell = tell
        self._world = world
        self._start = start
        self._proofs = proofs
        self._post = post
        self._work: dict[str, Callable[[bytes], Awaitable[bool]]] = {
            RELAY: self._relay,
            SETTLE: self._settle,
            CDR_OUT: self._cdr,
            SCHEDULE: self._schedule,
        }

    async def round(self) -> int:
        """Try everything that is due once; return how much was delivered. Raises `StoreError`."""
        world = self._world
        await self._hurry(world.now_ms())
        due = await world.journal.outbox(world.tenant, world.now_ms(), PAGE)
        delivered = 0
        for message in due:
            done = await self._try(message)
            delay_ms = min(FIRST_DELAY_MS << min(message.attempts, 12), MAX_DELAY_MS)
            attempt = Attempt(message.id, None if done else world.now_ms() + delay_ms)
            await world.journal.commit(Batch(world.tenant, attempts=(attempt,)))
            delivered += done
        return delivered

    async def _hurry(self, now_ms: int) -> None:
        """Have nothing wait for longer than anything ever waits: it was put off by a clock that was put back since."""
        world = self._world
        late = await world.journal.outbox(world.tenant, FAR_MS, PAGE, after_ms=now_ms + MAX_DELAY_MS)
        if late:
            await world.journal.commit(Batch(world.tenant, attempts=tuple(Attempt(one.id, now_ms) for one in late)))

    async def _try(self, message: Outgoing) -> bool:
        if message.kind == ALERT:
            return await self._alert(message)
        work = self._work.get(message.kind)
        if work is None:
            self._world.count("outbox_unknown_kind")
            return True
        try:
            return await work(message.body)
        except InputError as error:
            self._world.count(f"outbox_{error.code}")
            return False

    async def _alert(self, message: Outgoing) -> bool:
        """Tell an alarm; one that could not be told for a day is done with, and counted."""
        channel, alert = read_alert(message.body)
        if self._tell is None or await self._tell(channel, message.id, alert):
            return True
        at_ms: int = msgspec.json.decode(alert, type=Alert).at_ms
        given_up = self._world.now_ms() - at_ms > KEEP_MS
        if given_up:
            self._world.count("alert_given_up")
        return given_up

    async def _relay(self, body: bytes) -> bool:
        relay = msgspec.json.decode(body, type=Relay)
        outcome, answer = await self._post(
            relay.party, "/wattseal/v1/items", dcbor.encode([relay.item]), "application/cbor"
        )
        if outcome is Delivery.DONE:
            await take_answer(self._world, relay.party, answer)
        return outcome is not Delivery.LATER

    async def _schedule(self, body: bytes) -> bool:
        """Send the schedule an EV waits for; one that finds no station now is not sent again, the EV asks again."""
        if self._start is None:
            return await send_schedule(self._world, body)
        return self._start(lambda: send_schedule(self._world, body))

    async def _settle(self, body: bytes) -> bool:
        """Send the bundle to the eMSP that decided, and record the settlement it signs.

        What is quarantined is not sent: a settlement is a bill. It is kept until somebody decides.
        """
        transaction = await self._transaction(body.decode())
        if transaction is None or transaction.settlement is not None or transaction.party is None:
            return True
        (billing, reason), _ = await standing_of(self._world, self._proofs, transaction)
        if billing is Billing.QUARANTINED:
            self._world.count(f"not_billed_{reason}")
            return True
        if reason == AWAITING_CHECKPOINT:
            return False
        bundle = await assemble(self._world, self._proofs, transaction, billing_party=True, curve=False)
        if isinstance(bundle, NotYet):
            return bundle.reason != "checkpoint"
        outcome, answer = await self._post(
            transaction.party, "/wattseal/v1/bundles", bundle.encode(), "application/cbor"
        )
        if outcome is not Delivery.DONE:
            self._world.count(f"bundle_{outcome}")
            return outcome is Delivery.REFUSED
        return await self._record(transaction, parse_item(answer))

    async def _record(self, transaction: Transaction, item: Item) -> bool:
        world, party = self._world, transaction.party or ""
        ended = bytes.fromhex(transaction.ended or "")
        if item.payload.kind != Kind.SETTLEMENT or ended not in item.payload.refs or not signed_by(world, item, party):
            world.count("settlement_unusable")
            return False
        subject = bytes.fromhex(transaction.id)
        if item.payload.subject != subject:
            world.count("settlement_unusable")
            return False
        record = read_settlement(world, item)
        if record.settlement is None:
            world.count("settlement_not_readable")
            return False
        live = await memory_of(world, transaction)
        current = transaction if live is None else live.transaction
        step = Step(world, transaction.station_id, world.now_ms())
        step.keep(item)
        settled = apply(current, record)
        if live is not None:
            live.transaction = settled
        step.project(settled)
        if settled.settled is not None and settled.settled.accepted:
            step.outbox.append(Outgoing(f"{CDR_OUT}-{transaction.id}", CDR_OUT, transaction.id.encode(), step.now_ms))
        await step.commit()
        return True

    async def _cdr(self, body: bytes) -> bool:
        world = self._world
        cdr_id = body.decode()
        transaction = await self._transaction(cdr_id.partition("-")[0])
        if transaction is None or transaction.party is None:
            return True
        cdr = await cdr_by_id(world, cdr_id)
        if cdr is None:
            world.count("cdr_not_priced")
            return True
        raw, findings = encode_cdr(cdr)
        outcome, _ = await self._post(transaction.party, "/ocpi/emsp/2.2.1/cdrs", raw, JSON)
        if outcome is Delivery.LATER:
            return False
        sent = {"sha256": sha256(raw).hex(), "outcome": outcome.value, "findings": [f.code for f in findings]}
        now_ms = world.now_ms()
        document = put(CDR, cdr_id, sent, now_ms, station_id=transaction.station_id)
        await world.journal.commit(Batch(world.tenant, puts=(document,)))
        return True

    async def _transaction(self, transaction_id: str) -> Transaction | None:
        document = await self._world.journal.document(self._world.tenant, TRANSACTION, transaction_id)
        return None if document is None else read(document, Transaction)
