"""Erasing a person: cards, name and address, and the boxes of records that say who it was. Proofs stay.

A record commits to what its boxes hold by a salted hash (docs/spec/record.md). Once salt and content are destroyed
nobody can tell what was in them, nor try out who it could have been; payload, signature, chain and log entry are
untouched, so whatever was proved before is proved as before.
"""

from dataclasses import dataclass, field, replace
from hashlib import sha256

import msgspec

from wattseal.base.errors import InputError
from wattseal.base.ids import Subject
from wattseal.flow.claims import claimed
from wattseal.flow.documents import ALARM, UNBILLED, put_transaction
from wattseal.flow.drivers.known_tokens import forget_token
from wattseal.flow.money.accounts import balance_of, note_account, put_account
from wattseal.flow.money.held import open_holds
from wattseal.flow.money.invoice_due import has_open_bills
from wattseal.flow.money.invoice_list import invoices_of_account, kept_until_ms
from wattseal.flow.money.payments import is_open
from wattseal.flow.ports import Batch, Put
from wattseal.flow.privacy.desk import check_exportable
from wattseal.flow.privacy.erased_documents import emptied_and_gone, payments_of
from wattseal.flow.privacy.finding import Belongings, belongings_of
from wattseal.flow.privacy.meter_names import remember_erased
from wattseal.flow.privacy.traces import Trace, names_a_card, traces
from wattseal.flow.replay import ERASURES
from wattseal.flow.step import Step
from wattseal.flow.turn import transaction_by_id
from wattseal.flow.world import World
from wattseal.model.account import AccountStatus
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import Finding
from wattseal.seal import dcbor
from wattseal.seal.account import AccountEvent
from wattseal.seal.erasure import RECORDS_A_RECORD, to_fields
from wattseal.seal.item import Group, Kind
from wattseal.seal.plain import PlainDraft

CODE_DIGITS = 12
"""Digits of the code that confirms an erasure."""


@dataclass(slots=True)
class Plan:
    """What would go, and what stays; `blocked` says what has to be settled first, as codes.

    `records` counts records of which boxes go, `documents` by kind what is removed or emptied. `invoices` keep their
    files until `kept_until_ms`, the last of them; None where there are none.
    """

    account: str
    cards: int = 0
    sessions: int = 0
    records: int = 0
    documents: dict[str, int] = field(default_factory=dict)
    invoices: int = 0
    kept_until_ms: int | None = None
    blocked: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """Return what confirms exactly this plan: another one, made when more is known, has another code."""
        return sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:CODE_DIGITS]


async def plan_erasure(world: World, account_id: str) -> Plan:
    """Return what erasing an account's holder would do; nothing is changed (`no_such_account`, `not_a_driver`)."""
    account = await check_exportable(world, account_id)
    mine = await belongings_of(world, account)
    plan = Plan(account_id, cards=len(mine.cards), sessions=len(mine.sessions))
    async for trace in traces(world, mine):
        plan.records += trace is not None
    for one in await emptied_and_gone(world, mine):
        plan.documents[one.kind] = plan.documents.get(one.kind, 0) + 1
    policy = world.settings.retention
    async for issued in invoices_of_account(world, account_id):
        if issued.kept:
            plan.invoices += 1
            plan.kept_until_ms = max(plan.kept_until_ms or 0, kept_until_ms(issued, "UTC", policy))
    plan.blocked = await _blocked(world, mine)
    return plan


async def _blocked(world: World, mine: Belongings) -> tuple[str, ...]:
    """Return what must be settled first, as codes."""
    account, found = mine.account, []
    if any(await balance_of(world, account)) or await open_holds(world, account.id, limit=1):
        found.append("account_not_empty")
    if world.settings.billing.entities and await has_open_bills(world, account.id):
        found.append("not_yet_invoiced")
    if [payment async for payment in payments_of(world, mine) if is_open(payment)]:
        found.append("payment_open")
    for session in mine.ids:
        transaction = await transaction_by_id(world, session)
        if transaction is not None and transaction.active:
            found.append("session_active")
            break
    for session in mine.ids:
        if await world.journal.document(world.tenant, UNBILLED, session) is not None:
            found.append("session_not_billed")
            break
    return tuple(found)


