"""The golden vectors of app codes, as any other implementation would run them; and the generator still writes them."""

import json
from pathlib import Path
from typing import Any

import pytest
from tools.make_code_vectors import cases

from wattseal.rules.app_codes import Verifier, fault_of
from wattseal.seal.app_code import AppCodeError, read_text
from wattseal.seal.registry import Entry, Registry, Role, Use

VECTORS = Path(__file__).parents[2] / "docs/spec/vectors/code/codes.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_code_is_good_or_refused_as_its_vector_says(case: dict[str, Any]) -> None:
    told, by = case["shown"], case["enrolled"]
    spki = bytes.fromhex(by["public_key"])
    registry = Registry({})
    role, revoked = Role[by["role"].upper()], by.get("revoked_ms")
    registry.trust(Entry(1, by["origin"], role, by["party"], by["party"], spki, Use.SIGN, 0, revoked))
    try:
        shown = read_text(case["text"])
    except AppCodeError:
        assert case["expect"] == "malformed"
        return
    at = Verifier(told["cpo"], registry, told["now_s"] * 1000)
    assert (fault_of(shown, at, told["station_id"], told["evse_id"]) or "good") == case["expect"]
    if case["expect"] == "good":
        assert shown.code.reference.hex() == case["reference"]


def test_the_vectors_are_those_that_the_generator_writes() -> None:
    assert list(cases()) == CASES
    assert {case["expect"] for case in CASES} > {"good", "malformed", "expired", "other_place", "signature_invalid"}
