"""Searching files for secrets: found in every spelling, and not where chance put a few digits."""

import base64
from pathlib import Path

import cbor2
import pytest

from wattseal.lab.means.leaks import find_leaks

CARD = "K7QZXW4M2NTB8C"


@pytest.mark.parametrize(
    "content",
    [
        b'{"meterStop":48213}',
        b"register 48.213 kWh",
        b"x" + cbor2.dumps([0, 48213]) + b"y",
        base64.b64encode(b"Wh 48213, "),
        base64.b64encode(b"stop 48213"),
        base64.b64encode(b'"stop":48213}'),
        b"48213".hex().encode(),
        "48213".encode("utf-16-le"),
    ],
)
def test_a_register_is_found_in_any_spelling(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert find_leaks(tmp_path, [48213], []) == ["48213 Wh in file"]


@pytest.mark.parametrize(
    "content",
    [b'"at":1795482130242', b"9f48213ab0", b"14821355 Wh", base64.b64encode(b"1482133024Z")],
)
def test_digits_amidst_a_time_or_a_hash_are_no_register(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert find_leaks(tmp_path, [48213], []) == []


@pytest.mark.parametrize("content", [CARD.encode(), CARD.lower().encode(), base64.b64encode(b"xy" + CARD.encode())])
def test_a_card_is_found_in_any_spelling(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(b"before " + content + b" after")
    assert find_leaks(tmp_path, [], [CARD]) == ["a token in file"]
