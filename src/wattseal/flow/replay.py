"""Replay: the whole journal, re-proved record by record, and the projections that follow from it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from wattseal.base.errors import InputError
from wattseal.base.ids import Origin, TenantId
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import PublicKey
from wattseal.flow.documents import TRANSACTION, read
from wattseal.flow.live import Numbers
from wattseal.flow.ports import Journal, KeptItem
from wattseal.flow.replay_accounts import RecordedAccounts
from wattseal.flow.replay_alarms import RecordedAlarms
from wattseal.flow.replay_disputes import RecordedDisputes
from wattseal.flow.replay_ledger import RecordedLedger
from wattseal.flow.replay_people import RecordedPeople
from wattseal.flow.replay_works import RecordedWorks
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import Finding, Source
from wattseal.rules.arrival import source_of
from wattseal.rules.recorded import Recorded, read_item
from wattseal.rules.transactions import apply, begin
from wattseal.seal.chain import NO_HEAD, ChainHead
from wattseal.seal.erasure import Cut, read_cuts
from wattseal.seal.groups import PLAIN, BoxState, Content, Opening, check_box, open_box, unwrap
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.registry import SOURCE_ROLES, Refusal, Registry

PAGE = 1000
ERASURES = 9
"""Stream of the billing chain that says what was erased."""
_TRANSACTION_KINDS = frozenset({Kind.STARTED, Kind.READING, Kind.ENDED})


@dataclass(frozen=True, slots=True)
class Replayer:
    """What re-proving needs: who may sign what, this CPO's name and sealing key."""

    tenant: TenantId
    party: str
    log_origin: str
    registry: Registry
    seal_key: SealPrivateKey | None


@dataclass(slots=True)
class Replayed:
    """What replaying gave: findings; ledger, accounts, disputes, people, works, alarms, transactions by records."""

    ledger: RecordedLedger
    accounts: RecordedAccounts
    disputes: RecordedDisputes
    people: RecordedPeople
    works: RecordedWorks
    alarms: RecordedAlarms
    findings: list[Finding] = field(default_factory=list)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    entries: list[bytes] = field(default_factory=list)
    """The journal's log entries, in their order: what the tree is made of."""
    records: int = 0
    heads: dict[tuple[str, int], ChainHead] = field(default_factory=dict)
    secrets: dict[tuple[str, int], bytes] = field(default_factory=dict)
    sessions: dict[int, str] = field(default_factory=dict)
    """Of the findings by number that are about a session's record: which session (hex)."""
    doubtful: dict[tuple[str, int], int] = field(default_factory=dict)
    """By chain the number of its latest record where that was found fault with: the one right behind it is not to blame
    for not fitting."""
    erased: dict[bytes, Cut] = field(default_factory=dict)
    """By payload hash the records of which boxes were destroyed, as signed records of that say."""
    numbers: dict[str, Numbers] = field(default_factory=dict)
    """The OCPP sequence numbers of sessions, as their records tell them."""
    ended: set[str] = field(default_factory=set)
    """Sessions of which an end was told: one that came before its start is recorded again, and is still one message."""

    def found(self, code: str, where: str, detail: str = "", session: str = "") -> None:
        """Note something that is wrong; `where` is a record's place or a document's field, `session` whose it is."""
        if session:
            self.sessions[len(self.findings)] = session
        self.findings.append(Finding(code, where, detail))


