"""What of the files that wattseal writes would be there after a power cut: follows every sync and every rename.

A file's bytes are on the disk once it was synced, its name once its directory was. What was not synced may be there,
or not, or in part, whatever the order it was done in.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from wattseal.lab.null import swapped
from wattseal.stores import files as product

SECTOR = 512


@dataclass(frozen=True)
class Change:
    """A name that a directory does not durably hold yet: a file's, or (no bytes) a directory's."""

    path: Path
    data: bytes | None
    synced: bool = True


@dataclass
class Files:
    """The files below `folder` as a disk holds them."""

    folder: Path
    lock: threading.RLock = field(default_factory=threading.RLock)
    durable: dict[Path, bytes | None] = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)
    opened: dict[int, Path] = field(default_factory=dict)
    synced: dict[Path, bytes] = field(default_factory=dict)
    writing: tuple[Path, bytes] | None = None
    done: Any = None
    """Called after each step."""

    def renamed(self, old: Path, new: Path) -> None:
        """Follow a rename: the new name holds what was synced of the file, and perhaps no more."""
        data = self.synced.pop(old, None)
        whole = new.read_bytes()
        self.pending.append(Change(new, whole, data == whole))
        self.writing = None

    def made(self, path: Path) -> None:
        """Follow a directory that is new."""
        self.pending.append(Change(path, None))

    def sync(self, path: Path) -> None:
        """Follow an fsync of a file or a directory."""
        if not path.is_dir():
            self.synced[path] = path.read_bytes()
            self.writing = path, self.synced[path]
            return
        for change in [one for one in self.pending if one.path.parent == path]:
            self.pending.remove(change)
            self.durable[change.path] = change.data if change.synced else b""

    def after_a_cut(self, dice: Random) -> dict[str, bytes]:
        """Return what is there when the power comes back."""
        kept = dict(self.durable)
        for change in self.pending:
            if dice.random() < 0.5:
                kept[change.path] = change.data if change.synced else torn(change.data or b"", dice)
        if self.writing is not None and dice.random() < 0.5:
            kept[self.writing[0]] = torn(self.writing[1], dice)
        gone = {path for path in self.durable if not path.exists() and dice.random() < 0.5}
        found = {path: data for path, data in kept.items() if path not in gone}
        return {
            str(path.relative_to(self.folder)): data
            for path, data in found.items()
            if data is not None and all(up in found or not up.is_relative_to(self.folder) for up in _above(path, self))
        }


def _above(path: Path, files: Files) -> list[Path]:
    return [up for up in path.parents if up != files.folder]


def torn(data: bytes, dice: Random) -> bytes:
    """Return what may be there of bytes that were not synced: cut, with sectors of zeros, or nothing of it."""
    match dice.randrange(4):
        case 0:
            return b""
        case 1:
            return data[: dice.randrange(len(data) + 1)]
        case 2:
            return bytes(len(data))
        case _:
            sectors = [data[at : at + SECTOR] for at in range(0, len(data), SECTOR)]
            return b"".join(one if dice.random() < 0.5 else bytes(len(one)) for one in sectors)


class _Os:
    """The module `os` to who writes files, with an ear on it."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        with self._files.lock:
            descriptor = os.open(path, flags, mode)
            self._files.opened[descriptor] = Path(path)
            return descriptor

    def fsync(self, descriptor: int) -> None:
        with self._files.lock:
            os.fsync(descriptor)
            self._files.sync(self._files.opened[descriptor])
            self._files.done()


@contextmanager
def followed(files: Files) -> Iterator[None]:
    """Follow all that is done to files below the folder as long as the context lasts."""
    replace, mkdir = Path.replace, Path.mkdir

    def replacing(self: Path, target: Path) -> Path:
        with files.lock:
            told = replace(self, target)
            if Path(target).is_relative_to(files.folder):
                files.renamed(self, Path(target))
                files.done()
            return told

    def making(self: Path, *args: Any, **kwargs: Any) -> None:
        with files.lock:
            new = not self.exists()
            mkdir(self, *args, **kwargs)
            if new and self.is_relative_to(files.folder) and self != files.folder:
                files.made(self)

    with ExitStack() as stack:
        stack.enter_context(swapped(product, "os", _Os(files)))
        stack.enter_context(swapped(Path, "replace", replacing))
        stack.enter_context(swapped(Path, "mkdir", making))
        yield
