"""Re-prove a log on disk: every entry, every tile, the root and the checkpoint's signature."""

from collections.abc import Iterable
from itertools import islice, zip_longest
from pathlib import Path

from wattseal.base.errors import WattsealError
from wattseal.log import merkle, tiles
from wattseal.log.checkpoint import Checkpoint
from wattseal.log.keys import VerifierKey
from wattseal.log.tiles import ENTRIES, WIDTH, TileRef
from wattseal.model.verdict import Finding
from wattseal.stores.tiles import CHECKPOINT, read_checkpoint, read_tile


def fsck(directory: Path, key: VerifierKey, journal: Iterable[bytes] | None = None) -> tuple[Finding, ...]:
    """Return what is wrong with the log in `directory`: nothing, if all of it follows from its signed checkpoint.

    `journal`, if given, yields the journal's entries from index 0 on; those below the checkpoint must be the same and
    must all be there. Codes (field: the file or entry): `checkpoint_damaged`, `checkpoint_foreign`, `tile_missing`,
    `tile_damaged`, `entry_changed` (the bundle was altered), `leaf_changed` (the level 0 tile was), `node_changed`
    (a tile above), `root_mismatch` (no tree on disk leads to the checkpoint), `journal_differs`.
    """
    try:
        signed = read_checkpoint(directory, key)
    except WattsealError as error:
        return (Finding(error.code, CHECKPOINT, str(error)),)
    if signed is None:
        return ()
    return _Check(directory, signed.checkpoint).run(journal)


class _Check:
    """One pass over the tiles of a checkpoint, from the entries up."""

    def __init__(self, directory: Path, checkpoint: Checkpoint) -> None:
        self._directory = directory
        self._checkpoint = checkpoint
        self._by_entries = merkle.Tree()
        self._by_leaves = merkle.Tree()
        self._differing: list[int] = []
        self._findings: list[Finding] = []

    def run(self, journal: Iterable[bytes] | None) -> tuple[Finding, ...]:
        """Return the findings: entries and leaves, the tiles above them, the roots."""
        size = self._checkpoint.size
        given = None if journal is None else iter(journal)
        row: list[bytes] = []
        for index in range((size + WIDTH - 1) // WIDTH):
            entries = self._load(tiles.tile_at(size, ENTRIES, index))
            leaves = self._load(tiles.tile_at(size, 0, index))
            self._compare(index * WIDTH, entries, leaves)
            if given is not None and not self._compare_journal(index * WIDTH, entries, islice(given, len(entries))):
                given = None
            if len(leaves) == WIDTH:
                row.append(tiles.tile_hash(leaves))
        self._check_upper(row)
        self._check_roots()
        return tuple(self._findings)

    def _found(self, code: str, field: str, detail: str) -> None:
        self._findings.append(Finding(code, field, detail))

    def _load(self, ref: TileRef) -> list[bytes]:
        """Return the entries or hashes of a tile; of a missing or damaged one, empty stand-ins in their place."""
        try:
            data = read_tile(self._directory, ref)
            return tiles.split_entries(data, ref) if ref.level == ENTRIES else tiles.split_hashes(data, ref)
        except WattsealError as error:
            missing = error.code == "tile_missing"
            self._found("tile_missing" if missing else "tile_damaged", ref.path(), str(error))
            return [b""] * ref.width

    def _compare(self, first: int, entries: list[bytes], leaves: list[bytes]) -> None:
        hashes = [merkle.leaf_hash(entry) for entry in entries]
        self._by_entries.extend(hashes)
        self._by_leaves.extend(leaves)
        pairs = zip(hashes, leaves, strict=True)
        self._differing.extend(first + at for at, (one, other) in enumerate(pairs) if one != other)

    def _compare_journal(self, first: int, entries: list[bytes], given: Iterable[bytes]) -> bool:
        """Tell whether the journal went on as far as these entries."""
        for at, (entry, ours) in enumerate(zip_longest(entries, given), start=first):
            if ours is None:
                self._found("journal_differs", f"entry {at}", "the journal lacks entries that were published")
                return False
            if entry not in (ours, b""):
                self._found("journal_differs", f"entry {at}", "the journal holds another entry than was published")
        return True

    def _check_upper(self, row: list[bytes]) -> None:
        """Compare each tile above level 0 with the full tiles below it."""
        level = 1
        while row:
            above: list[bytes] = []
            for start in range(0, len(row), WIDTH):
                due = row[start : start + WIDTH]
                ref = TileRef(level, start // WIDTH, len(due))
                stored = self._load(ref)
                for at, (one, other) in enumerate(zip(due, stored, strict=True)):
                    if one != other and other:
                        self._found("node_changed", ref.path(), f"hash {at} is not that of the tile below")
                if len(due) == WIDTH:
                    above.append(tiles.tile_hash(due))
            row, level = above, level + 1

    def _check_roots(self) -> None:
        """Tell which side was altered where entries and leaves differ: the one that misses the signed root."""
        size, root = self._checkpoint.size, self._checkpoint.root
        entries_true, leaves_true = self._by_entries.root() == root, self._by_leaves.root() == root
        lost = {finding.field for finding in self._findings}
        for at in self._differing:
            bundle, tile = (tiles.tile_at(size, level, at // WIDTH).path() for level in (ENTRIES, 0))
            if not entries_true and not lost & {bundle, tile}:
                self._found("entry_changed", bundle, f"entry {at}")
            if not leaves_true and not lost & {bundle, tile}:
                self._found("leaf_changed", tile, f"entry {at}")
        if not (entries_true or leaves_true):
            self._found("root_mismatch", CHECKPOINT, f"neither entries nor tiles have the root signed at size {size}")
