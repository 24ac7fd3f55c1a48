"""What is decided about a message is decided in one place."""

import pytest

from wattseal.flow.handle import HANDLERS
from wattseal.flow.tables import united
from wattseal.model.message import Told
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.message import Sender


def test_two_areas_that_decide_on_the_same_thing_are_a_defect() -> None:
    assert united({1: "a"}, {2: "b"}) == {1: "a", 2: "b"}
    with pytest.raises(ValueError, match="twice"):
        united({1: "a"}, {1: "b"})


def test_every_fact_that_a_station_may_tell_is_decided_on() -> None:
    told = [message for message in catalog.MESSAGES if message.may_come_from(Sender.STATION)]
    facts = {kind for message in told for kind in message.facts} - {Told}
    actions = {message.action for message in told if Told in message.facts}
    assert facts | actions <= HANDLERS.keys()


def test_everything_decided_on_can_be_told() -> None:
    facts = {kind for message in catalog.MESSAGES for kind in message.facts}
    actions = {message.action for message in catalog.MESSAGES if Told in message.facts}
    assert HANDLERS.keys() <= facts | actions
