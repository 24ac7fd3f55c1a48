"""Block A: security profiles, passwords, certificates of stations; over TLS, with an authority of the CSMS's own."""

import asyncio
import base64
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.ocsp import OCSPCertStatus, load_der_ocsp_response
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.conformance.wire import CallError, Station, Wire
from tests.support.csms import PASSWORD, Csms, serving
from tests.support.ocsp_responder import Responder, responding
from tests.support.pki import Ca, Key, Leaf, client_tls, csr, new_key, subject
from websockets.exceptions import InvalidMessage

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.crypto.ocsp import Target
from wattseal.crypto.signing_requests import read_request
from wattseal.stores.authority import AuthorityFiles
from wattseal.stores.datadir import DataDir

HOST = "127.0.0.1"
VERSIONS = pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
DROPPED = (ssl.SSLError, OSError, EOFError, InvalidMessage)
CPO = "Example CPO"


@pytest.fixture(scope="module")
def responder() -> Iterator[Responder]:
    with responding(Ca.make("V2G CA")) as running:
        yield running


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory, responder: Responder) -> Iterator[Csms]:
    folder = tmp_path_factory.mktemp("security")
    data = folder / "cpo"
    DataDir.open(data, "cpo").close()
    files, now, random = AuthorityFiles(data), SystemClock().now(), SystemRandom()
    files.make(name="CPO CA", organization=CPO, now=now, random=random)
    files.issue_server([HOST], now=now, random=random)
    files.issue_server([HOST], now=now, random=random, rsa=True)
    settings = f'[tls]\nreload_s = 0.2\norganization = "{CPO}"\nocsp_responders = ["{responder.url}"]\n'
    with serving(folder, "--wss-port", "0", "--mutual-port", "0", settings=settings) as running:
        yield running


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


@pytest.fixture
def tls(csms: Csms, tmp_path: Path) -> Tls:
    return Tls(csms, tmp_path)


async def alive(station: Station) -> None:
    await station.call("Heartbeat", {})
    station.answered("Heartbeat", {})


@pytest.mark.conformance(
    "TC_A_04_CSMS",
    "OCPP16S_A00.FR.301",
    "OCPP16S_A00.FR.302",
    "OCPP16S_A00.FR.305",
    "OCPP16S_A00.FR.306",
    "OCPP16S_A00.FR.311",
    "OCPP16S_A00.FR.312",
)
@VERSIONS
async def test_a_password_over_tls_opens_the_connection(wire: Wire, tls: Tls, version: str) -> None:
    name = wire.enrol(wire.name())
    await wire.refused(name, 401, version=version, password="wrong", tls=tls.trusting(), url=tls.wss)
    await wire.refused(name, 401, version=version, password=None, tls=tls.trusting(), url=tls.wss)
    await wire.refused(name, 401, version=version, user="ANOTHER", tls=tls.trusting(), url=tls.wss)
    station = await wire.dial(name, version, tls=tls.trusting(), url=tls.wss)
    await alive(station)


@pytest.mark.conformance("TC_A_06_CSMS", "OCPP16S_A00.FR.313", "OCPP16S_A00.FR.314", "OCPP16S_A00.FR.417")
async def test_tls_older_than_1_2_ends_in_the_handshake_and_1_2_does_not(wire: Wire, tls: Tls) -> None:
    name = wire.enrol(wire.name())
    old, good = tls.trusting(), tls.trusting()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    good.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(DROPPED):
        await wire.dial(name, tls=old, url=tls.wss)
    await alive(await wire.dial(name, tls=good, url=tls.wss))


@pytest.mark.conformance("OCPP16S_A00.FR.317", "OCPP16S_A00.FR.421")
@pytest.mark.parametrize(
    "suite",
    ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES256-GCM-SHA384"],
)
async def test_every_suite_that_is_demanded_is_spoken(wire: Wire, tls: Tls, suite: str) -> None:
    name = wire.enrol(wire.name())
    context = tls.trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    await alive(await wire.dial(name, tls=context, url=tls.wss))


