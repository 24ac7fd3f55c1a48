"""Signed OCPP messages as a CSMS, or the simulated station, makes them: ES256, the certificate named by its hash."""

from dataclasses import dataclass
from functools import lru_cache

import msgspec

from wattseal.crypto.keys import SigningKey
from wattseal.evidence.ocpp_jws import ACTION, THUMBPRINT, TYPE, encode


@dataclass(frozen=True, slots=True)
class MessageSigner:
    """A P-256 key, the SHA-256 of the certificate (DER) that names it, and that certificate in PEM to hand out."""

    key: SigningKey
    thumbprint: bytes
    certificate: bytes = b""

    def sign(self, payload: bytes, action: str, type_id: int) -> bytes:
        """Return the flattened JWS that stands in place of `payload` in a message of this action and type."""
        protected, text = _protected(self.thumbprint, action, type_id), encode(payload)
        signature = encode(self.key.sign(f"{protected}.{text}".encode("ascii")))
        return b'{"protected":"%b","payload":"%b","signature":"%b"}' % (
            protected.encode("ascii"),
            text.encode("ascii"),
            signature.encode("ascii"),
        )


@lru_cache(maxsize=1024)
def _protected(thumbprint: bytes, action: str, type_id: int) -> str:
    """Return the protected header of every message of this action and type."""
    header = {"alg": "ES256", ACTION: action, TYPE: type_id, THUMBPRINT: encode(thumbprint)}
    return encode(msgspec.json.encode(header))
