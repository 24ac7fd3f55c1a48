"""Chains this process writes: where each stands, and how the next item is put on it."""

from collections.abc import Iterable

from wattseal.base.errors import StoreError
from wattseal.base.ids import Hash, Origin, StationId, Subject, TenantId
from wattseal.crypto.keys import SigningKey
from wattseal.flow.ports import Journal, KeptItem, Random, StoredItem
from wattseal.seal.chain import MAX_LINKS, NO_HEAD, ChainHead
from wattseal.seal.item import Item, Kind, parse_item
from wattseal.seal.plain import PlainDraft, PlainWriter, Written

Place = tuple[str, int]
"""(origin, stream)."""
MAX_WRITERS = 100_000
"""Prepared writers kept; beyond that they are made anew."""


def stored_written(written: Written, station_id: str, now_ms: int) -> StoredItem:
    """Return a record of our own as the journal keeps it."""
    leaf = written.leaf
    return StoredItem(
        Origin(written.origin),
        written.stream,
        written.epoch,
        written.seq,
        written.kind,
        leaf is not None,
        Hash(written.hash),
        written.item,
        StationId(station_id),
        now_ms,
        None if written.subject is None else Subject(written.subject),
        None if leaf is None else Hash(leaf),
    )


def stored(item: Item, station_id: str, now_ms: int, *, in_log: bool = True) -> StoredItem:
    """Return an item as the journal keeps it; `in_log` where there is a transparency log for it to be a leaf of."""
    payload = item.payload
    leaf = item.leaf_entry() if in_log else None
    return StoredItem(
        origin=Origin(payload.origin),
        stream=payload.stream,
        epoch=payload.epoch,
        seq=payload.seq,
        kind=payload.kind,
        signed=item.signature is not None,
        payload_hash=Hash(item.hash),
        item=item.encode(),
        station_id=StationId(station_id),
        recorded_at_ms=now_ms,
        subject=None if payload.subject is None else Subject(payload.subject),
        leaf=None if leaf is None else Hash(leaf),
    )


def head_of(kept: Iterable[KeptItem]) -> ChainHead:
    """Return where a chain stands after its last items, of which the first ones need not be its first."""
    head = NO_HEAD
    for entry in kept:
        head = head.after(parse_item(entry.item.item))
    return head


async def load_head(journal: Journal, tenant: TenantId, origin: str, stream: int) -> ChainHead:
    """Read where a chain stands; where it forks, the first branch recorded counts."""
    last = await journal.chain_head(tenant, Origin(origin), stream)
    if last is None:
        return NO_HEAD
    start = (last.item.epoch, max(0, last.item.seq - MAX_LINKS))
    tail = await journal.items(tenant, Origin(origin), stream, start)
    by_seq: dict[int, KeptItem] = {}
    for entry in sorted(tail, key=lambda kept: kept.position):
        by_seq.setdefault(entry.item.seq, entry)
    return head_of(by_seq[seq] for seq in sorted(by_seq))


class Chains:
    """The heads of the chains written here. One writer a chain: nobody else may append to these origins."""

    def __init__(self, journal: Journal, tenant: TenantId, log_origin: str, random: Random) -> None:
        self._journal = journal
        self._tenant = tenant
        self._log_origin = log_origin
        self._random = random
        self._heads: dict[Place, ChainHead] = {}
        self._writers: dict[Place, PlainWriter] = {}

    async def ready(self, origin: str, stream: int) -> None:
        """Load a chain's head if it is not known; to be awaited before `append`, and nothing after it."""
        if (origin, stream) not in self._heads:
            head = await load_head(self._journal, self._tenant, origin, stream)
            self._heads.setdefault((origin, stream), head)

    def append(
        self, place: Place, key: SigningKey, draft: PlainDraft, subject: bytes | None
    ) -> tuple[tuple[Written, ...], ChainHead, ChainHead]:
        """Put a record on a chain that is `ready`; the first one of a chain is preceded by its boot record.

        Returned with where the chain stood before, and stands now.
        """
        before = self._heads.get(place)
        if before is None:
            raise StoreError("memory was dropped while a message waited", code="not_ready", subject=place[0])
        head = before
        writer = self._writers.get(place) or self._writer(place, key)
        boot: tuple[Written, ...] = ()
        if head is NO_HEAD:
            first, head = writer.append(head, PlainDraft(Kind.BOOT, draft.ms), None)
            boot = (first,)
        written, after = writer.append(head, draft, subject)
        self._heads[place] = after
        return (*boot, written), before, after

    def head(self, place: Place) -> ChainHead | None:
        """Return where a chain stands; None where that is not known."""
        return self._heads.get(place)

    def take_back(self, place: Place, before: ChainHead | None, after: ChainHead | None) -> bool:
        """Set a chain back to `before` what was never committed; false where more has been put on it since."""
        if before is None or self._heads.get(place) is not after:
            return False
        self._heads[place] = before
        return True

    def unsigned_since(self, before_ms: int) -> tuple[Place, ...]:
        """Return the chains whose oldest unsigned link was written before `before_ms`."""
        return tuple(
            place
            for place, head in self._heads.items()
            if head.oldest_link_ms is not None and head.oldest_link_ms < before_ms
        )

    def forget(self) -> None:
        """Drop all heads; they are read from the journal again."""
        self._heads.clear()

    def _writer(self, place: Place, key: SigningKey) -> PlainWriter:
        origin, stream = place
        if len(self._writers) >= MAX_WRITERS:
            self._writers.clear()
        return self._writers.setdefault(place, PlainWriter(origin, stream, self._log_origin, key, self._random.bytes))
