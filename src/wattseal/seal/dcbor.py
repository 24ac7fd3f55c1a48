"""Deterministic CBOR, the subset records use (RFC 8949, 4.2.1; docs/spec/record.md, "Encoding").

Map keys are unsigned integers, no floats, no tag but 18, and a byte string is accepted only if encoding what it says
gives the same bytes again: every value has one spelling.
"""

from typing import Any, NoReturn

import cbor2

from wattseal.base.errors import InputError, LimitError

MAX_BYTES = 64 * 1024
"""Default limit of one encoded value."""
MAX_DEPTH = 16
SIGN1_TAG = 18
_BUILT_IN_TAGS = (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799)
_PLAIN = frozenset({bytes, str, bool, type(None)})


class CborError(InputError):
    """Bytes that are not deterministic CBOR of the allowed shape."""

    code = "bad_cbor"


def _refuse(_value: object, *_rest: object) -> NoReturn:
    raise CborError("CBOR tag not allowed here", subject="tag")


def _keep(value: Any, *_rest: object) -> cbor2.CBORTag:
    return cbor2.CBORTag(SIGN1_TAG, value)


_DECODERS: dict[int, Any] = dict.fromkeys(_BUILT_IN_TAGS, _refuse) | {SIGN1_TAG: _keep}


def encode(value: Any) -> bytes:
    """Encode ints, byte and text strings, lists, maps with unsigned keys, None, bools and tag 18."""
    return cbor2.dumps(value, canonical=True)


def sign1(parts: list[Any]) -> Any:
    """Return `parts` under tag 18 (COSE_Sign1), ready to encode."""
    return cbor2.CBORTag(SIGN1_TAG, parts)


def untag(value: Any) -> list[Any]:
    """Return the list inside tag 18; anything else is a `CborError`."""
    if type(value) is not cbor2.CBORTag or value.tag != SIGN1_TAG or type(value.value) is not list:
        raise CborError("expected a COSE_Sign1 under tag 18", subject="sign1")
    return value.value


def decode(data: bytes, max_bytes: int = MAX_BYTES) -> Any:
    """Decode exactly one value; anything not in the one allowed spelling raises `CborError` or `LimitError`."""
    if len(data) > max_bytes:
        raise LimitError(f"CBOR value of {len(data)} bytes, at most {max_bytes} are read", subject="size")
    try:
        value = cbor2.loads(
            data,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            semantic_decoders=_DECODERS,
        )
        _walk(value)
        again = encode(value)
    except InputError:
        raise
    except (cbor2.CBORDecodeError, ValueError, TypeError, RecursionError, MemoryError, OverflowError) as error:
        cause = error.__cause__
        if isinstance(cause, CborError):
            raise cause from None
        raise CborError(f"not deterministic CBOR: {type(error).__name__}", subject="cbor") from error
    if again != data:
        raise CborError("not in deterministic encoding (RFC 8949, 4.2.1), or trailing bytes", subject="cbor")
    return value


def _walk(value: Any) -> None:
    kind = type(value)
    if kind in _PLAIN:
        return
    if kind is int:
        if not -(2**64) <= value < 2**64:
            raise CborError("integer beyond 64 bits", subject="int")
    elif kind is list:
        for element in value:
            _walk(element)
    elif kind is dict:
        for key, element in value.items():
            if type(key) is not int or key < 0:
                raise CborError("map keys are unsigned integers", subject="key")
            _walk(element)
    elif kind is cbor2.CBORTag and value.tag == SIGN1_TAG:
        _walk(value.value)
    else:
        raise CborError(f"{kind.__name__} has no place in a record", subject="type")
