"""What is said of a journal's file that cannot be read."""

import sqlite3
from pathlib import Path
from typing import Final

from wattseal.base.errors import StoreError

DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
UNREADABLE: Final = (sqlite3.Error, UnicodeDecodeError)
"""What comes of a file that cannot be read: an error that quotes what is no text comes as that one."""


def unreadable(path: Path, error: Exception) -> StoreError:
    """Return the refusal, with what to do next: room on the disk helps, a damaged file has to be restored."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    match code:
        case sqlite3.SQLITE_FULL:
            return StoreError(f"the disk is full, make room: {path}", code="disk_full", subject=str(path))
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_ERROR:
            text = f"{path} is damaged ({error}): leave it as it is, and make another directory from a backup"
            return StoreError(f"{text} with `wattseal restore`", code="journal_damaged", subject=str(path))
        case _:
            return StoreError(f"{path} cannot be read: {error}", subject=str(path))
