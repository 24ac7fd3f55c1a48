"""A running process's memory, for whoever may attach to it."""

import os
from collections.abc import Iterator
from pathlib import Path

MEMORY = "memory"
"""The name of the file that it is written to."""
PAGE = 4096
EMPTY = bytes(PAGE)
PIECE = 16 * 1024 * 1024


def dump_memory(pid: int, folder: Path) -> int:
    """Write what a process may write in, its heap and stacks, into a file of a folder; return how many bytes.

    None are written where the system shows no memory to its owner: not Linux, or attaching is not allowed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    with (folder / MEMORY).open("wb") as into:
        for data in _regions(pid):
            into.write(data)
            written += len(data)
    return written


def _regions(pid: int) -> Iterator[bytes]:
    try:
        maps = Path(f"/proc/{pid}/maps").read_text()
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for line in maps.splitlines():
                place, rights, *_ = line.split()
                if rights.startswith("rw"):
                    begin, end = (int(number, 16) for number in place.split("-"))
                    yield from _used(memory.fileno(), begin, end)
    except OSError:
        return


def _used(memory: int, begin: int, end: int) -> Iterator[bytes]:
    """Yield what is in a region; of pages that were never written, nothing."""
    for at in range(begin, end, PIECE):
        try:
            data = os.pread(memory, min(PIECE, end - at), at)
        except OSError:
            return
        pages = (data[page : page + PAGE] for page in range(0, len(data), PAGE))
        yield b"".join(page for page in pages if page != EMPTY)
