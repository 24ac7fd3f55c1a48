import pytest
from cryptography import x509
from cryptography.x509.ocsp import OCSPCertStatus
from cryptography.x509.oid import AuthorityInformationAccessOID
from tests.conformance.charging import event, seeded, token
from tests.conformance.wire import Wire
from tests.support.ocsp_responder import Responder
from tests.support.pki import Leaf

from wattseal.crypto.ocsp import Target

TWO = ["2.0.1", "2.1"]


def contract(responder: Responder, emaid: str, status: OCSPCertStatus) -> Leaf:
    """Issue a contract certificate that names the responder, which says this of it."""
    place = x509.UniformResourceIdentifier(responder.url)
    access = x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)])
    leaf = responder.ca.issue(emaid, extensions=(access,))
    responder.known[leaf.certificate.serial_number] = leaf, status
    return leaf


def hashes(responder: Responder, leaf: Leaf) -> list[dict[str, str]]:
    """Return iso15118CertificateHashData."""
    target = Target.of(leaf.certificate, responder.ca.certificate)
    named = {"issuerNameHash": target.issuer_name_hash, "issuerKeyHash": target.issuer_key_hash}
    return [{"hashAlgorithm": "SHA256", **named, "serialNumber": target.serial, "responderURL": responder.url}]


@pytest.mark.conformance("TC_C_50_CSMS")
@pytest.mark.parametrize("version", TWO)
async def test_a_contract_is_accepted_by_its_hashes_when_the_responder_says_so(
    wire: Wire, responder: Responder, version: str
) -> None:
    emaid = await seeded(wire, "DE-8AA-C12345678")
    leaf = contract(responder, emaid, OCSPCertStatus.GOOD)
    station = await wire.station(version)
    asked = {"idToken": token(emaid, "eMAID"), "iso15118CertificateHashData": hashes(responder, leaf)}
    await station.call("Authorize", asked)
    station.answered("Authorize", {"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"})
    assert leaf.certificate.serial_number in responder.asked
    await station.call("TransactionEvent", event("Started", 0, "Authorized", idToken=token(emaid, "eMAID")))
    station.answered("TransactionEvent", {"idTokenInfo": {"status": "Accepted"}})


@pytest.mark.conformance("TC_C_51_CSMS")
@pytest.mark.parametrize("version", TWO)
async def test_a_revoked_contract_is_refused(wire: Wire, responder: Responder, version: str) -> None:
    emaid = await seeded(wire, "DE-8AA-C22222222")
    leaf = contract(responder, emaid, OCSPCertStatus.REVOKED)
    station = await wire.station(version)
    asked = {"idToken": token(emaid, "eMAID"), "iso15118CertificateHashData": hashes(responder, leaf)}
    await station.call("Authorize", asked)
    station.answered("Authorize", {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "CertificateRevoked"})


@pytest.mark.conformance("TC_C_52_CSMS")
@pytest.mark.parametrize("version", TWO)
async def test_a_contract_is_accepted_by_its_certificate(wire: Wire, responder: Responder, version: str) -> None:
    emaid = await seeded(wire, "DE-8AA-C33333333")
    leaf = contract(responder, emaid, OCSPCertStatus.GOOD)
    station = await wire.station(version)
    chain = (leaf.pem() + responder.ca.pem()).decode()
    await station.call("Authorize", {"idToken": token(emaid, "eMAID"), "certificate": chain})
    station.answered("Authorize", {"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"})
    assert leaf.certificate.serial_number in responder.asked
    await seeded(wire, emaid, "Blocked")
    await station.call("Authorize", {"idToken": token(emaid, "eMAID"), "certificate": chain})
    station.answered("Authorize", {"idTokenInfo": {"status": "Blocked"}, "certificateStatus": "ContractCancelled"})
