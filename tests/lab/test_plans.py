"""What a man in the middle can do with frames: each plan alone, and joined."""

import json
from collections.abc import Iterable
from typing import Any

from wattseal.lab.means.plans import (
    Plan,
    Sent,
    altering,
    black_hole,
    calls,
    delayed,
    duplicated,
    field_set,
    gray_hole,
    joined,
    listening,
    pass_on,
    reordered,
    replayed,
)


def through(plan: Plan, frames: Iterable[str]) -> list[str]:
    return [sent.frame for frame in frames for sent in plan(frame)]


def call(action: str, payload: dict[str, Any], number: str = "1") -> str:
    return json.dumps([2, number, action, payload], separators=(",", ":"))


def test_one_in_three_is_swallowed_and_the_others_pass() -> None:
    assert through(gray_hole(3), "abcdefg") == ["b", "c", "e", "f"]
    assert through(gray_hole(1), "abc") == []


def test_only_what_is_wanted_is_swallowed() -> None:
    stop, beat = call("StopTransaction", {}), call("Heartbeat", {})
    assert through(gray_hole(1, calls("StopTransaction")), [beat, stop, "nonsense", beat]) == [beat, "nonsense", beat]


def test_a_black_hole_begins_when_it_is_told_to() -> None:
    begun = False
    plan = black_hole(lambda: begun)
    assert through(plan, "ab") == ["a", "b"]
    begun = True
    assert through(plan, "cd") == []


def test_frames_are_held_and_sent_on_backwards() -> None:
    assert through(reordered(3), "abcdefg") == ["c", "b", "a", "f", "e", "d"]


def test_frames_come_twice_or_later_or_again() -> None:
    assert through(duplicated(), "ab") == ["a", "a", "b", "b"]
    assert list(delayed(2.5)("a")) == [Sent("a", 2.5)]
    stop = call("StopTransaction", {"meterStop": 1})
    first, again = replayed(60, message_id="9")(stop)
    assert (first, again.after_s) == (Sent(stop), 60)
    assert json.loads(again.frame) == [2, "9", "StopTransaction", {"meterStop": 1}]


def test_any_field_is_set_where_it_is_and_nothing_else_is_touched() -> None:
    lower = altering(field_set("StopTransaction", ["meterStop"], 7))
    deep = altering(field_set("MeterValues", ["meterValue", 0, "sampledValue", 0, "value"], "7"))
    stop = call("StopTransaction", {"meterStop": 5000, "transactionId": 3})
    values = call("MeterValues", {"meterValue": [{"sampledValue": [{"value": "5000"}]}]})
    assert json.loads(through(lower, [stop])[0])[3] == {"meterStop": 7, "transactionId": 3}
    assert json.loads(through(deep, [values])[0])[3]["meterValue"][0]["sampledValue"][0]["value"] == "7"
    for other in (values, call("StopTransaction", {}), '[3,"1",{}]', "nonsense", "[]"):
        assert through(lower, [other]) == [other]


def test_plans_are_joined_in_their_order_and_delays_add_up() -> None:
    heard: list[str] = []
    plan = joined(listening(heard), gray_hole(2), duplicated(), delayed(1), delayed(2))
    assert [sent for frame in "abcd" for sent in plan(frame)] == [Sent(f, 3) for f in "bbdd"]
    assert heard == list("abcd")
    assert through(joined(), "ab") == through(pass_on, "ab") == ["a", "b"]
