"""What no sync protects from: bytes that were on the disk and are there no more, or are others."""

from collections.abc import Callable, Mapping
from random import Random

from tests.torn.files import SECTOR
from tests.torn.machine import JOURNAL, WAL

Spoil = Callable[[bytes, Random], bytes]


def cut(data: bytes, dice: Random) -> bytes:
    """Cut at any byte."""
    return data[: dice.randrange(len(data))]


def emptied(_data: bytes, _dice: Random) -> bytes:
    """Leave a file of no bytes."""
    return b""


def zeroed(data: bytes, dice: Random) -> bytes:
    """Put zeros in the place of a few sectors."""
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 4))):
        at = dice.randrange(len(data)) // SECTOR * SECTOR
        out[at : at + SECTOR] = bytes(len(out[at : at + SECTOR]))
    return bytes(out)


def flipped(data: bytes, dice: Random) -> bytes:
    """Flip a few bits."""
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 8))):
        out[dice.randrange(len(out))] ^= 1 << dice.randrange(8)
    return bytes(out)


def swapped_pages(data: bytes, dice: Random) -> bytes:
    """Put one page in the place of another."""
    pages = max(1, len(data) // 4096)
    one, other = dice.randrange(pages) * 4096, dice.randrange(pages) * 4096
    out = bytearray(data)
    out[one : one + 4096] = data[other : other + 4096]
    return bytes(out)


SPOILS: tuple[Spoil, ...] = (cut, emptied, zeroed, flipped, swapped_pages)


def damaged(files: Mapping[str, bytes], dice: Random) -> tuple[dict[str, bytes], str]:
    """Return the files with one of them damaged or gone, or both of the journal's put back to what they were."""
    kinds = {
        "journal": [JOURNAL],
        "write-ahead log": [WAL],
        "tile": [name for name in files if "/tile/" in name],
        "checkpoint": [name for name in files if name.endswith("/checkpoint")],
        "key": [name for name in files if name.startswith("keys/")],
        "format": ["FORMAT"],
    }
    found = {kind: [name for name in sorted(names) if files.get(name)] for kind, names in kinds.items()}
    kind = dice.choice([kind for kind, names in found.items() if names for _ in range(3 if "journal" in kind else 1)])
    name = dice.choice(found[kind])
    if dice.random() < 0.15:
        return {one: data for one, data in files.items() if one != name}, f"{name} is gone"
    spoil = dice.choice(SPOILS)
    return {**files, name: spoil(files[name], dice)}, f"{name} {spoil.__name__}"
