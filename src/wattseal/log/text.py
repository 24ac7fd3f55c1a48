"""Strict pieces of the C2SP text formats: canonical base64, decimals, names."""

import binascii
import re
from functools import lru_cache

from wattseal.base.errors import InputError
from wattseal.log.merkle import HASH_SIZE, MAX_SIZE

_KEY_NAME = re.compile(r"[^\s+\x00-\x1f]+")


def encode_base64(data: bytes) -> str:
    """Return standard base64 with padding (RFC 4648 section 4)."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def decode_base64(text: str, what: str) -> bytes:
    """Return the bytes of canonical standard base64; any other spelling of them is an `InputError`."""
    try:
        data = binascii.a2b_base64(text)
    except ValueError as error:  # binascii.Error, or a character beyond ASCII
        raise InputError(f"{what} is not base64", code="bad_base64", subject=what) from error
    if encode_base64(data) != text:
        raise InputError(f"{what} is not canonical base64", code="bad_base64", subject=what)
    return data


@lru_cache(maxsize=4096)
def decode_hash(text: str, what: str) -> bytes:
    """Return the 32 bytes of a base64 hash line; remembered, since proofs in one tree share most of theirs."""
    data = decode_base64(text, what)
    if len(data) != HASH_SIZE:
        raise InputError(f"{what} is {len(data)} bytes long, not {HASH_SIZE}", code="bad_hash", subject=what)
    return data


def decode_decimal(text: str, what: str) -> int:
    """Return an ASCII decimal 0..2**63-1 without sign or leading zeros."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19) or (text[0] == "0" and text != "0"):
        raise InputError(f"{what} is not a plain decimal", code="bad_decimal", subject=what)
    value = int(text)
    if value > MAX_SIZE:
        raise InputError(f"{what} is above 2**63-1", code="bad_decimal", subject=what)
    return value


def check_key_name(name: str) -> str:
    """Return `name` if signed-note allows it as a key name: not empty, no Unicode space, plus or control character."""
    if _KEY_NAME.fullmatch(name) is None:
        raise InputError("a key name must not be empty or hold spaces or plus", code="bad_key_name", subject=name[:80])
    return name
