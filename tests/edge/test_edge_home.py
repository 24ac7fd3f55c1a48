"""An edge's directory: made once, provisioned beforehand, never continued after a loss."""

from pathlib import Path

import pytest

from wattseal.app.system import SystemRandom
from wattseal.base.errors import ConfigError
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.stores.edge_home import MEMORY, SEAL, SIGN, EdgeHome


def test_the_keys_stay_the_same_and_are_readable_by_the_owner_only(tmp_path: Path) -> None:
    with EdgeHome.open(tmp_path / "edge", SystemRandom()) as home:
        made = (home.sign_key().public, home.seal_key().public, home.memory_key())
    with EdgeHome.open(tmp_path / "edge", SystemRandom()) as home:
        assert (home.sign_key().public, home.seal_key().public, home.memory_key()) == made
    for path in (tmp_path / "edge" / "keys").iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_keys_that_were_enrolled_beforehand_are_taken(tmp_path: Path) -> None:
    folder = tmp_path / "edge" / "keys"
    folder.mkdir(parents=True, mode=0o700)
    sign = SigningKey.from_seed(Algorithm.ESP256, bytes([7] * 32))
    for name, pem in ((SIGN, sign.to_pem()), (SEAL, SealPrivateKey.from_seed(bytes(32)).to_pem())):
        (folder / name).write_bytes(pem)
        (folder / name).chmod(0o600)
    with EdgeHome.open(tmp_path / "edge", SystemRandom()) as home:
        assert home.sign_key().public == sign.public


def test_a_lost_journal_ends_the_key(tmp_path: Path) -> None:
    with EdgeHome.open(tmp_path / "edge", SystemRandom()) as home:
        journal = home.journal
    for path in journal.parent.glob(f"{journal.name}*"):
        path.unlink()
    with pytest.raises(ConfigError, match="journal is gone"):
        EdgeHome.open(tmp_path / "edge", SystemRandom())


def test_a_cut_key_of_its_memory_stands_for_no_token(tmp_path: Path) -> None:
    with EdgeHome.open(tmp_path / "edge", SystemRandom()):
        pass
    (tmp_path / "edge" / "keys" / MEMORY).write_bytes(b"")
    with pytest.raises(ConfigError, match="damaged: put it back"):
        EdgeHome.open(tmp_path / "edge", SystemRandom())


def test_two_edges_do_not_share_a_directory(tmp_path: Path) -> None:
    with EdgeHome.open(tmp_path / "edge", SystemRandom()), pytest.raises(ConfigError):
        EdgeHome.open(tmp_path / "edge", SystemRandom())


def test_somebody_elses_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ConfigError):
        EdgeHome.open(tmp_path, SystemRandom())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
