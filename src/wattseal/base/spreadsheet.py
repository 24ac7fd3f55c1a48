"""Tables as CSV that people open in spreadsheets: text stays text there, and numbers stay numbers.

A cell of text that begins like a formula would be worked out by the program that opens it (OWASP, "CSV Injection"). It
is given an apostrophe in front, which such programs take for "this is text". Lines are RFC 4180: CRLF, quotes doubled.
"""

from collections.abc import Iterable
from decimal import Decimal

_FORMULA = frozenset("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")
"""What begins a formula, wide forms included."""
_QUOTED = frozenset("\",;\r\n\t'")


def cell(value: str | int | Decimal | None) -> str:
    """Return one cell: text without effect, a number in digits, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int):
        return str(value)
    begins = value.lstrip(" \u00a0\u3000")[:1]
    text = f"'{value}" if begins in _FORMULA and begins else value
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if _QUOTED.intersection(text) else text


def row(values: Iterable[str | int | Decimal | None]) -> str:
    """Return a line of cells with its end."""
    return ",".join(map(cell, values)) + "\r\n"
