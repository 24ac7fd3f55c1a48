"""A small world for bundle tests: registry, log, witnesses and finished charges with their bundles."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from tests.support.charges import (
    ARBITER,
    CPO,
    EMSP,
    LOG,
    ORIGIN,
    START_MS,
    charge,
    pen,
    seeded,
    signing_key,
)

from wattseal.bundle.build import build_bundle, openings_of
from wattseal.bundle.cdr import CdrSummary, price_charge, trace_to_value
from wattseal.bundle.format import Bundle
from wattseal.bundle.tariff import tariff_to_value
from wattseal.bundle.trust import LogKey, Root, Trust, WitnessKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.log import checkpoint as checkpoints
from wattseal.log.checkpoint import Checkpoint, SignedCheckpoint
from wattseal.log.cosignature import cosign
from wattseal.log.keys import SignatureType
from wattseal.log.keys import SigningKey as LogSigningKey
from wattseal.log.merkle import Tree, inclusion_proof, leaf_hash, node_hash
from wattseal.log.proof import TlogProof
from wattseal.model.tariff import PriceComponent, Tariff, TariffElement
from wattseal.model.token import TokenStatus
from wattseal.pricing.periods import Point
from wattseal.pricing.price import Priced
from wattseal.seal.fields import Decision, Identity, Ops
from wattseal.seal.groups import unwrap
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.receipt import Receipt, issue
from wattseal.seal.registry import Entry, Role, Use
from wattseal.seal.signed import Statement
from wattseal.seal.writer import GroupDraft, Reader, SubjectKeys

REGISTRY = "registry"
ROOT = signing_key("root", Algorithm.ED25519)
EMSP_KEY = signing_key("emsp", Algorithm.ED25519)
CSMS_KEY = signing_key("csms", Algorithm.ED25519)
EDGE_KEY = signing_key("edge")
LOG_KEY = LogSigningKey(LOG, SignatureType.ED25519, seeded("log")(32))
WITNESSES = {
    party: LogSigningKey(f"witness/{party}", SignatureType.COSIGNATURE_ED25519, seeded(f"witness {party}")(32))
    for party in ("MSP", "DSO")
}


def entry(
    role: Role, party: str, key: bytes, origin: str, *, use: Use = Use.SIGN, custodian: str = "", **more: object
) -> Entry:
    return Entry(1, origin, role, party, custodian or party, key, use, START_MS - 10**9, **more)  # type: ignore[arg-type]


def enrolled(made: Entry, *, root: SigningKey = ROOT, consent: SigningKey | None = EMSP_KEY) -> Statement:
    """Return the root-signed statement, with the eMSP's consent where one is needed."""
    import dataclasses  # noqa: PLC0415

    if made.role in {Role.EDGE, Role.METER, Role.STATION} and consent is not None:
        made = dataclasses.replace(made, consents=(made.consent(consent, REGISTRY),))
    return made.issue(root, REGISTRY)


def entries(*more: Entry, root: SigningKey = ROOT) -> tuple[Statement, ...]:
    base = [
        entry(Role.EMSP, "MSP", EMSP_KEY.public.spki, "MSP/*"),
        entry(Role.EMSP, "MSP", EMSP.public.spki, "MSP/*", use=Use.SEAL),
        entry(Role.ARBITER, "ARB", ARBITER.public.spki, "ARB/*", use=Use.SEAL),
        entry(Role.CSMS, "CPO", CSMS_KEY.public.spki, "CPO/*"),
        entry(Role.CSMS, "CPO", CPO.public.spki, "CPO/*", use=Use.SEAL),
        entry(Role.EDGE, "SITE", EDGE_KEY.public.spki, ORIGIN, custodian="SITE"),
    ]
    return tuple(enrolled(e, root=root) for e in (*base, *more))


def trust(**changes: object) -> Trust:
    base = Trust(
        registries=(Root(REGISTRY, ROOT.public, "REG"),),
        logs=(LogKey(LOG_KEY.verifier, "CPO"),),
        witnesses=tuple(WitnessKey(k.verifier, party) for party, k in WITNESSES.items()),
        quorum=2,
    )
    import dataclasses  # noqa: PLC0415

    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


@dataclass
class MemoryLog:
    """A log held in memory, hashed with the product's own tree."""

    entries: list[bytes] = field(default_factory=list)
    until_ms: int = START_MS + 3_500_000

    def add(self, items: Sequence[Item]) -> None:
        self.until_ms = max(self.until_ms, *(i.payload.ms for i in items))
        self.entries.extend(e for e in (i.leaf_entry() for i in items) if e is not None)

    def node(self, level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(self.entries[index])
        return node_hash(self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))

    def checkpoint(
        self, key: LogSigningKey = LOG_KEY, parties: Sequence[str] = ("MSP", "DSO"), at_s: int | None = None
    ) -> SignedCheckpoint:
        tree = Tree()
        tree.extend(leaf_hash(e) for e in self.entries)
        signed = checkpoints.sign(Checkpoint(key.name, tree.size, tree.root()), key)
        now_s = at_s or self.until_ms // 1000 + 100
        return signed.with_signatures(cosign(signed.note.text, WITNESSES[p], now_s) for p in parties)

    def proof(self, item: Item, signed: SignedCheckpoint) -> bytes:
        index = self.entries.index(item.leaf_entry() or b"")
        hashes = inclusion_proof(index, len(self.entries), self.node)
        return TlogProof(index, hashes, signed).encode()


