"""OCMF (Open Charge Metering Format 1.x): whose signature a record carries, and what it says.

The verdict is the signature's alone. Order of the checks: the record reads; a signature is there, in its stated
encoding, and strict DER; its algorithm is known and can be verified here; a key is there and usable; the key's curve
is the algorithm's; ECDSA holds over the payload bytes as sent.
"""

import base64
import binascii
import re
from collections.abc import Sequence

from wattseal.base.errors import InputError
from wattseal.crypto.curves import Curve, HashName, read_der_signature
from wattseal.evidence.ecdsa import verify_under
from wattseal.evidence.format import Checked, Format, Meaning
from wattseal.evidence.ocmf_meaning import continuity, meaning_of
from wattseal.evidence.ocmf_record import HEADER, OcmfRecord, OcmfSignature, parse
from wattseal.model.verdict import Finding, Verdict

NAME = "OCMF"
_ALGORITHM = re.compile(r"ECDSA-([A-Za-z0-9]{1,24})-(SHA256|SHA384|SHA512)")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
"""What Python's strict decoding takes varies with its version: it is held to RFC 4648, section 4, here."""
_CURVES = {
    **{curve.value: curve for curve in Curve},
    "brainpool256r1": Curve.BRAINPOOL256R1,
    "brainpool384r1": Curve.BRAINPOOL384R1,
}
UNVERIFIABLE = frozenset({Curve.SECP192K1})
"""Curves of table 22 that no library here computes: said, never guessed."""


def sniff(raw: bytes) -> bool:
    """Return whether `raw` starts like an OCMF record."""
    return raw.lstrip(b" \t\r\n").startswith(HEADER)


def parse_transaction(raws: Sequence[bytes]) -> Meaning:
    """Return what the records of one transaction, in order, say together; one that does not read: `InputError`."""
    return meaning_of(*map(parse, raws))


def check(raw: bytes, keys: Sequence[bytes]) -> Checked:
    """Check one record under `keys`, any of which may have signed; never raises."""
    try:
        record = parse(raw)
    except InputError as error:
        return Checked(NAME, Verdict.UNREADABLE, error.code)
    verdict, reason, key = verify(record, keys)
    return Checked(NAME, verdict, reason, meaning_of(record), key)


def verify(record: OcmfRecord, keys: Sequence[bytes]) -> tuple[Verdict, str, bytes | None]:
    """Return the signature's verdict under `keys`, its reason code, and the key that verified."""
    signature = _signature_bytes(record.signature)
    if isinstance(signature, str):
        return Verdict.INVALID, signature, None
    match = _ALGORITHM.fullmatch(record.signature.algorithm)
    if match is None:
        return Verdict.INVALID, "algorithm_unknown", None
    curve = _CURVES.get(match.group(1))
    if curve is None or curve in UNVERIFIABLE:
        return Verdict.UNKNOWN_KEY, "curve_unsupported", None
    return verify_under(keys, curve, HashName(match.group(2)), record.payload, signature)


def _signature_bytes(signature: OcmfSignature) -> bytes | str:
    """Return the DER signature, or the reason code why there is none."""
    if not signature.data:
        return "signature_missing"
    if signature.mime != "application/x-der":
        return "signature_type_unknown"
    try:
        if signature.encoding == "hex":
            data = bytes.fromhex(signature.data)
        elif signature.encoding == "base64" and _BASE64.fullmatch(signature.data):
            data = base64.b64decode(signature.data, validate=True)
        else:
            return "signature_encoding"
    except (binascii.Error, ValueError):
        return "signature_encoding"
    return data if read_der_signature(data) else "signature_not_der"


def between(raws: Sequence[bytes]) -> tuple[Finding, ...]:
    """Return what is wrong between consecutive records; one that does not read: `InputError`."""
    return continuity([parse(raw) for raw in raws])


FORMAT = Format(name=NAME, sniff=sniff, parse=parse_transaction, check=check, continuity=between)
