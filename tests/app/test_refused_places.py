"""What is said of places that cannot be used: an address, a disk that is full or read-only. Each with the next step."""

import errno
import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from wattseal.app.cpo import api
from wattseal.base.errors import ConfigError, StoreError
from wattseal.dial.ocpp import Target
from wattseal.stores.files import make_directory


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/ocpp", "127.0.0.1:9000", "ws://", "ws://[::1", "ws://h:99999/"])
def test_what_cannot_be_dialled_is_refused_before_anybody_dials(url: str) -> None:
    with pytest.raises(ConfigError, match="ws://HOST:PORT/ocpp") as refused:
        Target(url, "CS1", ())
    assert (refused.value.code, refused.value.subject) == ("bad_url", url)
    assert Target("wss://h/ocpp/", "a b", ()).address == "wss://h/ocpp/a%20b"


def test_a_read_only_disk_is_not_said_to_lack_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path, _mode: int) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(StoreError, match=r"cannot work in .*: Read-only file system; it has to be on a disk"):
        make_directory(tmp_path, 0o700)


@pytest.mark.parametrize(("free", "said"), [(0, "the disk is full, make room"), (10**9, "move it away")])
async def test_a_full_disk_is_told_from_a_damaged_file(
    free: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
        raise error

    monkeypatch.setattr(shutil, "disk_usage", lambda _place: SimpleNamespace(free=free))
    with pytest.raises((ConfigError, StoreError), match=said):
        await api._opened(full, tmp_path / "requests.sqlite3")
