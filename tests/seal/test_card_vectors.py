"""The golden vectors of cards that prove themselves, as any other implementation would run them."""

import json
from pathlib import Path
from typing import Any

import pytest
from tools.make_card_vectors import cases

from wattseal.model.token import IdToken
from wattseal.rules.recorded import read_item
from wattseal.seal.card import NOT_PROVED, OF_ANOTHER, STALE, Challenge, check_proof, read_proof
from wattseal.seal.item import parse_item

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "docs/spec/vectors/record/cards.json").read_text()
)["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_request_proves_its_card_or_not_as_its_vector_says(case: dict[str, Any]) -> None:
    request, spki = parse_item(bytes.fromhex(case["item"])), bytes.fromhex(case["card_key"])
    identity = read_item(request).identity
    assert identity is not None
    said = check_proof(request, identity, case["evse_id"], case["log_origin"], spki)
    assert (said or "proved") == case["expect"]
    if "challenge" in case:
        proof, payload, log_origin = read_proof(identity), request.payload, case["log_origin"]
        assert proof is not None
        place = (log_origin, payload.origin, payload.stream, payload.prev, payload.subject or b"")
        token = IdToken(identity.id_token, identity.type)
        asked = Challenge(*place, case["evse_id"], proof.nonce, proof.made_ms, token)
        assert (asked.message(spki).hex(), proof.reference.hex()) == (case["challenge"], case["reference"])


def test_the_vectors_are_those_that_the_generator_writes() -> None:
    assert list(cases()) == CASES
    assert {case["expect"] for case in CASES} == {"proved", NOT_PROVED, STALE, OF_ANOTHER}
