"""One session proved again: its records, its log entries, its projection, its bill; whatever no longer fits is named.

What is found is kept as a document, so that lists and figures show it as broken until the session proves again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import Origin, Subject
from wattseal.flow.alarms import raised
from wattseal.flow.charges.bundling import MAX_RECORDS, Proofs
from wattseal.flow.documents import TRANSACTION, put, read, removal
from wattseal.flow.money.bill_check import differences, posting_fault
from wattseal.flow.money.bills import BILL
from wattseal.flow.money.due import Due, due_of
from wattseal.flow.ports import Batch, KeptItem, Put
from wattseal.flow.replay import (
    Replayed,
    Replayer,
    Told,
    compare,
    cuts_of,
    place_text,
    project,
    read_told,
    reprove_alone,
)
from wattseal.flow.replay_accounts import RecordedAccounts
from wattseal.flow.replay_alarms import RecordedAlarms
from wattseal.flow.replay_disputes import RecordedDisputes
from wattseal.flow.replay_ledger import RecordedLedger
from wattseal.flow.replay_people import RecordedPeople
from wattseal.flow.replay_works import RecordedWorks
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.billing import Bill
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import Finding
from wattseal.seal.item import Item, Kind, parse_item

BROKEN = "broken_session"
"""Document kind, by session: what of it does not prove any more."""
BROKEN_ALARM, PROVEN_AGAIN = "session_broken", "session_proven_again"
MAX_FINDINGS = 50
"""Findings kept of one session; the first ones name what was touched."""
_SIBLINGS = 64
"""More documents than can stand between an id without its last digit and the id itself."""
_CHAINED = frozenset({Kind.STARTED, Kind.READING, Kind.ENDED})
_GAPS = frozenset({"chain_gap", "chain_fork"})


@dataclass(frozen=True, slots=True)
class Broken:
    """Document: a session that was found broken at `since_ms`, and by what; each finding names a record and field."""

    session: str
    station_id: str
    since_ms: int
    findings: tuple[Finding, ...]


async def broken_of(world: World, session: str) -> Broken | None:
    """Return what was found broken of a session the last time it was proved."""
    document = await world.journal.document(world.tenant, BROKEN, session)
    return None if document is None else read(document, Broken)


async def broken_sessions(world: World, *, after: str = "", limit: int = 1000) -> tuple[Broken, ...]:
    """Return sessions that were found broken, in the order of their ids."""
    page = await world.journal.documents(world.tenant, BROKEN, after=after, limit=limit)
    return tuple(read(document, Broken) for document in page)


async def prove_again(world: World, proofs: Proofs, session: str) -> tuple[Finding, ...]:
    """Prove an ended session again, and keep what was found where that is new; () where all is as it was recorded."""
    findings = (await findings_of(world, proofs, session))[:MAX_FINDINGS]
    known = await broken_of(world, session)
    if (() if known is None else known.findings) == findings:
        return findings
    document = await world.journal.document(world.tenant, TRANSACTION, session)
    station_id = (document.station_id if document is not None else None) or ("" if known is None else known.station_id)
    now_ms = world.now_ms()
    if findings:
        since_ms = now_ms if known is None else known.since_ms
        kept = put(BROKEN, session, Broken(session, station_id, since_ms, findings), now_ms, station_id=station_id)
    else:
        kept = removal(BROKEN, session, now_ms)
    await world.journal.commit(Batch(world.tenant, puts=(kept, _alarm(world, session, station_id, findings))))
    return findings


def _alarm(world: World, session: str, station_id: str, findings: Sequence[Finding]) -> Put:
    code = BROKEN_ALARM if findings else PROVEN_AGAIN
    first = findings[0] if findings else Finding("")
    detail = " ".join(part for part in (first.code, first.detail) if part)
    return raised(world, Alarm(code, station_id, world.now_ms(), first.field, detail, transaction=session))[1]


async def findings_of(world: World, proofs: Proofs, session: str) -> tuple[Finding, ...]:
    """Return what of a session does not prove: of its records, else of its projection, else of its bill.

    A session that is running, or changes meanwhile, is left alone: () until it is looked at again.
    """
    before = await _in_tables(world, TRANSACTION, session)
    kept = await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(session)))
    replayed = await _replayed(world, kept)
    findings = list(replayed.findings)
    try:
        stored = None if before is None else read(before, Transaction)
    except StoreError as error:
        findings.append(Finding("projection_unreadable", f"transaction {session}", error.code))
        return tuple(findings)
    expected = replayed.transactions.get(session)
    if stored is None:
        return (*findings, Finding("projection_missing", f"transaction {session}")) if kept else ()
    if stored.active:
        return ()
    if expected is None:
        return (*findings, Finding("projection_without_records", f"transaction {session}"))
    if not findings:
        await _check_chain(world, replayed, kept, expected)
    if not replayed.findings:
        compare(replayed, f"transaction {session}", stored, expected)
    if not replayed.findings:
        replayed.findings.extend(await _bill_faults(world, proofs, stored))
    after = await _in_tables(world, TRANSACTION, session)
    changed = after is None or (before is not None and after.body != before.body)
    return () if changed else tuple(dict.fromkeys(replayed.findings))


async def _in_tables(world: World, kind: str, session: str) -> Put | None:
    """Return a session's document as lists and sums read it.

    `Journal.document` may answer from memory, which knows what this process wrote and not what somebody made of it.
    """
    page = await world.journal.documents(world.tenant, kind, after=session[:-1], limit=_SIBLINGS)
    return next((document for document in page if document.key == session), None)


async def _replayed(world: World, kept: Sequence[KeptItem]) -> Replayed:
    """Re-prove each record by itself and against the log, and let the session follow from them."""
    replayer = Replayer(world.tenant, world.party, world.log_origin, world.registry, world.seal_key)
    origin = world.billing_origin
    ledger, accounts = RecordedLedger(origin), RecordedAccounts(origin)
    disputes, people, works = RecordedDisputes(origin), RecordedPeople(origin), RecordedWorks(origin)
    result = Replayed(ledger, accounts, disputes, people, works, RecordedAlarms(origin))
    for one in kept:
        result.erased |= cuts_of(one)
    for one in kept:
        where = place_text(one)
        told = reprove_alone(result, replayer, one)
        if told is None:
            continue
        await _check_leaf(world, result, one, told)
        record = read_told(result, replayer, told, where)
        if record is not None:
            project(result, replayer, one, told.item, record)
    return result


async def _check_leaf(world: World, result: Replayed, kept: KeptItem, told: Told) -> None:
    if kept.log_index is None:
        return
    leaves = await world.journal.leaves(world.tenant, kept.log_index, 1)
    if not leaves:
        result.found("log_entry_missing", place_text(kept), f"log index {kept.log_index}")
    elif leaves[0] != told.leaf:
        result.found("log_entry_differs", place_text(kept), f"log index {kept.log_index}")


async def _check_chain(world: World, result: Replayed, kept: Sequence[KeptItem], transaction: Transaction) -> None:
    """Walk from the end back to the start along `prev`: what the CSMS put between them must all be on that way.

    A chain that some other signer writes may have gaps: those were noted when its records came.
    """
    notes = {note.code for note in (*transaction.findings, *transaction.alarms)}
    bounds = {one.item.payload_hash.hex(): one for one in kept}
    start, end = bounds.get(transaction.started or ""), bounds.get(transaction.ended or "")
    if start is None or end is None or notes & _GAPS:
        return
    if (start.item.origin, start.item.stream) != (end.item.origin, end.item.stream):
        return
    chain = await world.journal.items(
        world.tenant, Origin(start.item.origin), start.item.stream, (start.item.epoch, start.item.seq), MAX_RECORDS
    )
    items = {item.hash: item for item in (_item(one) for one in chain) if item is not None}
    first, walked = start.item.payload_hash, {bytes(end.item.payload_hash)}
    at = items.get(end.item.payload_hash)
    while at is not None and at.hash != first:
        walked.add(at.payload.prev)
        before = items.get(at.payload.prev)
        if before is None:
            where = f"record {at.payload.origin} stream {at.payload.stream} epoch {at.payload.epoch}"
            result.found("chain_broken", f"{where} seq {at.payload.seq}", "the record before it is not there")
            return
        at = before
    place = (start.item.origin, start.item.stream)
    for one in kept:
        between = (start.item.epoch, start.item.seq) <= (one.item.epoch, one.item.seq) <= (end.item.epoch, end.item.seq)
        on_chain = (one.item.origin, one.item.stream) == place and one.item.kind in _CHAINED
        if on_chain and between and bytes(one.item.payload_hash) not in walked:
            result.found("chain_broken", place_text(one), "it is not on the way from end to start")


def _item(kept: KeptItem) -> Item | None:
    try:
        return parse_item(kept.item.item)
    except InputError:
        return None


async def _bill_faults(world: World, proofs: Proofs, transaction: Transaction) -> list[Finding]:
    """Hold a session's first bill against its records, and its posting against the bill."""
    document = await _in_tables(world, BILL, transaction.id)
    if document is None:
        return []
    bill = read(document, Bill)
    due = await due_of(world, proofs, transaction, world.settings.billing.wait_ms)
    found = []
    if isinstance(due, Due):
        for name, told, by_records in differences(bill, due):
            found.append(Finding("bill_differs", f"bill {name}", f"{told} billed, {by_records} by its records"))
    posting = await world.journal.posting(world.tenant, bill.posting) if bill.posting else None
    fault = posting_fault(bill, None if posting is None else posting.posting)
    return found if fault is None else [*found, fault]
