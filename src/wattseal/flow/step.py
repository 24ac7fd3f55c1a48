"""One atomic step: the records, documents and answers that become durable together before anything is answered."""

from collections.abc import Callable

from msgspec import Struct

from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import StationId
from wattseal.crypto.keys import SigningKey
from wattseal.flow.chains import Place, stored, stored_written
from wattseal.flow.documents import put_transaction, put_transaction_time, put_unbilled
from wattseal.flow.ports import Batch, Committed, Dedup, Erased, Flush, Outgoing, Put, StoredItem
from wattseal.flow.world import World
from wattseal.model.ledger import Posting
from wattseal.model.rollup import ListedBill, ListedSession, SessionState
from wattseal.model.transaction import Transaction
from wattseal.rules.recorded import MAX_PART, UNREMARKABLE, Observed, Recorded, first_part, further_parts
from wattseal.rules.rollup import listed_session
from wattseal.seal import dcbor
from wattseal.seal.chain import ChainHead
from wattseal.seal.fields import Decision, Meter, Ops
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.plain import PlainDraft, Written, raw_bytes


class Step(Struct):
    """Collects what one message changes; `commit` makes it durable, or drops all memory and raises `StoreError`.

    Between the first `write` and `commit` nothing may be awaited: somebody else could commit a later record of the same
    chain first. What is only known while other things are awaited is put off with `finally_do`. A step that is dropped
    without a commit, or whose commit is refused, takes its records off the chains and its postings out of the books.
    """

    world: World
    station_id: str
    now_ms: int
    items: list[StoredItem] = []
    puts: list[Put] = []
    dedups: list[Dedup] = []
    outbox: list[Outgoing] = []
    later: list[Callable[[], None]] = []
    flushes: list[Flush] = []
    written: list[tuple[Place, ChainHead | None, ChainHead | None]] = []
    """What was put on chains and is not committed: where each stood before and after."""
    postings: list[Posting] = []
    sessions: list[ListedSession] = []
    bills: list[ListedBill] = []
    erased: list[Erased] = []
    entered: list[tuple[Posting, int]] = []
    """What was entered in the books and is not committed."""

    def __del__(self) -> None:
        """Take back what was written and never committed."""
        if self.written or self.entered:
            self._take_back()

    def write(self, place: Place, key: SigningKey, draft: PlainDraft, subject: bytes | None) -> Written:
        """Append a record to a chain that is ready, and keep it."""
        made, before, after = self.world.chains.append(place, key, draft, subject)
        self.written.append((place, before, after))
        for written in made:
            self.items.append(stored_written(written, self.station_id, self.now_ms))
        return made[-1]

    def write_frame(self, place: Place, frame: bytes, head: Written, subject: bytes | None) -> None:
        """Keep what did not fit of a long frame in links behind its record."""
        for part in further_parts(frame):
            groups = ((_RAW, dcbor.encode(part)),)
            self.write(place, self.world.csms_key, PlainDraft(Kind.READING, self.now_ms, groups, (head.hash,)), subject)

    def keep(self, item: Item) -> None:
        """Keep a record that somebody else wrote."""
        self.items.append(stored(item, self.station_id, self.now_ms))

    def remember(self, key: str, answer: bytes) -> None:
        """Keep what a retry of this message will be told."""
        self.dedups.append(Dedup(StationId(self.station_id), key, answer))

    def project(self, transaction: Transaction) -> None:
        """Keep a transaction's new state; once it has ended, its billing is to be looked at."""
        self.puts.append(put_transaction(transaction, self.now_ms))
        if transaction.recorded_ms == self.now_ms:
            self.puts.append(put_transaction_time(transaction))
            self.list_session(transaction, SessionState.OPEN)
        if not transaction.active:
            self.puts.append(put_unbilled(transaction, self.now_ms))
            self.list_session(transaction, SessionState.PENDING)

    def list_session(self, transaction: Transaction, state: SessionState) -> None:
        """Keep where a transaction stands in lists and sums; the last state of a step counts."""
        self.sessions.append(listed_session(transaction, state))

    def post(self, posting: Posting) -> None:
        """Keep a posting whose record is written (`flow.money.ledger.post` does both), and enter it in the books."""
        self.entered.append((posting, self.world.books.enter(posting)))
        self.postings.append(posting)

    def finally_do(self, action: Callable[[], None]) -> None:
        """Do something just before the commit, in the order of asking."""
        self.later.append(action)

    async def commit(self) -> Committed:
        """Make the step durable."""
        return await self._commit(self._batch())

    async def hand_over(self) -> None:
        """Have the step made durable: whoever answers waits for `flushes`, nobody else has to."""
        batch = self._batch()
        flush = self.world.journal.submit(batch)
        if flush is None:
            await self._commit(batch)
        else:
            self.written.clear()
            self.entered.clear()
            self.flushes.append(flush)

    def _batch(self) -> Batch:
        for action in self.later:
            action()
        return Batch(
            self.world.tenant,
            tuple(self.items),
            tuple(self.puts),
            tuple(self.dedups),
            tuple(self.outbox),
            postings=tuple(self.postings),
            sessions=tuple(self.sessions),
            bills=tuple(self.bills),
            erased=tuple(self.erased),
        )

    async def _commit(self, batch: Batch) -> Committed:
        written, self.written = self.written, []
        entered, self.entered = self.entered, []
        try:
            return await self.world.journal.commit(batch)
        except InputError:
            self.written, self.entered = written, entered
            self._take_back()
            raise
        except StoreError:
            self.world.forget()
            raise

    def _take_back(self) -> None:
        for place, before, after in reversed(self.written):
            if not self.world.chains.take_back(place, before, after):
                self.world.count("chain_not_taken_back")
        for posting, era in self.entered:
            self.world.books.take_back(posting, era)
        self.written.clear()
        self.entered.clear()


