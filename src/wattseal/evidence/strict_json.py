"""JSON from signers, read strictly: one text, one meaning, bounded work.

Beyond RFC 8259: no duplicate keys, no NaN or Infinity, no lone surrogates or NUL, numbers exact (Decimal) and short,
depth limited before the parser runs. What passes here means the same to every honest parser.
"""

import json
import re
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

from wattseal.base.errors import InputError, LimitError

MAX_DEPTH = 8
MAX_NUMBER_CHARACTERS = 32
MAX_EXPONENT = 15
_BRACKETS_AND_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def parse_object(text: str, subject: str) -> dict[str, Any]:
    """Parse `text` as one JSON object; numbers become `Decimal`. Trouble is an `InputError` naming `subject`."""
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _limit_depth(text, subject)
    try:
        value = (_DECODER_OF_ESCAPES if "\\u" in text else _DECODER).decode(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{subject} is not JSON (character {error.pos})", code="bad_json", subject=subject) from error
    if not isinstance(value, dict):
        raise InputError(f"{subject} is not a JSON object", code="bad_json", subject=subject)
    return value


def _limit_depth(text: str, subject: str) -> None:
    depth = 0
    for match in _BRACKETS_AND_STRINGS.finditer(text):
        match match.group()[0]:
            case "{" | "[":
                depth += 1
                if depth > MAX_DEPTH:
                    raise LimitError(f"{subject} nests deeper than {MAX_DEPTH}", code="too_deep", subject=subject)
            case "}" | "]":
                depth -= 1
            case _:  # a string: brackets inside it do not nest
                continue


def _number(digits: str) -> Decimal:
    if len(digits) > MAX_NUMBER_CHARACTERS:
        raise LimitError("a number is longer than 32 characters", code="number_too_long", subject="number")
    with suppress(InvalidOperation):  # an exponent of more digits than a Decimal holds
        value = Decimal(digits)
        if -MAX_EXPONENT <= int(value.as_tuple().exponent) <= MAX_EXPONENT:
            return value
    raise LimitError("a number's exponent is beyond 15", code="number_too_long", subject="number")


def _no_constant(name: str) -> None:
    raise InputError(f"{name} is no JSON number", code="not_a_number", subject="number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise InputError("a key is written twice", code="duplicate_key", subject="key")
    return result


def _unique_and_clean(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Check strings too: only an escape can bring NUL or half a surrogate pair into decoded UTF-8."""
    for key, value in pairs:
        _check(key)
        _check(value)
    return _unique(pairs)


def _check(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _check(item)
    elif isinstance(value, str) and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value):
        raise InputError("a string holds NUL or half a surrogate pair", code="bad_character", subject="string")


_DECODER = json.JSONDecoder(
    parse_int=_number, parse_float=_number, parse_constant=_no_constant, object_pairs_hook=_unique
)
_DECODER_OF_ESCAPES = json.JSONDecoder(
    parse_int=_number, parse_float=_number, parse_constant=_no_constant, object_pairs_hook=_unique_and_clean
)
