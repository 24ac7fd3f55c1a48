"""Deterministic CBOR, the subset records use (RFC 8949, 4.2.1; docs/spec/record.md, "Encoding").

Map keys are unsigned integers, no floats, no tag but 18. The decoder knows one spelling of every value and refuses any
other as it reads, so that what is accepted encodes to the same bytes again. Written out rather than built on a general
CBOR library: those accept other spellings, which takes a second pass and an encoding to find out.
"""

from collections.abc import Collection
from struct import Struct
from typing import Any

import msgspec

from wattseal.base.errors import InputError, LimitError

MAX_BYTES = 64 * 1024
"""Default limit of one encoded value."""
MAX_DEPTH = 16
SIGN1_TAG = 18
_TAGGED = 0xC0 | SIGN1_TAG
_SIMPLE = {0xF4: False, 0xF5: True, 0xF6: None}


class CborError(InputError):
    """Bytes that are not deterministic CBOR of the allowed shape."""

    code = "bad_cbor"


class Tagged(msgspec.Struct, gc=False):
    """The value under tag 18, the one tag there is."""

    value: Any


def sign1(parts: list[Any]) -> Tagged:
    """Return `parts` under tag 18 (COSE_Sign1), ready to encode."""
    return Tagged(parts)


def untag(value: Any) -> list[Any]:
    """Return the list inside tag 18; anything else is a `CborError`."""
    if type(value) is not Tagged or type(value.value) is not list:
        raise CborError("expected a COSE_Sign1 under tag 18", subject="sign1")
    return value.value


_head_1, _head_2, _head_4, _head_8 = (Struct(f">B{width}").pack for width in "BHIQ")


def _long_head(major: int, argument: int) -> bytes:
    if argument < 1 << 16:
        return _head_2(major | 25, argument) if argument > 0xFF else _head_1(major | 24, argument)
    if argument < 1 << 32:
        return _head_4(major | 26, argument)
    if argument < 1 << 64:
        return _head_8(major | 27, argument)
    raise CborError("integer beyond 64 bits", subject="int")


def _short_heads(major: int) -> tuple[bytes, ...]:
    return tuple(bytes([major | n]) if n < 24 else _long_head(major, n) for n in range(256))


_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP = map(_short_heads, range(0x00, 0xC0, 0x20))


def encode(value: Any) -> bytes:
    """Encode ints, byte and text strings, lists, maps with unsigned keys, None, bools and tag 18.

    Anything else has no place in a record: `TypeError`, or `CborError` for an integer beyond 64 bits.
    """
    kind = type(value)
    if kind is bytes:
        size = len(value)
        head = _BYTES[size] if size < 256 else _long_head(0x40, size)
        return head + bytes(value)
    if kind is int:
        if value >= 0:
            return _UNSIGNED[value] if value < 256 else _long_head(0x00, value)
        return _NEGATIVE[~value] if value >= -256 else _long_head(0x20, ~value)
    if kind is str:
        text: bytes = value.encode()
        size = len(text)
        return (_TEXT[size] if size < 256 else _long_head(0x60, size)) + text
    if kind is list:
        size = len(value)
        return (_LIST[size] if size < 256 else _long_head(0x80, size)) + b"".join(map(encode, value))
    if kind is dict:
        return _encode_map(value)
    return _encode_other(value)


def _encode_map(value: dict[Any, Any]) -> bytes:
    size = len(value)
    parts = [_MAP[size] if size < 256 else _long_head(0xA0, size)]
    for key in sorted(value):
        if not isinstance(key, int) or key < 0:
            raise TypeError("map keys are unsigned integers")
        parts.append(_UNSIGNED[key] if key < 256 else _long_head(0x00, key))
        parts.append(encode(value[key]))
    return b"".join(parts)


def _encode_other(value: Any) -> bytes:
    match value:
        case None:
            return b"\xf6"
        case bool():
            return b"\xf5" if value else b"\xf4"
        case Tagged(inner):
            return bytes([_TAGGED]) + encode(inner)
        case int():  # an enumeration's member
            return encode(int(value))
        case str():
            return encode(str(value))
        case tuple():
            return encode(list(value))
    raise TypeError(f"{type(value).__name__} has no place in a record")


def decode(data: bytes, max_bytes: int = MAX_BYTES) -> Any:
    """Decode exactly one value; anything not in the one allowed spelling raises `CborError` or `LimitError`."""
    if len(data) > max_bytes:
        raise LimitError(f"CBOR value of {len(data)} bytes, at most {max_bytes} are read", subject="size")
    try:
        value, end = _read(data, 0, MAX_DEPTH)
    except (IndexError, UnicodeDecodeError) as error:
        raise _broken_off(error) from error
    return _all_of(data, value, end)