async def replay(journal: Journal, replayer: Replayer) -> Replayed:
    """Read every item in the order of commits; each is re-proved and lets its transaction follow."""
    origin = f"{replayer.party}/billing"
    ledger, accounts = RecordedLedger(origin), RecordedAccounts(origin)
    disputes, people, works = RecordedDisputes(origin), RecordedPeople(origin), RecordedWorks(origin)
    result = Replayed(ledger, accounts, disputes, people, works, RecordedAlarms(origin))
    while entries := await journal.leaves(replayer.tenant, len(result.entries), PAGE):
        result.entries.extend(entries)
    result.erased = await erased_by(journal, replayer.tenant, origin)
    async for kept in _all_items(journal, replayer.tenant):
        result.records += 1
        known = len(result.findings)
        told = _reprove(result, replayer, kept)
        place = (kept.item.origin, kept.item.stream)
        if len(result.findings) > known:
            result.doubtful[place] = kept.item.seq
        else:
            result.doubtful.pop(place, None)
        if told is not None:
            _follow(result, replayer, kept, told)
        if kept.item.subject is not None:
            for number in range(known, len(result.findings)):
                result.sessions[number] = kept.item.subject.hex()
    return result


async def erased_by(journal: Journal, tenant: TenantId, origin: str) -> dict[bytes, Cut]:
    """Return what this CPO's records of erasures say, by the records they are about."""
    found: dict[bytes, Cut] = {}
    start = (0, 0)
    while page := await journal.items(tenant, Origin(origin), ERASURES, start, PAGE):
        for kept in page:
            found |= cuts_of(kept)
        start = (page[-1].item.epoch, page[-1].item.seq + 1)
    return found


def cuts_of(kept: KeptItem) -> dict[bytes, Cut]:
    """Return what a record of an erasure says, by the records it is about; {} for any other."""
    if kept.item.kind != Kind.ERASURE:
        return {}
    try:
        opened = open_box(parse_item(kept.item.item), int(Group.OPS), None)
        cuts = read_cuts(Content.decode(opened.content).fields) if isinstance(opened, Opening) else ()
    except InputError:
        return {}
    return {cut.record: cut for cut in cuts}


async def _all_items(journal: Journal, tenant: TenantId) -> AsyncIterator[KeptItem]:
    after = 0
    while page := await journal.replay(tenant, after, PAGE):
        for kept in page:
            yield kept
        after = page[-1].position


def place_text(kept: KeptItem) -> str:
    """Return a record's place as people read it."""
    item = kept.item
    return f"record {item.origin} stream {item.stream} epoch {item.epoch} seq {item.seq}"


@dataclass(frozen=True, slots=True)
class Told:
    """A record that was re-proved, what its plain groups say, and the entry that the log must have of it."""

    item: Item
    plain: tuple[Opening, ...]
    leaf: bytes | None


def _reprove(result: Replayed, replayer: Replayer, kept: KeptItem) -> Told | None:
    """Check one item against itself, its columns, its signer, its chain and its content."""
    told = reprove_alone(result, replayer, kept)
    if told is not None:
        _check_place(result, replayer, told.item, place_text(kept))
    return told


def reprove_alone(result: Replayed, replayer: Replayer, kept: KeptItem) -> Told | None:
    """Check one item against itself, its columns, its signer and its content; None where it cannot be read at all."""
    where = place_text(kept)
    try:
        item = parse_item(kept.item.item)
    except InputError as error:
        result.found("record_unreadable", where, f"{error.code} {error.subject}")
        return None
    leaf = item.leaf_entry()
    for name, told, due in _columns(kept, item, leaf):
        if told != due:
            result.found("column_differs", where, name)
    if kept.item.signed and kept.item.leaf is None:
        result.found("log_entry_missing", where, f"log index {kept.log_index}")
    _check_signature(result, replayer, item, where)
    plain = (_check_content(result, item, gid, where) for gid in item.payload.groups)
    return Told(item, tuple(opening for opening in plain if opening is not None), leaf)


def _follow(result: Replayed, replayer: Replayer, kept: KeptItem, told: Told) -> None:
    """Hold a record against the log's entries, and let ledger, accounts and transactions follow it."""
    where = place_text(kept)
    if kept.log_index is not None:
        _check_leaf(result, kept.log_index, told.leaf, where)
    item = told.item
    for taken in (result.accounts, result.disputes, result.people, result.works, result.alarms):
        trouble = taken.take(item, where)
        if trouble is not None:
            result.findings.append(trouble)
    if item.payload.subject is None and item.payload.kind != Kind.POSTING:
        return
    record = read_told(result, replayer, told, where)
    if record is None:
        return
    if (trouble := result.ledger.take(item, record.posting, where)) is not None:
        result.findings.append(trouble)
    project(result, replayer, kept, item, record)


