"""The chain: one per (origin, stream), nothing missing, doubled, swapped or foreign (docs/spec/record.md, "Chain")."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from wattseal.seal.item import ZERO_HASH, Item, Kind

MAX_LINKS = 9
"""Unsigned links between two signed records, at most."""
MAX_UNSIGNED_MS = 300_000
"""A link is covered by a signature within this time."""


class ChainHead(Struct, frozen=True, gc=False):
    """Where a chain stands: place and hash of its last payload, and how much of its tail is unsigned."""

    epoch: int
    seq: int
    prev: bytes
    links: int
    oldest_link_ms: int | None

    def next_is_signed(self, kind: Kind, now_ms: int) -> bool:
        """Return whether the next item must carry a signature."""
        if kind is not Kind.READING or self.links >= MAX_LINKS:
            return True
        return self.oldest_link_ms is not None and now_ms - self.oldest_link_ms >= MAX_UNSIGNED_MS

    def after(self, item: Item) -> "ChainHead":
        """Return the head once `item` has been appended."""
        payload = item.payload
        if item.signature is not None:
            return ChainHead(payload.epoch, payload.seq, item.hash, 0, None)
        oldest = payload.ms if self.oldest_link_ms is None else self.oldest_link_ms
        return ChainHead(payload.epoch, payload.seq, item.hash, self.links + 1, oldest)


NO_HEAD = ChainHead(epoch=0, seq=-1, prev=ZERO_HASH, links=0, oldest_link_ms=None)
"""Before the very first record of a chain, which is a signed boot record with `prev` of zeros."""


@dataclass(frozen=True, slots=True)
class ChainProblem:
    """Why items are not one unbroken chain: a code, the index of the item, the field and its place."""

    code: str
    index: int
    field: str
    place: tuple[str, int, int, int]


def check_chain(items: Sequence[Item]) -> list[ChainProblem]:
    """Check a stretch of one chain, first to last; an empty list means unbroken and signed at both ends.

    Signatures themselves are checked elsewhere; here only whether there is one where there must be. The item before
    the stretch is not known, so the first item's `prev` is not checked, except for a very first record.
    """
    problems: list[ChainProblem] = []
    if not items:
        return problems
    first, last = items[0], items[-1]
    if first.signature is None:
        problems.append(ChainProblem("unsigned_start", 0, "signature", first.payload.place))
    if first.payload.seq == 0 and (first.payload.prev != ZERO_HASH or first.payload.kind != Kind.BOOT):
        problems.append(ChainProblem("bad_first_record", 0, "prev", first.payload.place))
    head = NO_HEAD.after(first)
    for index, item in enumerate(items):
        if item.signature is None and item.payload.kind != Kind.READING:
            problems.append(ChainProblem("unsigned_kind", index, "signature", item.payload.place))
        if index:
            problems.extend(_check_step(items[index - 1], head, item, index))
            head = head.after(item)
    if last.signature is None:
        problems.append(ChainProblem("unsigned_tail", len(items) - 1, "signature", last.payload.place))
    return problems


def _check_step(before: Item, head: ChainHead, item: Item, index: int) -> Iterable[ChainProblem]:
    old, new = before.payload, item.payload
    if (new.origin, new.stream) != (old.origin, old.stream):
        yield ChainProblem("foreign_item", index, "origin" if new.origin != old.origin else "stream", new.place)
        return
    if new.seq == old.seq:
        yield ChainProblem("doubled_item", index, "seq", new.place)
        return
    if new.seq < old.seq:
        yield ChainProblem("swapped_item" if new.epoch == old.epoch else "epoch_reset", index, "seq", new.place)
        return
    if new.seq > old.seq + 1:
        yield ChainProblem("missing_item", index, "seq", new.place)
        return
    if new.epoch < old.epoch:
        yield ChainProblem("epoch_reset", index, "epoch", new.place)
    if new.epoch > old.epoch and new.kind != Kind.BOOT:
        yield ChainProblem("epoch_without_boot", index, "epoch", new.place)
    if new.prev != head.prev:
        yield ChainProblem("prev_mismatch", index, "prev", new.place)
    if item.signature is None and head.next_is_signed(Kind.READING, new.ms):
        yield ChainProblem(
            "too_many_links" if head.links >= MAX_LINKS else "signature_overdue", index, "seq", new.place
        )


@dataclass(frozen=True, slots=True)
class ForkProof:
    """Two signed records at one place with different payloads: their signer wrote two histories."""

    first: Item
    second: Item


def find_forks(items: Iterable[Item]) -> list[ForkProof]:
    """Return a fork proof for each place where two signed records differ."""
    seen: dict[tuple[str, int, int, int], Item] = {}
    forks = []
    for item in items:
        if item.signature is None:
            continue
        other = seen.setdefault(item.payload.place, item)
        if other.payload_bytes != item.payload_bytes:
            forks.append(ForkProof(other, item))
    return forks
