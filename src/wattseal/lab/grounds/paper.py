"""A CPO on paper: its chains, log, witnesses and registry in memory, and the trust file that a verifier decides by.

Whatever an insider can sign he signs here with the CPO's own keys, through none of the product's write paths.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from wattseal.app.system import SystemRandom
from wattseal.bundle.build import build_bundle, openings_of
from wattseal.bundle.cdr import CdrSummary, price_charge
from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import Bundle
from wattseal.bundle.report import Outcome, Report
from wattseal.bundle.tariff import tariff_to_value
from wattseal.bundle.trust import LogKey, Root, Trust, WitnessKey
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build
from wattseal.lab.month.tariffs import STANDARD
from wattseal.log import checkpoint as checkpoints
from wattseal.log.checkpoint import Checkpoint, SignedCheckpoint
from wattseal.log.cosignature import cosign
from wattseal.log.keys import SignatureType
from wattseal.log.keys import SigningKey as LogSigningKey
from wattseal.log.merkle import consistency_proof, inclusion_proof, leaf_hash, node_hash, root_at
from wattseal.log.proof import TlogProof
from wattseal.model.tariff import Tariff
from wattseal.model.token import TokenStatus
from wattseal.pricing.periods import Point
from wattseal.pricing.price import Priced
from wattseal.rules.settlement import Contract
from wattseal.seal.chain import NO_HEAD, ChainHead
from wattseal.seal.fields import Decision, Identity, Meter, Ops
from wattseal.seal.item import ClockQuality, Group, Item, Kind
from wattseal.seal.registry import SOURCE_ROLES, Entry, Role, Use
from wattseal.seal.signed import Statement
from wattseal.seal.writer import Draft, GroupDraft, Reader, SubjectKeys, Writer

LOG, STATION, REGISTRY = "CPO/log", "CPO/ST1", "registry"
AT_MS = 1_760_000_000_000
LASTS_MIN = 30
NONCE_BYTES = 16
Evidence = tuple[tuple[str, bytes], ...]


def fresh(algorithm: Algorithm = Algorithm.ED25519) -> SigningKey:
    """Return a signing key that no seed makes."""
    return SigningKey.from_seed(algorithm, SystemRandom().bytes(32))


@dataclass(slots=True)
class Pen:
    """One stream of a chain and the key that writes it."""

    writer: Writer
    stream: int
    head: ChainHead = NO_HEAD

    def write(self, kind: Kind, ms: int, subject: SubjectKeys | None = None, **draft: Any) -> Item:
        """Write the next record, after a boot record where it is the first."""
        if self.head is NO_HEAD:
            boot = Draft(Kind.BOOT, ms - 1, ClockQuality.SYNCHRONISED)
            _, self.head = self.writer.append(self.head, self.stream, boot, None)
        item, self.head = self.writer.append(
            self.head, self.stream, Draft(kind, ms, ClockQuality.SYNCHRONISED, **draft), subject
        )
        return item


@dataclass(frozen=True, slots=True)
class Keys:
    """Everybody's keys; the CPO's own are `csms` and `log`."""

    root: SigningKey = field(default_factory=fresh)
    emsp: SigningKey = field(default_factory=fresh)
    csms: SigningKey = field(default_factory=fresh)
    meter: SigningKey = field(default_factory=lambda: fresh(Algorithm.ESP256))
    emsp_seal: SealPrivateKey = field(default_factory=lambda: SealPrivateKey.from_seed(SystemRandom().bytes(32)))
    csms_seal: SealPrivateKey = field(default_factory=lambda: SealPrivateKey.from_seed(SystemRandom().bytes(32)))
    log: LogSigningKey = field(
        default_factory=lambda: LogSigningKey(LOG, SignatureType.ED25519, SystemRandom().bytes(32))
    )
    witnesses: tuple[LogSigningKey, ...] = field(
        default_factory=lambda: tuple(
            LogSigningKey(f"witness/{party}", SignatureType.COSIGNATURE_ED25519, SystemRandom().bytes(32))
            for party in ("MSP", "DSO")
        )
    )


@dataclass(frozen=True, slots=True)
class Authorised:
    """A request, the eMSP's decision on it, the tariff that names, and the driver's session so far."""

    request: Item
    decision: Item
    tariff: Item
    terms: Tariff
    subject: SubjectKeys


@dataclass(frozen=True, slots=True)
class Session:
    """The records of a session at a station whose meter signs; `registers_wh` at start and end."""

    items: tuple[Item, ...]
    registers_wh: tuple[Decimal, Decimal]
    begin_ms: int
    subject: SubjectKeys


@dataclass(slots=True)
class Paper:
    """Everything in memory. `entries` are what the registry signed, `trust` what the verifier holds."""

    keys: Keys = field(default_factory=Keys)
    leaves: list[bytes] = field(default_factory=list)
    page: int = 1
    until_ms: int = AT_MS + 3_600_000
    _pens: dict[tuple[str, int], Pen] = field(default_factory=dict)
    _nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)

    @property
    def entries(self) -> tuple[Statement, ...]:
        """Return the registry's entries; the eMSP consents to the station's meter."""
        keys = self.keys
        made = (
            self.entry(Role.EMSP, "MSP", keys.emsp.public.spki, "MSP/*"),
            self.entry(Role.EMSP, "MSP", keys.emsp_seal.public.spki, "MSP/*", use=Use.SEAL),
            self.entry(Role.CSMS, "CPO", keys.csms.public.spki, "CPO/*"),
            self.entry(Role.CSMS, "CPO", keys.csms_seal.public.spki, "CPO/*", use=Use.SEAL),
            self.entry(Role.METER, "METER", keys.meter.public.spki, STATION, custodian="SITE", meter_id="MTR1"),
        )
        return tuple(self.enrolled(each) for each in made)

    def entry(
        self, role: Role, party: str, spki: bytes, origin: str, *, use: Use = Use.SIGN, **more: str | None
    ) -> Entry:
        """Return an entry that nobody has signed yet."""
        made = Entry(1, origin, role, party, more.get("custodian") or party, spki, use, AT_MS - 10**9)
        return replace(made, meter_id=more.get("meter_id"))

    def enrolled(
        self,
        entry: Entry,
        root: SigningKey | None = None,
        consent: SigningKey | None = None,
        registry: str = REGISTRY,
    ) -> Statement:
        """Sign an entry as the registry, or with another `root`; `consent` is the eMSP's where no other is given."""
        if entry.role in SOURCE_ROLES:
            entry = replace(entry, consents=(entry.consent(consent or self.keys.emsp, registry),))
        return entry.issue(root or self.keys.root, registry)

    @property
    def trust(self) -> Trust:
        """Return the trust file."""
        return Trust(
            registries=(Root(REGISTRY, self.keys.root.public, "REG"),),
            logs=(LogKey(self.keys.log.verifier, "CPO"),),
            witnesses=tuple(WitnessKey(w.verifier, w.name.partition("/")[2]) for w in self.keys.witnesses),
            quorum=len(self.keys.witnesses),
        )

    def pen(self, origin: str, stream: int, key: SigningKey) -> Pen:
        """Return the pen of a stream, always the same one."""
        if (origin, stream) not in self._pens:
            self._pens[origin, stream] = Pen(Writer.new(origin, LOG, key, SystemRandom().bytes), stream)
        return self._pens[origin, stream]

    def tariff(self, terms: Tariff = STANDARD, key: SigningKey | None = None) -> Item:
        """Write a tariff record, with the CPO's key if there is no other."""
        pen = self.pen("CPO/tariffs", 0, key or self.keys.csms)
        return pen.write(Kind.TARIFF, AT_MS - 8000, public={1: tariff_to_value(terms)})

    def request(self, token: str = "DRIVER-1", begin_ms: int = AT_MS) -> tuple[Item, SubjectKeys]:  # noqa: S107 - a token's value
        """Write the request for a driver's token, sealed for the eMSP."""
        subject = SubjectKeys.new(SystemRandom().bytes)
        seal = self.keys.emsp_seal.public
        groups = {
            Group.IDENTITY: GroupDraft(Identity(token, "ISO14443").to_fields(), (Reader("MSP", seal),)),
            Group.OPS: GroupDraft(Ops(route="MSP", evse_id=1, nonce=bytes(NONCE_BYTES)).to_fields()),
        }
        pen = self.pen(STATION, 0, self.keys.csms)
        return pen.write(Kind.REQUEST, begin_ms - 4000, subject, groups=groups), subject

    def authorised(
        self, terms: Tariff = STANDARD, *, begin_ms: int = AT_MS, status: TokenStatus = TokenStatus.ACCEPTED
    ) -> Authorised:
        """Let the eMSP decide on a driver's request under a tariff."""
        tariff = self.tariff(terms)
        request, subject = self.request(begin_ms=begin_ms)
        public = Decision(status, bytes(NONCE_BYTES), begin_ms + 86_400_000, 10**6).to_public()
        desk = self.pen("MSP/authorisation", 0, self.keys.emsp)
        refs = (request.hash, tariff.hash)
        decision = desk.write(Kind.DECISION, begin_ms - 3000, refs=refs, public=public)
        return Authorised(request, decision, tariff, terms, subject)

    def record(
        self,
        readings: Sequence[tuple[str, Decimal, int]],
        *,
        key: SigningKey | None = None,
        serial: str = "MTR1",
    ) -> bytes:
        """Return an OCMF record of (reason, Wh, Unix ms) readings, of the station's meter if there is no other."""
        told = [ReadingToSign(datetime.fromtimestamp(ms / 1000, UTC), reason, wh) for reason, wh, ms in readings]
        made = build(MeterState(serial, page=self.page), told, key or self.keys.meter)
        self.page += 1
        return made

    def session(
        self,
        start_wh: int,
        end_wh: int,
        *,
        authorised: Authorised | None,
        begin_ms: int = AT_MS,
        evidence: Evidence | None = None,
        refs: tuple[bytes, ...] | None = None,
    ) -> Session:
        """Write a session as the CSMS would; `evidence` stands in place of what the meter signs at its end."""
        end_ms = begin_ms + LASTS_MIN * 60_000
        registers = Decimal(start_wh), Decimal(end_wh)
        if evidence is None:
            evidence = (("OCMF", self.record((("B", registers[0], begin_ms), ("E", registers[1], end_ms)))),)
        subject = authorised.subject if authorised else SubjectKeys.new(SystemRandom().bytes)
        if refs is None:
            refs = (authorised.decision.hash,) if authorised else ()
        pen = self.pen(STATION, 1, self.keys.csms)
        items = []
        for kind, ms, wh, own in ((Kind.STARTED, begin_ms, 0, ()), (Kind.ENDED, end_ms, 1, evidence)):
            ops = Ops(transaction_id="T", evse_id=1, station_ms=ms, seq_no=wh)
            groups = {
                Group.METER: GroupDraft(Meter(registers[wh], evidence=own).to_fields()),
                Group.OPS: GroupDraft(ops.to_fields()),
            }
            items.append(pen.write(kind, ms, subject, groups=groups, refs=refs if kind is Kind.STARTED else ()))
        return Session(tuple(items), registers, begin_ms, subject)

    def summary(self, session: Session, tariff: Item, terms: Tariff) -> CdrSummary:
        """Return what the CPO asks for a session under a tariff."""
        start_wh, end_wh = session.registers_wh
        end_ms = session.begin_ms + LASTS_MIN * 60_000
        priced = price_charge(terms, (Point(session.begin_ms, start_wh), Point(end_ms, end_wh)))
        if not isinstance(priced, Priced) or priced.total.after_tax is None:
            raise AssertionError("the lab's tariffs have a price with tax")
        return CdrSummary(
            session.subject.subject.hex(), session.begin_ms, end_ms, end_wh - start_wh, priced.currency,
            priced.total.before_tax, priced.total.after_tax, tariff.hash,
        )  # fmt: skip

    def forked(self, size: int) -> "Paper":
        """Return another history: the log's first `size` entries, and chains that go on as if nothing had followed."""
        pens = {place: replace(pen) for place, pen in self._pens.items()}
        return replace(self, leaves=self.leaves[:size], _pens=pens, _nodes={})

    def log(self, items: Sequence[Item]) -> None:
        """Log what is not logged yet."""
        self.until_ms = max(self.until_ms, *(item.payload.ms for item in items))
        known = set(self.leaves)
        new = [leaf for item in items if (leaf := item.leaf_entry()) is not None and leaf not in known]
        self.leaves.extend(new)

    def _node(self, level: int, index: int) -> bytes:
        """Return the hash of a whole subtree, which stays what it is however the log grows."""
        found = self._nodes.get((level, index))
        if found is None:
            below = (level - 1, 2 * index), (level - 1, 2 * index + 1)
            found = leaf_hash(self.leaves[index]) if level == 0 else node_hash(*(self._node(*each) for each in below))
            self._nodes[level, index] = found
        return found

    def checkpoint(self) -> SignedCheckpoint:
        """Sign the log as it stands; nobody has cosigned it yet."""
        size = len(self.leaves)
        return checkpoints.sign(Checkpoint(LOG, size, root_at(size, self._node)), self.keys.log)

    def cosigned(self) -> SignedCheckpoint:
        """Sign the log as it stands and have both witnesses cosign it, an hour after its latest record."""
        signed = self.checkpoint()
        at_s = self.until_ms // 1000 + timedelta(hours=1).seconds
        return signed.with_signatures(cosign(signed.note.text, w, at_s) for w in self.keys.witnesses)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the first `new` entries extend the first `old`."""
        return consistency_proof(old, new, self._node)

    def bundle(
        self,
        session: Session,
        others: Sequence[Item],
        cdr: CdrSummary | None = None,
        entries: Sequence[Statement] | None = None,
        signed: SignedCheckpoint | None = None,
    ) -> Bundle:
        """Log a session's records and bundle them, plain content shown, under a checkpoint that all have cosigned.

        `signed` is another checkpoint of this log.
        """
        self.log([*others, *session.items])
        signed = signed or self.cosigned()
        size = signed.checkpoint.size
        indices = [self.leaves.index(item.leaf_entry() or b"") for item in session.items]
        proofs = [TlogProof(i, inclusion_proof(i, size, self._node), signed).encode() for i in indices]
        return build_bundle(
            session.items,
            proofs=proofs,
            entries=self.entries if entries is None else entries,
            others=others,
            openings=openings_of(session.items, (Group.METER, Group.OPS)),
            cdr=None if cdr is None else cdr.to_value(),
        )

    def judged(self, bundle: Bundle | bytes, trust: Trust | None = None) -> Report:
        """Give a bundle to a verifier that has nothing but the trust file."""
        data = bundle if isinstance(bundle, bytes) else bundle.encode()
        return check_bundle(data, trust or self.trust)

    def accepted(self, report: Report) -> bool:
        """Return whether an eMSP would pay: VALID, at the grade that a station with an enrolled meter must reach."""
        required = Contract("CPO", LOG).required(STATION.partition("/")[2], self.trust.registry(self.entries))
        return report.verdict is Outcome.VALID and report.grade is not None and report.grade >= required


def told(report: Report) -> str:
    """Return a verdict in words, with the step and reason where it is not VALID."""
    if report.verdict is Outcome.VALID and report.grade is not None and report.source is not None:
        noted = "".join(f", {f.code}" for f in report.findings if f.code == "energy_not_signed")
        return f"VALID at {report.grade.name} ({report.source.value}), {report.energy_wh} Wh{noted}"
    failure = report.failure
    return f"{report.verdict.value}, step {failure.number} {failure.reason}" if failure else report.verdict.value
