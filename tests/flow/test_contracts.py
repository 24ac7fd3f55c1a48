"""Contract certificates: what cannot be verified, is out of date, revoked or another's is not accepted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.ocsp import OCSPCertStatus
from cryptography.x509.oid import AuthorityInformationAccessOID
from tests.support.cpo_world import Talker, TestClock, enrol, make_world
from tests.support.ocsp_responder import Responder
from tests.support.pki import DAY, NOW, Ca, Leaf

from wattseal.crypto.certificates import read_certificate
from wattseal.crypto.ocsp import Target
from wattseal.flow.fleet.enrol import put_a_token
from wattseal.flow.world import World
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.wire.ocpp.version import Version

EMAID = "DE-8AA-CA1B2C3D4"
ROOT, OTHER_ROOT = Ca.make("MO root"), Ca.make("another root")
SUB = Ca.make("MO sub", ROOT)
GOOD, REVOKED = OCSPCertStatus.GOOD, OCSPCertStatus.REVOKED


@dataclass
class Responders:
    """One responder an authority, in memory; a URL that is not listed has no answer."""

    listed: Mapping[str, Responder]
    asked: list[str] = field(default_factory=list)

    async def ask(self, url: str, request: bytes) -> bytes | None:
        self.asked.append(url)
        return self.listed[url].respond(request) if url in self.listed else None


def access(url: str) -> x509.AuthorityInformationAccess:
    place = x509.UniformResourceIdentifier(url)
    return x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)])


@dataclass
class Pki:
    world: World
    root: Responder
    sub: Responder

    def leaf(self, name: str = "DE8AACA1B2C3D4", status: OCSPCertStatus | None = GOOD, **more: Any) -> Leaf:
        leaf = SUB.issue(name, extensions=more.pop("extensions", (access("http://sub"),)), **more)
        if status is not None:
            self.sub.known[leaf.certificate.serial_number] = leaf, status
        return leaf


@pytest.fixture
async def pki() -> Pki:
    world = make_world()
    await enrol(world, "ST1")
    await put_a_token(world, TokenRecord(IdToken(EMAID, "eMAID"), TokenStatus.ACCEPTED))
    assert isinstance(world.clock, TestClock)
    world.clock.at = NOW
    root, sub = Responder("http://root", ROOT), Responder("http://sub", SUB)
    world.responders = Responders({"http://root": root, "http://sub": sub})
    world.contract_roots = (read_certificate(ROOT.pem()),)
    return Pki(world, root, sub)


async def asked(pki: Pki, **more: Any) -> tuple[str, str | None]:
    payload = {"idToken": {"idToken": EMAID, "type": "eMAID"}, **more}
    told = await Talker(pki.world, "ST1", Version.V201).call("Authorize", payload)
    return told["idTokenInfo"]["status"], told.get("certificateStatus")


def pem(*parts: Leaf | Ca) -> str:
    return b"".join(part.pem() for part in parts).decode()


def named(leaf: x509.Certificate, issuer: Ca, url: str, **more: str) -> dict[str, str]:
    target = Target.of(leaf, issuer.certificate)
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": target.issuer_name_hash,
        "issuerKeyHash": target.issuer_key_hash,
        "serialNumber": target.serial,
        "responderURL": url,
    } | more


def know_sub(pki: Pki, status: OCSPCertStatus = GOOD) -> None:
    pki.root.known[SUB.certificate.serial_number] = Leaf(SUB.certificate, SUB.key), status


async def test_without_a_certificate_nothing_is_told_of_one(pki: Pki) -> None:
    assert await asked(pki) == ("Accepted", None)


async def test_a_chain_by_hashes_is_good_when_each_is(pki: Pki) -> None:
    know_sub(pki)
    leaf = pki.leaf()
    chain = [named(leaf.certificate, SUB, "http://sub"), named(SUB.certificate, ROOT, "http://root")]
    assert await asked(pki, iso15118CertificateHashData=chain) == ("Accepted", "Accepted")
    know_sub(pki, REVOKED)
    assert await asked(pki, iso15118CertificateHashData=chain) == ("Invalid", "CertificateRevoked")


HASHES: dict[str, Callable[[Leaf], list[dict[str, str]]]] = {
    "its issuer is nobody's that is trusted": lambda leaf: [named(leaf.certificate, SUB, "http://sub")],
    "its responder is not on the list": lambda leaf: [
        named(leaf.certificate, SUB, "http://169.254.169.254/"),
        named(SUB.certificate, ROOT, "http://root"),
    ],
    "its number is no number": lambda leaf: [named(leaf.certificate, ROOT, "http://root", serialNumber="xyz")],
    "nobody knows it": lambda leaf: [named(leaf.certificate, ROOT, "http://root")],
}


@pytest.mark.parametrize("why", HASHES)
async def test_hashes_that_prove_nothing_are_an_error(pki: Pki, why: str) -> None:
    know_sub(pki)
    leaf = pki.leaf()
    assert await asked(pki, iso15118CertificateHashData=HASHES[why](leaf)) == ("Invalid", "CertChainError")


async def test_a_certificate_is_good_up_to_a_root_that_is_trusted(pki: Pki) -> None:
    sub = ROOT.issue("MO sub 2", extensions=(access("http://root"),))
    assert await asked(pki, certificate=pem(pki.leaf(), sub, ROOT)) == ("Invalid", "CertChainError")
    pki.world.contract_roots = (read_certificate(SUB.pem()),)
    assert await asked(pki, certificate=pem(pki.leaf())) == ("Accepted", "Accepted")
    assert await asked(pki, certificate=pem(pki.leaf(EMAID), SUB)) == ("Accepted", "Accepted")


@pytest.mark.parametrize("status", TokenStatus)
async def test_a_good_certificate_of_a_refused_contract_is_cancelled(pki: Pki, status: TokenStatus) -> None:
    pki.world.contract_roots = (read_certificate(SUB.pem()),)
    await put_a_token(pki.world, TokenRecord(IdToken(EMAID, "eMAID"), status))
    cancelled = status.value in {"Blocked", "Expired", "Invalid", "Unknown"}
    told = await asked(pki, certificate=pem(pki.leaf()))
    assert told == (status.value, "ContractCancelled" if cancelled else "Accepted")


CERTIFICATES: dict[str, tuple[Callable[[Pki], str], tuple[str, str]]] = {
    "no certificate": (lambda _: "nonsense", ("Invalid", "CertChainError")),
    "another's": (lambda p: pem(p.leaf("DE8AACXXXXXXXX")), ("Invalid", "CertChainError")),
    "of a stranger": (lambda _: pem(OTHER_ROOT.issue(EMAID)), ("Invalid", "CertChainError")),
    "a leaf as issuer": (
        lambda p: pem(Ca(p.leaf("not a CA").certificate, SUB.key).issue(EMAID), SUB),
        ("Invalid", "CertChainError"),
    ),
    "over": (lambda p: pem(p.leaf(valid=(NOW - 9 * DAY, NOW - DAY))), ("Expired", "CertificateExpired")),
    "not yet": (lambda p: pem(p.leaf(valid=(NOW + DAY, NOW + 9 * DAY))), ("Expired", "CertificateExpired")),
    "revoked": (lambda p: pem(p.leaf(status=REVOKED)), ("Invalid", "CertificateRevoked")),
    "unknown to its responder": (lambda p: pem(p.leaf(status=None)), ("Invalid", "CertChainError")),
    "without a responder": (lambda p: pem(p.leaf(extensions=())), ("Invalid", "CertChainError")),
    "of a responder nobody listed": (
        lambda p: pem(p.leaf(extensions=(access("http://elsewhere"),))),
        ("Invalid", "CertChainError"),
    ),
}


@pytest.mark.parametrize("what", CERTIFICATES)
async def test_a_certificate_that_is_not_good_is_refused(pki: Pki, what: str) -> None:
    pki.world.contract_roots = (read_certificate(SUB.pem()),)
    made, told = CERTIFICATES[what]
    assert await asked(pki, certificate=made(pki)) == told


async def test_an_answer_signed_by_somebody_else_proves_nothing(pki: Pki) -> None:
    pki.world.contract_roots = (read_certificate(SUB.pem()),)
    pki.sub.signer = Leaf(OTHER_ROOT.certificate, OTHER_ROOT.key)
    assert await asked(pki, certificate=pem(pki.leaf())) == ("Invalid", "CertChainError")


async def test_an_answer_that_is_out_of_date_proves_nothing(pki: Pki) -> None:
    pki.world.contract_roots = (read_certificate(SUB.pem()),)
    leaf = pki.leaf()
    assert isinstance(pki.world.clock, TestClock)
    pki.world.clock.at = NOW + 2 * DAY
    assert await asked(pki, certificate=pem(leaf)) == ("Invalid", "CertChainError")


async def test_without_responders_no_contract_is_accepted(pki: Pki) -> None:
    pki.world.contract_roots = (read_certificate(SUB.pem()),)
    pki.world.responders = None
    assert await asked(pki, certificate=pem(pki.leaf())) == ("Invalid", "CertChainError")
