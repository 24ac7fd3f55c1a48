"""The one thread that writes to SQLite: everything that queued up during the last fsync is one transaction."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic, sleep
from typing import Final

import msgspec

from wattseal.base.errors import ConfigError, StoreError, WattsealError
from wattseal.flow.ports import Batch, Committed
from wattseal.stores.journal import Outcome, Work, behind_a_loss
from wattseal.stores.ledger import LAST_NUMBER, Numbering
from wattseal.stores.plan import Place, Plan, place_of, plan
from wattseal.stores.queries import LOG_SIZE
from wattseal.stores.revision import HEAD
from wattseal.stores.sqlite_errors import UNREADABLE, unreadable
from wattseal.stores.sqlite_tables import Rows, Unapplied, decode, encode, insert_statement, load_pending
from wattseal.stores.touches import Touch

PROBE_BYTES: Final = 65_536
APPLY_ROWS: Final = 512
APPLY_ROWS_OF_A_CROWD: Final = 8192
"""Rows are worked into their tables when so many wait, when a reader asks, or when nothing else is to do.

More of them at once cost less each, and hold up the commits that come meanwhile for longer: in calm times few notice
and none should for long, in a crowd everybody waits for the work that is saved."""
IDLE_S: Final = 0.2
SCRUB_PAGES: Final = 200_000
"""Pages overwritten by one value. It ends within a page whose rest stays as it was: the last one ends in a new page."""
CROWD: Final = 8
"""A group of so many batches is a crowd; the next one may wait for more."""
GATHER_S: Final = 0.008
"""While there is a crowd, flushes begin this far apart: each one costs the same, however many share it."""

_DISK_CODES: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
    }
)

Resolve = Callable[[list[tuple[Work, Outcome]], int], None]
"""Called in the writer's thread, once a group, with the outcome of every batch in it and the losses so far."""


def open_connection(path: Path) -> sqlite3.Connection:
    """Open a migrated journal in WAL mode with `synchronous=FULL`; `ConfigError` where its schema is another.

    `StoreError` where it cannot be read.
    """
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
        connection.execute("PRAGMA cache_size=-32768")
        connection.execute("PRAGMA secure_delete=FAST")
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except UNREADABLE as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_ERROR:
            raise unreadable(path, error) from error
        raise ConfigError(f"not a journal ({error}); run `wattseal migrate`", subject=str(path)) from error
    if found != (HEAD,):
        connection.close()
        raise ConfigError(f"the journal's schema is {found}, not {HEAD}; run `wattseal migrate`", subject=str(path))
    return connection


def apply_pending(path: Path) -> None:
    """Work in what is pending in a journal nobody has open, such as a copy."""
    with closing(open_connection(path)) as connection:
        unapplied = load_pending(connection)
        if unapplied.blobs:
            unapplied.apply(connection)


