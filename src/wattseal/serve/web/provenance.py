"""Why a session's figures are trusted: who signed, with which key, enrolled by whom; log, witnesses, readers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from wattseal.base.errors import InputError
from wattseal.base.ids import Subject
from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Report
from wattseal.flow.charges.bundling import NotYet, assemble
from wattseal.flow.fleet.enrol import load_entries
from wattseal.flow.ports import KeptItem
from wattseal.flow.world import World
from wattseal.log.proof import TlogProof
from wattseal.model.transaction import Transaction
from wattseal.rules.audience import shown_in_bundle
from wattseal.seal.groups import PLAIN
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.registry import Entry, Role, Use, entry_from
from wattseal.seal.signed import Domain
from wattseal.serve.api.service import Service

MAX_RECORDS = 200
"""Records of a session that are shown, the first ones; all of them are checked."""

BROKEN_RECORDS = "records"
"""In place of what is waited for: the records that a bundle would be made of are not all there."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A key: `registry` is the root that enrolled it, None where that was this CPO alone."""

    entry: Entry
    registry: str | None
    records: int


@dataclass(frozen=True, slots=True)
class Logged:
    """A record's place in the log: `included` says what its inclusion proof came to just now."""

    index: int
    size: int
    included: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is kept; `logged` is None for links, which the next signature covers, and before a checkpoint."""

    place: str
    kind: str
    hash: str
    ms: int
    signer: Entry | None
    signed: bool
    log_index: int | None
    logged: Logged | None


@dataclass(frozen=True, slots=True)
class Audience:
    """Who can read a group of a session's records: this CPO, the driver's eMSP, whoever is given the bundle."""

    group: Group
    plain: bool
    sealed: bool
    emsp: bool
    bundle: bool


@dataclass(frozen=True, slots=True)
class Provenance:
    """All of it. `report` is None until a bundle can be made; `waits` says what for."""

    records: tuple[Record, ...]
    more: int
    signers: tuple[Signer, ...]
    meters: tuple[Signer, ...]
    witnesses: tuple[tuple[str, int], ...]
    audience: tuple[Audience, ...]
    report: Report | None
    waits: str


async def provenance_of(service: Service, transaction: Transaction) -> Provenance:
    """Gather it; inclusion and the verifier's steps are worked out now."""
    world = service.world
    kept = await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(transaction.id)))
    items = [(one, item) for one in kept if (item := _item(one)) is not None]
    roots = await _roots(world)
    report, waits = await _verified(service, transaction)
    records = [await _record(service, one, item) for one, item in items[:MAX_RECORDS]]
    return Provenance(
        records=tuple(records),
        more=max(0, len(kept) - MAX_RECORDS),
        signers=_signers(world, [item for _, item in items], roots),
        meters=_meters(world, transaction, roots),
        witnesses=await _witnesses(service, transaction, kept),
        audience=_audience([item for _, item in items]),
        report=report,
        waits=waits,
    )


def _item(kept: KeptItem) -> Item | None:
    try:
        return parse_item(kept.item.item)
    except InputError:
        return None


async def _roots(world: World) -> dict[bytes, str]:
    """Return by key id the name of the registry that signed its entry, where one did."""
    known = () if world.trust is None else world.trust.entries
    keys = {} if world.trust is None else world.trust.roots()
    found: dict[bytes, str] = {}
    for statement in (*known, *await load_entries(world)):
        for name, root in keys.items():
            if statement.verify(root, Domain.ENTRY, name):
                found[entry_from(statement).kid] = name
    return found


async def _record(service: Service, kept: KeptItem, item: Item) -> Record:
    entry = None if item.signature is None else service.world.registry.by_kid(item.signature.kid)
    payload = item.payload
    return Record(
        place=f"{payload.origin} · {payload.stream} · {payload.epoch} · {payload.seq}",
        kind=_kind(payload.kind),
        hash=item.hash.hex(),
        ms=payload.ms,
        signer=entry,
        signed=item.signature is not None,
        log_index=kept.log_index,
        logged=None if kept.log_index is None else await _logged(service, kept.log_index, item.leaf_entry()),
    )


async def _logged(service: Service, index: int, leaf: bytes | None) -> Logged | None:
    data = await service.proofs.proof(index)
    if data is None:
        return None
    proof = TlogProof.parse(data)
    return Logged(index, proof.checkpoint.checkpoint.size, leaf is not None and proof.includes(leaf))


async def _witnesses(
    service: Service, transaction: Transaction, kept: Sequence[KeptItem]
) -> tuple[tuple[str, int], ...]:
    """Return who cosigned the checkpoint that covers the end (of one that runs, the start), and when."""
    bound = transaction.ended or transaction.started
    index = next((k.log_index for k in kept if k.item.payload_hash.hex() == bound), None)
    found = None if index is None else await service.proofs.cosigners(index)
    return tuple(sorted((found or {}).items()))


def _signers(world: World, items: Sequence[Item], roots: dict[bytes, str]) -> tuple[Signer, ...]:
    counted: dict[bytes, int] = {}
    for item in items:
        if item.signature is not None:
            counted[item.signature.kid] = counted.get(item.signature.kid, 0) + 1
    entries = ((world.registry.by_kid(kid), number) for kid, number in counted.items())
    return tuple(Signer(entry, roots.get(entry.kid), number) for entry, number in entries if entry is not None)


def _meters(world: World, transaction: Transaction, roots: dict[bytes, str]) -> tuple[Signer, ...]:
    """Return the keys of the station's meters, where something in the session is signed by one."""
    if not transaction.verdicts:
        return ()
    origin = f"{world.party}/{transaction.station_id}"
    entries = (e for e in world.registry.entries() if e.role is Role.METER and e.use is Use.SIGN and e.origin == origin)
    return tuple(Signer(entry, roots.get(entry.kid), 0) for entry in entries)


def _audience(items: Sequence[Item]) -> tuple[Audience, ...]:
    boxes: dict[int, list[object]] = {}
    for item in items:
        for gid, box in item.boxes.items():
            boxes.setdefault(gid, []).append(box)
    found = []
    for group in Group:
        if int(group) not in boxes:
            continue
        plain = [isinstance(box, list) and box[0] == PLAIN for box in boxes[int(group)]]
        found.append(
            Audience(
                group=group,
                plain=all(plain),
                sealed=not all(plain),
                emsp=group in shown_in_bundle(billing_party=True),
                bundle=group in shown_in_bundle(billing_party=False),
            )
        )
    return tuple(found)


async def _verified(service: Service, transaction: Transaction) -> tuple[Report | None, str]:
    """Make the session's bundle and have the verifier check it, as a stranger with our trust file would."""
    if transaction.active:
        return None, "active"
    try:
        made = await assemble(service.world, service.proofs, transaction, billing_party=False)
    except (InputError, KeyError):
        return None, BROKEN_RECORDS
    if isinstance(made, NotYet):
        return None, made.reason
    return await asyncio.to_thread(check_bundle, made.encode(), service.world.trust), ""


def _kind(kind: int) -> str:
    try:
        return Kind(kind).name.lower()
    except ValueError:
        return str(kind)
