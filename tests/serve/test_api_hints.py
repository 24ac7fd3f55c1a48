"""A body that does not fit is refused with what would have: the fields there are, the words of a list."""

import enum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from wattseal.serve.api.hints import hint


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Part(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    shade: Colour = Colour.RED
    wanted_at: Literal["now", "later"] = "now"
    size: Annotated[int, Meta(ge=0)] = 0


class Body(msgspec.Struct, forbid_unknown_fields=True):
    part: Part | None = None
    parts: Annotated[tuple[Part, ...], Meta(max_length=3)] = ()
    named: dict[str, Part] = {}


def refused(told: dict[str, Any]) -> str:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(told, Body)
    text, _, place = str(error.value).partition(" - at `$")
    return hint(Body, text, place.strip("`."))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"colour": 1}, "; known here: named, part, parts"),
        ({"part": {"hue": 1}}, "; known here: shade, size, wantedAt"),
        ({"parts": [{}, {"hue": 1}]}, "; known here: shade, size, wantedAt"),
        ({"part": {"shade": "grey"}}, "; one of: blue, red"),
        ({"parts": [{"shade": "grey"}]}, "; one of: blue, red"),
        ({"part": {"wantedAt": "never"}}, "; one of: later, now"),
    ],
)
def test_what_is_known_at_a_place_is_named(told: dict[str, Any], said: str) -> None:
    assert refused(told).endswith(said)


@pytest.mark.parametrize("told", [{"part": {"size": -1}}, {"part": 3}, {"named": {"a": {"size": "x"}}}])
def test_where_nothing_more_is_known_the_text_stays(told: dict[str, Any]) -> None:
    assert ";" not in refused(told)
    assert hint(None, "Object contains unknown field `x`", "") == "Object contains unknown field `x`"