class Writer:
    """Owns the writing connection and its thread.

    `failure` is None while the store works; `behind` tells whether committed rows are not in their tables yet; `losses`
    counts how often a batch failed, and how often the store works again after that.
    """

    def __init__(self, path: Path, resolve: Resolve, probe_interval_s: float) -> None:
        self._path = path
        self._resolve = resolve
        self._probe_interval_s = probe_interval_s
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self.failure: StoreError | None = None
        self.behind = False
        self.losses = 0
        self._crowded = False
        self._flushed_s = 0.0
        self._to_scrub = False
        self._open()
        self._thread = Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> None:
        """Queue a batch; `resolve` is told when it is durable or has failed."""
        self._queue.put(work)

    def withholds(self, looked_at: Collection[Touch]) -> bool:
        """Return whether what is looked at may be durable and not in its tables yet; nothing named is anything.

        Called from other threads.
        """
        return self.behind and (not looked_at or self._unapplied.touch(looked_at))

    def close(self) -> None:
        """Finish what is queued, then end the thread and close the database. Blocks."""
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _open(self) -> None:
        """Open the database and work in what a crash left pending."""
        self._connection = open_connection(self._path)
        self._sizes: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._heads: dict[tuple[str, str, int], tuple[int, int]] = {}
        self._unapplied = load_pending(self._connection)
        self._to_scrub = self._to_scrub or bool(self._unapplied.erased)
        self._apply()

    def _run(self) -> None:
        going = True
        while going:
            group: list[Work] = []
            try:
                work = self._queue.get(timeout=self._patience_s())
                self._gather()
                while work is not None:
                    group.append(work)
                    work = self._queue.get_nowait()
                going = False
            except Empty:
                pass
            if group:
                self._crowded = len(group) >= CROWD
                self._serve(group)
            if not group or not going:
                self._idle()

    def _gather(self) -> None:
        """Where the last group was a crowd, let the next one gather, so that more of them share a flush."""
        left_s = self._flushed_s + GATHER_S - monotonic()
        if self._crowded and left_s > 0:
            sleep(left_s)
        self._flushed_s = monotonic()

    def _patience_s(self) -> float | None:
        if self.failure is not None:
            return self._probe_interval_s
        return IDLE_S if self.behind or self._to_scrub else None

    def _idle(self) -> None:
        if self.failure is not None:
            self._recover()
        elif self._to_scrub:
            self._scrub()
        else:
            self._try_apply()

    def _serve(self, group: list[Work]) -> None:
        writes = [work for work in group if work[0] is not None]
        outcomes = self._write_all(writes) if writes else []
        asked = [work for work in group if work[0] is None]
        if self._to_scrub:
            self._scrub()
        if asked or self._unapplied.rows >= (APPLY_ROWS_OF_A_CROWD if self._crowded else APPLY_ROWS):
            if writes:
                self._resolve(outcomes, self.losses)  # they are durable and need not wait for the tables
                outcomes = []
            self._try_apply()
        outcomes += [(work, self.failure or Committed()) for work in asked]
        self._resolve(outcomes, self.losses)

    def _write_all(self, group: Sequence[Work]) -> list[tuple[Work, Outcome]]:
        """Write a group; where one batch cannot be stored, halve the group until it fails alone.

        What came behind it fails too, up to what was made by somebody who knew of that: it may be built on it.
        """
        if self.failure is not None:
            self.losses += 1
            return [(work, self.failure) for work in group]
        late: list[tuple[Work, Outcome]] = [(work, behind_a_loss()) for work in group if work[2] != self.losses]
        if late:
            group = [work for work in group if work[2] == self.losses]
        if not group:
            return late
        try:
            committed = self._write([batch for batch, _, _ in group if batch is not None])
        except Exception as error:  # noqa: BLE001 - whatever went wrong, every waiter must hear of it
            self._roll_back()
            if _is_disk(error):
                self._fail(error)
                return late + self._write_all(group)
            if len(group) == 1:
                self.losses += 1
                return [*late, (group[0], StoreError(f"this cannot be stored: {error}", code="unstorable"))]
            half = len(group) // 2
            return late + self._write_all(group[:half]) + self._write_all(group[half:])
        return late + list(zip(group, committed, strict=True))

    def _write(self, batches: list[Batch]) -> list[Committed]:
        """Make `batches` durable in one transaction; nothing in memory changes before that."""
        by_tenant: dict[str, list[int]] = {}
        for number, batch in enumerate(batches):
            by_tenant.setdefault(batch.tenant, []).append(number)
        committed: dict[int, Committed] = {}
        plans, blobs, sizes = [], [], {}
        last: dict[str, int] = {}
        for tenant, numbers in by_tenant.items():
            own = [batches[number] for number in numbers]
            sizes[tenant] = self._size(tenant)
            numbering = self._numbering(tenant, own)
            planned = plan(own, sizes, self._known(own), numbering)
            last.update(numbering.last)
            committed.update(zip(numbers, planned.committed, strict=True))
            plans.append(planned)
            blobs.append((tenant, encode(planned)))
        rows = [decode(blob) for _, blob in blobs]
        self._append(blobs)
        self._note(plans, rows, sizes)
        self._to_scrub = self._to_scrub or any(batch.scrub for batch in batches)
        self._numbers.update(last)
        return [committed[number] for number in range(len(batches))]

    def _append(self, blobs: list[tuple[str, bytes]]) -> None:
        """Make blobs durable by one statement, a transaction by itself: the interpreter lock is let go only once."""
        statement = insert_statement("pending (tenant_id, body)", 2, len(blobs))
        self._connection.execute(statement, [value for row in blobs for value in row])

    def _note(self, plans: list[Plan], rows: list[Rows], sizes: dict[str, int]) -> None:
        """Follow in memory what has become durable."""
        for decoded in rows:
            self._unapplied.add(decoded)
        self._sizes.update(sizes)
        for planned in plans:
            for tenant, origin, stream, epoch, seq, _ in planned.places:
                chain = tenant, origin, stream
                self._heads[chain] = max(self._heads[chain], (epoch, seq))
        self.behind = True

    def _known(self, batches: list[Batch]) -> dict[Place, int | None]:
        """Return which items are stored already; only those not beyond their chain's head are looked up."""
        known: dict[Place, int | None] = {}
        for batch in batches:
            for item in batch.items:
                if (item.epoch, item.seq) > self._head(batch.tenant, item.origin, item.stream):
                    continue
                place = place_of(batch.tenant, item)
                waiting = self._unapplied.places()
                if place in waiting:
                    known[place] = waiting[place]
                else:
                    row = self._connection.execute(_PLACE, place).fetchone()
                    if row is not None:
                        known[place] = row[0]
        return known

    def _numbering(self, tenant: str, batches: list[Batch]) -> Numbering:
        """Return the tenant's last posting number, and which keys of these batches are posted already."""
        keys = {(tenant, posting.key) for batch in batches for posting in batch.postings}
        if not keys:
            return Numbering()
        last = self._numbers.get(tenant)
        if last is None:
            last = int(self._connection.execute(LAST_NUMBER.replace("$", "?"), (tenant,)).fetchone()[0])
        return Numbering({tenant: last}, {key for key in keys if self._unapplied.posted(key) or self._posted(key)})

    def _posted(self, key: tuple[str, str]) -> bool:
        return self._connection.execute(_POSTED, key).fetchone() is not None

    def _head(self, tenant: str, origin: str, stream: int) -> tuple[int, int]:
        chain = tenant, origin, stream
        head = self._heads.get(chain)
        if head is None:
            epoch, seq = self._connection.execute(_HEAD, chain).fetchone() or (-1, -1)
            head = self._heads[chain] = int(epoch), int(seq)
        return head

    def _size(self, tenant: str) -> int:
        size = self._sizes.get(tenant)
        if size is None:
            size = int(self._connection.execute(LOG_SIZE.replace("$", "?"), (tenant,)).fetchone()[0])
        return size

    def _try_apply(self) -> None:
        try:
            self._apply()
        except Exception as error:  # noqa: BLE001 - what cannot be applied stays pending, and the store counts as failed
            self._roll_back()
            self._fail(error)

    def _apply(self) -> None:
        if self._unapplied.blobs:
            self._unapplied.apply(self._connection)
            self._unapplied = Unapplied()
        self.behind = False

    def _scrub(self) -> None:
        """Leave nothing of what was erased in the files: neither in pages that are free nor in the write-ahead log.

        Inside pages that are in use SQLite overwrites what it removes (`secure_delete=FAST`). Whoever reads meanwhile
        holds the log up for so long; it is emptied then.
        """
        try:
            self._apply()
            connection = self._connection
            (free,) = connection.execute("PRAGMA freelist_count").fetchone()
            (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
            filler = [min(SCRUB_PAGES, free + 2 - at) * page_bytes for at in range(0, free + 2, SCRUB_PAGES)]
            connection.execute("BEGIN IMMEDIATE")
            for number, size in enumerate(filler):
                connection.execute("INSERT OR REPLACE INTO probe VALUES (?, zeroblob(?))", (f"\0{number}", size))
            connection.execute("COMMIT")
            connection.execute("DELETE FROM probe")
            self._to_scrub = bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
        except Exception as error:  # noqa: BLE001 - what cannot be overwritten now is tried again when the store works
            self._roll_back()
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.failure = StoreError(f"the journal cannot write: {error}", code=_code(error), subject="journal")

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            pass  # SQLite rolled back by itself, or the connection is reopened before the next write

    def _recover(self) -> None:
        """Try whether the store takes writes again.

        The connection is reopened and the write-ahead log is emptied into the database first: after a failed fsync the
        log's tail may never have reached the disk, and what is appended after it would be lost with it.
        """
        try:
            self._connection.close()
            self._open()
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                return
            self._connection.execute("INSERT OR REPLACE INTO probe VALUES ('', zeroblob(?))", (PROBE_BYTES,))
            self._connection.execute("DELETE FROM probe WHERE tenant_id = ''")
        except (sqlite3.Error, msgspec.MsgspecError, WattsealError):
            return
        self.losses += 1  # what failed may be in the tables now; what was read before that lacks it
        self.failure = None
        self._resolve([], self.losses)


_PLACE: Final = (
    "SELECT log_index FROM items "
    "WHERE tenant_id = ? AND origin = ? AND stream = ? AND epoch = ? AND seq = ? AND digest = ?"
)
_POSTED: Final = "SELECT 1 FROM postings WHERE tenant_id = ? AND key = ?"
_HEAD: Final = (
    "SELECT epoch, seq FROM items WHERE tenant_id = ? AND origin = ? AND stream = ? "
    "ORDER BY epoch DESC, seq DESC LIMIT 1"
)


def _is_disk(error: Exception) -> bool:
    if isinstance(error, sqlite3.Error):
        return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DISK_CODES
    return isinstance(error, OSError)


def _code(error: Exception) -> str:
    full = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    return "disk_full" if full else "store_failed"
