import io
import json
import shutil
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from wattseal.app import doctor
from wattseal.app.doctor import Check, State
from wattseal.app.settings import Serve, Settings, Trust
from wattseal.app.system import SystemClock, SystemRandom
from wattseal.cli.main import run
from wattseal.stores.authority import AuthorityFiles
from wattseal.stores.datadir import DataDir

FREE = Settings(serve=Serve(ocpp_port=0, http_port=0))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory as the first start leaves it, its process stopped."""
    path = tmp_path / "data"
    with DataDir.open(path, "cpo") as opened:
        for name in doctor.KEYS["cpo"]:
            opened.keys.create(name, b"secret")
        opened.prepare_journal()
    return path


def examined(path: Path, settings: Settings = FREE) -> dict[str, Check]:
    return {check.name: check for check in doctor.examine(path, settings)}


def test_a_healthy_directory_fails_nothing(data: Path) -> None:
    checks = examined(data)
    assert [c for c in checks.values() if c.state is State.FAIL] == []
    assert {"clock", "disk space", "disk flush", "data directory", "journal", "key log.pem", "OCPP port"} <= set(checks)


def test_a_directory_still_to_be_made_is_fine_and_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    assert examined(path)["data directory"].state is State.OK
    assert not path.exists()


def test_looking_changes_nothing(data: Path) -> None:
    before = {p: (p.stat().st_mtime_ns, p.stat().st_mode) for p in data.rglob("*") if p.is_file()}
    examined(data)
    assert {p: (p.stat().st_mtime_ns, p.stat().st_mode) for p in data.rglob("*") if p.is_file()} == before


def test_a_key_that_others_can_read_is_named_with_the_remedy(data: Path) -> None:
    (data / "keys" / "log.pem").chmod(0o644)
    check = examined(data)["key log.pem"]
    assert check.state is State.FAIL
    assert "chmod 600" in check.next


def test_a_directory_that_others_can_enter_is_named(data: Path) -> None:
    data.chmod(0o755)
    assert examined(data)["data directory access"].state is State.FAIL


def test_missing_and_empty_keys_are_named(data: Path) -> None:
    (data / "keys" / "log.pem").write_bytes(b"")
    assert examined(data)["key log.pem"].found == "empty"
    (data / "keys" / "log.pem").unlink()
    assert examined(data)["key log.pem"].found == "missing"
    shutil.rmtree(data / "keys")
    assert {name for name, check in examined(data).items() if check.found == "missing"} == {
        f"key {name}" for name in doctor.KEYS["cpo"]
    }


def test_a_newer_format_is_refused_with_words(data: Path) -> None:
    (data / "FORMAT").write_text("wattseal cpo 999\n")
    check = examined(data)["data directory"]
    assert check.state is State.FAIL
    assert "newer" in check.next


def test_a_journal_of_another_schema_leads_to_migrate(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "HEAD", "9999")
    check = examined(data)["journal"]
    assert check.state is State.FAIL
    assert "wattseal migrate" in check.next


def test_a_journal_of_a_newer_version_is_not_led_to_migrate(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "HEAD", "0001")
    check = examined(data)["journal"]
    assert check.state is State.FAIL
    assert "install that one" in check.next
    assert "migrate" not in check.next


def test_a_journal_that_cannot_be_read_fails_its_check_and_no_other(data: Path) -> None:
    (data / "journal.sqlite3").write_bytes(b"x" * 4096)
    checks = examined(data)
    assert checks["journal"].state is State.FAIL
    assert "wattseal restore" in checks["journal"].next
    assert "OCPP port" in checks


def test_a_port_in_use_is_a_failure_unless_the_directory_s_own_process_runs(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        settings = Settings(serve=Serve(ocpp_port=taken.getsockname()[1], http_port=0))
        assert examined(data, settings)["OCPP port"].state is State.FAIL
        with DataDir.open(data, "cpo"):
            assert examined(data, settings)["OCPP port"].state is State.OK


def test_a_full_disk_fails_and_a_filling_one_warns(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for least, enough, state in ((2**62, 2**62, State.FAIL), (0, 2**62, State.WARN), (0, 0, State.OK)):
        monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", least)
        monkeypatch.setattr(doctor, "ENOUGH_FREE_BYTES", enough)
        assert examined(data)["disk space"].state is state


def test_a_broken_trust_file_is_named(data: Path, tmp_path: Path) -> None:
    trust = tmp_path / "trust.json"
    trust.write_text("{}")
    assert examined(data, Settings(serve=FREE.serve, trust=Trust(file=trust)))["trust file"].state is State.FAIL


def test_the_command_s_exit_code_tells(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATTSEAL_SERVE__OCPP_PORT", "0")
    monkeypatch.setenv("WATTSEAL_SERVE__HTTP_PORT", "0")
    assert run(["doctor", "--data", str(data), "--json"], io.StringIO()) == 0
    assert {"name", "state", "found", "next"} == set(json.loads(capsys.readouterr().out)[0])
    (data / "keys").chmod(0o777)
    assert run(["doctor", "--data", str(data)], io.StringIO()) == 1
    assert "FAIL  keys directory access" in capsys.readouterr().out


def test_tls_that_cannot_be_served_is_told_before_a_start(data: Path) -> None:
    over_tls = Settings(serve=Serve(ocpp_port=0, http_port=0, wss_port=0, mutual_port=0))
    assert examined(data, over_tls)["TLS"].state is State.FAIL
    now, random = SystemClock().now(), SystemRandom()
    files = AuthorityFiles(data)
    files.make(name="CA", organization="CPO", now=now - timedelta(days=500), random=random)
    files.issue_server(["csms.example.org"], now=now - timedelta(days=390), random=random)
    checks = examined(data, over_tls)
    assert checks["OCPP TLS port"].state is State.OK
    assert checks["issuer root.pem"].state is State.OK
    assert checks["server server.pem"].state is State.WARN
    assert checks["crl crl.pem"].state is State.FAIL, "nobody has signed it anew for long"
    (data / "ca" / "server.pem").write_bytes(b"nothing")
    assert examined(data, over_tls)["TLS"].found == "bad_certificate"
