"""Blocks A and M: certificates of stations signed, installed, listed, deleted and asked about."""

import asyncio
import base64
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.ocsp import OCSPCertStatus, load_der_ocsp_response
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.conformance.secured import CPO, VERSIONS, Tls, alive
from tests.conformance.wire import CallError, Station, Wire
from tests.support.ocsp_responder import Responder
from tests.support.pki import Ca, Key, Leaf, csr, new_key, subject

from wattseal.crypto.ocsp import Target


def signing(
    version: str, key: Key, name: str, use: str | None = None, organization: str | None = CPO
) -> dict[str, Any]:
    """Return a SignCertificate."""
    asked = {"csr": csr(subject(name, organization), key).decode()}
    return asked if use is None or version == "1.6" else asked | {"certificateType": use}


async def triggered(station: Station, message: str) -> None:
    """Have the CSMS ask for a message, and accept."""
    action = "ExtendedTriggerMessage" if station.version == "1.6" else "TriggerMessage"
    spelled = message.replace("ChargingStation", "ChargePoint") if station.version == "1.6" else message
    await station.commanded(action, {"requestedMessage": spelled}, {"status": "Accepted"})


async def progress(station: Station) -> list[tuple[str | None, str]]:
    told = (await station.wire.api("GET", f"/stations/{station.name}/certificates")).json()
    return [(request["use"], request["progress"]) for request in told["requests"]]


async def until(station: Station, wanted: list[tuple[str | None, str]]) -> None:
    for _ in range(100):
        if await progress(station) == wanted:
            return
        await asyncio.sleep(0.05)
    assert await progress(station) == wanted


@pytest.mark.conformance(
    "TC_A_11_CSMS",
    *(f"OCPP16S_A02.FR.{n}" for n in ("01", "02", "03", "04", "06", "11", "13")),
    *(f"OCPP16S_A03.FR.{n}" for n in ("02", "03", "04", "06", "11", "13")),
    *(f"OCPP16S_A00.FR.{n}" for n in ("427", "501", "503", "504", "505", "506", "507", "508", "509", "511", "601")),
)
@VERSIONS
async def test_a_stations_certificate_is_renewed_and_opens_the_connection(wire: Wire, tls: Tls, version: str) -> None:
    station = await wire.station(version)
    await triggered(station, "SignChargingStationCertificate")
    key = new_key()
    await station.call("SignCertificate", signing(version, key, station.name, "ChargingStationCertificate"))
    station.answered("SignCertificate", {"status": "Accepted"})
    delivered = await station.next_call("CertificateSigned")
    use = None if version == "1.6" else "ChargingStationCertificate"
    station.asked("CertificateSigned", {} if use is None else {"certificateType": use})
    made, root = x509.load_pem_x509_certificates(delivered.payload["certificateChain"].encode())
    made.verify_directly_issued_by(root)
    assert made.public_key() == key.public_key()
    assert made.subject == x509.Name(list(subject(station.name, CPO)))
    await delivered.answer({"status": "Accepted"})
    await until(station, [(use, "accepted")])
    await station.close()
    shown = tls.trusting(Leaf(made, key).write(tls.folder, "fresh"))
    await alive(await wire.dial(station.name, version, password=None, tls=shown, url=tls.mutual))


