"""Messages kept as structs of the model: what was understood of one is spelled again, and understood the same."""

import json
from datetime import UTC, datetime

import jsonschema_rs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import Raw, Struct
from tests.support.examples import examples
from tests.wire import ocpp_payloads

from wattseal.model.message import Answer, Command, Fact
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.message import Sender
from wattseal.wire.ocpp.rpc import Call, CallResult
from wattseal.wire.ocpp.version import Refusal, Version

NOW = datetime(2024, 5, 1, 10, 0, tzinfo=UTC)
MODELS = {
    f"wattseal.model.{name}" for name in ("customer", "device", "display", "firmware", "logs", "monitoring", "security")
}
TYPED = [
    pytest.param(version, message.action, id=f"{version}-{message.action}")
    for message in catalog.MESSAGES
    for version in message.requests
    if all(issubclass(kind, Struct) and kind.__module__ in MODELS for kind in message.facts)
]


def understood(version: Version, action: str, payload: bytes) -> Fact | Command | Refusal:
    found = catalog.find(version, action)
    assert found is not None
    if found.sender is Sender.CSMS:
        return catalog.read_command(version, action, payload)
    lifted = catalog.lift(version, Call("1", action, Raw(payload), payload, NOW))
    if isinstance(lifted, Refusal):
        return lifted
    fact: Fact = lifted.fact
    return fact


def heard(version: Version, action: str, payload: bytes) -> Answer | Refusal:
    return catalog.hear(version, CallResult("1", action, Raw(payload), payload, NOW))


def check(version: Version, action: str, side: str, payload: bytes) -> None:
    schema = ocpp_payloads.schemas()[version, action, side]
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(json.loads(payload))


@pytest.mark.parametrize(("version", "action"), TYPED)
@settings(max_examples=examples(15), phases=[Phase.generate])
@given(st.data())
def test_what_was_understood_is_spelled_again(version: Version, action: str, data: st.DataObject) -> None:
    drawn = data.draw(ocpp_payloads.payloads(ocpp_payloads.schemas()[version, action, "Request"]))
    fact = understood(version, action, json.dumps(drawn).encode())
    if isinstance(fact, Refusal):
        return
    spelled, payload = catalog.ask(version, fact)
    check(version, action, "Request", payload)
    assert spelled == action
    assert understood(version, action, payload) == fact


@pytest.mark.parametrize(("version", "action"), TYPED)
@settings(max_examples=examples(15), phases=[Phase.generate])
@given(st.data())
def test_an_answer_is_spelled_again(version: Version, action: str, data: st.DataObject) -> None:
    schema = ocpp_payloads.schemas().get((version, action, "Response"))
    if schema is None:
        return
    answer = heard(version, action, json.dumps(data.draw(ocpp_payloads.payloads(schema))).encode())
    if isinstance(answer, Refusal):
        return
    payload = catalog.lower(version, action, answer)
    check(version, action, "Response", payload)
    assert heard(version, action, payload) == answer
