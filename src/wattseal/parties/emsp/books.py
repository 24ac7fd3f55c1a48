"""The eMSP's books over its journal: typed documents, and its own chains.

Calls that write must not overlap: whoever assembles the process lets them in one at a time.
"""

import base64
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import structs

from wattseal.base.errors import StoreError
from wattseal.base.ids import Origin, StationId, Subject, TenantId
from wattseal.flow.chains import stored
from wattseal.flow.ports import Batch, Clock, Journal, Put, Random, StoredItem
from wattseal.model.provider import Charge, ChargeStatus, Customer
from wattseal.model.token import IdToken
from wattseal.rules.holds import check_sums
from wattseal.seal.chain import NO_HEAD, ChainHead
from wattseal.seal.item import ClockQuality, Item, Kind, parse_item
from wattseal.seal.writer import Draft, SubjectKeys, Writer

T = TypeVar("T")
PAGE = 200
AUTHORISATION = "authorisation"
SETTLEMENT = "settlement"
ACTIVE = frozenset({ChargeStatus.AUTHORISED, ChargeStatus.CHARGING, ChargeStatus.ENDED})


@dataclass(frozen=True, slots=True)
class CurrentTariff:
    """The newest tariff record of a CPO: its hash (hex) and place, by which a replayed older one is told."""

    record: str
    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Authorised:
    """Whose charge an auth_id belongs to: the subject, hex."""

    subject: str


@dataclass(frozen=True, slots=True)
class KeptBundle:
    """A bundle as received and the settlement given on it, both base64."""

    subject: str
    sha256: str
    bundle: str
    answer: str
    received_ms: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class SeenCheckpoint:
    """A root a log has shown at a size (hex), and the bundle it was seen in."""

    root: str
    bundle: str


@dataclass(frozen=True, slots=True)
class PartnerNumber:
    """The stream of this side's chains that a CPO's records are written to: nobody learns of another's business."""

    stream: int


@dataclass(slots=True)
class Entries:
    """What one step writes: items and documents, committed together.

    `doubts` is how often the journal had been doubted when the first chain was looked at, None without a record.
    """

    items: list[StoredItem] = field(default_factory=list)
    puts: list[Put] = field(default_factory=list)
    doubts: int | None = None


