"""The golden vectors of signed commands, as any other implementation would run them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from wattseal.base.canonical import canonical
from wattseal.base.errors import InputError
from wattseal.crypto.keys import PublicKey
from wattseal.parties.edge.commands import Refused, checked
from wattseal.parties.edge.state import Commands, EdgeState, Site
from wattseal.seal import command
from wattseal.seal.signed import parse
from wattseal.wire.ocpp import guard

VECTORS = Path(__file__).parents[2] / "docs/spec/vectors/command"
WORDS = {
    "payload": "not the one that was signed",
    "station": "another station",
    "action": "was signed",
    "before": "come before",
    "time": "its time",
    "longer": "longer than",
}


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text())["cases"]
    return found


def test_every_json_value_has_the_one_spelling_that_its_vector_says() -> None:
    told = {case["name"]: canonical(guard.parse(case["json"].encode())).decode() for case in cases("canonical")}
    assert told == {case["name"]: case["expect"] for case in cases("canonical")}
    assert len(told) >= 7


def test_commands_pass_or_are_refused_as_their_vectors_say() -> None:
    told = {case["name"]: outcome(case) for case in cases("commands")}
    assert told == {case["name"]: case["expect"] for case in cases("commands")}
    assert set(WORDS) < {expected for expected in told.values() if expected is not None}


def test_no_bit_of_a_statement_can_be_another() -> None:
    case = cases("commands")[0]
    data = bytes.fromhex(case["statement"])
    for at in range(len(data)):
        spoilt = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        assert outcome({**case, "statement": spoilt.hex()}) in {"signature", "unreadable"}, at


def outcome(case: dict[str, Any]) -> str | None:
    """Return why a case's command is refused, as a word of the vectors; None where it passes."""
    try:
        key = PublicKey.from_spki(bytes.fromhex(case["public_key"]))
        said = command.read(parse(bytes.fromhex(case["statement"])), key, case["log_origin"])
    except InputError:
        return "unreadable"
    if said is None:
        return "signature"
    used = tuple((bytes.fromhex(record), said.until_ms) for record in case["passed_before"])
    state = EdgeState(commands=Commands(required=True, used=used))
    payload = cast("dict[str, Any]", guard.parse(case["payload"].encode()))
    site = cast("Site", SimpleNamespace(origin=case["origin"]))
    found = checked(state, site, said, (case["action"], payload), case["now_ms"])
    if not isinstance(found, Refused):
        return None
    return next((word for word, text in WORDS.items() if text in found.why), found.why)
