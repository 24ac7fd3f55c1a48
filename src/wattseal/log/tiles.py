"""Tiles (C2SP tlog-tiles): which hashes sit in which tile, their paths, and entry bundles. No I/O."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from wattseal.base.errors import InputError
from wattseal.log.merkle import HASH_SIZE, MAX_SIZE, node_hash

HEIGHT = 8
WIDTH = 256
MAX_LEVEL = 63
MAX_ENTRY = 0xFFFF
ENTRIES = -1
"""The "level" of entry bundles, which are addressed like level 0."""
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, order=True)
class TileRef:
    """Address of one tile: level 0..63 or `ENTRIES`, index in the level, width 1..256 (below 256: partial)."""

    level: int
    index: int
    width: int = WIDTH

    def path(self) -> str:
        """Return the path below the log's prefix, such as `tile/0/x001/x234/067.p/112`."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        suffix = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{suffix}"

    @classmethod
    def parse(cls, path: str) -> Self:
        """Read a path; any spelling but the one of `path` is an `InputError`, so no path leads out of the log."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise InputError("not the path of a tile", code="bad_tile_path", subject=path[:80])
        level = ENTRIES if match["level"] == "entries" else int(match["level"])
        ref = cls(level, int(match["index"].replace("x", "").replace("/", "")), int(match["width"] or WIDTH))
        if ref.path() != path or ref.width > WIDTH or level > MAX_LEVEL or ref.index > MAX_SIZE:
            raise InputError("not the path of a tile", code="bad_tile_path", subject=path[:80])
        return ref

    def full(self) -> Self:
        """Return the address of the full tile in the same place."""
        return type(self)(self.level, self.index)


def width_at(size: int, level: int, index: int) -> int:
    """Return how many hashes tile `index` of `level` holds in a tree of `size`: 0 (absent) to 256."""
    hashes = size >> (HEIGHT * max(level, 0))
    return max(0, min(WIDTH, hashes - index * WIDTH))


def tile_at(size: int, level: int, index: int) -> TileRef:
    """Return the address of that tile as it stands in a tree of `size`; `InputError` where the tree has none."""
    width = width_at(size, level, index)
    if width == 0:
        raise InputError(f"a tree of {size} has no such tile", code="no_tile", subject=f"{level}/{index}")
    return TileRef(level, index, width)


def tiles_of(size: int) -> Iterator[TileRef]:
    """Yield the tiles of a tree of `size` leaves: entry bundles, then hash tiles from level 0 up, left to right."""
    for level in (ENTRIES, *range(MAX_LEVEL + 1)):
        hashes = size >> (HEIGHT * max(level, 0))
        if hashes == 0:
            return
        for index in range((hashes + WIDTH - 1) // WIDTH):
            yield tile_at(size, level, index)


def tile_rows(hashes: Sequence[bytes]) -> tuple[tuple[bytes, ...], ...]:
    """Return the complete subtrees within one tile: row n holds the hashes of its subtrees of 2**n tile hashes."""
    rows = [tuple(hashes)]
    while len(row := rows[-1]) > 1:
        rows.append(tuple(node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)))
    return tuple(rows)


def tile_hash(hashes: Sequence[bytes]) -> bytes:
    """Return the root of a full tile, its hash in the level above."""
    return tile_rows(hashes)[-1][0]


def split_hashes(data: bytes, ref: TileRef) -> list[bytes]:
    """Return the hashes of a tile; a length other than its width demands is an `InputError`."""
    if len(data) != ref.width * HASH_SIZE:
        raise InputError(f"tile has {len(data)} bytes", code="bad_tile", subject=ref.path())
    return [data[i : i + HASH_SIZE] for i in range(0, len(data), HASH_SIZE)]


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """Return an entry bundle: each entry behind its length as big-endian uint16."""
    if any(len(entry) > MAX_ENTRY for entry in entries):
        raise InputError(f"a log entry has at most {MAX_ENTRY} bytes", code="entry_too_long", subject="entry")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def split_entries(data: bytes, ref: TileRef) -> list[bytes]:
    """Return the entries of a bundle; truncated, spare or missing entries are an `InputError`."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data) or len(entries) == ref.width:
            raise InputError("entry bundle is cut or too long", code="bad_tile", subject=ref.path())
        entries.append(data[at + 2 : end])
        at = end
    if len(entries) != ref.width:
        raise InputError(f"entry bundle has {len(entries)} entries", code="bad_tile", subject=ref.path())
    return entries


@dataclass(frozen=True, slots=True)
class TileNodes:
    """A `merkle.NodeReader` over the tiles of a tree of `size`; `rows` gives a tile's `tile_rows`, cached at best."""

    size: int
    rows: Callable[[TileRef], Sequence[Sequence[bytes]]]

    def __call__(self, level: int, index: int) -> bytes:
        """Return the hash of complete subtree `index` at binary `level`."""
        tile_level, height = divmod(level, HEIGHT)
        tile, place = divmod(index, WIDTH >> height)
        ref = tile_at(self.size, tile_level, tile)
        rows = self.rows(ref)
        if height >= len(rows) or place >= len(rows[height]):
            raise InputError("subtree is not complete in this tree", code="no_tile", subject=ref.path())
        return rows[height][place]
