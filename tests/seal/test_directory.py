from itertools import count
from typing import Any

import pytest

from wattseal.crypto.hashes import sha256
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.model.token import IdToken
from wattseal.seal.dcbor import CborError
from wattseal.seal.directory import DirectoryTerms, issue_directory, open_directory

ISSUER = SigningKey.from_seed(Algorithm.ED25519, bytes(range(32)))
STRANGER = SigningKey.from_seed(Algorithm.ED25519, bytes(32))
EDGE = SealPrivateKey.from_seed(b"e" * 32)
OTHER_EDGE = SealPrivateKey.from_seed(b"o" * 32)
TERMS = DirectoryTerms("MSP", "CPO/CS001", 1_000, 2_000, 30_000)
TOKENS = [IdToken("04A1B2C3D4E5F6", "ISO14443"), IdToken("fleet-7", "Central")]


def stream(seed: bytes = b"s") -> Any:
    numbers = count()

    def draw(n: int) -> bytes:
        out = b""
        while len(out) < n:
            out += sha256(seed + next(numbers).to_bytes(8))
        return out[:n]

    return draw


def directory_bytes(tokens: list[IdToken] = TOKENS) -> bytes:
    return issue_directory(TERMS, tokens, EDGE.public, ISSUER, stream()).encode()


def test_an_edge_knows_the_customers_of_its_directory_and_nobody_else() -> None:
    directory = open_directory(directory_bytes(), "CPO/CS001", ISSUER.public, EDGE)
    assert directory is not None
    assert directory.terms == TERMS
    assert all(directory.has(token) for token in TOKENS)
    assert directory.has(IdToken(" 04a1b2c3d4e5f6 ", "Central"))
    assert not directory.has(IdToken("04A1B2C3D4E5F7", "ISO14443"))


def test_a_directory_is_in_force_only_between_its_two_times() -> None:
    directory = open_directory(directory_bytes(), "CPO/CS001", ISSUER.public, EDGE)
    assert directory is not None
    assert [directory.usable_at(ms) for ms in (999, 1_000, 1_999, 2_000)] == [False, True, True, False]


def test_another_edge_cannot_open_it_and_another_station_gets_none_of_it() -> None:
    data = directory_bytes()
    assert open_directory(data, "CPO/CS001", ISSUER.public, OTHER_EDGE) is None
    assert open_directory(data, "CPO/CS002", ISSUER.public, EDGE) is None


def test_nobody_but_the_emsp_makes_a_directory() -> None:
    forged = issue_directory(TERMS, TOKENS, EDGE.public, STRANGER, stream()).encode()
    assert open_directory(forged, "CPO/CS001", ISSUER.public, EDGE) is None


def test_a_flipped_bit_anywhere_is_refused() -> None:
    data = directory_bytes()
    for position in range(0, len(data), 7):
        mutant = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        try:
            assert open_directory(mutant, "CPO/CS001", ISSUER.public, EDGE) is None
        except CborError:
            continue


def test_the_size_tells_no_number_of_customers_below_a_power_of_two() -> None:
    many = [IdToken(f"T{n}", "Central") for n in range(60)]
    assert len(directory_bytes(many)) == len(directory_bytes([]))


def test_an_empty_directory_lets_nobody_charge() -> None:
    directory = open_directory(directory_bytes([]), "CPO/CS001", ISSUER.public, EDGE)
    assert directory is not None
    assert not directory.has(TOKENS[0])


def test_the_forwarder_sees_no_token_in_it() -> None:
    data = directory_bytes()
    assert not any(token.value.encode() in data for token in TOKENS)


def test_a_truncated_file_says_so() -> None:
    with pytest.raises(CborError):
        open_directory(directory_bytes()[:-1], "CPO/CS001", ISSUER.public, EDGE)
