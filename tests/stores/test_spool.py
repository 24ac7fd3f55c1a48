"""The directory of uploads: bounded, whole files only, names made here only."""

from pathlib import Path

import pytest

from wattseal.base.errors import InputError, LimitError
from wattseal.stores.spool import Spool

A, B = "a" * 32, "b" * 32


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "uploads", 100)
    with spool.create(A) as file:
        file.write(b"half")
        assert list(spool.names()) == []
        file.write(b" whole")
        file.finish()
    assert list(spool.names()) == [A]
    assert spool.path(A).read_bytes() == b"half whole"


def test_what_is_cut_off_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "uploads", 100)
    with spool.create(A) as file:
        file.write(b"half")
    assert list(spool.folder.iterdir()) == []
    assert spool.used_bytes == 0
    (spool.folder / f"{B}.part").write_bytes(b"a process died here")
    assert Spool(tmp_path / "uploads", 100).used_bytes == 0
    assert list(spool.folder.iterdir()) == []


def test_all_files_together_have_a_bound_which_a_restart_remembers(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "uploads", 10)
    with spool.create(A) as file:
        file.write(b"12345678")
        file.finish()
    again = Spool(tmp_path / "uploads", 10)
    with again.create(B) as file, pytest.raises(LimitError):
        file.write(b"123")
    again.remove(A)
    again.remove(A)
    with again.create(B) as file:
        file.write(b"123")
        file.finish()
    assert again.used_bytes == 3


@pytest.mark.parametrize("name", ["", "../admin-token", "A" * 32, "a" * 31, "a" * 32 + "/x", "a" * 32 + "\n"])
def test_only_names_made_here_are_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        Spool(tmp_path / "uploads", 10).path(name)