@pytest.mark.conformance(
    "TC_A_07_CSMS",
    "OCPP16S_A00.FR.401",
    "OCPP16S_A00.FR.402",
    "OCPP16S_A00.FR.403",
    "OCPP16S_A00.FR.404",
    "OCPP16S_A00.FR.405",
    "OCPP16S_A00.FR.409",
    "OCPP16S_A00.FR.410",
    "OCPP16S_A00.FR.415",
)
@VERSIONS
@pytest.mark.parametrize("kind", ["ec", "rsa"])
async def test_a_certificate_of_its_own_opens_the_connection(wire: Wire, tls: Tls, version: str, kind: str) -> None:
    name = wire.enrol(wire.name(), security_profile=3)
    key = new_key() if kind == "ec" else rsa.generate_private_key(65537, 2048)
    station = await wire.dial(name, version, password=None, tls=tls.trusting(tls.of(name, key)), url=tls.mutual)
    await alive(station)
    shown = (await wire.api("GET", f"/stations/{name}/certificates")).json()
    assert [own["use"] for own in shown["own"]] == ["ChargingStationCertificate"]


@pytest.mark.conformance("TC_A_08_CSMS", "OCPP16S_A00.FR.407")
async def test_a_certificate_that_is_not_to_be_trusted_opens_nothing(wire: Wire, tls: Tls) -> None:
    name, another = wire.enrol(wire.name(), security_profile=3), wire.enrol(wire.name())
    strange = Ca.make("CPO CA").issue(subject(name, CPO)).write(tls.folder, "strange")
    with pytest.raises(DROPPED):
        await wire.dial(name, password=None, tls=tls.trusting(strange), url=tls.mutual)
    with pytest.raises(DROPPED):
        await wire.dial(name, tls=tls.trusting(), url=tls.mutual)
    anothers = tls.trusting(tls.of(another))
    await wire.refused(name, 401, password=None, tls=anothers, url=tls.mutual)
    await wire.refused(name, 401, password=PASSWORD, tls=anothers, url=tls.wss)
    await wire.refused(name, 401, tls=tls.trusting(), url=tls.wss)


@pytest.mark.conformance("OCPP16S_A00.FR.702", "OCPP16S_A00.FR.704")
async def test_a_revoked_certificate_ends_the_connection_and_opens_no_other(wire: Wire, tls: Tls) -> None:
    name = wire.enrol(wire.name(), security_profile=3)
    shown = tls.trusting(tls.of(name))
    station = await wire.dial(name, password=None, tls=shown, url=tls.mutual)
    await alive(station)
    (own,) = (await wire.api("GET", f"/stations/{name}/certificates")).json()["own"]
    told = await wire.api("POST", f"/certificates/{own['serial']}/revocation")
    assert told.status_code == 200, told.text
    await station.closed(1008)
    await wire.refused(name, 401, password=None, tls=shown, url=tls.mutual)
    assert (await wire.api("POST", "/certificates/00ff/revocation")).status_code == 422


@pytest.mark.conformance("TC_A_19_CSMS", "OCPP16S_A00.FR.002", "OCPP16S_A00.FR.005", "OCPP16S_A00.FR.006")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_2x_station_moves_to_a_higher_profile_and_never_back(wire: Wire, tls: Tls, version: str) -> None:
    station = await wire.station(version)
    station.replies |= {
        "SetNetworkProfile": {"status": "Accepted"},
        "SetVariables": {
            "setVariableResult": [
                {
                    "attributeStatus": "Accepted",
                    "component": {"name": "OCPPCommCtrlr"},
                    "variable": {"name": "NetworkConfigurationPriority"},
                }
            ]
        },
        "Reset": {"status": "Accepted"},
    }
    told = await asked_of(station, "security-profile", {"security_profile": 2, "url": tls.wss})
    assert [sent["action"] for sent in told["sent"]] == ["SetNetworkProfile", "SetVariables", "Reset"]
    station.asked("SetNetworkProfile", {"configurationSlot": 2, "connectionData": {"securityProfile": 2}})
    station.asked("SetVariables", {"setVariableData": [{"attributeValue": "2,1"}]})
    station.asked("Reset", {"type": "OnIdle"})
    await station.close()
    await moved(wire, tls, station.name, version)
    refused = await wire.api(
        "POST", f"/stations/{station.name}/security-profile", {"security_profile": 1, "url": tls.wss}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "profile_not_higher")


