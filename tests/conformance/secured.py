"""What stations need to reach a CSMS over TLS that has an authority of its own."""

import json
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from tests.conformance.wire import Station
from tests.support.csms import Csms
from tests.support.pki import Key, Leaf, client_tls, csr, new_key, subject
from websockets.exceptions import InvalidMessage

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.crypto.signing_requests import read_request
from wattseal.stores.authority import AuthorityFiles

HOST = "127.0.0.1"
VERSIONS = pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
DROPPED = (ssl.SSLError, OSError, EOFError, InvalidMessage)
CPO = "Example CPO"


class Tls:
    """What stations need for TLS with the CSMS of this module."""

    def __init__(self, csms: Csms, folder: Path) -> None:
        self.folder = folder
        self.files = AuthorityFiles(csms.data)
        ports = json.loads((csms.data / "ports.json").read_text())
        self.wss, self.mutual = (f"wss://{HOST}:{ports[kind]}/ocpp/" for kind in ("wss", "mutual"))

    @property
    def root(self) -> bytes:
        return self.files.certificate.read_bytes()

    def trusting(self, identity: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        return client_tls(self.root, identity)

    def of(self, name: str, key: Key | None = None) -> tuple[Path, Path]:
        """Return a certificate that the authority issued to a station."""
        key = key or new_key()
        request = read_request(csr(subject(name, None), key))
        made = self.files.issue_station(request.key, name, now=SystemClock().now(), random=SystemRandom())
        return Leaf(x509.load_der_x509_certificate(made.der), key).write(self.folder, name)


async def alive(station: Station) -> None:
    """Assert that a station is answered."""
    await station.call("Heartbeat", {})
    station.answered("Heartbeat", {})
