"""Keys of logs and witnesses: C2SP signed-note vkeys, and private keys in the matching `PRIVATE+KEY+` text form."""

from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from hashlib import sha256
from typing import Self, assert_never

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError

from wattseal.base.errors import InputError
from wattseal.log.text import check_key_name, decode_base64, encode_base64

ED25519_SIZE = 64
TIMESTAMP_SIZE = 8
_PRIVATE = "PRIVATE+KEY+"
_MAX_VKEY = 4096


class SignatureType(IntEnum):
    """Signature type bytes of signed-note that this product makes and checks.

    ML-DSA-44 (0x06) is the next one: add it here and in the two `match` statements below. Until then its lines are
    carried and ignored as those of an unknown key.
    """

    ED25519 = 0x01
    COSIGNATURE_ED25519 = 0x04


def cosigned_message(text: bytes, time_s: int) -> bytes:
    """Return what a cosignature/v1 signs: header line, time line, the whole note text (tlog-cosignature)."""
    return b"cosignature/v1\ntime %d\n" % time_s + text


def _key_id(name: str, kind: SignatureType, public_key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:4]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key as others are told it; `str()` gives the vkey `NAME+ID+BASE64`. Name and id select it in a note."""

    name: str
    kind: SignatureType
    public_key: bytes
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.public_key) != 32 or not crypto_core_ed25519_is_valid_point(self.public_key):
            raise InputError("not an Ed25519 public key", code="bad_vkey", subject=self.name)
        object.__setattr__(self, "key_id", _key_id(self.name, self.kind, self.public_key))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a vkey; a wrong id, an unsupported type or a weak key is an `InputError`."""
        parts = text.split("+", 2)
        if len(parts) != 3 or len(text) > _MAX_VKEY:
            raise InputError("a vkey is NAME+ID+KEY", code="bad_vkey", subject=text[:80])
        name, key_id, encoded = parts
        key = cls(name, *_key_data(encoded, name))
        if key.key_id.hex() != key_id:
            raise InputError(f"the id {key_id} is not this key's", code="bad_vkey", subject=name)
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.kind]) + self.public_key)}"

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Tell whether `signature` (without the key id) is this key's over the note text."""
        match self.kind:
            case SignatureType.ED25519:
                return _verifies(self.public_key, text, signature)
            case SignatureType.COSIGNATURE_ED25519:
                stamp, rest = signature[:TIMESTAMP_SIZE], signature[TIMESTAMP_SIZE:]
                time_s = int.from_bytes(stamp, "big")
                return time_s < 2**63 and _verifies(self.public_key, cosigned_message(text, time_s), rest)
            case _ as never:
                assert_never(never)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of a log (`ED25519`) or a witness (`COSIGNATURE_ED25519`). Its seed never shows in `repr`."""

    name: str
    kind: SignatureType
    seed: bytes = field(repr=False)
    verifier: VerifierKey = field(init=False)
    _private: Ed25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.seed) != 32:
            raise InputError("an Ed25519 seed is 32 bytes long", code="bad_skey", subject=self.name)
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        object.__setattr__(self, "_private", private)
        object.__setattr__(self, "verifier", VerifierKey(self.name, self.kind, private.public_key().public_bytes_raw()))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `PRIVATE+KEY+NAME+ID+KEY`; errors never quote the secret part."""
        parts = text.strip().removeprefix(_PRIVATE).split("+", 2)
        if not text.startswith(_PRIVATE) or len(parts) != 3 or len(text) > _MAX_VKEY:
            raise InputError("a private key is PRIVATE+KEY+NAME+ID+KEY", code="bad_skey")
        key = cls(parts[0], *_key_data(parts[2], parts[0]))
        if key.verifier.key_id.hex() != parts[1]:
            raise InputError(f"the id {parts[1][:16]} is not this key's", code="bad_skey", subject=parts[0])
        return key

    @classmethod
    def from_pem(cls, name: str, kind: SignatureType, pem: bytes) -> Self:
        """Take an Ed25519 key out of an unencrypted PKCS#8 PEM file, which knows neither name nor kind."""
        try:
            private = load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise InputError("not an unencrypted PKCS#8 private key", code="bad_skey", subject=name) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise InputError("logs and witnesses have Ed25519 keys", code="bad_skey", subject=name)
        return cls(name, kind, private.private_bytes_raw())

    def to_pem(self) -> bytes:
        """Return the key as unencrypted PKCS#8 PEM, for a file only its owner may read."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def encode(self) -> str:
        """Return the text form that `parse` reads. It is the secret itself: mode 0600, never logged."""
        data = encode_base64(bytes([self.kind]) + self.seed)
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{data}"

    def sign(self, text: bytes) -> bytes:
        """Return a note signature of a log key over the note text (type 0x01)."""
        if self.kind is not SignatureType.ED25519:
            raise InputError("a witness key cosigns only", code="wrong_key_type", subject=self.name)
        return self._private.sign(text)

    def cosign(self, text: bytes, time_s: int) -> bytes:
        """Return a timestamped cosignature over a checkpoint's note text (type 0x04); `time_s` is POSIX, above 0."""
        if self.kind is not SignatureType.COSIGNATURE_ED25519:
            raise InputError("a log key does not cosign", code="wrong_key_type", subject=self.name)
        if not 0 < time_s < 2**63:
            raise InputError("a cosignature needs a POSIX time", code="bad_time", subject=str(time_s))
        return time_s.to_bytes(TIMESTAMP_SIZE, "big") + self._private.sign(cosigned_message(text, time_s))


@lru_cache(maxsize=1024)
def _verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Verify once what is shown in bundle after bundle: the same checkpoint with the same cosignatures."""
    if len(signature) != ED25519_SIZE:
        return False
    try:
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        return False
    return True


def _key_data(encoded: str, name: str) -> tuple[SignatureType, bytes]:
    data = decode_base64(encoded, "key")
    try:
        kind = SignatureType(data[0])
    except (IndexError, ValueError) as error:
        raise InputError("unsupported signature type", code="unsupported_signature_type", subject=name) from error
    return kind, data[1:]
