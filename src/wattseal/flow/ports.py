"""Ports: what the flow needs from the world outside, as protocols that adapters fulfil.

The journal is the durable record store. One `Batch` is one atomic step: items (records and links of chains), the
projections they change (documents), the answers to repeat when a station asks again, and messages to send on. When
`Journal.commit` returns, all of it is on disk; when it raises `StoreError`, none of it was acknowledged.

Every row belongs to one tenant and every look-up names it. Times are milliseconds since 1970 UTC (`*_ms`).
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from wattseal.base.ids import Hash, Origin, StationId, Subject, TenantId
from wattseal.crypto.certificates import Certificate
from wattseal.crypto.signing_requests import SigningRequest
from wattseal.model.ledger import Balance, Posting
from wattseal.model.rollup import ListedBill, ListedSession, RolledUp, RollupKey, SessionState
from wattseal.wire.ocpp.rpc import CallError, CallResult
from wattseal.wire.ocpp.version import Version


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """Return the present as an aware datetime in UTC."""


class Silence(StrEnum):
    """Why a call of ours has no answer."""

    OFFLINE = "offline"
    TIMED_OUT = "timed_out"
    BUSY = "busy"
    RAMP = "ramp"


class Lines(Protocol):
    """The live connections to stations. One call to a station at a time (2.x part 4, 4.1.1); a bounded number waits."""

    def version(self, station_id: StationId) -> Version | None:
        """Return the version spoken with a station at present; None while it is not connected."""

    async def call(
        self, station_id: StationId, action: str, payload: bytes, timeout_s: float
    ) -> CallResult | CallError | Silence:
        """Ask a station; `timeout_s` includes waiting for its turn. BUSY: too many calls wait already."""


@dataclass(frozen=True, slots=True)
class SignedCertificate:
    """A certificate that an authority has issued, and the PEM of it with its chain, its own first."""

    certificate: Certificate
    chain: str


class CertificateAuthority(Protocol):
    """Who signs the certificates of stations."""

    @property
    def organization(self) -> str:
        """Return the O of what it issues."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the names it has given the CSMS, which no station may have."""

    async def issue(self, request: SigningRequest) -> SignedCertificate:
        """Sign what is asked for, which has been checked; `WattsealError` where it cannot at present."""

    async def revoke(self, serial: str) -> datetime:
        """Revoke a certificate by its number in hex, and return since when; `InputError` where it issued none such."""


class OcspResponders(Protocol):
    """The OCSP responders that may be asked."""

    async def ask(self, url: str, request: bytes) -> bytes | None:
        """Return the answer, DER; None where `url` is not on the list, or does not answer in time."""


class NoLines:
    """Nobody is connected."""

    def version(self, station_id: StationId) -> Version | None:
        """Return None."""
        del station_id
        return None

    async def call(self, station_id: StationId, action: str, payload: bytes, timeout_s: float) -> Silence:
        """Return OFFLINE."""
        del station_id, action, payload, timeout_s
        return Silence.OFFLINE


class Random(Protocol):
    """Where randomness comes from."""

    def bytes(self, n: int) -> bytes:
        """Return `n` unpredictable bytes."""


class StoredItem(Struct, frozen=True, gc=False):
    """One record or link of a chain, exactly as it arrived or was sealed.

    Its place is (origin, stream, epoch, seq). The same bytes at the same place again are ignored; any other bytes there
    are kept as well: with another `payload_hash` two signed ones are a fork proof, and a copy that some hop stripped or
    spoiled must not keep the genuine one out. `leaf` is the transparency log's 32-byte entry, present for signed
    records only; the journal gives each new leaf the tenant's next dense log index.
    """

    origin: Origin
    stream: int
    epoch: int
    seq: int
    kind: int
    signed: bool
    payload_hash: Hash
    item: bytes
    station_id: StationId
    recorded_at_ms: int
    subject: Subject | None = None
    leaf: Hash | None = None


@dataclass(frozen=True, slots=True)
class KeptItem:
    """An item read back: `position` is the order of commits (ascending, with holes), `log_index` that of its leaf."""

    position: int
    log_index: int | None
    item: StoredItem


class Put(Struct, frozen=True, gc=False):
    """A projection to write over the one with the same (kind, key): JSON bytes of payload `version` of `kind`.

    `kind` is a noun such as "station", "token", "transaction", "checkpoint" (1 to 32 of a-z and "_"); `version` is that
    of the payload's layout, and readers keep understanding old ones. `station_id` and `active` are what `documents`
    can filter by. Of several puts to one key in one commit the last wins. An empty `body` removes the projection.
    """

    kind: str
    key: str
    version: int
    body: bytes
    updated_at_ms: int
    station_id: StationId | None = None
    active: bool | None = None


