"""The bundle of a finished transaction: its stretch of chain, what it refers to, proofs, and what may be shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from wattseal.base.ids import Origin, Subject
from wattseal.bundle.build import build_bundle, openings_of
from wattseal.bundle.cdr import CdrSummary, price_charge, trace_to_value
from wattseal.bundle.format import Bundle
from wattseal.bundle.tariff import tariff_from_value
from wattseal.flow.charges.measured import points_for
from wattseal.flow.fleet.enrol import load_entries
from wattseal.flow.money.tariffs import tariff_item
from wattseal.flow.ports import KeptItem
from wattseal.flow.world import World
from wattseal.model.tariff import Tariff
from wattseal.model.transaction import Transaction
from wattseal.pricing.periods import needs_readings
from wattseal.pricing.price import Priced
from wattseal.rules.audience import shown_in_bundle, withheld_from_partners
from wattseal.seal.fields import Meter
from wattseal.seal.groups import Content, Opening
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.registry import Entry, entry_from
from wattseal.seal.signed import Statement

MAX_RECORDS = 20_000
_OTHERS = frozenset({Kind.REQUEST, Kind.DECISION, Kind.SETTLEMENT})


class Proofs(Protocol):
    """The transparency log, as far as bundles need it."""

    async def proof(self, index: int) -> bytes | None:
        """Return the tlog-proof of an entry under the earliest checkpoint cosigned enough; None until there is one."""

    async def cosigners(self, index: int) -> dict[str, int] | None:
        """Return who cosigned that checkpoint (party to Unix ms); None until there is one."""

    def state(self) -> int:
        """Return a number that changes when a checkpoint is kept; 0 where there are no cosignatures to be had.

        While it stays the same so does what the others say.
        """


@dataclass(frozen=True, slots=True)
class NotYet:
    """No bundle now: `reason` is "active" (not ended) or "checkpoint" (wait for the log and its witnesses)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pricing:
    """What the CPO asks for, with the tariff record it follows from."""

    summary: CdrSummary
    priced: Priced
    tariff: Tariff
    record: Item


async def assemble(
    world: World, proofs: Proofs, transaction: Transaction, *, billing_party: bool, curve: bool = True
) -> Bundle | NotYet:
    """Return the bundle of an ended transaction, opened for its audience; sealed boxes travel as they are.

    Without `curve` registers between start and end stay closed where nothing depends on them.
    """
    if transaction.ended is None or transaction.started is None:
        return NotYet("active")
    kept = await stretch_of(world, transaction)
    shown = [parse_item(k.item.item) for k in kept]
    stated: list[bytes] = []
    for entry in kept:
        if entry.log_index is None:
            continue
        proof = await proofs.proof(entry.log_index)
        if proof is None:
            return NotYet("checkpoint")
        stated.append(proof)
    others = await others_of(world, transaction)
    tariff = await tariff_record(world, others)
    pricing = None if tariff is None else await price_of(world, transaction, tariff)
    statements = await load_entries(world)
    everything = (*shown, *others)
    mine = [i for i in everything if i.payload.subject == bytes.fromhex(transaction.id)]
    openings = openings_of(mine, shown_in_bundle(billing_party=billing_party))
    return build_bundle(
        shown,
        proofs=stated,
        entries=needed_entries(statements, everything),
        others=others if tariff is None else (*others, tariff),
        openings=openings if curve else _without_curve(mine, openings, pricing),
        cdr=None if pricing is None else pricing.summary.to_value(),
        price_trace=None if pricing is None else trace_to_value(pricing.priced.trace),
    )


def _without_curve(items: Iterable[Item], openings: Iterable[Opening], pricing: Pricing | None) -> tuple[Opening, ...]:
    """Return the openings that the driver's eMSP is given."""
    kinds = {item.hash: Kind(item.payload.kind) for item in items}
    priced = pricing is not None and needs_readings(pricing.tariff)

    def withheld(opening: Opening) -> bool:
        group = Group(opening.gid)
        signed = group is Group.METER and bool(Meter.read(Content.decode(opening.content).fields).evidence)
        return withheld_from_partners(kinds[opening.payload_hash], group, priced=priced, signed=signed)

    return tuple(opening for opening in openings if not withheld(opening))


