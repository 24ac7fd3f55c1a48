from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from wattseal.crypto.keys import Algorithm, SigningKey


def test_the_first_vector_of_rfc_8032() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = SigningKey.from_seed(Algorithm.ED25519, seed)
    assert key.public.spki[-32:].hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert key.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe"
        "24655141438e7a100b"
    )


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=400))
def test_two_libraries_sign_the_same(seed: bytes, message: bytes) -> None:
    key = SigningKey.from_seed(Algorithm.ED25519, seed)
    assert key.sign(message) == Ed25519PrivateKey.from_private_bytes(seed).sign(message)
    assert SigningKey.from_pem(key.to_pem()).sign(message) == key.sign(message)


def test_neither_repr_nor_error_shows_a_private_key() -> None:
    for algorithm in Algorithm:
        key = SigningKey.from_seed(algorithm, b"\x5a" * 32)
        assert "5a5a" not in repr(key)
        assert "ZZZ" not in repr(key)
