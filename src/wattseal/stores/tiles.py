"""The transparency log on disk: tiles, entry bundles and the checkpoint below one directory (C2SP tlog-tiles layout).

The journal holds every entry first and gives it its index; this tree is a function of the journal and may lag behind
it. Tiles are synced before a checkpoint is signed over them, and the checkpoint is synced before anybody sees it, so
that a crash at any point leaves the last checkpoint true and at worst some tiles beyond it, which the next `append`
of the same entries writes again with the same bytes. All calls block on the disk: keep them off an event loop.
"""

import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self

from wattseal.base.errors import InputError, StoreError
from wattseal.log import checkpoint, merkle, note, tiles
from wattseal.log.checkpoint import Checkpoint, SignedCheckpoint
from wattseal.log.keys import SigningKey, VerifierKey
from wattseal.log.proof import TlogProof
from wattseal.log.tiles import ENTRIES, WIDTH, TileNodes, TileRef
from wattseal.model.verdict import Verdict
from wattseal.stores.files import write_all_durably, write_durably

ENTRY_SIZE = 32
CHECKPOINT = "checkpoint"
ANEW = "move the log's directory away, and it is built again from the journal, up to what was published"
_CACHED_TILES = 128
"""Hash tiles kept in memory with the nodes inside, up to 40 KiB each; a tile of one width never changes once read."""


def read_tile(directory: Path, ref: TileRef) -> bytes:
    """Return the bytes of a tile or entry bundle; a partial one that is gone is cut out of its full one.

    `StoreError("tile_missing")` where there is neither.
    """
    for candidate in dict.fromkeys((ref, ref.full())):
        try:
            data = (directory / candidate.path()).read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StoreError(f"cannot read {ref.path()}", code="disk_refused", subject=ref.path()) from error
        if candidate == ref:
            return data
        if ref.level == ENTRIES:
            return tiles.encode_entries(tiles.split_entries(data, candidate)[: ref.width])
        return data[: ref.width * merkle.HASH_SIZE]
    raise StoreError(f"{ref.path()} is missing: {ANEW}", code="tile_missing", subject=ref.path())


def read_checkpoint(directory: Path, key: VerifierKey) -> SignedCheckpoint | None:
    """Return the checkpoint of a log, None where there is none yet; `StoreError` unless it is signed by `key`."""
    try:
        data = (directory / CHECKPOINT).read_bytes()
    except FileNotFoundError:
        return None
    try:
        signed = SignedCheckpoint.parse(data)
    except InputError as error:
        raise StoreError(
            f"the checkpoint is damaged: {error}: {ANEW}", code="checkpoint_damaged", subject=CHECKPOINT
        ) from error
    return check_own(signed, key)


def check_own(signed: SignedCheckpoint, key: VerifierKey) -> SignedCheckpoint:
    """Return `signed` if the log with `key` signed it under its own origin, else raise `StoreError`."""
    if signed.checkpoint.origin != key.name or note.check(signed.note, [key]).verdict is not Verdict.VALID:
        raise StoreError("the checkpoint is not signed by this log's key", code="checkpoint_foreign", subject=key.name)
    return signed


