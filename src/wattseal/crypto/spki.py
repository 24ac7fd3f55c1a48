"""Reading public keys as people hand them over: PEM, DER, base64 or hex of a SubjectPublicKeyInfo."""

import base64

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from wattseal.base.errors import InputError

MAX_KEY_BYTES = 16 * 1024


def read_spki(data: bytes) -> bytes:
    """Return the DER SPKI with an uncompressed point; of a private key's PEM the public half; else `InputError`."""
    if len(data) > MAX_KEY_BYTES:
        raise InputError("too long for a key", code="bad_key", subject="size")
    text = data.strip()
    try:
        if text.startswith(b"-----BEGIN") and b"PRIVATE KEY" in text:
            key = serialization.load_pem_private_key(text, None).public_key()
        elif text.startswith(b"-----BEGIN"):
            key = serialization.load_pem_public_key(text)
        else:
            key = serialization.load_der_public_key(data if data[:1] == b"\x30" else _unarmour(text))
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            "give a public key as PEM, or as DER, base64 or hex of its SubjectPublicKeyInfo", code="bad_key"
        ) from error


def _unarmour(text: bytes) -> bytes:
    compact = b"".join(text.split())
    try:
        return bytes.fromhex(compact.decode("ascii"))
    except ValueError:
        return base64.b64decode(compact, validate=True)
