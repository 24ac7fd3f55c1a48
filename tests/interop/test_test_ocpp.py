"""The PyPI program `test-ocpp`, which checks that a CSMS answers, against `wattseal serve`: profiles 0 to 3.

Security profiles: 1 is Basic authentication, 2 the same over TLS, 3 TLS with a certificate of the station; without any
(0) a CSMS takes stations in development mode only.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from tests.support.csms import PASSWORD, Csms, serving
from tests.support.pki import Ca, Leaf, csr, new_key, subject

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.crypto.signing_requests import read_request
from wattseal.stores.authority import AuthorityFiles
from wattseal.stores.datadir import DataDir


def check(ocpp: str, station: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the program under its own module name
        [sys.executable, "-m", "test_ocpp", ocpp, station, "--timeout", "10", *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_it_succeeds_with_the_right_password(csms: Csms, version: str) -> None:
    name = csms.enrol(f"TESTER-{version}")
    done = check(csms.ocpp, name, "--ocpp", version, "--password", PASSWORD, "--vendor", "Vendor", "--model", "Model")
    assert done.returncode == 0, done.stdout
    assert f"Negotiated subprotocol: ocpp{version}" in done.stdout
    assert "BootNotification status: Accepted" in done.stdout
    assert done.stdout.rstrip().endswith("SUCCESS")
    shown = csms.http.get(f"/api/v1/stations/{name}").json()
    assert (shown["vendor"], shown["model"]) == ("Vendor", "Model")


@pytest.mark.parametrize(
    "options", [[], ["--password", "wrong"], ["--password", PASSWORD, "--username", "TESTER-OTHER"]]
)
def test_it_fails_without_the_right_credentials(csms: Csms, options: list[str]) -> None:
    name = f"TESTER-{len(options)}"
    csms.enrol(name)
    done = check(csms.ocpp, name, *options)
    assert done.returncode == 1
    assert "HTTP 401" in done.stdout + done.stderr


def test_it_fails_for_an_unknown_station(csms: Csms) -> None:
    done = check(csms.ocpp, "TESTER-NOBODY", "--password", PASSWORD)
    assert done.returncode == 1
    assert "HTTP 401" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with serving(tmp_path_factory.mktemp("lenient"), "--insecure-dev") as running:
        yield running


def test_without_authentication_development_mode_alone_lets_a_station_in(lenient: Csms) -> None:
    assert check(lenient.ocpp, "TESTER-NEW").returncode == 0
    assert lenient.enrol("TESTER-KNOWN")
    assert check(lenient.ocpp, "TESTER-KNOWN").returncode == 1, "a password once set is demanded in every mode"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    """Return a CSMS that has an authority of its own, and listens for TLS with and without client certificates."""
    folder = tmp_path_factory.mktemp("secure")
    data = folder / "cpo"
    DataDir.open(data, "cpo").close()
    files, now, random = AuthorityFiles(data), SystemClock().now(), SystemRandom()
    files.make(name="CPO CA", organization="CPO", now=now, random=random)
    files.issue_server(["127.0.0.1"], now=now, random=random)
    with serving(folder, "--wss-port", "0", "--mutual-port", "0") as running:
        yield running


def endpoint(csms: Csms, kind: str) -> str:
    return f"wss://127.0.0.1:{json.loads((csms.data / 'ports.json').read_text())[kind]}/ocpp"


def trusted(csms: Csms) -> tuple[str, str]:
    return "--ca", str(AuthorityFiles(csms.data).certificate)


def certified(csms: Csms, name: str, folder: Path) -> tuple[str, ...]:
    """Return the options that show a certificate the CSMS issued to a station."""
    key = new_key()
    request = read_request(csr(subject(name, None), key))
    made = AuthorityFiles(csms.data).issue_station(request.key, name, now=SystemClock().now(), random=SystemRandom())
    certificate, file = Leaf(x509.load_der_x509_certificate(made.der), key).write(folder, name)
    return "--cert", str(certificate), "--key", str(file)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_profile_2_is_a_password_over_tls(secure: Csms, version: str) -> None:
    name = secure.enrol(f"PROFILE-2-{version}")
    words = ["--ocpp", version, *trusted(secure)]
    done = check(endpoint(secure, "wss"), name, *words, "--password", PASSWORD)
    assert done.returncode == 0, done.stdout
    assert "BootNotification status: Accepted" in done.stdout
    assert "HTTP 401" in check(endpoint(secure, "wss"), name, *words, "--password", "wrong").stdout
    assert check(endpoint(secure, "wss"), name, "--password", PASSWORD).returncode == 1, "its own trust does not do"


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_profile_3_is_a_certificate_of_the_station(secure: Csms, version: str, tmp_path: Path) -> None:
    name = f"PROFILE-3-{version}"
    enrolled = secure.http.post("/api/v1/stations", json={"id": name, "security_profile": 3})
    assert enrolled.status_code == 201, enrolled.text
    words = ["--ocpp", version, *trusted(secure)]
    done = check(endpoint(secure, "mutual"), name, *words, *certified(secure, name, tmp_path))
    assert done.returncode == 0, done.stdout
    assert "BootNotification status: Accepted" in done.stdout
    assert check(endpoint(secure, "mutual"), name, *words).returncode == 1
    anothers = certified(secure, "ANOTHER", tmp_path)
    assert "HTTP 401" in check(endpoint(secure, "mutual"), name, *words, *anothers).stdout
    certificate, key = Ca.make("CPO CA").issue(name).write(tmp_path, "strange")
    strange = ("--cert", str(certificate), "--key", str(key))
    assert check(endpoint(secure, "mutual"), name, *words, *strange).returncode == 1