def read_told(result: Replayed, replayer: Replayer, told: Told, where: str) -> Recorded | None:
    """Read a record with all that this party can open of it; None where what it says makes no sense."""
    try:
        cut = result.erased.get(told.item.hash)
        stated = () if cut is None else cut.openings()
        return read_item(told.item, (*stated, *told.plain, *_openings(result, replayer, told.item)))
    except InputError as error:
        result.found("content_unreadable", where, f"{error.code} {error.subject}")
        return None


def _check_leaf(result: Replayed, index: int, leaf: bytes | None, where: str) -> None:
    if index >= len(result.entries):
        result.found("log_entry_missing", where, f"log index {index}")
    elif result.entries[index] != leaf:
        result.found("log_entry_differs", where, f"log index {index}")


def _columns(kept: KeptItem, item: Item, leaf: bytes | None) -> tuple[tuple[str, object, object], ...]:
    stored, payload = kept.item, item.payload
    return (
        ("place", (stored.origin, stored.stream, stored.epoch, stored.seq), payload.place),
        ("kind", stored.kind, payload.kind),
        ("payload_hash", bytes(stored.payload_hash), item.hash),
        ("subject", stored.subject, payload.subject),
        ("signed", stored.signed, item.signature is not None),
        ("leaf", stored.leaf, leaf),
    )


def _check_signature(result: Replayed, replayer: Replayer, item: Item, where: str) -> None:
    if item.signature is None:
        return
    payload = item.payload
    entry = replayer.registry.signer(item.signature.kid, payload.origin, payload.kind, payload.ms)
    if isinstance(entry, Refusal):
        result.found("signer_not_entitled", where, entry.code)
    elif not item.verify(PublicKey.from_spki(entry.spki), replayer.log_origin):
        result.found("signature_invalid", where, f"{entry.party} {entry.role.name.lower()}")


def _check_place(result: Replayed, replayer: Replayer, item: Item, where: str) -> None:
    """Check that a chain this CPO writes goes on without a break; others' gaps were noted when they arrived."""
    payload = item.payload
    place = (payload.origin, payload.stream)
    head = result.heads.get(place, NO_HEAD)
    entry = None if item.signature is None else replayer.registry.by_kid(item.signature.kid)
    own = payload.origin.partition("/")[0] == replayer.party and (entry is None or entry.role not in SOURCE_ROLES)
    if result.doubtful.get(place) == payload.seq - 1:
        pass
    elif (own and place in result.heads) or payload.seq == 0:
        if payload.seq != head.seq + 1:
            result.found("chain_broken", where, f"follows seq {head.seq}")
        elif payload.prev != head.prev:
            result.found("chain_broken", where, "prev is not the record before")
    elif own and payload.seq != 0:
        result.found("chain_broken", where, "the chain does not begin with its first record")
    result.heads[place] = head.after(item)


def _check_content(result: Replayed, item: Item, gid: int, where: str) -> Opening | None:
    """Check that a group's content is the one signed for; return what it says where that is plain."""
    box = item.boxes.get(gid)
    if isinstance(box, list) and box[0] == PLAIN:
        opened = open_box(item, gid, None)
        if isinstance(opened, Opening):
            return opened
    elif box is None and item.payload.groups[gid].box_hash is None:
        cut = result.erased.get(item.hash)
        if cut is None or gid not in cut.groups:
            result.found("content_missing", where, f"group {gid}; no record says that it was erased")
        return None
    elif check_box(item, gid) in {None, BoxState.MISSING}:
        return None
    result.found("content_altered", where, f"group {gid}")
    return None


