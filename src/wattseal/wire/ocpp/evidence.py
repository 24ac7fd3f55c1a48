"""Signed meter values in every carrier OCPP has, to raw evidence and back.

OCPP 2.x: `signedMeterValue` (part 2, SignedMeterValueType). OCPP 1.6: a sampled value with format SignedData, whose
value is that object as JSON text (OCA application note "Signed Meter Values", 3.2), or, as stations in the field do,
the signed text itself or its hex digits. The signed bytes are taken out exactly, never parsed here; a key sent along
is decoded and handed on to be compared with the enrolled one, never trusted.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import datetime

import msgspec

from wattseal.evidence import iso15118_receipt
from wattseal.model.metering import ENERGY_IMPORT_REGISTER, RawEvidence, Reading
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import guard
from wattseal.wire.ocpp.generated.v21 import types as v21
from wattseal.wire.ocpp.generated.v201 import types as v201
from wattseal.wire.ocpp.message import Payload, given, present
from wattseal.wire.ocpp.version import Version

OCMF = "OCMF"
_OCMF_PREFIX = b"OCMF|"
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_KEY_MARKER = "oca"
SignedMeterValue = v201.SignedMeterValueType | v21.SignedMeterValueType


def lift_2(signed: SignedMeterValue, findings: list[Finding]) -> RawEvidence:
    """Return the evidence in a 2.x `signedMeterValue`."""
    return _evidence(signed.signedMeterData, signed.encodingMethod, given(signed.publicKey) or "", findings)


def receipt_readings(receipts: Iterable[bytes], at: datetime) -> tuple[Reading, ...]:
    """Return vehicles' receipts as readings that are only evidence, told at the time of their message."""
    return tuple(
        Reading(at, ENERGY_IMPORT_REGISTER, None, "Wh", location="EV", evidence=RawEvidence(iso15118_receipt.NAME, raw))
        for raw in receipts
    )


def lift_16(value: str, findings: list[Finding]) -> RawEvidence:
    """Return the evidence in the value of a 1.6 sample with format SignedData."""
    text = value.strip()
    if text.startswith('"'):
        text = _unquoted(text)
    if text.startswith("{"):
        try:
            told = guard.parse(text.encode("utf-8"))
        except (guard.NotJsonError, UnicodeEncodeError):
            told = None
        match told:
            case {"signedMeterData": str(data), "encodingMethod": str(method), "publicKey": str(key)}:
                return _evidence(data, method, key, findings)
            case {"signedMeterData": str(data), "encodingMethod": str(method)}:
                return _evidence(data, method, "", findings)
            case {"signedMeterData": str(data)}:
                return _evidence(data, "", "", findings)
        findings.append(Finding("signed_value_unreadable", "sampledValue.value"))
    return _evidence(text, "", "", findings)


def _unquoted(text: str) -> str:
    """Return what a JSON string holds: some stations write the object's text as a string once more."""
    try:
        told = guard.parse(text.encode("utf-8"))
    except (guard.NotJsonError, UnicodeEncodeError):
        return text
    return told.strip() if isinstance(told, str) else text


def lower_2(raw: RawEvidence, version: Version) -> Payload:
    """Return the `signedMeterValue` object; signingMethod is empty where the data names it, as OCMF does."""
    key = spell_key(raw.public_key) if raw.public_key else "" if version is Version.V201 else None
    return present(
        signedMeterData=base64.b64encode(raw.data).decode("ascii"),
        signingMethod="",
        encodingMethod=raw.format,
        publicKey=key,
    )


def lower_16(raw: RawEvidence) -> str:
    """Return the text of a 1.6 SignedData value: the same object as JSON."""
    return msgspec.json.encode(lower_2(raw, Version.V201)).decode("utf-8")


def spell_key(der: bytes) -> str:
    """Return a public key as the application note writes it: base64("oca:base16:asn1:" + hex DER)."""
    return base64.b64encode(f"{_KEY_MARKER}:base16:asn1:{der.hex()}".encode("ascii")).decode("ascii")


def read_key(text: str) -> bytes | None:
    """Return the DER of a public key in any spelling of the field (note 3.2.2, base64 or hex DER); None for others."""
    plain = _base64(text)
    spelled = text if text.startswith(f"{_KEY_MARKER}:") else (plain or b"").decode("latin-1")
    match spelled.split(":", 3):
        case [marker, "base16", "asn1", printed] if marker == _KEY_MARKER:
            digits = re.sub(r"[^0-9a-fA-F]", "", re.sub(r"0[xX]", "", printed))
            return bytes.fromhex(digits) if digits and len(digits) % 2 == 0 else None
        case [marker, "base64", "asn1", printed] if marker == _KEY_MARKER:
            return _base64(printed)
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    return plain


def _evidence(data: str, method: str, key: str, findings: list[Finding]) -> RawEvidence:
    raw = _bytes(data)
    public_key = read_key(key) if key else None
    if key and public_key is None:
        findings.append(Finding("public_key_unreadable", "signedMeterValue.publicKey"))
    known = OCMF if raw.startswith(_OCMF_PREFIX) or method.upper().startswith(OCMF) else method or "unknown"
    return RawEvidence(known, raw, public_key)


def _bytes(data: str) -> bytes:
    """Return the signed bytes: told as they are, in hex, or in base64 (all three occur)."""
    text = data.strip()
    if text.startswith("OCMF|"):
        return text.encode("utf-8")
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    decoded = _base64(text)
    return decoded if decoded is not None else data.encode("utf-8")


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except (ValueError, binascii.Error):
        return None