def tariff(per_kwh: str = "0.42") -> Tariff:
    """Return a tariff of an energy price and a flat fee, 20 % VAT."""
    vat = Decimal(20)
    components = (PriceComponent("ENERGY", Decimal(per_kwh), vat, 1), PriceComponent("FLAT", Decimal("0.50"), vat, 1))
    updated = datetime(2026, 1, 1, tzinfo=UTC)
    return Tariff("ZZ", "CPO", "T1", "EUR", tuple(TariffElement((c,)) for c in components), updated)


def tariff_record(later: Tariff | None = None, *, terms: Tariff | None = None) -> Item:
    """Return the CPO's signed tariff (or `terms` in its place), or the one that came after it."""
    desk = pen("CPO/tariffs", key=CSMS_KEY, stream=0, seed="tariffs")
    desk.write(Kind.BOOT, START_MS - 9000)
    first = desk.write(Kind.TARIFF, START_MS - 8000, public={1: tariff_to_value(terms or tariff())})
    return first if later is None else desk.write(Kind.TARIFF, START_MS - 7000, public={1: tariff_to_value(later)})


def authorisation(
    subject_seed: str = "tx",
    terms: Tariff | None = None,
    station: str = ORIGIN,
    *,
    identified: tuple[str, bytes] | None = None,
    presented: str = "ISO14443",
) -> tuple[Item, Item]:
    """Return a request (stream 0) and the eMSP's accepting decision, which names the tariff.

    The request is the edge's, or the CSMS's at a station without one.
    """
    subject = SubjectKeys.new(seeded(subject_seed))
    desk = pen(station, stream=0, key=EDGE_KEY if station == ORIGIN else CSMS_KEY, seed="desk")
    desk.write(Kind.BOOT, START_MS - 5000)
    groups = {
        Group.IDENTITY: GroupDraft(Identity("DRIVER-1", presented).to_fields(), (Reader("MSP", EMSP.public),)),
        Group.OPS: GroupDraft(Ops(route="MSP", nonce=bytes(16)).to_fields(), (Reader("CPO", CPO.public),)),
    }
    request = desk.write(Kind.REQUEST, START_MS - 4000, subject, groups=groups)
    billing = pen("MSP/authorisation", key=EMSP_KEY, stream=0, seed="billing")
    billing.write(Kind.BOOT, START_MS - 3500)
    told = Decision(TokenStatus.ACCEPTED, bytes(16), START_MS + 3_600_000, 50_000, identified=identified)
    decision = billing.write(
        Kind.DECISION, START_MS - 3000, refs=(request.hash, tariff_record(terms=terms).hash), public=told.to_public()
    )
    return request, decision


@dataclass
class Finished:
    """A finished charge: its items, what they refer to, its log and its bundle."""

    items: list[Item]
    others: list[Item]
    log: MemoryLog
    bundle: Bundle


def sealed_charge(
    *,
    readings: int = 3,
    start_wh: int = 1000,
    opened: bool = True,
    terms: Tariff | None = None,
    registers: Sequence[int] | None = None,
    identified: tuple[str, bytes] | None = None,
    presented: str | None = None,
) -> Finished:
    """A charge behind an edge, sealed from the CPO, authorised by the eMSP, logged and witnessed.

    `registers` are in Wh, start and end included, half a minute apart; `terms` is the tariff. `identified` is in the
    decision; the kind of token `presented` is shown where it is given, else it is a card's and hidden.
    """
    request, decision = authorisation(terms=terms, identified=identified, presented=presented or "ISO14443")
    price_list = tariff_record(terms=terms)
    items = charge(pen(key=EDGE_KEY), readings=readings, start_wh=start_wh, refs=(decision.hash,), registers=registers)
    log = MemoryLog([bytes([n]) * 32 for n in range(5)])
    log.add([request, decision, *items])
    signed = log.checkpoint()
    secrets: dict[int, bytes] = {g: s for g in (Group.METER, Group.OPS) if (s := unwrap(items[0], g, EMSP)) is not None}
    named = unwrap(request, Group.IDENTITY, EMSP)
    shown = (
        () if presented is None or named is None else openings_of([request], [Group.IDENTITY], {Group.IDENTITY: named})
    )
    first = items[0]
    statement = issue(
        Receipt(
            *first.payload.place,
            first.hash,
            first.leaf_entry() or b"",
            log.entries.index(first.leaf_entry() or b""),
            START_MS,
            60,
        ),
        CSMS_KEY,
        LOG,
    )
    told = registers or [start_wh + n * 500 for n in range(readings + 2)]
    points = [Point(START_MS + n * 30_000, Decimal(wh)) for n, wh in enumerate(told)]
    energy_wh = Decimal(told[-1] - told[0])
    priced = price_charge(terms or tariff(), points)
    assert isinstance(priced, Priced)
    assert priced.total.after_tax is not None
    summary = CdrSummary(
        id=(items[0].payload.subject or b"").hex(),
        start_ms=START_MS,
        end_ms=items[-1].payload.ms,
        energy_wh=energy_wh,
        currency="EUR",
        total_excl_vat=priced.total.before_tax,
        total_incl_vat=priced.total.after_tax,
        tariff=price_list.hash,
    )
    bundle = build_bundle(
        items,
        proofs=[log.proof(i, signed) for i in items if i.signature is not None],
        entries=entries(),
        others=[request, decision, price_list],
        cdr=summary.to_value(),
        price_trace=trace_to_value(priced.trace),
        openings=(*(openings_of(items, secrets, secrets) if opened else ()), *shown),
        receipts=[statement],
    )
    return Finished(items, [request, decision, price_list], log, bundle)
