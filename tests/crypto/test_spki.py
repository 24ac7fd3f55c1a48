import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wattseal.base.errors import InputError
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.crypto.spki import read_spki

KEY = SigningKey.from_seed(Algorithm.ESP256, bytes(range(32)))


def test_every_spelling_of_a_public_key_gives_the_same_spki() -> None:
    spki = KEY.public.spki
    pem = serialization.load_der_public_key(spki).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for spelling in (spki, pem, base64.b64encode(spki), spki.hex().encode(), spki.hex().upper().encode(), KEY.to_pem()):
        assert read_spki(spelling) == spki


def test_a_private_sealing_key_gives_its_public_half() -> None:
    key = SealPrivateKey.from_seed(b"s" * 32)
    assert read_spki(key.to_pem()) == key.public.spki


def test_a_compressed_point_is_written_out_in_full() -> None:
    key = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    full = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    compressed = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point
    assert read_spki(compressed) == full


@pytest.mark.parametrize(
    "junk", [b"", b"hello", b"-----BEGIN PUBLIC KEY-----\nxx\n", b"\x30\x82", b"0" * 20_000, "ü".encode()]
)
def test_anything_else_is_refused_with_words(junk: bytes) -> None:
    with pytest.raises(InputError):
        read_spki(junk)
