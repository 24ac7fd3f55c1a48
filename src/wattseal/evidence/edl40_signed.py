"""EDL_40_SIG: the 320 signed bytes as they are, in `<signedMeterValue>` XML (stations with EMH meters).

`signatureMethod` names the curve: ECDSA192SHA256 or ECDSA256SHA256. The signature is r || s and the logbook counter
once more, which has to be the one that is signed. The key in the text is a claim.
"""

import base64
import binascii
from collections.abc import Sequence

from wattseal.base.errors import InputError
from wattseal.crypto.curves import Curve
from wattseal.evidence import edl40, strict_xml
from wattseal.evidence.ecdsa import verify_raw
from wattseal.evidence.edl40 import EdlRecord
from wattseal.evidence.format import Checked, Format, Meaning
from wattseal.evidence.strict_xml import Element
from wattseal.model.verdict import Finding, Verdict

NAME = "EDL_40_SIG"
MAX_BYTES = 16_384
_CURVES = {"ECDSA192SHA256": (Curve.SECP192R1, 48), "ECDSA256SHA256": (Curve.SECP256R1, 64)}


def sniff(raw: bytes) -> bool:
    """Return whether `raw` is such XML."""
    return strict_xml.starts(raw, b"signedMeterValue")


def read(raw: bytes) -> tuple[EdlRecord, bytes, Curve]:
    """Return what is signed, r || s, and the curve; `InputError` where it is another."""
    root = strict_xml.read(raw.strip(b" \t\r\n"), MAX_BYTES)
    method = root.only("signatureMethod").text.strip()
    curve, width = _CURVES.get(method, (None, 0))
    if curve is None or root.only("encodingMethod").text.strip() != "EDL":
        raise InputError("a method not known here", code="layout_unsupported", subject="signatureMethod")
    record = EdlRecord.unpack(_decoded(root.only("encodedMeterValue")))
    signature = _decoded(root.only("meterValueSignature"))
    if len(signature) != width + 2 or signature[width:] != record.logbook:
        raise InputError("the signature is not r, s and the logbook", code="field_range", subject="signature")
    return record, signature[:width], curve


def _decoded(element: Element) -> bytes:
    text = "".join(element.text.split())
    try:
        match element.attributes.get("encoding", "base64").lower():
            case "base64":
                return base64.b64decode(text, validate=True)
            case "hex":
                return bytes.fromhex(text)
    except (binascii.Error, ValueError):
        pass
    raise InputError(f"<{element.name}> does not decode", code="field_encoding", subject=element.name)


def own_key(raw: bytes) -> bytes | None:
    """Return the key that the text carries: a claim."""
    try:
        found = strict_xml.read(raw.strip(b" \t\r\n"), MAX_BYTES).optional("publicKey")
        return None if found is None else _decoded(found)
    except InputError:
        return None


def parse_transaction(raws: Sequence[bytes]) -> Meaning:
    """Return what records of one transaction say together; one that does not read: `InputError`."""
    return edl40.meaning_of([read(raw)[0] for raw in raws])


def between(raws: Sequence[bytes]) -> tuple[Finding, ...]:
    """Return what is wrong between consecutive records; one that does not read: `InputError`."""
    return edl40.continuity([read(raw)[0] for raw in raws])


def check(raw: bytes, keys: Sequence[bytes]) -> Checked:
    """Check one record under `keys`; never raises."""
    try:
        record, signature, curve = read(raw)
    except InputError as error:
        return Checked(NAME, Verdict.UNREADABLE, error.code)
    verdict, reason, key = verify_raw(keys, curve, record.pack(), signature)
    return Checked(NAME, verdict, reason, edl40.meaning_of([record]), key)


FORMAT = Format(name=NAME, sniff=sniff, parse=parse_transaction, check=check, continuity=between, own_key=own_key)
