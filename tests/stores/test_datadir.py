import stat
from pathlib import Path

import pytest

from wattseal.app.system import SystemRandom
from wattseal.base.errors import ConfigError, InputError
from wattseal.base.ids import TenantId
from wattseal.crypto import passphrase as locking
from wattseal.stores.datadir import FORMAT, DataDir, read_format, schema_of
from wattseal.stores.keyfiles import KeyFiles, admin_token, export_keys, import_keys
from wattseal.stores.revision import HEAD

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "_COST", 10)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_directory_says_whose_it_is_and_is_closed_to_others(tmp_path: Path) -> None:
    with DataDir.open(tmp_path / "d", "cpo") as data:
        assert read_format(data.path) == ("cpo", FORMAT)
        assert mode(data.path) == 0o700
        assert data.restored is None
        assert schema_of(data.prepare_journal()) == HEAD
        assert data.prepare_journal() == data.journal_file


def test_one_process_at_a_time_works_in_a_directory(tmp_path: Path) -> None:
    first = DataDir.open(tmp_path, "cpo")
    with pytest.raises(ConfigError, match="another process") as refused:
        DataDir.open(tmp_path, "cpo")
    assert refused.value.code == "directory_in_use"
    first.close()
    DataDir.open(tmp_path, "cpo").close()


def test_a_newer_format_is_refused_with_words(tmp_path: Path) -> None:
    (tmp_path / "FORMAT").write_text(f"wattseal cpo {FORMAT + 1}\n")
    with pytest.raises(ConfigError, match="newer version") as refused:
        DataDir.open(tmp_path, "cpo")
    assert refused.value.code == "data_too_new"


@pytest.mark.parametrize("text", ["", "wattseal cpo\n", "other cpo 1\n", "wattseal cpo one\n", "wattseal cpo \u0661\n"])
def test_a_damaged_format_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "FORMAT").write_text(text)
    with pytest.raises(ConfigError):
        DataDir.open(tmp_path, "cpo")


def test_somebody_elses_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="not a wattseal data directory"):
        DataDir.open(tmp_path, "cpo")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_directory_serves_one_role(tmp_path: Path) -> None:
    DataDir.open(tmp_path, "edge").close()
    with pytest.raises(ConfigError, match="belongs to `wattseal edge`"):
        DataDir.open(tmp_path, "cpo")


def test_an_existing_directory_is_asked_for_by_name_only(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no data directory"):
        DataDir.existing(tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("tenant", ["", "..", "a/b", "ä", "a.b"])
def test_a_tenants_name_cannot_lead_out_of_the_directory(tmp_path: Path, tenant: str) -> None:
    with DataDir.open(tmp_path, "cpo") as data, pytest.raises(ConfigError):
        data.log_dir(TenantId(tenant))


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    keys = KeyFiles(tmp_path / "keys")
    assert keys.names() == ()
    assert keys.load_or_create("log.pem", lambda: b"secret") == b"secret"
    assert keys.load_or_create("log.pem", lambda: b"another") == b"secret"
    assert mode(tmp_path / "keys") == 0o700
    assert mode(tmp_path / "keys" / "log.pem") == 0o600
    assert keys.names() == ("log.pem",)


def test_a_key_open_to_others_is_refused_with_the_remedy(tmp_path: Path) -> None:
    keys = KeyFiles(tmp_path)
    keys.create("log.pem", b"secret")
    (tmp_path / "log.pem").chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        keys.read("log.pem")


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    keys = KeyFiles(tmp_path)
    keys.create("log.pem", b"secret")
    with pytest.raises(ConfigError, match="never replaced"):
        keys.create("log.pem", b"other")


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "UPPER", "x" * 65])
def test_a_keys_name_cannot_lead_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        KeyFiles(tmp_path).read(name)


def test_a_missing_key_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="restore it"):
        KeyFiles(tmp_path).read("log.pem")


@pytest.mark.parametrize("left", [b"", b"\n", b"   \n", b"abc\n"])
def test_an_emptied_or_cut_admin_token_lets_nobody_in(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "admin-token"
    path.write_bytes(left)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="remove it"):
        admin_token(path, SystemRandom())
    assert path.read_bytes() == left
    path.unlink()
    assert len(admin_token(path, SystemRandom())) == 43


def test_the_admin_token_is_made_once(tmp_path: Path) -> None:
    token = admin_token(tmp_path / "admin-token", SystemRandom())
    assert len(token) == 43
    assert admin_token(tmp_path / "admin-token", SystemRandom()) == token
    assert mode(tmp_path / "admin-token") == 0o600


def test_exported_keys_come_back_and_the_file_shows_none(tmp_path: Path) -> None:
    keys = KeyFiles(tmp_path / "a")
    keys.create("log.pem", b"the log's secret")
    keys.create("sign.pem", b"the signing secret")
    locked = export_keys(keys, PASSPHRASE, SystemRandom())
    assert b"secret" not in locked
    assert b"log.pem" not in locked
    other = KeyFiles(tmp_path / "b")
    assert import_keys(other, locked, PASSPHRASE) == ("log.pem", "sign.pem")
    assert import_keys(other, locked, PASSPHRASE) == ("log.pem", "sign.pem")
    assert other.read("log.pem") == b"the log's secret"


def test_an_import_replaces_no_key_and_writes_none_of_the_others(tmp_path: Path) -> None:
    keys = KeyFiles(tmp_path / "a")
    keys.create("a.pem", b"a")
    keys.create("log.pem", b"one")
    locked = export_keys(keys, PASSPHRASE, SystemRandom())
    other = KeyFiles(tmp_path / "b")
    other.create("log.pem", b"two")
    with pytest.raises(ConfigError, match="another key"):
        import_keys(other, locked, PASSPHRASE)
    assert other.names() == ("log.pem",)


def test_any_changed_byte_of_an_export_is_noticed(tmp_path: Path) -> None:
    keys = KeyFiles(tmp_path / "a")
    keys.create("log.pem", b"one")
    locked = export_keys(keys, PASSPHRASE, SystemRandom())
    for place in (*range(0, 36, 5), len(locked) - 1):
        changed = bytearray(locked)
        changed[place] ^= 0x10
        with pytest.raises(InputError):
            import_keys(KeyFiles(tmp_path / "b"), bytes(changed), PASSPHRASE)
    with pytest.raises(InputError, match="passphrase is wrong"):
        import_keys(KeyFiles(tmp_path / "b"), locked, PASSPHRASE + "x")
    with pytest.raises(InputError):
        import_keys(KeyFiles(tmp_path / "b"), locked[:20], PASSPHRASE)
    assert KeyFiles(tmp_path / "b").names() == ()


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    keys = KeyFiles(tmp_path)
    keys.create("log.pem", b"one")
    with pytest.raises(InputError, match="12 characters"):
        export_keys(keys, "short", SystemRandom())


def test_there_is_something_to_export(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no keys"):
        export_keys(KeyFiles(tmp_path), PASSPHRASE, SystemRandom())