async def moved(wire: Wire, tls: Tls, name: str, version: str) -> None:
    """Come with profile 2, then try to come with 1 again."""
    higher = await wire.dial(name, version, tls=tls.trusting(), url=tls.wss)
    await alive(higher)
    await wire.refused(name, 401, version=version)
    assert (await wire.api("GET", f"/stations/{name}")).json()["security_profile"] == 2


async def asked_of(station: Station, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Have the CSMS ask something of a station that answers out of its replies."""
    answering = asyncio.create_task(station.serve())
    try:
        told = await station.wire.api("POST", f"/stations/{station.name}/{what}", body)
    finally:
        answering.cancel()
    assert told.status_code == 200, told.text
    found: dict[str, Any] = told.json()
    return found


@pytest.mark.conformance("OCPP16S_A05.FR.05", "OCPP16S_A05.FR.06", "OCPP16S_A05.FR.07", "OCPP16S_A05.FR.09")
async def test_a_1_6_station_moves_to_a_higher_profile_and_never_back(wire: Wire, tls: Tls) -> None:
    station = await wire.station("1.6")
    station.replies["ChangeConfiguration"] = {"status": "Accepted"}
    await asked_of(station, "security-profile", {"security_profile": 2, "url": tls.wss})
    station.asked("ChangeConfiguration", {"key": "SecurityProfile", "value": "2"})
    await station.close()
    await moved(wire, tls, station.name, "1.6")


@pytest.mark.conformance(
    "OCPP16S_A05.FR.01", "OCPP16S_A05.FR.02", "OCPP16S_A05.FR.03", "OCPP16S_A05.FR.04", "OCPP16S_A05.FR.08"
)
async def test_a_station_that_refuses_a_profile_keeps_its_old_one(wire: Wire, tls: Tls) -> None:
    station = await wire.station("1.6")
    station.replies["ChangeConfiguration"] = {"status": "Rejected"}
    await asked_of(station, "security-profile", {"security_profile": 3, "url": tls.wss})
    station.asked("ChangeConfiguration", {"key": "SecurityProfile", "value": "3"})
    await station.close()
    await alive(await wire.dial(station.name, "1.6"))


def told_password(station: Station) -> str | bytes:
    """Return the password in the last command that sets one."""
    if station.version == "1.6":
        asked = station.asked("ChangeConfiguration", {"key": "AuthorizationKey"})
        return bytes.fromhex(asked["value"])
    asked = station.asked("SetVariables", {"setVariableData": [{"component": {"name": "SecurityCtrlr"}}]})
    (variable,) = asked["setVariableData"]
    assert variable["variable"] == {"name": "BasicAuthPassword"}
    return str(variable["attributeValue"])


def answering(station: Station, status: str) -> None:
    """Let a station answer every attempt to set its password with a status."""
    variable = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    station.replies |= {
        "ChangeConfiguration": {"status": status},
        "SetVariables": {"setVariableResult": [{"attributeStatus": status, **variable}]},
    }


@pytest.mark.conformance(
    "TC_A_09_CSMS",
    "OCPP16S_A01.FR.02",
    "OCPP16S_A01.FR.03",
    "OCPP16S_A01.FR.06",
    "OCPP16S_A01.FR.07",
    "OCPP16S_A01.FR.08",
    "OCPP16S_A01.FR.09",
    "OCPP16S_A00.FR.205",
)
@VERSIONS
async def test_a_new_password_is_demanded_once_accepted_and_kept_nowhere(wire: Wire, version: str) -> None:
    station, other = await wire.station(version), await wire.station(version)
    passwords = []
    for one in (station, other):
        answering(one, "Accepted")
        assert (await asked_of(one, "password"))["good"] == "new"
        passwords.append(told_password(one))
        await one.close()
    assert passwords[0] != passwords[1]
    assert len(passwords[0]) == (20 if version == "1.6" else 32)
    await wire.refused(station.name, 401, version=version)
    again = await wire.dial(station.name, version, password=passwords[0])
    await alive(again)
    await wire.refused(other.name, 401, version=version, password=passwords[0])
    secret = passwords[0].hex().upper() if isinstance(passwords[0], bytes) else passwords[0]
    for file in wire.csms.data.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file
    assert secret not in (wire.csms.data.parent / "cpo.log").read_text()


@pytest.mark.conformance("TC_A_10_CSMS", "OCPP16S_A01.FR.04")
@VERSIONS
async def test_a_password_the_station_refuses_changes_nothing(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    answering(station, "Rejected")
    assert (await asked_of(station, "password"))["good"] == "old"
    refused = told_password(station)
    await station.close()
    await wire.refused(station.name, 401, version=version, password=refused)
    await alive(await wire.dial(station.name, version))


@VERSIONS
@pytest.mark.conformance("OCPP16S_A01.FR.05")
async def test_both_passwords_are_good_while_nobody_knows_which_the_station_uses(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    answering(station, "RebootRequired")
    assert (await asked_of(station, "password"))["good"] == "both"
    fresh = told_password(station)
    await station.close()
    await alive(await wire.dial(station.name, version))
    await alive(await wire.dial(station.name, version, password=fresh))
    await wire.refused(station.name, 401, version=version)


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


@pytest.mark.conformance("TC_M_26_CSMS", "TC_M_28_CSMS")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
@pytest.mark.parametrize("action", ["Install", "Update"])
async def test_without_a_contract_pool_an_ev_is_told_at_once(wire: Wire, version: str, action: str) -> None:
    station = await wire.station(version)
    asked = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": action, "exiRequest": "gJgA"}
    await station.call("Get15118EVCertificate", asked)
    told = station.answered("Get15118EVCertificate", {"status": "Failed", "exiResponse": ""})
    assert told["statusInfo"]["reasonCode"] == "NotEnabled"


@VERSIONS
async def test_a_password_set_by_hand_counts_like_one_made_here(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    variable = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    fresh: str | bytes
    if version == "1.6":
        fresh = bytes(range(16, 36))
        payload: dict[str, Any] = {"key": "AuthorizationKey", "value": fresh.hex()}
        await station.commanded("ChangeConfiguration", payload, {"status": "Accepted"})
    else:
        fresh = "chosen by an operator"
        payload = {"setVariableData": [{"attributeValue": fresh, **variable}]}
        answer = {"setVariableResult": [{"attributeStatus": "Accepted", **variable}]}
        await station.commanded("SetVariables", payload, answer)
    await station.close()
    await wire.refused(station.name, 401, version=version)
    await alive(await wire.dial(station.name, version, password=fresh))


@pytest.mark.conformance("OCPP16S_A00.FR.005")
async def test_no_command_lowers_a_profile(wire: Wire, tls: Tls) -> None:
    for version in ("1.6", "2.0.1"):
        name = wire.enrol(wire.name(), security_profile=2)
        station = await wire.dial(name, version, tls=tls.trusting(), url=tls.wss)
        if version == "1.6":
            told = await station.command("ChangeConfiguration", {"key": "SecurityProfile", "value": "1"})
        else:
            connection = {
                "ocppVersion": "OCPP20",
                "ocppTransport": "JSON",
                "ocppCsmsUrl": "ws://csms.example.org/",
                "messageTimeout": 30,
                "securityProfile": 1,
                "ocppInterface": "Wired0",
            }
            told = await station.command("SetNetworkProfile", {"configurationSlot": 1, "connectionData": connection})
        assert (told.status_code, told.json()["code"]) == (422, "profile_lowered")
        await alive(station)
        station.never_asked("ChangeConfiguration")
        station.never_asked("SetNetworkProfile")


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
