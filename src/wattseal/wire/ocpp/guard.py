r"""Defensive JSON: what stands between a socket and a message type.

The fast way is two passes in C: decode into the generated type, encode it again, and compare the number of quotation
marks. A generated type drops nothing but the earlier one of two equal keys, so equal numbers mean that no key came
twice. Everything unusual (a backslash, an integer spelled `16.0`, any failure) takes the slow way, which reads every
token and names the fault.

Refused: duplicate keys, NaN and infinities, lone surrogates, `\u0000`, invalid UTF-8, nesting beyond `MAX_DEPTH`,
numbers longer than `MAX_NUMBER_LENGTH`, frames beyond the connection's size limit.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import TypeVar

import msgspec

from wattseal.base.errors import InputError
from wattseal.wire.ocpp.values import ENCODER
from wattseal.wire.ocpp.version import Fault, Refusal

MAX_FRAME_BYTES = 128 * 1024
MAX_DEPTH = 64
MAX_NUMBER_LENGTH = 40
MAX_TEXT = 255
T = TypeVar("T")

_QUOTE, _BACKSLASH = b'"\\'
_encode = ENCODER.encode
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(r"[\[\]{}]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_UNPRINTABLE = re.compile(r"[^ -~]")
_FAULTS = (
    (re.compile(r"unknown field"), Fault.MALFORMED),
    (re.compile(r"missing required field|`array` of"), Fault.COUNT),
    (re.compile(r"^Expected `object`, got `\w+`$"), Fault.STRUCTURE),
    (re.compile(r"of length|enum value|>=|<=|RFC3339|that is|matching regex|nesting|out of range"), Fault.VALUE),
    (re.compile(r"Expected "), Fault.TYPE),
)


class NotJsonError(InputError):
    """The bytes are not the strict JSON that is taken here; the text says why."""

    code = "not_json"


def decode(decoder: msgspec.json.Decoder[T], payload: bytes | msgspec.Raw, frame: bytes, strings: int) -> T | Refusal:
    """Decode and validate `payload`, or say why not. Numbers stay exact, nothing unknown passes unseen.

    `frame` is the bytes that hold `payload` and beside it exactly `strings` strings.
    """
    if _BACKSLASH not in frame:
        try:
            value = decoder.decode(payload)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return _decode_slowly(decoder, bytes(payload))
        quotes = frame.count(_QUOTE) - 2 * strings
        if not quotes or quotes == _encode(value).count(_QUOTE):  # where there is no string there is no key
            return value
    return _decode_slowly(decoder, bytes(payload))


def _decode_slowly(decoder: msgspec.json.Decoder[T], payload: bytes) -> T | Refusal:
    """Decode `payload` token by token: accept what only looked odd, name what is wrong."""
    try:
        plain = parse(payload)
    except NotJsonError as problem:
        return Refusal(Fault.MALFORMED, explain(str(problem)))
    try:
        normal = ENCODER.encode(plain)
        value = decoder.decode(normal)
    except msgspec.ValidationError:
        try:
            normal = ENCODER.encode(whole(plain))
            value = decoder.decode(normal)
        except msgspec.ValidationError as problem:
            return refusal(problem)
    if normal.count(b'"') != ENCODER.encode(value).count(b'"'):
        return Refusal(Fault.TYPE, "a number is written as a string")
    return value


def refusal(problem: msgspec.ValidationError) -> Refusal:
    """Return the fault that a validation error means."""
    text = str(problem)
    fault = next((fault for pattern, fault in _FAULTS if pattern.search(text)), Fault.TYPE)
    return Refusal(fault, explain(re.sub(r" (['\"]).*\1", "", text, flags=re.DOTALL)))


def explain(text: str) -> str:
    """Return `text` cut and cleaned for a CALLERROR description."""
    return _UNPRINTABLE.sub("?", text)[:MAX_TEXT]


def parse(data: bytes) -> object:
    """Parse strict JSON into dict, list, str, int, Decimal, bool and None; raises `NotJsonError`."""
    try:
        text = data.decode("utf-8")
        if _depth(text) > MAX_DEPTH:
            raise NotJsonError(f"nesting deeper than {MAX_DEPTH}", subject="json")
        value: object = json.loads(
            text, object_pairs_hook=_object, parse_float=_number, parse_int=_integer, parse_constant=_constant
        )
    except ValueError as problem:
        raise NotJsonError("malformed JSON or UTF-8", subject="json") from problem
    for string in _strings(value):
        if "\0" in string or _SURROGATE.search(string):
            raise NotJsonError("a string holds NUL or half a surrogate pair", subject="json")
    return value


def _depth(text: str) -> int:
    """Return how deep brackets nest outside strings."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotJsonError("a key comes twice in one object", subject="json")
    return value


def _number(token: str) -> Decimal:
    if len(token) > MAX_NUMBER_LENGTH:
        raise NotJsonError(f"a number is longer than {MAX_NUMBER_LENGTH} characters", subject="json")
    return Decimal(token)


def _integer(token: str) -> int:
    if len(token) > MAX_NUMBER_LENGTH:
        raise NotJsonError(f"a number is longer than {MAX_NUMBER_LENGTH} characters", subject="json")
    return int(token)


def _constant(token: str) -> object:
    raise NotJsonError(f"{token} is not a JSON value", subject="json")


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, child in value.items():
                yield key
                yield from _strings(child)
        case list():
            for child in value:
                yield from _strings(child)


def whole(value: object) -> object:
    """Return `value` with every number that is whole, such as 16.0, as an int: JSON Schema calls it an integer."""
    match value:
        case Decimal() if abs(value.adjusted()) <= MAX_NUMBER_LENGTH and value == value.to_integral_value():
            return int(value)
        case dict():
            return {key: whole(child) for key, child in value.items()}
        case list():
            return [whole(child) for child in value]
        case _:
            return value
