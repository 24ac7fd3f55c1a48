"""Foreign meters' keys and signatures."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import examples

from wattseal.base.errors import InputError
from wattseal.crypto.curves import (
    SECP256K1_ORDER,
    Curve,
    HashName,
    KeyUnusableError,
    key_bytes,
    parse_public_key,
    read_der_signature,
)

CURVES: dict[Curve, ec.EllipticCurve] = {
    Curve.SECP192R1: ec.SECP192R1(),
    Curve.SECP256K1: ec.SECP256K1(),
    Curve.SECP256R1: ec.SECP256R1(),
    Curve.SECP384R1: ec.SECP384R1(),
    Curve.BRAINPOOL256R1: ec.BrainpoolP256R1(),
    Curve.BRAINPOOL384R1: ec.BrainpoolP384R1(),
}
PRIVATE = {curve: ec.derive_private_key(12345678901, parameters) for curve, parameters in CURVES.items()}
HASHES = {HashName.SHA256: hashes.SHA256(), HashName.SHA384: hashes.SHA384(), HashName.SHA512: hashes.SHA512()}
DER, SPKI = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
X962, POINT = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint


def spki(curve: Curve) -> bytes:
    return PRIVATE[curve].public_key().public_bytes(DER, SPKI)


@pytest.mark.parametrize("hash_name", HashName)
@pytest.mark.parametrize("curve", CURVES)
def test_signature_verifies_on_its_curve_and_hash_and_on_no_other_message(curve: Curve, hash_name: HashName) -> None:
    key = parse_public_key(spki(curve))
    signature = PRIVATE[curve].sign(b"12345 Wh", ec.ECDSA(HASHES[hash_name]))
    assert key.curve is curve
    assert key.verify(b"12345 Wh", signature, hash_name)
    assert not key.verify(b"12344 Wh", signature, hash_name)
    other = HashName.SHA512 if hash_name is not HashName.SHA512 else HashName.SHA256
    assert not key.verify(b"12345 Wh", signature, other)


@given(st.binary(max_size=64))
@settings(max_examples=examples(50))
def test_two_libraries_agree_on_secp256k1_high_s_included(message: bytes) -> None:
    private = PRIVATE[Curve.SECP256K1]
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))
    key = parse_public_key(spki(Curve.SECP256K1))
    for twin in (s, SECP256K1_ORDER - s):
        signature = encode_dss_signature(r, twin)
        private.public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))
        assert key.verify(message, signature)
    for bad in ((r, SECP256K1_ORDER), (SECP256K1_ORDER, s), (r, s ^ 1), (r + SECP256K1_ORDER, s)):
        assert not key.verify(message, encode_dss_signature(*bad))


@pytest.mark.parametrize("curve", CURVES)
def test_bare_points_are_read_on_the_signature_s_curve_only(curve: Curve) -> None:
    point = PRIVATE[curve].public_key().public_bytes(X962, POINT)
    for bare in (point, point[1:]):
        assert parse_public_key(bare, curve) == parse_public_key(spki(curve))
        with pytest.raises(KeyUnusableError):
            parse_public_key(bare)
    with pytest.raises(KeyUnusableError):
        parse_public_key(point[:-1] + bytes([point[-1] ^ 1]), curve)
    with pytest.raises(KeyUnusableError):
        parse_public_key(point, next(other for other in CURVES if other is not curve))


def test_keys_that_are_not_canonical_uncompressed_ecdsa_spki_are_refused() -> None:
    good = spki(Curve.SECP256R1)
    public = PRIVATE[Curve.SECP256R1].public_key()
    compressed_point = public.public_bytes(X962, serialization.PublicFormat.CompressedPoint)
    for bad in (
        good + b"\0",
        good[:-1],
        good[:-1] + bytes([good[-1] ^ 1]),
        ed25519.Ed25519PrivateKey.from_private_bytes(b"e" * 32).public_key().public_bytes(DER, SPKI),
        ec.derive_private_key(7, ec.SECP224R1()).public_key().public_bytes(DER, SPKI),
        compressed_point,
        b"",
        b"0" * 600,
    ):
        with pytest.raises(KeyUnusableError):
            parse_public_key(bad)


def test_secp192k1_is_said_to_be_unsupported() -> None:
    head = bytes.fromhex("3046301006072A8648CE3D020106052B8104001F03320004")
    with pytest.raises(KeyUnusableError) as caught:
        parse_public_key(head + bytes(range(48)))
    assert caught.value.code == "curve_unsupported"


def test_der_is_strict() -> None:
    good = encode_dss_signature(5, 7)
    assert read_der_signature(good) == (5, 7)
    padded = bytes.fromhex("30070202000502 0107".replace(" ", ""))
    negative = bytes.fromhex("3006020185020107")
    for bad in (b"", good + b"\0", good[:-1], padded, negative, encode_dss_signature(0, 7), bytes(64)):
        assert read_der_signature(bad) is None


def test_key_text_is_hex_base64_pem_or_the_ocpp_form() -> None:
    good = spki(Curve.SECP256R1)
    pem = PRIVATE[Curve.SECP256R1].public_key().public_bytes(serialization.Encoding.PEM, SPKI).decode()
    oca = base64.b64encode(b"oca:base16:asn1:" + good.hex().encode()).decode()
    for text in (good.hex(), good.hex(" ").upper(), base64.b64encode(good).decode(), pem, oca):
        assert key_bytes(text) == good
    for text in ("", "xyz!", "${jndi:ldap://127.0.0.1}", "é", "abc", "A" * 9999):
        with pytest.raises(InputError) as caught:
            key_bytes(text)
        assert "jndi" not in str(caught.value)
