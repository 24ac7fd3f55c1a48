"""Deterministic CBOR, the subset records use (RFC 8949, 4.2.1; docs/spec/record.md, "Encoding").

Map keys are unsigned integers, no floats, no tag but 18. The decoder knows one spelling of every value and refuses any
other as it reads, so that what is accepted encodes to the same bytes again. Written out rather than built on a general
CBOR library: those accept other spellings, which takes a second pass and an encoding to find out.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Any

from wattseal.base.errors import InputError, LimitError

MAX_BYTES = 64 * 1024
"""Default limit of one encoded value."""
MAX_DEPTH = 16
SIGN1_TAG = 18
_TAGGED = 0xC0 | SIGN1_TAG


class CborError(InputError):
    """Bytes that are not deterministic CBOR of the allowed shape."""

    code = "bad_cbor"


@dataclass(slots=True)
class Tagged:
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
        raise CborError(f"not deterministic CBOR: {type(error).__name__}", subject="cbor") from error
    if end != len(data):  # beyond it where a string or an argument is cut short
        raise CborError("trailing bytes, or fewer than announced", subject="cbor")
    return value


def _read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """Return the value that starts at `at` and where it ends; `depth` is how many levels may lie inside it."""
    first = data[at]
    at += 1
    if first < 24:  # a small unsigned integer, what most values are
        return first, at
    info = first & 0x1F
    if info < 24:
        argument = info
    elif info == 24:
        argument = data[at]
        at += 1
        if argument < 24:
            raise _long_spelling()
    else:
        argument, at = _long_argument(data, at, info)
    match first >> 5:
        case 2:
            end = at + argument
            return data[at:end], end
        case 0:
            return argument, at
        case 4:
            return _read_list(data, at, argument, depth)
        case 5:
            return _read_map(data, at, argument, depth)
        case 3:
            end = at + argument
            return data[at:end].decode(), end
        case major:
            return (~argument, at) if major == 1 else _read_other(data, at, first, depth)


def _long_spelling() -> CborError:
    return CborError("not in deterministic encoding (RFC 8949, 4.2.1)", subject="cbor")


def _long_argument(data: bytes, at: int, info: int) -> tuple[int, int]:
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
    inner = _descend(size, depth)
    values = []
    for _ in range(size):
        value, at = _read(data, at, inner)
        values.append(value)
    return values, at


def _read_map(data: bytes, at: int, size: int, depth: int) -> tuple[dict[int, Any], int]:
    inner = _descend(size, depth)
    values: dict[int, Any] = {}
    before = -1
    for _ in range(size):
        key = data[at]
        if key < 24:
            at += 1
        elif key < 28:
            key, at = _read(data, at, 0)
        else:
            raise CborError("map keys are unsigned integers", subject="key")
        if key <= before:
            raise CborError("map keys ascend, each once", subject="key")
        before = key
        values[key], at = _read(data, at, inner)
    return values, at


def _read_other(data: bytes, at: int, first: int, depth: int) -> tuple[Any, int]:
    match first:
        case 0xF6:
            return None, at
        case 0xF5:
            return True, at
        case 0xF4:
            return False, at
        case 0xD2:
            value, at = _read(data, at, _descend(1, depth))
            return Tagged(value), at
        case _ if first >> 5 == 6:
            raise CborError("CBOR tag not allowed here", subject="tag")
        case _:
            raise CborError("floats and simple values have no place in a record", subject="type")
