"""Writing records: a draft becomes an item on its chain, sealed for its readers. Pure: randomness is passed in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wattseal.base.errors import InputError
from wattseal.crypto.hashes import hkdf_expand
from wattseal.crypto.hpke import SealPrivateKey, SealPublicKey
from wattseal.crypto.keys import SigningKey
from wattseal.seal import dcbor
from wattseal.seal.chain import ChainHead
from wattseal.seal.groups import WRAPS, context_start, encode_content, make_plain, make_sealed, wrap, wrap_info
from wattseal.seal.item import ClockQuality, Commitment, Group, Item, Kind, Payload, link_payload, sign_payload

RandomBytes = Callable[[int], bytes]
WRAPPING_KINDS = frozenset({Kind.REQUEST, Kind.DECISION, Kind.STARTED, Kind.ENDED, Kind.SETTLEMENT})
"""Kinds whose boxes hand out S_gid; a reading costs one link only."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A party entitled to read a group, with its root-signed sealing key."""

    party: str
    key: SealPublicKey


@dataclass(frozen=True, slots=True)
class GroupDraft:
    """Content of one group; with no `sealed_for` it is plain: whoever holds the item may read it."""

    fields: Mapping[int, Any]
    sealed_for: tuple[Reader, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectKeys:
    """A transaction's pseudonym and the seed its group secrets come from. The seed is secret."""

    subject: bytes
    seed: bytes = field(repr=False)
    _secrets: dict[int, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    @staticmethod
    def new(random: RandomBytes) -> "SubjectKeys":
        """Draw a pseudonym (16 bytes) and a seed (32 bytes)."""
        return SubjectKeys(random(16), random(32))

    def group_secret(self, gid: int) -> bytes:
        """Return S_gid; one group's secret tells nothing of another's."""
        secret = self._secrets.get(gid)
        if secret is None:
            secret = hkdf_expand(self.seed, dcbor.encode(["wattseal-sgid-v1", int(gid)]), 32)
            self._secrets[gid] = secret
        return secret


@dataclass(frozen=True, slots=True)
class Draft:
    """What a record is to say, before it has a place. `ms` is Unix time of the writer's clock."""

    kind: Kind
    ms: int
    clock: ClockQuality
    groups: Mapping[Group, GroupDraft] = field(default_factory=dict)
    refs: tuple[bytes, ...] = ()
    public: Mapping[int, Any] = field(default_factory=dict)
    new_epoch: bool = False


@dataclass(frozen=True, slots=True)
class Writer:
    """A signer bound to an origin and a log; `dummies` are sealing keys nobody can open."""

    origin: str
    log_origin: str
    key: SigningKey
    dummies: tuple[SealPublicKey, ...]
    random: RandomBytes = field(repr=False)

    @staticmethod
    def new(origin: str, log_origin: str, key: SigningKey, random: RandomBytes) -> "Writer":
        """Bind a signing key; draws four throw-away sealing keys whose private halves are dropped."""
        dummies = tuple(SealPrivateKey.from_seed(random(32)).public for _ in range(WRAPS))
        return Writer(origin, log_origin, key, dummies, random)

    def append(self, head: ChainHead, stream: int, draft: Draft, subject: SubjectKeys | None) -> tuple[Item, ChainHead]:
        """Return the next item of the chain and its new head; the caller makes both durable before showing either.

        Without a `subject` every group is plain. A seq of 0 and a new epoch demand a boot record (`InputError`).
        """
        seq, epoch = head.seq + 1, head.epoch + (1 if draft.new_epoch else 0)
        if (seq == 0 or draft.new_epoch) and draft.kind is not Kind.BOOT:
            raise InputError("a chain and an epoch begin with a boot record", subject=self.origin)
        keys = subject or SubjectKeys(b"", self.random(32))
        groups: dict[int, Commitment] = {}
        boxes: dict[int, Any] = {}
        contexts = context_start(self.origin, stream, epoch, seq)
        for gid, group in draft.groups.items():
            place = contexts + dcbor.encode(int(gid))
            content = encode_content([r.party for r in group.sealed_for], group.fields)
            secret = keys.group_secret(gid)
            if not group.sealed_for:
                groups[gid], boxes[gid] = make_plain(place, secret, content)
                continue
            if subject is None:
                raise InputError("sealing needs a subject", subject=self.origin)
            wraps = self._wraps(secret, stream, subject.subject, gid, group) if draft.kind in WRAPPING_KINDS else None
            groups[gid], boxes[gid] = make_sealed(place, secret, content, wraps)
        payload = Payload(
            kind=draft.kind,
            origin=self.origin,
            stream=stream,
            epoch=epoch,
            seq=seq,
            prev=head.prev,
            ms=draft.ms,
            clock=draft.clock,
            subject=subject.subject if subject else None,
            groups=groups,
            refs=draft.refs,
            public=draft.public,
        )
        if head.next_is_signed(draft.kind, draft.ms):
            item = sign_payload(payload, self.key, self.log_origin, boxes)
        else:
            item = link_payload(payload, boxes)
        return item, head.after(item)

    def _wraps(self, secret: bytes, stream: int, subject: bytes, gid: Group, group: GroupDraft) -> list[bytes]:
        info = wrap_info(self.origin, stream, subject, gid)
        dice = self.random(8 * WRAPS)
        shuffle = sorted(range(WRAPS), key=lambda i: dice[8 * i : 8 * i + 8])
        return wrap(secret, [r.key for r in group.sealed_for], self.dummies, info, shuffle)