async def stretch_of(world: World, transaction: Transaction) -> tuple[KeptItem, ...]:
    """Return the chain from start to end along `prev`, so that no branch of a fork slips in."""
    subject = Subject(bytes.fromhex(transaction.id))
    mine = await world.journal.items_by_subject(world.tenant, subject)
    bounds = {k.item.payload_hash.hex(): k for k in mine}
    start, end = bounds[transaction.started or ""], bounds[transaction.ended or ""]
    first = start.item
    chain = await world.journal.items(
        world.tenant, Origin(first.origin), first.stream, (first.epoch, first.seq), MAX_RECORDS
    )
    by_hash = {bytes(k.item.payload_hash): k for k in chain}
    backwards = [end]
    while backwards[-1].item.payload_hash != start.item.payload_hash:
        before = by_hash.get(_prev(backwards[-1]))
        if before is None:
            backwards.append(start)
            break
        backwards.append(before)
    return tuple(reversed(backwards))


def _prev(kept: KeptItem) -> bytes:
    return parse_item(kept.item.item).payload.prev


async def others_of(world: World, transaction: Transaction) -> tuple[Item, ...]:
    """Return the transaction's request, decision and settlement."""
    kept = await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(transaction.id)))
    items = [parse_item(k.item.item) for k in kept if k.item.kind in _OTHERS]
    known = {transaction.request, transaction.decision, transaction.settlement}
    return tuple(item for item in items if item.hash.hex() in known)


async def price_of(world: World, transaction: Transaction, tariff: Item) -> Pricing | None:
    """Price a transaction the CPO can read by the tariff its decision refers to; None where it cannot be priced."""
    energy_wh = transaction.energy_wh
    if energy_wh is None or energy_wh < 0:
        return None
    if transaction.started_ms is None or transaction.ended_ms is None:
        return None
    terms = tariff_from_value(tariff.payload.public.get(1))
    priced = price_charge(terms, await points_for(world, transaction, terms))
    if not isinstance(priced, Priced):
        return None
    after_tax = priced.total.after_tax
    summary = CdrSummary(
        id=transaction.id,
        start_ms=transaction.started_ms,
        end_ms=transaction.ended_ms,
        energy_wh=energy_wh,
        currency=priced.currency,
        total_excl_vat=priced.total.before_tax,
        total_incl_vat=priced.total.before_tax if after_tax is None else after_tax,
        tariff=tariff.hash,
    )
    return Pricing(summary, priced, terms, tariff)


async def tariff_record(world: World, others: Iterable[Item]) -> Item | None:
    """Return the tariff record that the decision among `others` refers to."""
    for decision in others:
        if decision.payload.kind != Kind.DECISION:
            continue
        for ref in decision.payload.refs:
            item = await tariff_item(world, ref.hex())
            if item is not None:
                return item
    return None


def needed_entries(statements: Iterable[Statement], items: Iterable[Item]) -> tuple[Statement, ...]:
    """Return the entries a stranger needs: of the signers, of the station's meters, and of whoever consented."""
    items = list(items)
    kids = {i.signature.kid for i in items if i.signature is not None}
    origins = {i.payload.origin for i in items}
    parsed = [(statement, entry_from(statement)) for statement in statements]

    def wanted(entry: Entry) -> bool:
        return entry.kid in kids or any(entry.origin == origin for origin in origins)

    chosen = [(s, e) for s, e in parsed if wanted(e)]
    consenting = {c.signature.kid for _, e in chosen for c in e.consents}
    return tuple(s for s, e in parsed if wanted(e) or e.kid in consenting)


def utc_from_ms(ms: int) -> datetime:
    """Return Unix milliseconds as an aware UTC time."""
    return datetime.fromtimestamp(ms / 1000, UTC)
