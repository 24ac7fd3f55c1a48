"""One spelling of every JSON value, to be hashed by two who have it from different hands (RFC 8785).

Members are sorted by the UTF-16 units of their names, there is no white space, and strings escape only what they must.
Numbers are written as RFC 8785 writes them, but from their exact decimal value: where a number has more digits than a
double holds, all of them stay.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

LARGEST_PLAIN, SMALLEST_PLAIN = 21, -6
"""Between these powers of ten a number is written without an exponent (ECMA-262, Number::toString)."""


def canonical(value: Any) -> bytes:
    """Return the canonical text of a value made of dict, list, str, int, Decimal, bool and None."""
    return _text(value).encode()


def _text(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int() | Decimal():
            return _number(Decimal(value))
        case Mapping():
            members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
            return "{" + ",".join(f"{_text(name)}:{_text(inner)}" for name, inner in members) + "}"
        case list() | tuple():
            return "[" + ",".join(map(_text, value)) + "]"
    raise TypeError(f"no JSON value: {type(value).__name__}")


def _number(value: Decimal) -> str:
    sign, numerals, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise TypeError("no JSON number")
    digits = "".join(map(str, numerals)).lstrip("0")
    short = digits.rstrip("0")
    if not short:
        return "0"
    power = len(digits) + exponent
    return ("-" if sign else "") + _placed(short, power)


def _placed(digits: str, power: int) -> str:
    """Write `digits`, the first of them after the point, times ten to the `power`."""
    if len(digits) <= power <= LARGEST_PLAIN:
        return digits + "0" * (power - len(digits))
    if 0 < power <= LARGEST_PLAIN:
        return f"{digits[:power]}.{digits[power:]}"
    if SMALLEST_PLAIN < power <= 0:
        return "0." + "0" * -power + digits
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{rest}e{power - 1:+d}"