async def erase_person(world: World, account_id: str, code: str, by: str) -> Plan:
    """Erase an account's holder, durable on return, as planned under that code; each step of it is whole by itself.

    What is broken off is taken up by erasing again. `InputError`: `plan_differs` where what would go is no longer what
    was confirmed, `not_settled` where something has to be settled first.
    """
    with claimed(world, (f"erasure {account_id}",)) as mine:
        if not mine:
            raise InputError("this account is being erased already", code="plan_differs", subject="id")
        return await _erase(world, account_id, code, by)


async def _erase(world: World, account_id: str, code: str, by: str) -> Plan:
    plan = await plan_erasure(world, account_id)
    if plan.code != code:
        raise InputError("what would go has changed; look at it again", code="plan_differs", subject="code")
    if plan.blocked:
        text = f"settle this first: {', '.join(plan.blocked)}"
        raise InputError(text, code="not_settled", subject="account")
    account = await check_exportable(world, account_id)
    mine = await belongings_of(world, account)
    if account.status is not AccountStatus.CLOSED:
        await put_account(world, replace(account, status=AccountStatus.CLOSED), by)
    waiting: list[Trace] = []
    async for trace in traces(world, mine):
        if trace is not None:
            waiting.append(trace)
        if len(waiting) >= RECORDS_A_RECORD:
            await _cut(world, mine, waiting)
            waiting = []
    await _cut(world, mine, waiting)
    await _remove(world, mine)
    await note_account(world, account_id, AccountEvent.ERASED, by)
    world.count("person_erased")
    return plan


async def _cut(world: World, mine: Belongings, found: list[Trace]) -> None:
    """Destroy boxes, with the record that says so and the sessions as they are then, in one commit."""
    await world.chains.ready(world.billing_origin, ERASURES)
    by_session: dict[str | None, list[Trace]] = {}
    for trace in found:
        by_session.setdefault(trace.session, []).append(trace)
    sessions = {s: await transaction_by_id(world, s) for s in by_session if s is not None}
    if not found:
        return
    step = Step(world, "", world.now_ms())
    for session, its in by_session.items():
        fields = to_fields([trace.cut for trace in its])
        draft = PlainDraft(Kind.ERASURE, step.now_ms, ((int(Group.OPS), dcbor.encode(fields)),))
        subject = None if session is None else Subject(bytes.fromhex(session))
        step.write((world.billing_origin, ERASURES), world.billing_key, draft, subject)
        step.erased += [trace.erased for trace in its]
        known = None if session is None else sessions[session]
        if known is not None:
            step.puts.append(put_transaction(_emptied(known, mine), step.now_ms))
    await step.commit()


def _emptied(transaction: Transaction, mine: Belongings) -> Transaction:
    """Return a session without details that name a card."""

    def without(notes: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(
            Finding(note.code, note.field) if names_a_card(note.detail, mine.since) else note for note in notes
        )

    return msgspec.structs.replace(
        transaction, findings=without(transaction.findings), alarms=without(transaction.alarms)
    )


async def _remove(world: World, mine: Belongings) -> None:
    """Remove and empty documents, forget what memory knows of them, and have the store's files scrubbed."""
    puts: list[Put] = [*await emptied_and_gone(world, mine), remember_erased(mine.account.id, world.now_ms())]
    for at in range(0, len(puts), 500):
        await world.journal.commit(Batch(world.tenant, puts=tuple(puts[at : at + 500])))
    await world.journal.commit(Batch(world.tenant, scrub=True))
    for emptied in puts:
        if emptied.kind == ALARM and emptied.key in world.alarms.standing:
            world.alarms.stand(emptied.key, replace(world.alarms.standing[emptied.key], detail=""))
    for card in mine.since:
        forget_token(world, card)
    world.token_changes += 1
    for memory in world.stations.values():
        for session in [*memory.ended.values()]:
            if session.transaction.id in mine.ids:
                session.token = None
