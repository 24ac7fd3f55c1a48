"""Block M of 2.x: certificates listed, installed and deleted at a station."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes as hashes_of
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.conformance.wire import Station, Wire

AT = datetime(2026, 1, 1, tzinfo=UTC)
both = pytest.mark.parametrize("version", ["2.0.1", "2.1"])


@pytest.fixture(scope="module")
def root_pem() -> str:
    """Return a self-signed root, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root.example")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(AT).not_valid_after(AT + timedelta(days=3650))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, hashes_of.SHA256()).public_bytes(Encoding.PEM).decode()


def hashes(algorithm: str = "SHA256") -> dict[str, str]:
    length = {"SHA256": 64, "SHA384": 96, "SHA512": 128}[algorithm]
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": "0a" * (length // 2),
        "issuerKeyHash": "1b" * (length // 2),
        "serialNumber": "42",
    }


async def installed(station: Station) -> list[str]:
    """Return the uses of the certificates that the CSMS holds to be installed."""
    return [one["use"] for one in (await station.shown("certificates"))["installed"]]


def listed(*kinds: str, algorithm: str = "SHA256") -> dict[str, Any]:
    chain = [{"certificateType": kind, "certificateHashData": hashes(algorithm)} for kind in kinds]
    return {"status": "Accepted", "certificateHashDataChain": chain}


INSTALLED = [
    pytest.param("CSMSRootCertificate", "Accepted", marks=pytest.mark.conformance("TC_M_01_CSMS")),
    pytest.param("ManufacturerRootCertificate", "Accepted", marks=pytest.mark.conformance("TC_M_02_CSMS")),
    pytest.param("V2GRootCertificate", "Accepted", marks=pytest.mark.conformance("TC_M_03_CSMS")),
    pytest.param("MORootCertificate", "Accepted", marks=pytest.mark.conformance("TC_M_04_CSMS")),
    pytest.param("CSMSRootCertificate", "Failed", marks=pytest.mark.conformance("TC_M_05_CSMS")),
    pytest.param("CSMSRootCertificate", "Rejected", marks=pytest.mark.conformance("TC_M_05_CSMS")),
]


@both
@pytest.mark.parametrize(("kind", "status"), INSTALLED)
async def test_a_root_is_installed_or_not(wire: Wire, version: str, kind: str, status: str, root_pem: str) -> None:
    station = await wire.station(version)
    payload = {"certificateType": kind, "certificate": root_pem}
    await station.commanded("InstallCertificate", payload, {"status": status})
    assert await installed(station) == ([kind] if status == "Accepted" else [])


LISTED = [
    pytest.param("ManufacturerRootCertificate", marks=pytest.mark.conformance("TC_M_13_CSMS")),
    pytest.param("V2GRootCertificate", marks=pytest.mark.conformance("TC_M_14_CSMS")),
    pytest.param("V2GCertificateChain", marks=pytest.mark.conformance("TC_M_15_CSMS")),
    pytest.param("MORootCertificate", marks=pytest.mark.conformance("TC_M_16_CSMS")),
]


@both
@pytest.mark.parametrize("kind", LISTED)
async def test_certificates_of_a_kind_are_listed(wire: Wire, version: str, kind: str) -> None:
    station = await wire.station(version)
    await station.commanded("GetInstalledCertificateIds", {"certificateType": [kind]}, listed(kind))
    assert await installed(station) == [kind]


@both
@pytest.mark.conformance("TC_M_18_CSMS", "TC_M_19_CSMS")
async def test_all_certificates_are_listed_or_none(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    told = listed("CSMSRootCertificate", "ManufacturerRootCertificate", "V2GRootCertificate")
    await station.commanded("GetInstalledCertificateIds", {}, told)
    payload = {"certificateType": ["ManufacturerRootCertificate"]}
    await station.commanded("GetInstalledCertificateIds", payload, {"status": "NotFound"})
    assert sorted(await installed(station)) == ["CSMSRootCertificate", "V2GRootCertificate"]


DELETED = [
    pytest.param("Accepted", marks=pytest.mark.conformance("TC_M_20_CSMS")),
    pytest.param("Failed", marks=pytest.mark.conformance("TC_M_21_CSMS")),
    pytest.param("NotFound", marks=pytest.mark.conformance("TC_M_21_CSMS")),
]


@both
@pytest.mark.parametrize("status", DELETED)
@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
async def test_a_listed_certificate_is_deleted_or_not(wire: Wire, version: str, algorithm: str, status: str) -> None:
    station = await wire.station(version)
    told = listed("CSMSRootCertificate", algorithm=algorithm)
    await station.commanded("GetInstalledCertificateIds", {"certificateType": ["CSMSRootCertificate"]}, told)
    payload = {"certificateHashData": told["certificateHashDataChain"][0]["certificateHashData"]}
    await station.commanded("DeleteCertificate", payload, {"status": status})
    assert len(await installed(station)) == (status == "Failed")
