"""Signed OCPP messages (2.x part 4, chapter 7): flattened JWS (RFC 7515, 7.2.2) around a message's payload.

The verdict is the signature's, under the keys enrolled for the sender. Order of the checks: the object reads; its
protected header reads and demands nothing unknown; the algorithm is one of three; payload and signature are in the one
base64url spelling; the header names the action and type of the message; a key is there; it is of the algorithm's kind;
the signature holds over the two texts as sent. Whatever a header says of keys (kid, jwk, jku, x5c, x5u) is not used.

Such a signature binds neither station, message id, time nor a counter: the same object can be sent again, by anybody.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from wattseal.base.errors import InputError, LimitError
from wattseal.crypto.message_keys import MessageAlgorithm, read_message_key
from wattseal.evidence.format import Checked, Format, Meaning
from wattseal.evidence.strict_json import parse_object
from wattseal.model.station import MessageCertificate
from wattseal.model.verdict import Verdict

NAME = "OCPP-JWS"
MAX_BYTES = 256 * 1024
MAX_HEADER_BYTES = 4096
MAX_HEADER_TEXT = -(-MAX_HEADER_BYTES * 4 // 3)
TYPE, TYPE_AS_BUILT = "OCPPMessageTypedId", "OCPPMessageTypeId"
"""The standard's text spells the first, implementations also the second: both are read, the text's is written."""
ACTION, THUMBPRINT = "OCPPAction", "x5t#S256"
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_LOOSE = str.maketrans("+/", "-_", "=\r\n ")


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """The three texts of a flattened JWS; `payload` is decoded also where it is not in the one right spelling.

    `unprotected` says that there is a header outside the signature as well.
    """

    protected: str
    payload_text: str
    signature: str
    payload: bytes
    unprotected: bool


@dataclass(frozen=True, slots=True)
class Header:
    """A protected header that demands nothing unknown; `type` is the message type id, None where it is not told."""

    algorithm: str
    action: str | None
    type: int | None
    thumbprint: str | None


def sniff(raw: bytes) -> bool:
    """Return whether `raw` starts like a JSON object that has a protected header."""
    return raw.lstrip(b" \t\r\n").startswith(b"{") and b'"protected"' in raw


def read(raw: bytes) -> SignedMessage:
    """Return the texts of a flattened JWS; `InputError` where it is none, or its payload is no base64 at all."""
    if len(raw) > MAX_BYTES:
        raise LimitError("a signed message is at most 256 KiB", code="too_large", subject="jws")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8", code="not_utf8", subject="jws") from error
    return from_object(parse_object(text, "jws"))


def from_object(fields: dict[str, Any]) -> SignedMessage:
    """Return the texts of a parsed flattened JWS; see `read`."""
    match fields:
        case {"protected": str(protected), "payload": str(payload), "signature": str(signature), **more} if (
            more.keys() <= {"header"}
        ):
            return SignedMessage(protected, payload, signature, _loosely(payload), bool(more))
    raise InputError("not a flattened JWS: protected, payload and signature", code="not_jws", subject="jws")


def read_header(message: SignedMessage) -> Header:
    """Return the protected header; `InputError` where it does not read or demands what is not understood."""
    if len(message.protected) > MAX_HEADER_TEXT:
        raise _not_base64url()
    return _header_in(message.protected)


@lru_cache(maxsize=1024)
def _header_in(protected: str) -> Header:
    """Return the header that a text spells; a sender's differ in the action alone."""
    data = decode(protected)
    if data is None:
        raise _not_base64url()
    try:
        fields = parse_object(data.decode("utf-8"), "protected")
    except UnicodeDecodeError as error:
        raise InputError("the protected header is not UTF-8", code="not_utf8", subject="protected") from error
    if "crit" in fields or "b64" in fields:
        raise InputError("the header demands an extension", code="extension_demanded", subject="protected")
    algorithm, action, thumbprint = fields.get("alg"), fields.get(ACTION), fields.get(THUMBPRINT)
    types = {_type(fields[name]) for name in (TYPE, TYPE_AS_BUILT) if name in fields}
    told = (algorithm, action, thumbprint)
    if len(types) > 1 or None in types or not all(text is None or isinstance(text, str) for text in told):
        raise InputError("a field of the header is of the wrong kind", code="field_type", subject="protected")
    return Header(algorithm or "", action, next(iter(types), None), thumbprint)


def _not_base64url() -> InputError:
    return InputError("the protected header is not base64url", code="header_encoding", subject="protected")


def _type(value: object) -> int | None:
    """Return a message type id, written as a number or as its text."""
    if isinstance(value, Decimal) and value in {2, 3, 4, 5, 6}:
        return int(value)
    return int(value) if isinstance(value, str) and value in {"2", "3", "4", "5", "6"} else None


