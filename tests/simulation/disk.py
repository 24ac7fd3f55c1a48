"""A disk that outlives processes, and one process's way to it: reads may be stale, commits are grouped and may fail.

What the journal promises is kept to the letter and no further: a read sees every batch whose commit has returned, a
batch is durable before its commit returns, after a failure everything fails until the disk works again.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs
from tests.simulation.driver import Pause
from tests.support.memory_journal import MemoryJournal
from tests.support.proved import AT_MS

from wattseal.base.errors import StoreError
from wattseal.flow.ports import Batch, Committed, KeptItem, StoredItem

READS = frozenset(
    {
        "items",
        "items_by_subject",
        "replay",
        "chain_head",
        "leaves",
        "log_size",
        "document",
        "documents",
        "answer",
        "outbox",
        "posting",
        "postings",
        "balances",
        "sessions",
        "bills",
        "session_counts",
        "rollups",
        "all_sums",
    }
)
DEAD = StoreError("the process died", code="died")
BEFORE = 20
"""Batches that were there before a storm began, or about so many."""
Spoil = Callable[[Batch], Batch]


class Disk(MemoryJournal):
    """What is durable. `spoil` is what no real journal does to a batch, for controls."""

    def __init__(self) -> None:
        super().__init__()
        self.spoil: Spoil | None = None
        self.history: list[Batch] = []
        self.true_ms: Callable[[], int] = lambda: AT_MS
        self.seen_ms: list[int] = []
        """When, by clocks that are right, the entries of the log were there."""
        self._places: dict[tuple[str, int, int, int, bytes], KeptItem] = {}

    async def commit(self, batch: Batch) -> Committed:
        return self.write(batch)

    def write(self, batch: Batch) -> Committed:
        """Make a batch durable."""
        batch = batch if self.spoil is None else self.spoil(batch)
        self.history.append(batch)
        known = [item for item in batch.items if place(item) in self._places]
        coroutine = super().commit(_without(batch, known))
        try:
            coroutine.send(None)
        except StopIteration as ended:
            committed: Committed = ended.value
        else:
            raise AssertionError("memory waits for nothing")
        self.seen_ms += [self.true_ms()] * (len(self.log) - len(self.seen_ms))
        for attempt in batch.attempts:
            if attempt.next_at_ms is not None and (message := self.messages.get(attempt.id)) is not None:
                later = structs.replace(message, attempts=message.attempts + 1, next_at_ms=attempt.next_at_ms)
                self.messages[attempt.id] = later
        again = {bytes(item.payload_hash): self._places[place(item)].log_index for item in known}
        more = {digest: index for digest, index in again.items() if index is not None}
        return Committed({**committed.indexes, **more}, committed.log_size)

    def lose(self, count: int) -> None:
        """Be without the last batches, as no real disk is that has flushed them."""
        history, spoil = self.history[: max(BEFORE, len(self.history) - count)], self.spoil
        true_ms = self.true_ms
        self.__init__()  # type: ignore[misc]
        self.true_ms = true_ms
        for batch in history:
            self.write(batch)
        self.spoil = spoil

    def _keep(self, item: StoredItem) -> KeptItem:
        kept = super()._keep(item)
        self._places[place(item)] = kept
        return kept


def place(item: StoredItem) -> tuple[str, int, int, int, bytes]:
    """Return where a record stands, and which one it is."""
    return item.origin, item.stream, item.epoch, item.seq, item.item


def _without(batch: Batch, known: list[StoredItem]) -> Batch:
    if not known:
        return batch
    fresh = tuple(item for item in batch.items if item not in known)
    return Batch(**{name: getattr(batch, name) for name in Batch.__struct_fields__} | {"items": fresh})


@dataclass(eq=False)
class Flushing:
    """A batch on its way."""

    batch: Batch
    came_to: Committed | StoreError | None = None
    heard: bool = False

    def add_done_callback(self, told: Callable[[Any], object]) -> object:
        raise NotImplementedError

    def cancelled(self) -> bool:
        return False

    def exception(self) -> BaseException | None:
        return self.came_to if isinstance(self.came_to, StoreError) else None

    def __await__(self) -> Generator[Pause, None, Committed]:
        while self.came_to is None:
            yield Pause(lambda: self.came_to is not None)
        self.heard = True
        if isinstance(self.came_to, StoreError):
            raise StoreError(str(self.came_to), code=self.came_to.code)
        return self.came_to


@dataclass
class Journal:
    """One process's journal. Nothing is durable until `flush` is called from outside; `early` answers before.

    `asked` counts the batches it was given.
    """

    disk: Disk
    queue: list[Flushing] = field(default_factory=list)
    failed: list[Flushing] = field(default_factory=list)
    broken: StoreError | None = None
    dead: bool = False
    early: bool = False
    asked: int = 0

    @property
    def healthy(self) -> bool:
        return self.broken is None and not self.dead

    async def commit(self, batch: Batch) -> Committed:
        return await self._queued(batch)

    def submit(self, batch: Batch) -> Flushing | None:
        return self._queued(batch)

    async def close(self) -> None:
        self.dead = True

    def _queued(self, batch: Batch) -> Flushing:
        flushing = Flushing(batch)
        if self.dead:
            flushing.came_to = DEAD
        elif self.broken is not None:
            flushing.came_to = self.broken
            self.failed.append(flushing)
        else:
            self.asked += 1
            self.queue.append(flushing)
            flushing.came_to = Committed(log_size=len(self.disk.log)) if self.early else None
        return flushing

    def flush(self, count: int) -> None:
        """Make so many of the batches that wait durable, in their order."""
        for _ in range(min(count, len(self.queue))):
            flushing = self.queue.pop(0)
            committed = self.disk.write(flushing.batch)
            flushing.came_to = flushing.came_to or committed

    def fail(self, error: StoreError, kept: int = 0) -> None:
        """Fail everything that waits, of which the first `kept` are on the disk all the same."""
        for flushing in self.queue[:kept]:
            self.disk.write(flushing.batch)
        for flushing in self.queue:
            flushing.came_to = error
        self.failed.extend(self.queue)
        self.queue.clear()
        self.broken = error

    def recover(self) -> None:
        """Work again, once everybody has heard of the failure."""
        if all(one.heard for one in self.failed):
            self.failed.clear()
            self.broken = None

    def die(self) -> None:
        """Be the journal of a process that is no more."""
        self.dead = True
        for flushing in self.queue:
            flushing.came_to = DEAD
        self.queue.clear()

    def __getattr__(self, name: str) -> Any:
        if name not in READS:
            raise AttributeError(name)
        read = getattr(self.disk, name)

        async def paused(*args: Any, **kwargs: Any) -> Any:
            await Pause()
            if self.dead:
                raise DEAD
            found = await read(*args, **kwargs)
            await Pause()
            return found

        return paused
