"""One atomic step: the records, documents and answers that become durable together before anything is answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wattseal.base.errors import StoreError
from wattseal.base.ids import StationId
from wattseal.crypto.keys import SigningKey
from wattseal.flow.chains import stored
from wattseal.flow.documents import put_transaction
from wattseal.flow.ports import Batch, Committed, Dedup, Outgoing, Put, StoredItem
from wattseal.flow.world import World
from wattseal.model.transaction import Transaction
from wattseal.rules.recorded import Observed, Recorded
from wattseal.seal.fields import Decision, Meter, Ops
from wattseal.seal.item import ClockQuality, Group, Item, Kind
from wattseal.seal.writer import Draft, GroupDraft, SubjectKeys


@dataclass(slots=True)
class Step:
    """Collects what one message changes; `commit` makes it durable, or drops all memory and raises `StoreError`.

    Between the first `write` and `commit` nothing may be awaited: somebody else could commit a later record of the same
    chain first. What is only known while other things are awaited is put off with `finally_do`.
    """

    world: World
    station_id: str
    now_ms: int
    items: list[StoredItem] = field(default_factory=list)
    puts: list[Put] = field(default_factory=list)
    dedups: list[Dedup] = field(default_factory=list)
    outbox: list[Outgoing] = field(default_factory=list)
    later: list[Callable[[], None]] = field(default_factory=list)

    def write(self, origin: str, stream: int, key: SigningKey, draft: Draft, subject: SubjectKeys | None) -> Item:
        """Append a record to a chain that is ready, and keep it."""
        made = self.world.chains.append(origin, stream, key, draft, subject)
        self.items.extend(stored(item, self.station_id, self.now_ms) for item in made)
        return made[-1]

    def keep(self, item: Item) -> None:
        """Keep a record that somebody else wrote."""
        self.items.append(stored(item, self.station_id, self.now_ms))

    def remember(self, key: str, answer: bytes) -> None:
        """Keep what a retry of this message will be told."""
        self.dedups.append(Dedup(StationId(self.station_id), key, answer))

    def project(self, transaction: Transaction) -> None:
        """Keep a transaction's new state."""
        self.puts.append(put_transaction(transaction, self.now_ms))

    def finally_do(self, action: Callable[[], None]) -> None:
        """Do something just before the commit, in the order of asking."""
        self.later.append(action)

    async def commit(self) -> Committed:
        """Make the step durable."""
        for action in self.later:
            action()
        batch = Batch(self.world.tenant, tuple(self.items), tuple(self.puts), tuple(self.dedups), tuple(self.outbox))
        try:
            return await self.world.journal.commit(batch)
        except StoreError:
            self.world.forget()
            raise


@dataclass(frozen=True, slots=True)
class Plain:
    """What a direct station's message says, before it is a record: groups are plain, the frame is kept as it came."""

    kind: Kind
    ops: Ops | None
    meter: Meter | None
    observed: Observed
    frame: bytes
    groups: Mapping[Group, GroupDraft] = field(default_factory=dict)
    refs: tuple[bytes, ...] = ()

    def draft(self, now_ms: int) -> Draft:
        """Return the draft of its record."""
        groups = dict(self.groups)
        if self.meter is not None:
            groups[Group.METER] = GroupDraft(self.meter.to_fields())
        if self.ops is not None:
            groups[Group.OPS] = GroupDraft(self.ops.to_fields())
        groups[Group.RAW] = GroupDraft(self.observed.to_fields(self.frame))
        return Draft(self.kind, now_ms, ClockQuality.SYNCHRONISED, groups, self.refs)

    def recorded(self, item: Item) -> Recorded:
        """Return what the record made of this says, without reading it back."""
        payload = item.payload
        return Recorded(
            kind=self.kind,
            hash=item.hash,
            origin=payload.origin,
            stream=payload.stream,
            ms=payload.ms,
            subject=payload.subject,
            refs=self.refs,
            ops=self.ops,
            meter=self.meter,
            observed=self.observed,
        )


def decided(item: Item, decision: Decision) -> Recorded:
    """Return what a decision record says."""
    payload = item.payload
    return Recorded(
        kind=Kind.DECISION,
        hash=item.hash,
        origin=payload.origin,
        stream=payload.stream,
        ms=payload.ms,
        subject=payload.subject,
        refs=payload.refs,
        decision=decision,
    )