def decode_map(data: bytes, max_bytes: int, whole: Collection[int]) -> Any:
    """Decode exactly one value as `decode` does; of lists that a map has under the keys `whole`, elements stay bytes.

    They are read as strictly as all else. Since every value has one spelling, the bytes are what `encode` would make.
    """
    if len(data) > max_bytes or not 0xA0 <= int.from_bytes(data[:1]) < 0xB8:
        return decode(data, max_bytes)
    values: dict[int, Any] = {}
    at, key = 1, -1
    try:
        for _ in range(data[0] & 0x1F):
            key, at = _read_key(data, at, key)
            read = _read_pieces if key in whole and data[at] >> 5 == 4 else _read
            values[key], at = read(data, at, MAX_DEPTH - 1)
    except (IndexError, UnicodeDecodeError) as error:
        raise _broken_off(error) from error
    return _all_of(data, values, at)


def _broken_off(error: Exception) -> CborError:
    return CborError(f"not deterministic CBOR: {type(error).__name__}", subject="cbor")


def _all_of(data: bytes, value: Any, end: int) -> Any:
    """Return `value` where it ends with `data`, not beyond it, as where a string or an argument is cut short."""
    if end != len(data):
        raise CborError("trailing bytes, or fewer than announced", subject="cbor")
    return value


def _read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """Return the value that starts at `at` and where it ends; `depth` is how many levels may lie inside it."""
    first = data[at]
    at += 1
    if first < 24:  # a small unsigned integer, what most values are
        return first, at
    info = first & 0x1F
    argument = info
    if info > 23:
        argument, at = _long_argument(data, at, info)
    if first < 0x40:
        return (argument if first < 0x20 else ~argument), at
    if first < 0x80:
        end = at + argument
        return (data[at:end] if first < 0x60 else data[at:end].decode()), end
    if first < 0xC0:
        read = _read_list if first < 0xA0 else _read_map
        return read(data, at, argument, depth)
    return _read_other(data, at, first, depth)


def _long_spelling() -> CborError:
    return CborError("not in deterministic encoding (RFC 8949, 4.2.1)", subject="cbor")


def _long_argument(data: bytes, at: int, info: int) -> tuple[int, int]:
    if info == 24:
        if data[at] < 24:
            raise _long_spelling()
        return data[at], at + 1
    if info > 27:
        raise CborError("no indefinite lengths (RFC 8949, 4.2.1)", subject="cbor")
    width = 1 << (info - 24)
    argument = int.from_bytes(data[at : at + width], "big")
    if argument >> (4 * width) == 0:
        raise _long_spelling()
    return argument, at + width


def _descend(size: int, depth: int) -> int:
    if depth == 0 and size:
        raise CborError(f"nested deeper than {MAX_DEPTH} levels", subject="cbor")
    return depth - 1


def _read_list(data: bytes, at: int, size: int, depth: int) -> tuple[list[Any], int]:
    """Read `size` values. What records mostly hold, small numbers and short byte strings, is read without a call."""
    inner = _descend(size, depth)
    values: list[Any] = []
    value: Any
    for _ in range(size):
        first = data[at]
        if first < 24:
            value, at = first, at + 1
        elif first == 0x58 and data[at + 1] > 23:
            start, at = at + 2, at + 2 + data[at + 1]
            value = data[start:at]
        else:
            value, at = _read(data, at, inner)
        values.append(value)
    return values, at


def _read_map(data: bytes, at: int, size: int, depth: int) -> tuple[dict[int, Any], int]:
    """Read `size` pairs, keys ascending; small numbers and short byte strings without a call, as in a list."""
    inner = _descend(size, depth)
    values: dict[int, Any] = {}
    before = -1
    for _ in range(size):
        key, at = _read_key(data, at, before) if data[at] > 23 or data[at] <= before else (data[at], at + 1)
        first = data[at]
        if first < 24:
            values[key], at = first, at + 1
        elif first == 0x58 and data[at + 1] > 23:
            start, at = at + 2, at + 2 + data[at + 1]
            values[key] = data[start:at]
        else:
            values[key], at = _read(data, at, inner)
        before = key
    return values, at


def _read_key(data: bytes, at: int, before: int) -> tuple[int, int]:
    if data[at] > 27:
        raise CborError("map keys are unsigned integers", subject="key")
    key, at = _read(data, at, 0)
    if key <= before:
        raise CborError("map keys ascend, each once", subject="key")
    return key, at


def _read_pieces(data: bytes, at: int, depth: int) -> tuple[list[bytes], int]:
    """Return the bytes of each element of the list that starts at `at`."""
    size, at = data[at] & 0x1F, at + 1
    if size > 23:
        size, at = _long_argument(data, at, size)
    inner = _descend(size, depth)
    pieces = []
    for _ in range(size):
        start = at
        _, at = _read(data, at, inner)
        pieces.append(data[start:at])
    return pieces, at


def _read_other(data: bytes, at: int, first: int, depth: int) -> tuple[Any, int]:
    if first == _TAGGED:
        value, at = _read(data, at, _descend(1, depth))
        return Tagged(value), at
    if first in _SIMPLE:
        return _SIMPLE[first], at
    if first < 0xE0:
        raise CborError("CBOR tag not allowed here", subject="tag")
    raise CborError("floats and simple values have no place in a record", subject="type")
