"""What the verifier has found out so far about one bundle."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from wattseal.bundle.format import Bundle
from wattseal.bundle.report import RecordReport, Repriced, StepResult, place_text
from wattseal.bundle.trust import Trust
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.log.proof import TlogProof
from wattseal.model.verdict import Finding, Grade, Source, Verdict
from wattseal.pricing.periods import Point
from wattseal.seal.fields import Meter
from wattseal.seal.groups import Content
from wattseal.seal.item import Item, Kind
from wattseal.seal.registry import Entry, Registry, Role

_KIND_NAMES: dict[int, str] = {kind: kind.name.lower() for kind in Kind}
_BOUNDS = frozenset({Kind.STARTED, Kind.ENDED})
_ROLE_NAMES = {role: role.name.lower() for role in Role}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a step did not hold, or what it lacks."""

    result: StepResult
    reason: str
    field: str
    record: str = ""


def failed(reason: str, field_name: str, item: Item | None = None) -> Trouble:
    """Say that a step failed, at a field of a record."""
    return Trouble(StepResult.FAILED, reason, field_name, place_text(item.payload.place) if item else "")


def lacking(what: str, field_name: str, item: Item | None = None) -> Trouble:
    """Say what is missing: trust, opening, erased, checkpoint, authorisation or tariff."""
    return Trouble(StepResult.INCOMPLETE, what, field_name, place_text(item.payload.place) if item else "")


@dataclass(slots=True)
class Case:
    """One bundle under examination; filled step by step."""

    bundle: Bundle
    trust: Trust | None
    keys: tuple[SealPrivateKey, ...]
    proofs: Sequence[TlogProof]
    registry: Registry = field(init=False)
    items: dict[bytes, Item] = field(init=False)
    """Every item of the bundle by payload hash, chain first."""
    entitled: bool = False
    links_covered: bool = False
    signers: dict[bytes, Entry] = field(default_factory=dict)
    verdicts: dict[bytes, Verdict] = field(default_factory=dict)
    contents: dict[tuple[bytes, int], Content] = field(default_factory=dict)
    registers: list[tuple[Item, Meter]] = field(default_factory=list)
    """The readable registers of the transaction in chain order; filled in step 6."""
    evidence: list[RecordReport] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    cosigners: set[str] = field(default_factory=set)
    cosigned_in_time: bool = False
    source: Source | None = None
    meter_keys: dict[bytes, list[Entry]] = field(default_factory=dict)
    """Whose meters' signatures were found in a record, by its payload hash."""
    meter_signed: bool = False
    meter_energy_wh: Decimal | None = None
    """What the meter signed, where the CSMS's registers are the same but for rounding to whole Wh."""
    meter_complete: bool = False
    meter_party: str | None = None
    meter_levels: list[tuple[Entry, str]] = field(default_factory=list)
    """How surely somebody was identified, as meters signed with a start or end, one a record."""
    grade: Grade | None = None
    energy_wh: Decimal | None = None
    points: tuple[Point, ...] | None = None
    """What a price is made from; found when first asked for."""
    price: Repriced | None = None
    """The price recomputed, in step 11."""

    def __post_init__(self) -> None:
        """Start with an empty registry; step 2 fills it."""
        self.registry = Registry({})
        self.items = {item.hash: item for item in (*self.bundle.items, *self.bundle.others)}

    def signed(self) -> Iterator[Item]:
        """Yield every signed record of the bundle, chain first."""
        for item in (*self.bundle.items, *self.bundle.others):
            if item.signature is not None:
                yield item

    def of_kind(self, kind: Kind) -> Item | None:
        """Return the first record of a kind in the chain that is of the transaction of the first start or end there."""
        return next((i for i in self.bundle.items if i.payload.kind == kind and self.is_own(i)), None)

    def is_own(self, item: Item) -> bool:
        """Return whether a record is of the same transaction as the chain's first start or end.

        Others may lie in between: a stop that waited in a queue may be told after the next start at its EVSE.
        """
        first = next((i for i in self.bundle.items if i.payload.kind in _BOUNDS), None)
        return first is None or item.payload.subject == first.payload.subject

    def own(self) -> Iterator[Item]:
        """Yield the records of the transaction in the chain, those of others left out."""
        return (item for item in self.bundle.items if self.is_own(item))

    @property
    def cpo(self) -> str:
        """The forwarding CPO: the party of the chain's origin."""
        return self.bundle.items[0].payload.origin.partition("/")[0]

    def record_reports(self) -> list[RecordReport]:
        """Return a report for each record, evidence after the records.

        A link has no signature of its own: once signatures and chain hold, the next signed record's covers it.
        """
        reports = []
        for item in (*self.bundle.items, *self.bundle.others):
            entry = self.signers.get(item.hash)
            verdict, reason = self.verdicts.get(item.hash, Verdict.UNKNOWN_KEY), ""
            if item.signature is None:
                verdict = Verdict.VALID if self.links_covered else Verdict.UNKNOWN_KEY
                reason = "covered_by_the_next_signature" if self.links_covered else "not_covered_by_a_signature"
            reports.append(
                RecordReport(
                    verdict=verdict,
                    format="wattseal",
                    reason=reason,
                    record=place_text(item.payload.place),
                    kind=_KIND_NAMES.get(item.payload.kind) or f"kind {item.payload.kind}",
                    signer=f"{entry.party} ({_ROLE_NAMES[entry.role]})" if entry else "",
                )
            )
        return reports + self.evidence