def project(result: Replayed, replayer: Replayer, kept: KeptItem, item: Item, record: Recorded) -> None:
    """Let the transaction of a record follow from it."""
    subject = item.payload.subject
    if subject is None:
        return
    known = result.transactions.get(subject.hex())
    if known is None:
        known = begin(subject, _station_of(item), kept.item.recorded_at_ms)
    if item.payload.kind in _TRANSACTION_KINDS and not (known.started or known.ended or known.opened):
        known = _first_seen(known, replayer, kept, item)
    result.transactions[subject.hex()] = apply(known, record)
    if record.ops is not None and record.ops.seq_no is not None and item.payload.kind in _TRANSACTION_KINDS:
        _count(result, subject.hex(), item.payload.kind, record.ops.seq_no)


def _count(result: Replayed, session: str, kind: int, seq_no: int) -> None:
    if kind == Kind.ENDED and session in result.ended:
        return
    if kind == Kind.ENDED:
        result.ended.add(session)
    result.numbers.setdefault(session, Numbers()).take(seq_no)


def _first_seen(known: Transaction, replayer: Replayer, kept: KeptItem, item: Item) -> Transaction:
    entry = None if item.signature is None else replayer.registry.by_kid(item.signature.kid)
    direct = entry is None or entry.role not in SOURCE_ROLES
    source = Source.CSMS if direct or entry is None else source_of(entry, replayer.party)
    changes: dict[str, Any] = {
        "recorded_ms": kept.item.recorded_at_ms,
        "source": source,
        "station_id": _station_of(item),
    }
    return msgspec.structs.replace(known, **changes)


def _station_of(item: Item) -> str:
    return item.payload.origin.partition("/")[2].removesuffix("~csms")


def _openings(result: Replayed, replayer: Replayer, item: Item) -> list[Opening]:
    found: list[Opening] = []
    subject = (item.payload.subject or b"").hex()
    for gid, box in item.boxes.items():
        if replayer.seal_key is None:
            break
        if isinstance(box, list) and box[0] == PLAIN:
            continue
        secret = result.secrets.get((subject, gid)) or unwrap(item, gid, replayer.seal_key)
        if secret is not None:
            result.secrets[subject, gid] = secret
            opened = open_box(item, gid, secret)
            if isinstance(opened, Opening):
                found.append(opened)
    return found


async def compare_projections(journal: Journal, tenant: TenantId, replayed: Replayed) -> None:
    """Compare every stored transaction with the one its records give, field by field."""
    due = {t.id: t for t in replayed.transactions.values() if t.started or t.ended or t.opened}
    after = ""
    while page := await journal.documents(tenant, TRANSACTION, after=after, limit=PAGE):
        for document in page:
            expected = due.pop(document.key, None)
            where = f"transaction {document.key}"
            if expected is None:
                replayed.found("projection_without_records", where, session=document.key)
                continue
            try:
                stored = read(document, Transaction)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it is the finding
                replayed.found("projection_unreadable", where, type(error).__name__, document.key)
                continue
            compare(replayed, where, stored, expected)
            if document.active != stored.active or document.station_id != stored.station_id:
                replayed.found("projection_differs", f"{where} index columns", session=document.key)
        after = page[-1].key
    for missing in due:
        replayed.found("projection_missing", f"transaction {missing}", session=missing)


def compare(replayed: Replayed, where: str, stored: Transaction, expected: Transaction) -> None:
    """Compare a stored transaction with the one its records give, field by field."""
    for name in Transaction.__struct_fields__:
        told, due = getattr(stored, name), getattr(expected, name)
        if told != due and not (name == "identity_level" and _is_not_told(replayed, stored, expected)):
            detail = f"stored {told}, by its records {due}"
            replayed.found("projection_differs", f"{where} field {name}", detail, expected.id)


def _is_not_told(replayed: Replayed, stored: Transaction, expected: Transaction) -> bool:
    """Return whether who was identified cannot be compared: it was erased, or not kept yet when the session was."""
    erased = expected.request is not None and bytes.fromhex(expected.request) in replayed.erased
    return stored.identity_level is None or erased
