"""Values that the generated message types share, and the hooks that decode and encode them.

JSON numbers become exact `Decimal`s; content that a schema leaves open keeps its keys, its nesting and its digits.
"""

from decimal import Decimal
from typing import Annotated, Self, TypeVar

import msgspec

from wattseal.base.errors import InputError

MAX_OPEN_DEPTH = 32
"""Nesting allowed where a schema says nothing about the content (customData, DataTransfer.data)."""
MAX_INTEGER = 2**53 - 1
"""Largest absolute integer taken: exact in every JSON implementation, fits every store."""
VENDOR_ID_LENGTH = 255
Integer = Annotated[int, msgspec.Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
"""A whole number; the protocol means 32 bits, larger counters are taken as told."""


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Base of every generated type; attributes are spelled as on the wire, an absent one is `UNSET`."""


class CustomData(dict[str, object]):
    """CustomDataType (2.x): an object with a `vendorId` of up to 255 characters and whatever the vendor adds."""

    @classmethod
    def checked(cls, value: object) -> Self:
        """Check what the schema demands and the nesting limit; a failure is a `ValueError`."""
        if not isinstance(value, dict):
            raise TypeError(f"Expected `object`, got `{type(value).__name__}`")
        vendor = value.get("vendorId")
        if vendor is None and "vendorId" not in value:
            raise ValueError("Object missing required field `vendorId`")
        if not isinstance(vendor, str):
            raise TypeError(f"Expected `str`, got `{type(vendor).__name__}`")
        if len(vendor) > VENDOR_ID_LENGTH:
            raise ValueError(f"Expected `str` of length <= {VENDOR_ID_LENGTH}")
        check_depth(value)
        return cls(value)


class Open:
    """A JSON value of any shape (DataTransfer.data in 2.x)."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        """Wrap `value`, made of dict, list, str, int, Decimal, bool and None."""
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Open) and other.value == self.value

    def __hash__(self) -> int:
        return hash(repr(self.value))

    def __repr__(self) -> str:
        return f"Open({self.value!r})"


class Tenths(Decimal):
    """A number that is a multiple of 0.1 (charging limits in 1.6)."""


class Percent(Decimal):
    """A number from 0 to 100."""


class NonPositive(Decimal):
    """A number of at most 0 (discharge limits and setpoints in 2.1)."""


def check_depth(value: object, depth: int = 1) -> None:
    """Raise `ValueError` when containers nest deeper than `MAX_OPEN_DEPTH`."""
    if isinstance(value, dict | list):
        if depth > MAX_OPEN_DEPTH:
            raise ValueError(f"Expected nesting of at most {MAX_OPEN_DEPTH}")
        for child in value.values() if isinstance(value, dict) else value:
            check_depth(child, depth + 1)


def decode_hook(kind: type, value: object) -> object:
    """Build one of this module's types from a plain JSON value (msgspec `dec_hook`)."""
    if kind is CustomData:
        return CustomData.checked(value)
    if kind is Open:
        check_depth(value)
        return Open(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(f"Expected `decimal`, got `{type(value).__name__}`")
    number = Decimal(value)
    if kind is Tenths and number.adjusted() < 15 and number % Decimal("0.1") == 0:
        return Tenths(number)
    if kind is Percent and 0 <= number <= 100:
        return Percent(number)
    if kind is NonPositive and number <= 0:
        return NonPositive(number)
    raise ValueError(f"Expected `decimal` that is {kind.__name__}")


def encode_hook(value: object) -> object:
    """Return the plain JSON value of one of this module's types (msgspec `enc_hook`)."""
    match value:
        case Open():
            return value.value
        case Decimal():
            return Decimal(value)
        case _:
            raise InputError(f"{type(value).__name__} has no JSON form", subject="json")


ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=encode_hook)
"""Encodes every message; absent fields stay absent, decimals keep their digits."""


T = TypeVar("T")


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return a decoder for `kind` that keeps numbers exact and checks what the schema demands."""
    return msgspec.json.Decoder(kind, dec_hook=decode_hook, float_hook=Decimal)