class DiskLog:
    """One log for one writer. Readers may use proofs from other threads meanwhile."""

    def __init__(self, directory: Path, key: SigningKey, signed: SignedCheckpoint | None) -> None:
        self._directory = directory
        self._key = key
        self._latest = signed
        self._floor = signed
        self._size = signed.checkpoint.size if signed else 0
        self._rows = lru_cache(maxsize=_CACHED_TILES)(self._load_rows)

    @classmethod
    def open(cls, directory: Path, key: SigningKey, *, published: SignedCheckpoint | None = None) -> Self:
        """Open or begin the log in `directory`: a handful of tiles is read, however large the log.

        `published` is the highest checkpoint known from elsewhere (the journal, a backup's note, a witness). A
        directory that is behind it opens, can be appended to, and signs nothing until it contains that checkpoint.
        `StoreError` where the checkpoint is damaged or foreign or the tree does not lead to it.
        """
        log = cls(directory, key, read_checkpoint(directory, key.verifier))
        log._demand(log._latest)
        if published is not None and published.checkpoint.size >= log.size:
            log._floor = check_own(published, key.verifier)
            if published.checkpoint.size == log.size:
                log._demand(published)
        return log

    @property
    def size(self) -> int:
        """Number of entries in the tree; the index of the journal's next entry to append."""
        return self._size

    @property
    def latest(self) -> SignedCheckpoint | None:
        """The latest checkpoint, with the cosignatures added so far."""
        return self._latest

    def integrate(self, entries: Sequence[bytes]) -> SignedCheckpoint:
        """Append the journal's next entries and sign: the checkpoint is durable when this returns."""
        self.append(entries)
        return self.sign()

    def append(self, entries: Sequence[bytes]) -> None:
        """Add the journal's next entries (32 bytes each, padding included) to the tree, durably, without signing.

        Memory is a few times that of `entries`: rebuild a large log by parts. On `StoreError` the tree is as before.
        """
        if any(len(entry) != ENTRY_SIZE for entry in entries):
            raise InputError(f"a log entry has {ENTRY_SIZE} bytes", code="bad_log_entry", subject=str(self._size))
        if not entries:
            return
        files: list[tuple[TileRef, bytes]] = []
        row = [*self._right_edge(ENTRIES), *entries]
        files.extend((ref, tiles.encode_entries(chunk)) for ref, chunk in self._cut(ENTRIES, row))
        level, hashes = 0, [merkle.leaf_hash(entry) for entry in entries]
        while hashes:
            chunks = self._cut(level, [*self._right_edge(level), *hashes])
            files.extend((ref, b"".join(chunk)) for ref, chunk in chunks)
            hashes = [tiles.tile_hash(chunk) for ref, chunk in chunks if ref.width == WIDTH]
            level += 1
        write_all_durably((self._directory / ref.path(), data) for ref, data in files)
        self._size += len(entries)

    def sign(self) -> SignedCheckpoint:
        """Sign the tree as it stands and make the checkpoint durable; the latest one again if nothing was appended.

        `StoreError("log_behind")` or `("log_conflict")` where a checkpoint published before is not contained in the
        tree: a log that signs then forks its own history. Restore the missing tiles or entries, or begin a new log.
        """
        self._demand(self._floor)
        if self._latest is not None and self._latest.checkpoint.size == self._size:
            return self._latest
        root = merkle.root_at(self._size, self._nodes())
        signed = checkpoint.sign(Checkpoint(self._key.name, self._size, root), self._key)
        write_durably(self._directory / CHECKPOINT, signed.encode())
        since = self._latest.checkpoint.size if self._latest else 0
        self._latest = self._floor = signed
        self._drop_partials(since)
        return signed

    def add_signatures(self, cosigned: SignedCheckpoint) -> SignedCheckpoint:
        """Keep witnesses' lines with the latest checkpoint; those of an older one are not stored here."""
        latest = self._latest
        if latest is None or latest.checkpoint != cosigned.checkpoint:
            return cosigned
        self._latest = latest.with_signatures(cosigned.note.signatures)
        write_durably(self._directory / CHECKPOINT, self._latest.encode())
        return self._latest

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the inclusion proof of entry `index` in the tree of `size` (at most the current one)."""
        return merkle.inclusion_proof(index, self._known(size), self._nodes())

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the consistency proof between two sizes (at most the current one)."""
        return merkle.consistency_proof(old, self._known(new), self._nodes())

    def proof(self, index: int, signed: SignedCheckpoint) -> TlogProof:
        """Return the offline proof that entry `index` is below `signed`, one of this log's checkpoints."""
        return TlogProof(index, self.inclusion(index, signed.checkpoint.size), signed)

    def _known(self, size: int) -> int:
        if size > self._size:
            raise InputError(f"the tree has {self._size} entries", code="size_out_of_range", subject=str(size))
        return size

    def _nodes(self) -> TileNodes:
        return TileNodes(self._size, self._rows)

    def _load_rows(self, ref: TileRef) -> Sequence[Sequence[bytes]]:
        return tiles.tile_rows(tiles.split_hashes(read_tile(self._directory, ref), ref))

    def _right_edge(self, level: int) -> list[bytes]:
        """Return the entries or hashes of the partial tile at the right end of a level."""
        index, width = divmod(self._size >> (tiles.HEIGHT * max(level, 0)), WIDTH)
        if width == 0:
            return []
        ref = TileRef(level, index, width)
        data = read_tile(self._directory, ref)
        try:
            return tiles.split_entries(data, ref) if level == ENTRIES else tiles.split_hashes(data, ref)
        except InputError as error:
            raise _tile_damaged(error) from error

    def _cut(self, level: int, row: Sequence[bytes]) -> list[tuple[TileRef, Sequence[bytes]]]:
        """Cut a row that begins with the right edge into tiles."""
        first = (self._size >> (tiles.HEIGHT * max(level, 0))) // WIDTH
        chunks = [row[start : start + WIDTH] for start in range(0, len(row), WIDTH)]
        return [(TileRef(level, first + number, len(chunk)), chunk) for number, chunk in enumerate(chunks)]

    def _demand(self, signed: SignedCheckpoint | None) -> None:
        """Raise `StoreError` unless the tree contains `signed`."""
        if signed is None:
            return
        then = signed.checkpoint
        if then.size > self._size:
            text = f"the tree has {self._size} entries, but {then.size} were published: restore them or begin a new log"
            raise StoreError(text, code="log_behind", subject=then.origin)
        try:
            root = merkle.root_at(then.size, self._nodes())
        except InputError as error:
            raise _tile_damaged(error) from error
        if root != then.root:
            text = f"the tree differs from the checkpoint published at {then.size}: {ANEW}"
            raise StoreError(text, code="log_conflict", subject=then.origin)

    def _drop_partials(self, since: int) -> None:
        """Delete partial tiles that became full after size `since` (tlog-tiles, "Partial Tiles")."""
        for level in (ENTRIES, *range(tiles.MAX_LEVEL + 1)):
            shift = tiles.HEIGHT * max(level, 0)
            if self._size >> shift < WIDTH:
                return
            for index in range((since >> shift) // WIDTH, (self._size >> shift) // WIDTH):
                shutil.rmtree(self._directory / f"{TileRef(level, index).path()}.p", ignore_errors=True)


def _tile_damaged(error: InputError) -> StoreError:
    return StoreError(f"a tile is damaged: {error}: {ANEW}", code="tile_damaged", subject=error.subject)
