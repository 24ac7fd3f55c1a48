"""A machine whose power may go at any moment: what its disk then holds of the journal and of all other files.

The journal is followed from one statement that writes to the next. What a statement changes reaches the disk when it
is over, and only if the connection syncs every commit (`synchronous` FULL in WAL mode); before, any part of it may be
there: sectors as they were, new, or zero where the file grew, and its end anywhere. As SQLite itself does it takes for
granted that writing to a sector harms none of the bytes beside (its "powersafe overwrite").
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.torn.files import SECTOR, Files, followed

from wattseal.lab.null import swapped
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.stores import sqlite_writer
from wattseal.stores.sqlite_tables import Unapplied, decode
from wattseal.stores.sqlite_writer import Writer
from wattseal.stores.tiles import DiskLog

JOURNAL, WAL = "journal.sqlite3", "journal.sqlite3-wal"
FULL = 2
HEADER = 32
CHECKPOINT_PAGES = 60
"""A small write-ahead log, so that it is worked into the database many times."""


@dataclass(frozen=True)
class Image:
    """What a disk holds after a cut, and what had been promised until then.

    `durable` counts the records whose commits had returned, in their order; `shown` are the checkpoints signed.
    """

    files: dict[str, bytes]
    durable: int
    shown: tuple[SignedCheckpoint, ...]
    where: str

    def write(self, folder: Path) -> None:
        """Make a directory of it."""
        folder.mkdir(mode=0o700)
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o600)


@dataclass(frozen=True)
class Database:
    """The journal's two files; None where there is none."""

    main: bytes | None
    wal: bytes | None


@dataclass
class Machine:
    """Runs with `folder` on its disk; the power goes at the steps in `cuts`, and each time an image is left."""

    folder: Path
    dice: Random
    cuts: frozenset[int] = frozenset()
    journal: str = JOURNAL
    images: list[Image] = field(default_factory=list)
    steps: int = 0
    records: list[bytes] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    shown: list[SignedCheckpoint] = field(default_factory=list)
    files: Files = field(init=False)
    disk: Database = field(default_factory=lambda: Database(None, None))

    def __post_init__(self) -> None:
        """Follow the files too."""
        self.files = Files(self.folder)
        self.files.done = lambda: self._step("files", self.disk)

    def image(self) -> Image:
        """Return what the disk holds now: all that was written, with nothing under way."""
        with self.files.lock:
            files = {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
            found = {str(path.relative_to(self.folder)): data for path, data in files.items()}
            return Image(found, len(self.records), tuple(self.shown), "at rest")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be this machine as long as the context lasts."""
        opened, sign, close = sqlite_writer.open_connection, DiskLog.sign, Writer.close

        def opening(path: Path) -> sqlite3.Connection:
            connection = opened(path)
            if path.parent == self.folder:
                connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
                self.disk = self._now()
            return connection

        def signing(log: DiskLog) -> SignedCheckpoint:
            signed = sign(log)
            with self.files.lock:
                if signed.checkpoint not in [one.checkpoint for one in self.shown]:
                    self.shown.append(signed)
            return signed

        def closing(writer: Writer) -> None:
            writer._queue.put(None)
            writer._thread.join()  # what it still has to work in takes the lock
            with self.files.lock:
                close(writer)
                self._wrote("closed", FULL)

        with ExitStack() as stack:
            stack.enter_context(followed(self.files))
            stack.enter_context(swapped(sqlite_writer, "open_connection", opening))
            stack.enter_context(swapped(DiskLog, "sign", signing))
            stack.enter_context(swapped(Writer, "close", closing))
            stack.enter_context(swapped(Writer, "_append", self._appending(Writer._append)))
            stack.enter_context(swapped(Unapplied, "apply", self._applying(Unapplied.apply)))
            yield

    def _appending(self, append: Any) -> Any:
        def appending(writer: Writer, blobs: list[tuple[str, bytes]]) -> None:
            with self.files.lock:
                append(writer, blobs)
                self._wrote("appended", _synchronous(writer._connection), [blob for _, blob in blobs])

        return appending

    def _applying(self, apply: Any) -> Any:
        def applying(unapplied: Unapplied, connection: sqlite3.Connection) -> None:
            with self.files.lock:
                apply(unapplied, connection)
                self._wrote("applied", _synchronous(connection))

        return applying

    def _wrote(self, what: str, synchronous: int, blobs: list[bytes] | None = None) -> None:
        """Follow a statement that is over: a cut during it leaves any part of it; after it, all or what was synced."""
        before, after = self.disk, self._now()
        during = self.steps + 1 in self.cuts
        if during:
            self._step(what, mixed(before, after, self.dice))
        else:
            self.steps += 1
        for rows in map(decode, blobs or ()):
            self.records += [row[6] for row in rows.items]
            self.leaves += [entry for _, _, entry in rows.leaves]
        if synchronous >= FULL or before.main != after.main:
            self.disk = after
        self._step(f"after {what}", self.disk)

    def _step(self, what: str, database: Database) -> None:
        self.steps += 1
        if self.steps in self.cuts:
            self.images.append(self._image(f"step {self.steps}, {what}", database))

    def _image(self, where: str, database: Database) -> Image:
        found = self.files.after_a_cut(self.dice)
        for name, data in ((self.journal, database.main), (f"{self.journal}-wal", database.wal)):
            if data is not None:
                found[name] = data
        return Image(found, len(self.records), tuple(self.shown), where)

    def _now(self) -> Database:
        return Database(*(_read(self.folder / name) for name in (self.journal, f"{self.journal}-wal")))


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _synchronous(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute("PRAGMA synchronous").fetchone()
    return int(found)


def mixed(before: Database, after: Database, dice: Random) -> Database:
    """Return the database as a cut leaves it between two states.

    Pages go from the write-ahead log to the database only once the log is synced, and it stays whole until they are.
    A log that begins anew has its header synced before anything else is written over the old one.
    """
    if before.main == after.main or dice.random() < 0.5:
        old, new = before.wal or b"", after.wal or b""
        if old[:HEADER] != new[:HEADER]:
            old = dice.choice((old, new[:HEADER] + old[HEADER:]))
        if old[:HEADER] != new[:HEADER]:
            return before
        return Database(before.main, _mixed(old, new, dice))
    return Database(_mixed(before.main or b"", after.main or b"", dice), after.wal or before.wal)


def _mixed(old: bytes, new: bytes, dice: Random) -> bytes:
    whole = max(len(old), len(new))
    new = new.ljust(len(old), b"\0") if len(new) < len(old) else new
    if dice.random() < 0.3:  # in order, up to some byte
        at = dice.randrange(whole + 1)
        return new[:at] + old[at:]
    out = bytearray()
    for at in range(0, whole, SECTOR):
        was, now = old[at : at + SECTOR], new[at : at + SECTOR]
        out += dice.choice((was.ljust(len(now), b"\0"), now))
    return bytes(out[: dice.choice((whole, max(len(old), dice.randrange(whole + 1))))])