class Books:
    """Typed access to the journal of one eMSP (`party` is the tenant)."""

    def __init__(self, party: str, journal: Journal, clock: Clock, random: Random) -> None:
        self.party = party
        self.random = random
        self._tenant = TenantId(party)
        self._journal = journal
        self._clock = clock
        self._doubts = 0

    def doubt(self) -> None:
        """Learn that a commit has failed, or that the journal works again after that: what failed may be in it."""
        self._doubts += 1

    def now_ms(self) -> int:
        """Return the present in Unix milliseconds."""
        return to_ms(self._clock.now())

    @property
    def healthy(self) -> bool:
        """Whether the journal takes commits."""
        return self._journal.healthy

    async def commit(self, entries: Entries) -> None:
        """Make the step durable; `StoreError` where that fails, and then nothing of it may be told.

        A step whose chains were looked at before the journal was doubted is refused: it might fork them.
        """
        if entries.doubts not in (None, self._doubts):
            raise StoreError("a commit before this one failed; say it again", code="behind_a_loss", subject="journal")
        await self._journal.commit(Batch(self._tenant, items=tuple(entries.items), puts=tuple(entries.puts)))

    async def get(self, kind: str, key: str, as_type: type[T]) -> T | None:
        """Return a document, None where there is none."""
        put = await self._journal.document(self._tenant, kind, key)
        return None if put is None else msgspec.json.decode(put.body, type=as_type)

    async def all(self, kind: str, as_type: type[T], *, active: bool | None = None) -> AsyncIterator[tuple[str, T]]:
        """Yield all documents of a kind with their keys, in the keys' order; `active` charges only, or the others."""
        after = ""
        while page := await self._journal.documents(self._tenant, kind, active=active, after=after, limit=PAGE):
            for put in page:
                yield put.key, msgspec.json.decode(put.body, type=as_type)
            after = page[-1].key

    async def after(self, kind: str, key: str) -> AsyncIterator[tuple[str, bytes]]:
        """Yield the documents of a kind whose keys come after `key`, unread, in the keys' order."""
        while page := await self._journal.documents(self._tenant, kind, after=key, limit=PAGE):
            for put in page:
                yield put.key, put.body
            key = page[-1].key

    def put(self, kind: str, key: str, value: object) -> Put:
        """Spell a document."""
        return Put(kind, key, 1, msgspec.json.encode(value), self.now_ms())

    def put_charge(self, charge: Charge) -> Put:
        """Spell a charge; it is active until it is settled, disputed or came to nothing."""
        put = self.put("charge", charge.subject, charge)
        return structs.replace(put, station_id=StationId(charge.station[:48]), active=charge.status in ACTIVE)

    def keep(self, item: Item) -> StoredItem:
        """Spell an item for the journal. The eMSP keeps no transparency log: no leaf."""
        return stored(item, item.payload.origin.partition("/")[2], self.now_ms(), in_log=False)

    async def customer(self, token: IdToken) -> Customer | None:
        """Return the customer with this token."""
        return await self.get("customer", token.key(), Customer)

    async def charge(self, subject: bytes) -> Charge | None:
        """Return the charge with this subject."""
        return await self.get("charge", subject.hex(), Charge)

    async def items_of(self, subject: bytes) -> list[Item]:
        """Return all items of a charge in the order they came."""
        kept = await self._journal.items_by_subject(self._tenant, Subject(subject))
        return [parse_item(k.item.item) for k in kept]

    async def beside(self, items: Sequence[Item]) -> list[Item]:
        """Return the signed items kept at places of a chain's stretch that say something else than `items` do."""
        first, hashes = items[0].payload, {item.hash for item in items}
        places = {item.payload.place for item in items}
        start, limit = (first.epoch, first.seq), 2 * len(items) + 16
        kept = await self._journal.items(self._tenant, Origin(first.origin), first.stream, start, limit)
        others = [parse_item(k.item.item) for k in kept if k.item.signed and k.item.payload_hash not in hashes]
        return [item for item in others if item.payload.place in places]

    async def check_sums(self) -> None:
        """Compare every account with its holds; a difference is a `StoreError`."""
        holds: dict[str, list[Charge]] = {}
        async for _, charge in self.all("charge", Charge):
            if charge.customer is not None:
                holds.setdefault(charge.customer, []).append(charge)
        async for key, customer in self.all("customer", Customer):
            check_sums(customer.account, [c.hold for c in holds.get(key, []) if c.hold], key)

    async def write(self, entries: Entries, writer: Writer, stream: int, draft: Draft, subject: SubjectKeys) -> Item:
        """Append a record to one of this side's chains (first its boot record) and add it to the step."""
        if entries.doubts is None:
            entries.doubts = self._doubts
        kept = await self._journal.chain_head(self._tenant, Origin(writer.origin), stream)
        head = NO_HEAD
        if kept is not None:
            head = ChainHead(kept.item.epoch, kept.item.seq, kept.item.payload_hash, 0, None)
        else:
            boot, head = writer.append(head, stream, Draft(Kind.BOOT, draft.ms, ClockQuality.SYNCHRONISED), None)
            entries.items.append(self.keep(boot))
        item, _ = writer.append(head, stream, draft, subject)
        entries.items.append(self.keep(item))
        return item

    async def stream_of(self, entries: Entries, partner: str) -> int:
        """Return the stream of this side's chains for a CPO, giving it the next one at its first record."""
        known = await self.get("partner", partner, PartnerNumber)
        if known is not None:
            return known.stream
        taken = [number.stream async for _, number in self.all("partner", PartnerNumber)]
        stream = max(taken, default=0) + 1
        entries.puts.append(self.put("partner", partner, PartnerNumber(stream)))
        return stream


def to_ms(when: datetime) -> int:
    """Return an aware time in Unix milliseconds."""
    return int(when.timestamp() * 1000)


def b64(data: bytes) -> str:
    """Return base64 text."""
    return base64.b64encode(data).decode()
