"""How certificates are named on the wire, and the uses that 1.6 spells in words of its own."""

from typing import Any

from wattseal.base.errors import InputError
from wattseal.model.certificates import CSMS_ROOT, CertificateId
from wattseal.wire.ocpp.message import Payload
from wattseal.wire.ocpp.version import Version

_LIFTED_16 = {"CentralSystemRootCertificate": CSMS_ROOT}
_SPELLED_16 = {CSMS_ROOT: "CentralSystemRootCertificate", "ManufacturerRootCertificate": "ManufacturerRootCertificate"}


def lift_id(told: Any) -> CertificateId:
    """Return a CertificateHashDataType or OCSPRequestDataType of any version."""
    return CertificateId(told.hashAlgorithm, told.issuerNameHash, told.issuerKeyHash, told.serialNumber)


def lower_id(certificate: CertificateId) -> Payload:
    """Return a CertificateHashDataType."""
    return {
        "hashAlgorithm": certificate.algorithm,
        "issuerNameHash": certificate.issuer_name_hash,
        "issuerKeyHash": certificate.issuer_key_hash,
        "serialNumber": certificate.serial,
    }


def lift_use(use: str) -> str:
    """Return a use in 2.x words."""
    return _LIFTED_16.get(use, use)


def lower_use(use: str, version: Version) -> str:
    """Return a use in the version's words; `InputError` where it has none."""
    if version is not Version.V16:
        return use
    spelled = _SPELLED_16.get(use)
    if spelled is None:
        raise InputError("OCPP 1.6 knows roots of the CSMS and of manufacturers only", subject="use")
    return spelled
