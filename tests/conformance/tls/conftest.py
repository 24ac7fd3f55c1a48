"""One CSMS with TLS for all tests here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.secured import CPO, HOST, Tls
from tests.support.csms import Csms, serving
from tests.support.ocsp_responder import Responder, responding
from tests.support.pki import Ca

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.stores.authority import AuthorityFiles
from wattseal.stores.datadir import DataDir


@pytest.fixture(scope="session")
def responder() -> Iterator[Responder]:
    """Return an OCSP responder for a V2G authority."""
    with responding(Ca.make("V2G CA")) as running:
        yield running


@pytest.fixture(scope="session")
def csms(tmp_path_factory: pytest.TempPathFactory, responder: Responder) -> Iterator[Csms]:
    """Return a CSMS with ports for TLS, with and without client certificates."""
    folder = tmp_path_factory.mktemp("security")
    data = folder / "cpo"
    DataDir.open(data, "cpo").close()
    files, now, random = AuthorityFiles(data), SystemClock().now(), SystemRandom()
    files.make(name="CPO CA", organization=CPO, now=now, random=random)
    files.issue_server([HOST], now=now, random=random)
    files.issue_server([HOST], now=now, random=random, rsa=True)
    roots = folder / "contract-roots.pem"
    roots.write_bytes(responder.ca.pem())
    settings = f'[tls]\nreload_s = 0.2\norganization = "{CPO}"\nocsp_responders = ["{responder.url}"]\n'
    settings += f'contract_roots = "{roots}"\n'
    with serving(folder, "--wss-port", "0", "--mutual-port", "0", settings=settings) as running:
        yield running


@pytest.fixture
def tls(csms: Csms, tmp_path: Path) -> Tls:
    """Return what its stations need."""
    return Tls(csms, tmp_path)
