"""Files that stations upload: in one directory, under names made here, never more together than a bound.

A file is written beside its name and gets it when it is whole and synced. All of this blocks.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from wattseal.base.errors import InputError, LimitError, StoreError

_NAME: Final = re.compile(r"[0-9a-f]{32}")
_PART: Final = ".part"


class Spool:
    """The directory; `max_bytes` bounds all its files together."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Make the directory; what was cut off earlier goes."""
        self.folder = folder
        self.max_bytes = max_bytes
        folder.mkdir(mode=0o700, exist_ok=True)
        for path in folder.glob(f"*{_PART}"):
            path.unlink(missing_ok=True)
        self.used_bytes = sum(path.stat().st_size for path in folder.iterdir() if _NAME.fullmatch(path.name))

    def path(self, name: str) -> Path:
        """Return where a file is, or would be; any other name than those made here is an `InputError`."""
        if not _NAME.fullmatch(name):
            raise InputError("a file's name here is 32 hexadecimal digits", subject="name")
        return self.folder / name

    def create(self, name: str) -> "SpoolFile":
        """Begin a file; it counts as soon as it is written to."""
        return SpoolFile(self, self.path(name))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        path = self.path(name)
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return
        self.used_bytes -= size

    def names(self) -> Iterator[str]:
        """Return the names of all files."""
        return (path.name for path in self.folder.iterdir() if _NAME.fullmatch(path.name))


class SpoolFile:
    """A file on its way in; leaving the context without `finish` removes it."""

    def __init__(self, spool: Spool, path: Path) -> None:
        self._spool = spool
        self._path = path
        self._part = path.with_name(path.name + _PART)
        self.size_bytes = 0
        try:
            descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise _refused(error) from error
        self._file = os.fdopen(descriptor, "wb")
        self._whole = False

    def write(self, data: bytes | bytearray) -> None:
        """Append; `LimitError` when the directory is full, `StoreError` when the disk refuses."""
        if self._spool.used_bytes + len(data) > self._spool.max_bytes:
            raise LimitError("the directory of uploads is full", code="spool_full", subject="uploads")
        self._spool.used_bytes += len(data)
        self.size_bytes += len(data)
        try:
            self._file.write(data)
        except OSError as error:
            raise _refused(error) from error

    def finish(self) -> None:
        """Make the file durable under its name."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._path)
        except OSError as error:
            raise _refused(error) from error
        self._whole = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the file unless it was finished."""
        if not self._whole:
            self._file.close()
            self._part.unlink(missing_ok=True)
            self._spool.used_bytes -= self.size_bytes


def _refused(error: OSError) -> StoreError:
    return StoreError(f"an upload cannot be written: {error.strerror}", code="disk_refused", subject="uploads")