class Dedup(Struct, frozen=True, gc=False):
    """The answer given to a station's message, to be given again to its retries. The first answer of a key stays."""

    station_id: StationId
    key: str
    answer: bytes


class Outgoing(Struct, frozen=True, gc=False):
    """A message to send on, kept until delivered; `id` is unique per tenant and repeats are ignored."""

    id: str
    kind: str
    body: bytes
    next_at_ms: int
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of sending an `Outgoing`: delivered (`next_at_ms` None, the row goes) or to be tried again then."""

    id: str
    next_at_ms: int | None = None


class Erased(Struct, frozen=True, gc=False):
    """What takes an item's place when boxes of it are destroyed: the same record, with fewer boxes.

    `position` and `payload_hash` are those it was read with. Its place, its columns and its leaf stay, and the bytes it
    came in are still known as seen, should they come once more.
    """

    position: int
    payload_hash: Hash
    item: bytes


@dataclass(frozen=True, slots=True)
class Padding:
    """Fill the tenant's log up to a fixed schedule, so that its growth does not tell how busy the stations are.

    `entries` are N random 32-byte entries; as many of them are appended as bring the log's size to `base` + k * N for
    the smallest k >= 1 that has room for every leaf there is. `base` is the size of the last published tree.
    `Committed.log_size` is then the size to publish.
    """

    base: int
    entries: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class KeptPosting:
    """A posting read back: `number` counts the tenant's postings from 1 in the order of commits, without holes."""

    number: int
    posting: Posting


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A session as it is listed, and its document; None where there is none or it was not asked for."""

    row: ListedSession
    document: Put | None


@dataclass(frozen=True, slots=True)
class KeptBill:
    """A bill as it is listed, and its document; None where there is none or it was not asked for."""

    row: ListedBill
    document: Put | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsWanted:
    """Rows of sessions (by when they were first heard of) or bills (by when they were made), newest first.

    `before` is the (time, id) of the last one read, `since_ms` the earliest time wanted. All filters given must fit;
    `state` is one of sessions, `account` one of bills, `party` "" is those without one.
    """

    limit: int
    before: tuple[int, str] = (2**62, "")
    since_ms: int | None = None
    station_id: str | None = None
    evse_id: int | None = None
    party: str | None = None
    state: SessionState | None = None
    account: str | None = None
    documents: bool = True


class Batch(Struct, frozen=True, gc=False):
    """What becomes durable together, or not at all. Items come before `padding` in the log.

    Each of `postings` names its record; one whose key is posted already changes nothing. A row of `sessions` and
    `bills` takes the place of the one with the same time and id, and the sums by time follow. With `scrub`
    nothing that was removed or erased is left in the store's files soon after, as far as the database sees to that.
    """

    tenant: TenantId
    items: tuple[StoredItem, ...] = ()
    puts: tuple[Put, ...] = ()
    dedups: tuple[Dedup, ...] = ()
    outbox: tuple[Outgoing, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    padding: Padding | None = None
    postings: tuple[Posting, ...] = ()
    sessions: tuple[ListedSession, ...] = ()
    bills: tuple[ListedBill, ...] = ()
    erased: tuple[Erased, ...] = ()
    scrub: bool = False


class Committed(Struct, frozen=True, gc=False):
    """`indexes` gives the log index of each item of the batch that has a leaf, repeated ones included, by payload hash.

    `log_size` is the number of leaves of the tenant's log just after this batch.
    """

    indexes: Mapping[bytes, int] = {}
    log_size: int = 0


class Flush(Protocol):
    """A batch on its way to the disk: done when it is durable, failed with `StoreError` when it is not."""

    def add_done_callback(self, told: Callable[[Any], object], /) -> object:
        """Have `told` called, with this, when it is done or failed."""

    def cancelled(self) -> bool:
        """Return whether whoever waited gave up, so that nobody knows."""

    def exception(self) -> BaseException | None:
        """Return why it failed, once it is done."""

    def __await__(self) -> Generator[Any, Any, Committed]:
        """Wait."""


class Unflushed(Struct, frozen=True, gc=False):
    """The payload of an answer that must not leave before `flush` is done."""

    payload: bytes
    flush: Flush


class Journal(Protocol):
    """The durable record store. Reads see every batch whose commit has returned; they raise `StoreError` on failure."""

    @property
    def healthy(self) -> bool:
        """Whether commits succeed at present; false from a failed write until a probe write succeeds."""

    async def commit(self, batch: Batch) -> Committed:
        """Make `batch` durable (fsync done) before returning; waits while the bounded queue is full.

        Raises `StoreError` when the disk is full or broken: then nothing of the batch may be acknowledged.
        """

    def submit(self, batch: Batch) -> Flush | None:
        """Begin to make `batch` durable, after all that came before; None where only `commit` can tell how it went."""

    async def items(
        self, tenant: TenantId, origin: Origin, stream: int, start: tuple[int, int] = (0, 0), limit: int = 1000
    ) -> tuple[KeptItem, ...]:
        """Return a chain from (epoch, seq) `start` on, in chain order, branches of a fork side by side."""

    async def items_by_subject(self, tenant: TenantId, subject: Subject) -> tuple[KeptItem, ...]:
        """Return the items of one transaction in the order of commits."""

    async def replay(self, tenant: TenantId, after: int = 0, limit: int = 1000) -> tuple[KeptItem, ...]:
        """Return items in the order of commits with a position greater than `after`: the whole journal by pages."""

    async def chain_head(self, tenant: TenantId, origin: Origin, stream: int) -> KeptItem | None:
        """Return the item with the highest (epoch, seq), the first recorded one where the chain forks."""

    async def leaves(self, tenant: TenantId, start: int = 0, limit: int = 1000) -> tuple[bytes, ...]:
        """Return log entries (32 bytes each, padding included) from index `start` on."""

    async def log_size(self, tenant: TenantId) -> int:
        """Return the number of leaves of the tenant's log."""

    async def document(self, tenant: TenantId, kind: str, key: str) -> Put | None:
        """Return one projection."""

    async def documents(
        self,
        tenant: TenantId,
        kind: str,
        *,
        station_id: StationId | None = None,
        active: bool | None = None,
        after: str = "",
        limit: int = 100,
        newest: bool = False,
    ) -> tuple[Put, ...]:
        """Return projections of a kind with a key greater than `after` (the cursor), ordered by the key's bytes.

        With `newest` in the opposite order: from the greatest key, or from below `after`, down.
        """

    async def answer(self, tenant: TenantId, station_id: StationId, key: str) -> bytes | None:
        """Return the answer given to that message before, or None; cheap when there is none."""

    async def outbox(
        self, tenant: TenantId, due_at_ms: int, limit: int = 100, *, after_ms: int = -1
    ) -> tuple[Outgoing, ...]:
        """Return messages whose `next_at_ms` is after `after_ms` and at or before `due_at_ms`, longest due first."""

    async def posting(self, tenant: TenantId, key: str) -> KeptPosting | None:
        """Return a posting by its key; cheap when there is none."""

    async def postings(
        self, tenant: TenantId, *, account: str | None = None, after: int = 0, limit: int = 1000
    ) -> tuple[KeptPosting, ...]:
        """Return postings with a number greater than `after`, in its order; of `account` those that move its money."""

    async def balances(
        self, tenant: TenantId, *, prefix: str = "", after: str = "", limit: int = 1000
    ) -> tuple[Balance, ...]:
        """Return balances of accounts whose names begin with `prefix`, by account and currency.

        `after` is the `place` of the last one read.
        """

    async def sessions(self, tenant: TenantId, wanted: RowsWanted) -> tuple[KeptSession, ...]:
        """Return sessions, newest first; no filter makes it read more than a page of those that one filter leaves."""

    async def bills(self, tenant: TenantId, wanted: RowsWanted) -> tuple[KeptBill, ...]:
        """Return bills, newest first."""

    async def session_counts(self, tenant: TenantId) -> Mapping[SessionState, int]:
        """Return how many sessions there are in each state; cheap however many there are."""

    async def rollups(
        self,
        tenant: TenantId,
        bounds_ms: Sequence[int],
        *,
        stations: Sequence[str] | None = None,
        parties: Sequence[str] | None = None,
    ) -> tuple[RolledUp, ...]:
        """Return sums of the steps between each of `bounds_ms` and the next; what is zero may be left out.

        Bounds are on quarters of an hour and ascend. None lets all `stations` or `parties` pass, () none.
        """

    async def all_sums(
        self, tenant: TenantId, after: RollupKey | None = None, limit: int = 1000
    ) -> tuple[tuple[RollupKey, tuple[int, ...]], ...]:
        """Return the sums as they are kept, by their keys in order, with a key greater than `after`."""

    async def close(self) -> None:
        """Make everything queued durable, then let go of the store; commits after that raise `StoreError`."""
