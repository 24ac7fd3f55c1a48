"""Files that survive a crash: written beside, synced, renamed, and the directory synced."""

import os
from collections.abc import Iterable
from pathlib import Path

from wattseal.base.errors import StoreError


def write_durably(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace `path` by `data` as one step: after a crash it holds the old bytes or the new ones, never a mixture.

    Raises `StoreError` when the disk refuses; then the old file stands.
    """
    write_all_durably([(path, data)], mode)


def write_all_durably(files: Iterable[tuple[Path, bytes]], mode: int = 0o644) -> None:
    """Write several files, each as `write_durably` does, with one sync a directory. All are on disk on return.

    Each file is replaced as one step, all of them together are not: write what refers to them afterwards.
    """
    touched: dict[Path, None] = {}
    path = Path()
    try:
        for path, data in files:
            _make_directories(path.parent, touched)
            _replace(path, data, mode)
            touched[path.parent] = None
        for path in touched:
            _sync_directory(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StoreError(f"cannot write {path}: {reason}", code="disk_refused", subject=str(path)) from error


def make_directory(path: Path, mode: int) -> None:
    """Make a directory that is there after a crash, with those above it that are missing; `mode` is set in any case."""
    touched: dict[Path, None] = {}
    try:
        _make_directories(path.parent, touched)
        if not path.is_dir():
            path.mkdir(mode, exist_ok=True)
            touched[path.parent] = None
        path.chmod(mode)
        for above in touched:
            _sync_directory(above)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        verb = "work in" if path.is_dir() else "make"
        text = f"cannot {verb} {path}: {reason}; it has to be on a disk that this user can write to"
        raise StoreError(text, code="disk_refused", subject=str(path)) from error


def _replace(path: Path, data: bytes, mode: int) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _make_directories(path: Path, touched: dict[Path, None]) -> None:
    if path.is_dir():
        return
    _make_directories(path.parent, touched)
    path.mkdir(exist_ok=True)
    touched[path.parent] = None


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