def check(raw: bytes, keys: Sequence[bytes]) -> Checked:
    """Check one signed message under `keys` (SPKI), whatever its action; never raises."""
    try:
        message = read(raw)
    except InputError as error:
        return Checked(NAME, Verdict.UNREADABLE, error.code)
    return check_message(message, [MessageCertificate(b"", spki) for spki in keys])


def check_message(
    message: SignedMessage, enrolled: Sequence[MessageCertificate], action: str = "", type_id: int = 0
) -> Checked:
    """Check a message under the certificates enrolled for its sender; never raises.

    With `action` and `type_id` it must also have been signed for these. A thumbprint that no certificate has turns a
    mismatch into UNKNOWN_KEY: it may be a good signature under a key that nobody enrolled.
    """
    try:
        header = read_header(message)
    except InputError as error:
        refuted = error.code == "extension_demanded"
        return Checked(NAME, Verdict.INVALID if refuted else Verdict.UNREADABLE, error.code)
    told = header.action is not None and header.type is not None
    expected = not action or (header.action, header.type) == (action, type_id)
    signature = decode(message.signature)
    key = None
    if message.unprotected:
        reason = "header_unprotected"
    elif header.algorithm not in MessageAlgorithm.__members__:
        reason = "algorithm_unknown"
    elif not message.signature:
        reason = "signature_missing"
    elif signature is None or decode(message.payload_text) is None:
        reason = "signature_encoding"
    elif not told:
        reason = "message_not_named"
    elif not expected:
        reason = "another_message"
    else:
        signed = f"{message.protected}.{message.payload_text}".encode("ascii")
        reason, key = _under_any(enrolled, MessageAlgorithm(header.algorithm), signed, signature)
        if key is None and _names_another(header, enrolled):
            reason = "key_not_enrolled"
    return Checked(NAME, _VERDICTS.get(reason, Verdict.INVALID), reason, _NOTHING, key)


def _names_another(header: Header, enrolled: Sequence[MessageCertificate]) -> bool:
    """Return whether a header names a certificate, and none of those that are enrolled under a name."""
    named = {encode(certificate.thumbprint) for certificate in enrolled if certificate.thumbprint}
    return bool(named) and header.thumbprint is not None and header.thumbprint not in named


_VERDICTS = {
    "signature_valid": Verdict.VALID,
    "no_key": Verdict.UNKNOWN_KEY,
    "bad_key": Verdict.UNKNOWN_KEY,
    "key_not_enrolled": Verdict.UNKNOWN_KEY,
}
_NOTHING = Meaning("", "", "", (), (), None, ())
"""A message is no reading: what it says of energy counts as the station's word, signed or not."""


def _under_any(
    enrolled: Sequence[MessageCertificate], algorithm: MessageAlgorithm, signed: bytes, signature: bytes
) -> tuple[str, bytes | None]:
    """Try every key: one that verifies wins, then one that refutes, then why none could be used."""
    reasons = set()
    for certificate in enrolled:
        try:
            key = read_message_key(bytes(certificate.spki))
        except InputError:
            reasons.add("bad_key")
            continue
        if key.verify(signed, signature, algorithm):
            return "signature_valid", certificate.spki
        reasons.add("signature_mismatch" if key.fits(algorithm) else "key_kind_mismatch")
    refuted = (reason for reason in ("signature_mismatch", "key_kind_mismatch", "bad_key") if reason in reasons)
    return next(refuted, "no_key"), None


def parse_transaction(raws: Sequence[bytes]) -> Meaning:
    """Return that signed messages say nothing a meter would; one that does not read: `InputError`."""
    for raw in raws:
        read_header(read(raw))
    return _NOTHING


def decode(text: str) -> bytes | None:
    """Return the bytes of base64url without padding (RFC 7515, section 2); None for every other spelling."""
    rest = len(text) % 4
    if _BASE64URL.fullmatch(text) is None or rest == 1:
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-rest % 4))
    # Four characters spell three bytes in one way; only the rest has bits that spell nothing, and are zero.
    return data if not rest or encode(data[1 - rest :]) == text[-rest:] else None


def encode(data: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _loosely(text: str) -> bytes:
    """Return the bytes of any base64: a payload in another spelling is not signed for, but it is heard."""
    if (data := decode(text)) is not None:
        return data
    plain = text.translate(_LOOSE)
    try:
        if not plain.isascii():
            raise InputError("the payload is no base64", code="payload_encoding", subject="payload")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise InputError("the payload is no base64", code="payload_encoding", subject="payload") from error


FORMAT = Format(name=NAME, sniff=sniff, parse=parse_transaction, check=check)
