"""Records that arrive from a station's own signer: is it entitled, is the signature good, does the chain go on."""

from dataclasses import dataclass, field
from enum import StrEnum

from wattseal.crypto.keys import PublicKey
from wattseal.model.verdict import Finding, Source, Verdict
from wattseal.seal.chain import NO_HEAD, ChainHead
from wattseal.seal.groups import BoxState, Opening, check_box, open_box
from wattseal.seal.item import Item, group_name
from wattseal.seal.registry import SOURCE_ROLES, Entry, Refusal, Registry, Role

MAX_BRANCHES = 32
"""Unsigned links kept as possible continuations; a signature settles which of them was true."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of a record: UNSIGNED is a link; INVALID and UNKNOWN_KEY are kept, but not logged or receipted."""

    verdict: Verdict
    notes: tuple[Finding, ...] = ()
    signer: Entry | None = None

    @property
    def accepted(self) -> bool:
        """Whether it goes into the journal's chain."""
        return self.verdict in {Verdict.VALID, Verdict.UNSIGNED}


def check_signer(item: Item, origin: str, registry: Registry, log_origin: str) -> Arrival:
    """Check that the record is of the connection's own origin, by an enrolled key, with a good signature."""
    if item.payload.origin != origin:
        return Arrival(Verdict.INVALID, (Finding("record_foreign", "origin"),))
    spoilt = _spoilt_box(item)
    if spoilt is not None:
        return Arrival(Verdict.INVALID, (spoilt,))
    if item.signature is None:
        return Arrival(Verdict.UNSIGNED)
    payload = item.payload
    entry = registry.signer(item.signature.kid, payload.origin, payload.kind, payload.ms)
    if isinstance(entry, Refusal):
        return Arrival(Verdict.UNKNOWN_KEY, (Finding("record_key_not_entitled", "kid", entry.code),))
    if entry.role not in SOURCE_ROLES or entry.role is Role.METER or entry.revoked_ms is not None:
        return Arrival(Verdict.UNKNOWN_KEY, (Finding("record_key_not_entitled", "kid", entry.role.name.lower()),))
    if registry.after_handover(entry.kid, payload.stream, payload.epoch, payload.seq, item.hash):
        return Arrival(Verdict.UNKNOWN_KEY, (Finding("record_key_not_entitled", "kid", "signed_after_handover"),))
    if not item.verify(PublicKey.from_spki(entry.spki), log_origin):
        return Arrival(Verdict.INVALID, (Finding("record_signature_invalid", "signature"),), entry)
    return Arrival(Verdict.VALID, (), entry)


def _spoilt_box(item: Item) -> Finding | None:
    """Say which box is missing or is not the one the signer signed for: a hop altered it, the sender sends it again."""
    for gid, commitment in item.payload.groups.items():
        trouble = check_box(item, gid)
        if trouble is None and commitment.box_hash is None and not isinstance(open_box(item, gid, None), Opening):
            trouble = BoxState.ALTERED
        if trouble is not None:
            return Finding(trouble, group_name(gid))
    return None


def source_of(entry: Entry, cpo: str) -> Source:
    """Return the source a signer stands for; one in the CPO's own custody is the CPO's word."""
    if entry.custodian == cpo:
        return Source.CSMS
    return Source.EDGE if entry.role is Role.EDGE else Source.STATION


class Step(StrEnum):
    """How an item follows what is known of its chain."""

    NEXT = "next"
    GAP = "gap"
    BEFORE = "before"


@dataclass(slots=True)
class Tail:
    """The end of a chain somebody else writes: the last signed place, and every unsigned way on from it."""

    head: ChainHead = NO_HEAD
    branches: dict[bytes, ChainHead] = field(default_factory=dict)

    @staticmethod
    def at(head: ChainHead) -> "Tail":
        """Start from a head read from the journal."""
        return Tail(head, {head.prev: head})

    def follow(self, item: Item) -> Step:
        """Take an accepted item in; a signed one settles which branch was true.

        BEFORE means the place is not beyond the last signed record: a repetition, or a second history.
        """
        payload = item.payload
        before = self.branches.get(payload.prev)
        fits = before is not None and payload.seq == before.seq + 1 and payload.epoch >= before.epoch
        if not fits and payload.seq <= self.head.seq:
            return Step.BEFORE
        head = (
            before if fits and before is not None else ChainHead(payload.epoch, payload.seq - 1, payload.prev, 0, None)
        )
        new = head.after(item)
        if item.signature is not None:
            self.head, self.branches = new, {item.hash: new}
        else:
            self.branches[item.hash] = new
            if len(self.branches) > MAX_BRANCHES:
                self.branches.pop(next(h for h in self.branches if h != self.head.prev))
        return Step.NEXT if fits else Step.GAP
