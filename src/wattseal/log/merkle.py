"""Merkle tree hashing and proofs after RFC 6962 section 2.1 and RFC 9162 section 2.1 (SHA-256).

Every interior node of a complete subtree has coordinates `(level, index)`: it is the hash of the entries
`[index * 2**level, (index + 1) * 2**level)`. Proofs are generated through a reader of such nodes, so that the
caller decides where hashes live (memory, tiles on disk, HTTP).
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Self

from wattseal.base.errors import InputError

HASH_SIZE = 32
MAX_SIZE = 2**63 - 1
MAX_PROOF = 63
"""No tree below `MAX_SIZE` has a longer inclusion or consistency proof (tlog-witness allows 63 lines)."""
EMPTY_ROOT = sha256(b"").digest()

NodeReader = Callable[[int, int], bytes]
"""`(level, index) -> 32 bytes`: the hash of one complete subtree."""


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 || entry); the prefix keeps a leaf from ever passing as a node."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right) of two 32-byte hashes."""
    return sha256(b"\x01" + left + right).digest()


_known_node = lru_cache(maxsize=4096)(node_hash)
"""Nodes on the way of proofs: those of one bundle, and of the next in the same tree, share all but the lowest."""


def fold(peaks: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees, given largest (leftmost) first; no peaks give the empty root."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


class Tree:
    """A growing tree held as its compact range: one hash for each 1 bit of the size."""

    __slots__ = ("_peaks", "_size")

    def __init__(self) -> None:
        self._peaks: list[bytes] = []
        self._size = 0

    @classmethod
    def resume(cls, size: int, read: NodeReader) -> Self:
        """Return the tree of `size` leaves whose peaks are read from `read`: at most 63 look-ups."""
        tree = cls()
        tree._peaks = [read(level, start >> level) for level, start in _complete_subtrees(0, size)]
        tree._size = size
        return tree

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Append leaves by their leaf hashes, in order: about one node hash each."""
        peaks, size, digest = self._peaks, self._size, sha256
        for leaf in leaf_hashes:
            node, bits = leaf, size
            while bits & 1:
                node = digest(b"\x01" + peaks.pop() + node).digest()
                bits >>= 1
            peaks.append(node)
            size += 1
        self._size = size

    def root(self) -> bytes:
        """Return the Merkle Tree Hash of all leaves so far (RFC 6962 section 2.1)."""
        return fold(self._peaks)


def root_at(size: int, read: NodeReader) -> bytes:
    """Return the root of the first `size` leaves."""
    return _range_hash(0, size, read)


def inclusion_proof(index: int, size: int, read: NodeReader) -> tuple[bytes, ...]:
    """Return PATH(index, D[size]), the leaf's sibling first (RFC 6962 section 2.1.1).

    An index outside the tree is an `InputError`.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise InputError(f"no leaf {index} in a tree of {size}", code="index_out_of_range", subject=str(index))
    low, high = 0, size
    ranges: list[tuple[int, int]] = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return tuple(_range_hash(start, end, read) for start, end in reversed(ranges))


def consistency_proof(old: int, new: int, read: NodeReader) -> tuple[bytes, ...]:
    """Return PROOF(old, D[new]) (RFC 6962 section 2.1.2); empty where old is 0 or equals new.

    `old > new` is an `InputError`.
    """
    if not 0 <= old <= new <= MAX_SIZE:
        raise InputError(f"no proof from size {old} to {new}", code="size_out_of_range", subject=str(old))
    if old == 0:
        return ()
    low, high = 0, new
    ranges: list[tuple[int, int]] = []
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    if low:
        ranges.append((low, high))
    return tuple(_range_hash(start, end, read) for start, end in reversed(ranges))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether `proof` binds the leaf hash at `index` to the root of `size` leaves (RFC 9162 section 2.1.3.2).

    Exactly one proof is accepted for a leaf: no spare elements, hashes of 32 bytes only.
    """
    if not 0 <= index < size <= MAX_SIZE or not _are_hashes((leaf, root, *proof)):
        return False
    first, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            node = _known_node(sibling, node)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            node = _known_node(node, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Tell whether the tree of `new` leaves extends that of `old` leaves (RFC 9162 section 2.1.4.2).

    From 0, or between equal sizes, the only valid proof is the empty one (and equal sizes need equal roots).
    """
    if not 0 <= old <= new <= MAX_SIZE or not _are_hashes((old_root, new_root, *proof)):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    return _walk(old - 1, new - 1, path) == (old_root, new_root)


def _walk(first: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Return the two roots the path leads to, or None where its length does not fit (steps 3 to 6)."""
    while first & 1:
        first, last = first >> 1, last >> 1
    old_node = new_node = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if first & 1 or first == last:
            old_node, new_node = node_hash(sibling, old_node), node_hash(sibling, new_node)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            new_node = node_hash(new_node, sibling)
        first, last = first >> 1, last >> 1
    return (old_node, new_node) if last == 0 else None


def _are_hashes(values: Iterable[bytes]) -> bool:
    return set(map(len, values)) == {HASH_SIZE}


def _split(width: int) -> int:
    """Return the largest power of two below `width` (>= 2)."""
    return 1 << ((width - 1).bit_length() - 1)


def _complete_subtrees(start: int, end: int) -> Iterable[tuple[int, int]]:
    """Yield `(level, start)` of the complete subtrees of `[start, end)`, left to right.

    `start` is a multiple of the smallest power of two that spans the range, as in every RFC 6962 split.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start
        start += 1 << level


def _range_hash(start: int, end: int, read: NodeReader) -> bytes:
    return fold([read(level, first >> level) for level, first in _complete_subtrees(start, end)])
