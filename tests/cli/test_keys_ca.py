"""`wattseal keys ca`: what an operator does with it, and stations that connect with what it issued."""

import io
import json
import ssl
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from tests.support.csms import ENVIRONMENT, PASSWORD, serving
from tests.support.forking import wattseal_command
from tests.support.pki import client_tls, csr, new_key
from tests.support.stations import HEARTBEAT, basic
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from wattseal.cli import main as cli
from wattseal.stores.keyfiles import KeyFiles

HOST = "127.0.0.1"


class Ca:
    """The command, for one data directory."""

    def __init__(self, data: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.data, self.capture = data, capture

    def __call__(self, *words: str | Path, code: int = 0) -> Any:
        errors = io.StringIO()
        done = cli.run(["keys", "ca", *map(str, words), "--data", str(self.data), "--json"], errors)
        assert done == code, errors.getvalue()
        return json.loads(self.capture.readouterr().out if code == 0 else errors.getvalue())

    def refused(self, *words: str | Path, code: int) -> str:
        told: str = self(*words, code=code)["error"]["code"]
        return told


@pytest.fixture
def ca(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ca:
    made = Ca(tmp_path / "cpo", capsys)
    made("init", "--organization", "Example CPO")
    return made


def pem(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_the_authority_is_made_once_and_its_key_is_kept_like_the_others(ca: Ca) -> None:
    assert KeyFiles(ca.data / "keys").names() == ("ca.pem",)
    assert stat.S_IMODE((ca.data / "keys" / "ca.pem").stat().st_mode) == 0o600
    before = (ca.data / "ca" / "root.pem").read_bytes()
    assert ca.refused("init", "--organization", "Another", code=78) == "exists"
    assert (ca.data / "ca" / "root.pem").read_bytes() == before
    root = pem(ca.data / "ca" / "root.pem")
    assert root.subject.rfc4514_string() == "CN=wattseal station CA,O=Example CPO"
    root.verify_directly_issued_by(root)


def test_a_server_certificate_is_renewed_under_its_key(ca: Ca) -> None:
    first = ca("issue-server", "--host", HOST, "--host", "csms.example.org")
    key = (ca.data / "keys" / "tls-server.pem").read_bytes()
    second = ca("issue-server", "--host", "csms.example.org")
    assert first["serial"] != second["serial"]
    assert (ca.data / "keys" / "tls-server.pem").read_bytes() == key
    assert first["file"] == second["file"] == str(ca.data / "ca" / "server.pem")
    ca("issue-server", "--host", HOST, "--rsa")
    assert {c["common_name"] for c in ca("list")} == {HOST, "csms.example.org"}


def test_a_request_is_signed_for_the_station_it_names_only(ca: Ca, tmp_path: Path) -> None:
    request = tmp_path / "cs1.csr"
    key = new_key()
    request.write_bytes(csr("CS1", key))
    assert ca.refused("sign-csr", request, "--station", "CS2", "--out", tmp_path / "x", code=65) == "request_refused"
    ca("sign-csr", request, "--station", "CS1", "--out", tmp_path / "cs1.pem")
    made, root = x509.load_pem_x509_certificates((tmp_path / "cs1.pem").read_bytes())
    made.verify_directly_issued_by(root)
    assert made.public_key() == key.public_key()
    assert made.subject.rfc4514_string() == "CN=CS1,O=Example CPO"
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    again = ("sign-csr", request, "--station", "CS1", "--out", tmp_path / "cs1.pem")
    assert ca.refused(*again, code=78) == "exists"


@pytest.mark.parametrize("content", [b"", b"no request", b"\x30\x00", csr("CS1")[:-40], csr("CS1").replace(b"M", b"N")])
def test_what_is_no_signing_request_is_refused(ca: Ca, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.csr").write_bytes(content)
    told = ca.refused("sign-csr", tmp_path / "bad.csr", "--station", "CS1", "--out", tmp_path / "x", code=65)
    assert told in {"bad_request", "bad_request_signature"}


def test_what_is_revoked_is_on_the_list_and_what_was_never_issued_cannot_be(ca: Ca, tmp_path: Path) -> None:
    made = ca("issue-station", "CS1", "--out", tmp_path / "cs1.pem", "--key-out", tmp_path / "cs1.key")
    assert stat.S_IMODE((tmp_path / "cs1.key").stat().st_mode) == 0o600
    for serial in ("00ff", "../root", "../../keys/ca", ""):
        assert ca.refused("revoke", serial, code=65) == "unknown_certificate"
    told = ca("revoke", made["serial"].upper())
    assert ca("revoke", made["serial"])["revoked_at"][:16] == told["revoked_at"][:16], "once is enough"
    listed = x509.load_pem_x509_crl(Path(ca("crl")["file"]).read_bytes())
    assert [entry.serial_number for entry in listed] == [int(made["serial"], 16)]
    assert [c["revoked_at"] is not None for c in ca("list")] == [True]


def test_another_directory_is_left_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "FORMAT").write_text("wattseal emsp 1\n")
    assert Ca(tmp_path, capsys).refused("init", "--organization", "X", code=78) == "directory_of_another"
    assert Ca(tmp_path / "new", capsys).refused("issue-server", "--host", HOST, code=78) == "no_authority"


def test_a_server_takes_its_stations_over_tls_and_closes_what_is_revoked(ca: Ca, tmp_path: Path) -> None:
    ca("issue-server", "--host", HOST)
    files = tmp_path / "cs3.pem", tmp_path / "cs3.key"
    issued = ca("issue-station", "CS3", "--out", files[0], "--key-out", files[1])
    root = ca.data / "ca" / "root.pem"
    with serving(tmp_path, "--wss-port", "0", "--mutual-port", "0", settings="[tls]\nreload_s = 0.2\n") as csms:
        ports = json.loads((ca.data / "ports.json").read_text())
        csms.enrol("CS2")
        assert csms.http.post("/api/v1/stations", json={"id": "CS3", "security_profile": 3}).status_code == 201
        with dialled(ports["wss"], "CS2", client_tls(root), basic("CS2", PASSWORD)) as station:
            assert heard(station)
        csms.token("CARD")
        shows = ["--ca", str(root), "--certificate", str(files[0]), "--key", str(files[1])]
        charge = [
            "--url",
            f"wss://{HOST}:{ports['mutual']}/ocpp",
            "--id",
            "CS3",
            "--id-token",
            "CARD",
            "--interval",
            "0",
        ]
        done = subprocess.run(  # noqa: S603 - our own program
            [*wattseal_command(), "station", *charge, *shows], env=ENVIRONMENT, check=False, timeout=60
        )
        assert done.returncode == 0
        with dialled(ports["mutual"], "CS3", client_tls(root, files), {}) as station:
            assert heard(station)
            ca("revoke", issued["serial"])
            with pytest.raises(ConnectionClosed) as closed:
                station.recv(15)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008
        with pytest.raises(InvalidStatus):
            dialled(ports["mutual"], "CS3", client_tls(root, files), {})
        assert csms.http.get("/api/v1/stations/CS2").json()["security_profile"] == 2
        with pytest.raises(InvalidStatus):
            dialled(ports["ocpp"], "CS2", None, basic("CS2", PASSWORD))


def dialled(port: int, name: str, tls: ssl.SSLContext | None, headers: dict[str, str]) -> ClientConnection:
    return connect(
        f"{'ws' if tls is None else 'wss'}://{HOST}:{port}/ocpp/{name}",
        subprotocols=[Subprotocol("ocpp2.0.1")],
        additional_headers=headers,
        ssl=tls,
        proxy=None,
        compression=None,
        close_timeout=1,
    )


def heard(station: ClientConnection) -> bool:
    station.send(HEARTBEAT)
    answer: list[Any] = json.loads(station.recv(10))
    return answer[:2] == [3, "alive"]


@pytest.mark.parametrize("missing", ["certificate", "issuers"])
def test_a_server_without_what_its_port_needs_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    errors = io.StringIO()
    words = ["serve", "--data", str(tmp_path / "cpo"), "--ocpp-port", "0", "--http-port", "0"]
    if missing == "certificate":
        words += ["--wss-port", "0"]
    else:
        Ca(tmp_path / "own", capsys)("init", "--organization", "X")
        Ca(tmp_path / "own", capsys)("issue-server", "--host", HOST)
        config = tmp_path / "c.toml"
        config.write_text('[tls]\ncertificate = "own/ca/server.pem"\nkey = "own/keys/tls-server.pem"\n')
        words += ["--mutual-port", "0", "--config", str(config)]
    assert cli.run(words, errors) == 78
    assert "wattseal keys ca" in errors.getvalue()