class Plain(Struct, frozen=True, gc=False):
    """What a direct station's message says, before it is a record: groups are plain, the frame is kept as it came.

    What else a station measured (power, current, ...) stays in the frame. `mark` recognises a retry of the message.
    """

    kind: Kind
    ops: Ops | None
    meter: Meter | None
    observed: Observed
    frame: bytes
    mark: int
    refs: tuple[bytes, ...] = ()

    def draft(self, now_ms: int) -> PlainDraft:
        """Return the draft of its record."""
        groups: list[tuple[int, bytes]] = []
        if self.meter is not None:
            groups.append((_METER, self.meter.encode()))
        if self.ops is not None:
            groups.append((_OPS, self.ops.encode()))
        if len(self.frame) > MAX_PART:
            raw = first_part(self.observed.to_fields(b""), self.frame, self.mark)
            groups.append((_RAW, dcbor.encode(raw)))
        elif self.observed is UNREMARKABLE:
            groups.append((_RAW, raw_bytes(self.frame)))
        else:
            groups.append((_RAW, dcbor.encode(self.observed.to_fields(self.frame))))
        return PlainDraft(self.kind, now_ms, groups, self.refs)

    def recorded(self, written: Written) -> Recorded:
        """Return what the record made of this says, without reading it back."""
        return Recorded(
            kind=self.kind,
            hash=written.hash,
            origin=written.origin,
            stream=written.stream,
            ms=written.ms,
            subject=written.subject,
            refs=self.refs,
            ops=self.ops,
            meter=self.meter,
            observed=self.observed,
        )


_METER, _OPS, _RAW = int(Group.METER), int(Group.OPS), int(Group.RAW)


def decided(item: Item | Written, decision: Decision) -> Recorded:
    """Return what a decision record says."""
    place = item if isinstance(item, Written) else item.payload
    return Recorded(
        kind=Kind.DECISION,
        hash=item.hash,
        origin=place.origin,
        stream=place.stream,
        ms=place.ms,
        subject=place.subject,
        refs=place.refs,
        decision=decision,
    )