@pytest.mark.conformance("TC_A_12_CSMS")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_v2g_certificate_is_renewed(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await triggered(station, "SignV2GCertificate")
    await station.call("SignCertificate", signing(version, new_key(), station.name, "V2GCertificate"))
    station.answered("SignCertificate", {"status": "Accepted"})
    delivered = await station.next_call("CertificateSigned")
    station.asked("CertificateSigned", {"certificateType": "V2GCertificate"})
    await delivered.answer({"status": "Accepted"})
    await until(station, [("V2GCertificate", "accepted")])


@pytest.mark.conformance("TC_A_13_CSMS")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_one_certificate_for_both_uses_is_renewed(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await triggered(station, "SignCombinedCertificate")
    await station.call("SignCertificate", signing(version, new_key(), station.name))
    station.answered("SignCertificate", {"status": "Accepted"})
    delivered = await station.next_call("CertificateSigned")
    assert "certificateType" not in station.asked("CertificateSigned")
    await delivered.answer({"status": "Accepted"})
    await until(station, [(None, "accepted")])


@pytest.mark.conformance("TC_A_14_CSMS", "OCPP16S_A02.FR.07", "OCPP16S_A03.FR.07")
@VERSIONS
async def test_a_certificate_the_station_refuses_is_told_and_not_sent_again(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await station.call("SignCertificate", signing(version, new_key(), station.name))
    station.answered("SignCertificate", {"status": "Accepted"})
    delivered = await station.next_call("CertificateSigned")
    await delivered.answer({"status": "Rejected"})
    await until(station, [(None, "rejected")])
    security = {"type": "InvalidChargingStationCertificate", "timestamp": "2026-11-01T00:00:00Z"}
    await station.call("SecurityEventNotification", security)
    station.answered("SecurityEventNotification", {})
    codes = [alarm["code"] for alarm in (await wire.api("GET", f"/alarms?station_id={station.name}")).json()]
    assert "certificate_rejected" in codes


@pytest.mark.conformance("OCPP16S_A02.FR.12", "OCPP16S_A03.FR.12", "OCPP16S_A00.FR.502")
@VERSIONS
async def test_a_request_that_cannot_be_served_is_rejected(wire: Wire, version: str) -> None:
    station, other = await wire.station(version), await wire.station(version)
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is what is refused
    good = csr(subject(station.name, CPO), new_key()).decode()
    for bad in (
        {"csr": "no request"},
        {"csr": good.replace("MI", "MA", 1)},
        signing(version, new_key(), other.name),
        signing(version, new_key(), "csms.example.org"),
        signing(version, new_key(), station.name, organization="Another CPO"),
        signing(version, weak, station.name),
        signing(version, new_key(ec.SECP192R1()), station.name),
    ):
        await station.call("SignCertificate", bad)
        told = station.answered("SignCertificate", {"status": "Rejected"})
        assert version == "1.6" or told["statusInfo"]["reasonCode"] == "InvalidCSR"
    station.never_asked("CertificateSigned")


@pytest.mark.parametrize(("inside", "wanted"), [("Accepted", "accepted"), ("Rejected", "rejected")])
async def test_a_1_6_station_has_its_v2g_certificate_signed_inside_data_transfer(
    wire: Wire, inside: str, wanted: str
) -> None:
    station = await wire.station("1.6")
    vendor = {"vendorId": "org.openchargealliance.iso15118pnc"}
    asked = signing("2.0.1", new_key(), station.name, "V2GCertificate")
    await station.call("DataTransfer", vendor | {"messageId": "SignCertificate", "data": json.dumps(asked)})
    told = station.answered("DataTransfer", {"status": "Accepted"})
    assert json.loads(told["data"]) == {"status": "Accepted"}
    delivered = await station.next_call("DataTransfer")
    station.asked("DataTransfer", vendor | {"messageId": "CertificateSigned"})
    content = json.loads(delivered.payload["data"])
    assert content["certificateType"] == "V2GCertificate"
    assert len(x509.load_pem_x509_certificates(content["certificateChain"].encode())) == 2
    await delivered.answer({"status": "Accepted", "data": json.dumps({"status": inside})})
    await until(station, [("V2GCertificate", wanted)])
    own = (await wire.api("GET", f"/stations/{station.name}/certificates")).json()["own"]
    assert [one["use"] for one in own] == (["V2GCertificate"] if inside == "Accepted" else [])


async def test_a_station_that_proves_nothing_gets_no_certificate(wire: Wire) -> None:
    name = wire.name()
    told = await wire.api("POST", "/stations", {"id": name, "security_profile": 0})
    assert told.status_code == 201, told.text
    station = await wire.dial(name, "2.0.1", password=None)
    await station.call("SignCertificate", signing("2.0.1", new_key(), name))
    assert station.answered("SignCertificate", {"status": "Rejected"})["statusInfo"]["reasonCode"] == "NotEnabled"


async def test_a_station_that_asks_too_often_is_told_so(wire: Wire) -> None:
    station = await wire.station("2.0.1")
    for _ in range(10):
        await station.call("SignCertificate", {"csr": "no request"})
    await station.call("SignCertificate", signing("2.0.1", new_key(), station.name))
    told = station.answered("SignCertificate", {"status": "Rejected"})
    assert told["statusInfo"]["reasonCode"] == "InvalidMessageSeq"


async def test_a_certificate_is_delivered_when_the_station_is_back(wire: Wire) -> None:
    station = await wire.station("2.1")
    await station.call("SignCertificate", signing("2.1", new_key(), station.name) | {"requestId": 77})
    station.answered("SignCertificate", {"status": "Accepted"})
    await station.close()
    back = await wire.dial(station.name, "2.1")
    delivered = await back.next_call("CertificateSigned")
    back.asked("CertificateSigned", {"requestId": 77})
    await delivered.answer({"status": "Accepted"})
    await until(back, [(None, "accepted")])


HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "0a" * 32, "issuerKeyHash": "1b" * 32, "serialNumber": "42"}


@pytest.mark.conformance(
    *(f"OCPP16S_M03.FR.{n}" for n in ("01", "02", "03", "04")),
    *(f"OCPP16S_M04.FR.{n}" for n in ("01", "02", "03", "04", "06", "07")),
)
async def test_a_1_6_station_lists_and_deletes_certificates(wire: Wire) -> None:
    station = await wire.station("1.6")
    kind = {"certificateType": "CentralSystemRootCertificate"}
    found = {"status": "Accepted", "certificateHashData": [HASHES]}
    await station.commanded("GetInstalledCertificateIds", kind, found)
    assert await installed(station) == [("CSMSRootCertificate", "42")]
    for status in ("Failed", "Accepted", "NotFound"):
        await station.commanded("DeleteCertificate", {"certificateHashData": HASHES}, {"status": status})
        assert await installed(station) == ([("CSMSRootCertificate", "42")] if status == "Failed" else [])
    await station.commanded("GetInstalledCertificateIds", kind, found)
    await station.commanded("GetInstalledCertificateIds", kind, {"status": "NotFound"})
    assert await installed(station) == []


async def installed(station: Station) -> list[tuple[str, str]]:
    told = (await station.wire.api("GET", f"/stations/{station.name}/certificates")).json()
    return [(one["use"], one["certificate"]["serial"]) for one in told["installed"]]


@pytest.mark.conformance(*(f"OCPP16S_M05.FR.{n}" for n in ("01", "02", "03", "04", "06", "10", "11")))
async def test_a_root_is_installed_in_a_1_6_station_or_not(wire: Wire) -> None:
    station, root = await wire.station("1.6"), Ca.make("A root")
    payload = {"certificateType": "CentralSystemRootCertificate", "certificate": root.pem().decode()}
    serial = f"{root.certificate.serial_number:x}"
    for status in ("Rejected", "Failed", "Accepted", "Accepted"):
        await station.commanded("InstallCertificate", payload, {"status": status})
        assert await installed(station) == ([("CSMSRootCertificate", serial)] if status == "Accepted" else [])
    await station.commanded("InstallCertificate", payload, CallError("InternalError"))
    assert len(await installed(station)) == 1


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
@pytest.mark.parametrize("action", ["Install", "Update"])
async def test_without_a_contract_pool_an_ev_is_told_at_once(wire: Wire, version: str, action: str) -> None:
    station = await wire.station(version)
    asked = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": action, "exiRequest": "gJgA"}
    await station.call("Get15118EVCertificate", asked)
    told = station.answered("Get15118EVCertificate", {"status": "Failed", "exiResponse": ""})
    assert told["statusInfo"]["reasonCode"] == "NotEnabled"


def named(responder: Responder, leaf: Leaf) -> dict[str, str]:
    """Return how OCPP names a certificate of the responder's authority."""
    target = Target.of(leaf.certificate, responder.ca.certificate)
    return {
        "hashAlgorithm": target.algorithm,
        "issuerNameHash": target.issuer_name_hash,
        "issuerKeyHash": target.issuer_key_hash,
        "serialNumber": target.serial,
    }


@pytest.mark.conformance("TC_M_24_CSMS")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_the_status_of_a_certificate_is_had_from_a_listed_responder(
    wire: Wire, responder: Responder, version: str
) -> None:
    station, leaf = await wire.station(version), responder.ca.issue("V2G leaf")
    responder.known[leaf.certificate.serial_number] = leaf, OCSPCertStatus.GOOD
    asked = named(responder, leaf) | {"responderURL": responder.url}
    await station.call("GetCertificateStatus", {"ocspRequestData": asked})
    told = station.answered("GetCertificateStatus", {"status": "Accepted"})
    response = load_der_ocsp_response(base64.b64decode(told["ocspResult"]))
    assert (response.serial_number, response.certificate_status) == (
        leaf.certificate.serial_number,
        OCSPCertStatus.GOOD,
    )


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_no_other_responder_is_asked_and_no_answer_about_another_passed_on(
    wire: Wire, responder: Responder, version: str
) -> None:
    station, leaf = await wire.station(version), responder.ca.issue("V2G leaf")
    unknown = named(responder, responder.ca.issue("unknown"))
    responder.known[leaf.certificate.serial_number] = leaf, OCSPCertStatus.GOOD
    before = len(responder.asked)
    for url in (responder.url + "/", responder.url.upper(), "http://169.254.169.254/latest", "file:///etc/passwd"):
        await station.call("GetCertificateStatus", {"ocspRequestData": named(responder, leaf) | {"responderURL": url}})
        station.answered("GetCertificateStatus", {"status": "Failed"})
    assert len(responder.asked) == before
    for bad in (unknown, named(responder, leaf) | {"issuerKeyHash": "00" * 32}, unknown | {"serialNumber": "no hex"}):
        await station.call("GetCertificateStatus", {"ocspRequestData": bad | {"responderURL": responder.url}})
        station.answered("GetCertificateStatus", {"status": "Failed"})


async def test_the_status_of_a_chain_is_what_its_issuer_signed(wire: Wire, responder: Responder) -> None:
    station = await wire.station("2.1")
    good, revoked, strange = (responder.ca.issue(name) for name in ("good", "revoked", "strange"))
    responder.known |= {
        good.certificate.serial_number: (good, OCSPCertStatus.GOOD),
        revoked.certificate.serial_number: (revoked, OCSPCertStatus.REVOKED),
    }

    async def ask(*questions: tuple[Leaf, str]) -> list[str]:
        asked = [
            {"certificateHashData": named(responder, leaf), "source": source, "urls": [responder.url]}
            for leaf, source in questions
        ]
        await station.call("GetCertificateChainStatus", {"certificateStatusRequests": asked})
        told = station.answered("GetCertificateChainStatus")["certificateStatus"]
        assert [one["certificateHashData"] for one in told] == [one["certificateHashData"] for one in asked]
        return [one["status"] for one in told]

    assert await ask((good, "OCSP"), (revoked, "OCSP"), (strange, "OCSP"), (good, "CRL")) == [
        "Good",
        "Revoked",
        "Failed",
        "Failed",
    ]
    delegate = responder.ca.issue("delegate", extensions=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]),))
    for signer, wanted in (
        (delegate, "Good"),
        (responder.ca.issue("no delegate"), "Failed"),
        (Ca.make("V2G CA").issue("another's"), "Failed"),
    ):
        responder.signer = signer
        assert await ask((good, "OCSP")) == [wanted]
    responder.signer = None
