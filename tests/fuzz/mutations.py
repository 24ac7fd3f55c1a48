"""Strategies that spoil good bytes: edits anywhere, with what parsers have choked on before."""

import copy
import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

NASTY = (
    b"NaN",
    b"-Infinity",
    b"1e999999999",
    b"9" * 5000,
    b"-0",
    b"0.1e-400",
    b'"\\u0000"',
    b'"\\ud800"',
    b'"\\ud83d\\ude00"',
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"]",
    b"}",
    b",",
    b"null",
    b"true",
    b'"\\"',
    b"\\",
    b"\xd8\x40",
    b"\x9f",
    b"\xbf",
    b"\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00",
    b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
)
NASTY_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**31,
    2**63,
    -(10**30),
    0.5,
    1e300,
    "",
    "not a date",
    "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:59+23:59",
    "0001-01-01T00:00:00+23:59",
    "x" * 100_000,
    "\u0000",
    "\U0001f600" * 50,
    [],
    {},
    [[[[[[]]]]]],
    ["Heartbeat"],
    {"vendorId": "wattseal", "items": ["!", 5, None]},
)


@st.composite
def spoilt(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Draw one of `seeds` with up to six edits: bytes flipped, cut, doubled, or something nasty put in."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 5)):
            case 0:
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                del data[at : at + draw(st.integers(1, 40))]
            case 2:
                data[at:at] = data[at : at + draw(st.integers(1, 200))]
            case 3:
                data[at : at + draw(st.integers(0, 8))] = draw(st.sampled_from(NASTY))
            case 4:
                data[at:at] = draw(st.binary(max_size=12))
            case _:
                other = draw(st.sampled_from(seeds))
                data[at:] = other[draw(st.integers(0, len(other))) :]
    return bytes(data)


@st.composite
def bent(draw: st.DrawFn, seeds: Sequence[Any]) -> bytes:
    """Draw one of the JSON values `seeds` with up to three of its values or keys replaced, as JSON text."""
    value = copy.deepcopy(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 3))):
        places = _places(value)
        if not places:
            break
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        action = draw(st.integers(0, 3))
        if action == 0:
            del holder[key]
        elif action == 1 and isinstance(holder, dict):
            name = draw(st.sampled_from(("", "customData", "vendorId", "\u0000", str(key).upper())))
            holder[name] = copy.deepcopy(holder[key])
        else:
            holder[key] = copy.deepcopy(draw(st.sampled_from(NASTY_VALUES)))
    return json.dumps(value, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) in `value`, the innermost included."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        keys = list(each) if isinstance(each, dict) else range(len(each)) if isinstance(each, list) else ()
        for key in keys:
            found.append((each, key))
            waiting.append(each[key])
    return found
