"""Rulings: a person's decision on a quarantined session, signed, referring to the evidence it was taken on."""

import msgspec

from wattseal.base.errors import InputError
from wattseal.base.ids import Subject
from wattseal.flow.charges.bundling import Proofs
from wattseal.flow.charges.settling import settlement_due
from wattseal.flow.charges.standing import Case, case_of
from wattseal.flow.claims import claimed
from wattseal.flow.money.bills import bill_of
from wattseal.flow.money.records import money_ready, write_money
from wattseal.flow.step import Step
from wattseal.flow.turn import memory_of, transaction_by_id
from wattseal.flow.world import World
from wattseal.model.ruling import RulingVerdict
from wattseal.model.transaction import Billing, Transaction
from wattseal.rules.billing import AT_BILLING
from wattseal.rules.notes import quarantine_reasons
from wattseal.rules.recorded import Recorded, read_item
from wattseal.rules.transactions import apply
from wattseal.seal.item import Kind, parse_item
from wattseal.seal.plain import Written
from wattseal.seal.ruling import MAX_REFS, Ruling


class NotDecidableError(InputError):
    """A session that is not to be decided, or not so; the code says why."""


class Decided(msgspec.Struct, frozen=True):
    """What a person decided: the verdict, who, why, and which ruling it is to take the place of (payload hash, hex)."""

    verdict: RulingVerdict
    person: str
    text: str
    supersedes: str | None = None


async def rule(world: World, proofs: Proofs, transaction_id: str, decided: Decided) -> Transaction:
    """Write a ruling on an ended session, durable on return; what it changes is looked at for billing again.

    Codes of the `NotDecidableError`: `not_quarantined`, `already_decided` (name the ruling that it supersedes),
    `not_the_ruling` (the one named is not the present one), `billed_already` (a dispute puts a bill right),
    `nothing_to_bill` (no energy known, none delivered, or sealed from this CPO: waive it), `being_decided`.
    """
    with claimed(world, (transaction_id,)) as mine:
        if not mine:
            raise NotDecidableError("this session is being decided right now", code="being_decided", subject="id")
        return await _rule(world, proofs, transaction_id, decided)


async def _rule(world: World, proofs: Proofs, transaction_id: str, decided: Decided) -> Transaction:
    transaction = await transaction_by_id(world, transaction_id)
    if transaction is None:
        raise InputError("there is no such transaction", code="no_session", subject="id")
    case = await case_of(world, proofs, transaction)
    if await bill_of(world, transaction_id) is not None:
        text = "this session has been billed; a dispute or a credit puts that right"
        raise NotDecidableError(text, code="billed_already", subject="id")
    _decidable(transaction, case, decided)
    at_fault = await _at_fault(world, transaction)
    await money_ready(world)
    live = await memory_of(world, transaction)
    current = transaction if live is None else live.transaction
    ruling = Ruling(
        verdict=decided.verdict,
        person=decided.person,
        text=decided.text,
        reasons=case.reasons,
        ended=bytes.fromhex(transaction.ended or ""),
        supersedes=None if decided.supersedes is None else bytes.fromhex(decided.supersedes),
    )
    refs = tuple(dict.fromkeys(h for h in (ruling.ended, ruling.supersedes, *at_fault) if h is not None))[:MAX_REFS]
    step = Step(world, current.station_id, world.now_ms())
    subject = bytes.fromhex(current.id)
    written = await write_money(step, Kind.RULING, ruling.to_fields(), refs=refs, subject=subject)
    changed = apply(current, _recorded(written, ruling, refs))
    if live is not None:
        live.transaction = changed
    step.project(changed)
    if changed.billing is not Billing.QUARANTINED:
        step.outbox.extend(settlement_due(changed, world.party, step.now_ms))
    await step.commit()
    world.count(f"ruling_{decided.verdict.value}")
    return changed


def _decidable(transaction: Transaction, case: Case, decided: Decided) -> None:
    billing, reason = case.standing
    if transaction.ruling is not None and decided.supersedes is None:
        text = "this session has been decided; name the ruling that yours supersedes"
        raise NotDecidableError(text, code="already_decided", subject="supersedes")
    if decided.supersedes != transaction.ruling:
        text = "that is not the ruling in force; look at the session again"
        raise NotDecidableError(text, code="not_the_ruling", subject="supersedes")
    if transaction.ruling is None and billing is not Billing.QUARANTINED:
        text = f"this session is {billing.value}; only what is quarantined is decided"
        raise NotDecidableError(text, code="not_quarantined", subject="id")
    if decided.verdict is RulingVerdict.BILL and (transaction.energy_wh or 0) <= 0:
        text = "no energy is known to have been delivered, so nothing can be billed; waive it"
        raise NotDecidableError(text, code="nothing_to_bill", subject="verdict")
    if decided.verdict is RulingVerdict.BILL and reason in AT_BILLING:
        text = f"no decision makes this session billable ({reason}); waive it"
        raise NotDecidableError(text, code="nothing_to_bill", subject="verdict")


async def _at_fault(world: World, transaction: Transaction) -> tuple[bytes, ...]:
    """Return the records whose notes keep the session from being billed, in the order they were recorded."""
    found: list[bytes] = []
    for kept in await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(transaction.id))):
        record = read_item(parse_item(kept.item.item))
        if quarantine_reasons(record.observed.notes):
            found.append(record.hash)
    return tuple(found)


def _recorded(written: Written, ruling: Ruling, refs: tuple[bytes, ...]) -> Recorded:
    return Recorded(
        kind=Kind.RULING,
        hash=written.hash,
        origin=written.origin,
        stream=written.stream,
        ms=written.ms,
        subject=written.subject,
        refs=refs,
        ruling=ruling,
    )


async def rulings_of(world: World, transaction_id: str) -> tuple[tuple[str, int, Ruling], ...]:
    """Return a session's rulings, oldest first: (payload hash in hex, Unix milliseconds, what it says)."""
    found: list[tuple[str, int, Ruling]] = []
    for kept in await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(transaction_id))):
        if kept.item.kind == Kind.RULING:
            record = read_item(parse_item(kept.item.item))
            if record.ruling is not None:
                found.append((record.hash.hex(), record.ms, record.ruling))
    return tuple(found)
