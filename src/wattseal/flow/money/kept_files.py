"""Files in the journal: in parts, under their hash, so that a large one keeps nobody waiting.

The parts are written first, in commits of their own; what refers to them is committed when all of them are durable. A
file that nothing came to refer to is removed by `sweep`.
"""

from dataclasses import dataclass

from wattseal.base.errors import StoreError
from wattseal.crypto.hashes import sha256
from wattseal.flow.documents import every_document, put, read, removal
from wattseal.flow.ports import Batch, Put
from wattseal.flow.world import World

FILE_PART, FILE_LOOSE = "file_part", "file_loose"
"""Kinds of documents: a part of a file, by the file's hash and the part's number; a file not referred to yet."""
PART_BYTES = 256 * 1024
LOOSE_MS = 24 * 3600 * 1000
"""A file that nothing has referred to for so long is removed."""


@dataclass(frozen=True, slots=True)
class Part:
    """Document: a part of a file, and how many there are."""

    data: bytes
    count: int


@dataclass(frozen=True, slots=True)
class Loose:
    """Document: since when a file waits to be referred to."""

    since_ms: int


async def keep_file(world: World, data: bytes) -> str:
    """Make a file durable; return its SHA-256 in hex. It is loose until `referred` is committed."""
    digest = sha256(data).hex()
    if await _stays(world, digest):
        return digest
    pieces = [data[n : n + PART_BYTES] for n in range(0, len(data), PART_BYTES)] or [b""]
    now_ms = world.now_ms()
    await world.journal.commit(Batch(world.tenant, puts=(put(FILE_LOOSE, digest, Loose(now_ms), now_ms),)))
    for number, piece in enumerate(pieces):
        document = put(FILE_PART, f"{digest}/{number:06d}", Part(piece, len(pieces)), now_ms)
        await world.journal.commit(Batch(world.tenant, puts=(document,)))
    return digest


async def _stays(world: World, digest: str) -> bool:
    """Return whether the file is here and something refers to it already."""
    known = await world.journal.document(world.tenant, FILE_PART, f"{digest}/000000")
    return known is not None and await world.journal.document(world.tenant, FILE_LOOSE, digest) is None


def referred(digest: str, now_ms: int) -> Put:
    """Return what makes a file stay, to be committed with what refers to it."""
    return removal(FILE_LOOSE, digest, now_ms)


async def read_file(world: World, digest: str) -> bytes | None:
    """Return a file; None where it was removed. One that is damaged is a `StoreError`."""
    pieces: list[bytes] = []
    count = 1
    while len(pieces) < count:
        document = await world.journal.document(world.tenant, FILE_PART, f"{digest}/{len(pieces):06d}")
        if document is None:
            break
        part = read(document, Part)
        pieces.append(part.data)
        count = part.count
    if not pieces:
        return None
    data = b"".join(pieces)
    if sha256(data).hex() != digest:
        raise StoreError(f"file {digest} is damaged; run wattseal fsck", code="damaged_document", subject=digest)
    return data


async def remove_file(world: World, digest: str) -> None:
    """Remove a file, part by part; done again where it was cut off."""
    first = f"{digest}/"
    page = await world.journal.documents(world.tenant, FILE_PART, after=first, limit=1)
    while page and page[0].key.startswith(first):
        puts = (removal(FILE_PART, page[0].key, world.now_ms()),)
        await world.journal.commit(Batch(world.tenant, puts=puts))
        page = await world.journal.documents(world.tenant, FILE_PART, after=first, limit=1)


async def sweep(world: World) -> int:
    """Remove files that nothing came to refer to; return how many."""
    removed = 0
    async for document in every_document(world.journal, world.tenant, FILE_LOOSE):
        if read(document, Loose).since_ms + LOOSE_MS < world.now_ms():
            await remove_file(world, document.key)
            await world.journal.commit(Batch(world.tenant, puts=(referred(document.key, world.now_ms()),)))
            removed += 1
    return removed
