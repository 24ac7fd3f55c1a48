"""App codes: leave to begin one charge at one EVSE within minutes, signed by whoever decides (docs/spec/code.md).

A code names its owner by an alias that only its issuer can tell: never by a token's number, and nothing in it can be
held to a reader or typed in.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from wattseal.base.errors import InputError
from wattseal.crypto.hashes import sha256
from wattseal.crypto.keys import PublicKey, SigningKey
from wattseal.seal import dcbor
from wattseal.seal.signed import Domain, Statement, parse, sign

ALIAS_BYTES, ID_BYTES = 16, 16
PREFIX = "WSC1."
MAX_TEXT = 512
"""Characters of a code; those that are made have some 240."""
_TEXT = re.compile(r"WSC1\.[A-Z2-7]+", re.ASCII)
_PARTY, _STATION = 32, 48
_EVSE_MAX, _LATEST_S = 9999, 2**40


class AppCodeError(InputError):
    """The text is no code at all."""

    code = "malformed"


@dataclass(frozen=True, slots=True)
class AppCode:
    """What a code says: times are Unix seconds, `id` is random and good once."""

    issuer: str
    alias: bytes
    station_id: str
    evse_id: int
    issued_s: int
    expires_s: int
    id: bytes

    @property
    def reference(self) -> bytes:
        """Return what records call this code by: a SHA-256 out of which nobody makes the code again."""
        return sha256(dcbor.encode([Domain.APP_CODE.value, self.issuer, self.id]))

    def sign(self, key: SigningKey, cpo: str) -> Statement:
        """Sign it for the stations of one CPO."""
        fields = {
            1: self.issuer,
            2: self.alias,
            3: self.station_id,
            4: self.evse_id,
            5: self.issued_s,
            6: self.expires_s,
            7: self.id,
        }
        return sign(fields, key, Domain.APP_CODE, cpo)


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code as somebody showed it: read, not believed. `data` are its bytes as they came."""

    code: AppCode
    statement: Statement
    data: bytes

    @property
    def kid(self) -> bytes:
        """The id of the key that is said to have signed it."""
        return self.statement.signature.kid

    def signed_by(self, key: PublicKey, cpo: str) -> bool:
        """Return whether `key` made it for the stations of `cpo`."""
        return self.statement.verify(key, Domain.APP_CODE, cpo)


def text_of(statement: Statement) -> str:
    """Return a code as it is sent and shown: capital letters and digits, so that a QR code is small."""
    return PREFIX + base64.b32encode(statement.encode()).decode().rstrip("=")


def read_text(text: str) -> ShownCode:
    """Read a code; whatever is not exactly what `text_of` writes is an `AppCodeError`."""
    if len(text) > MAX_TEXT or _TEXT.fullmatch(text) is None:
        raise AppCodeError("a code begins with WSC1. and goes on in capital letters and digits", subject="code")
    body = text.removeprefix(PREFIX)
    try:
        data = base64.b32decode(body + "=" * (-len(body) % 8))
    except binascii.Error as error:
        raise AppCodeError("the code is cut off or damaged", subject="code") from error
    if base64.b32encode(data).decode().rstrip("=") != body:
        raise AppCodeError("the code has another spelling", subject="code")
    return read_bytes(data)


def read_bytes(data: bytes) -> ShownCode:
    """Read the bytes of a code; `AppCodeError` where they are none."""
    try:
        statement = parse(data) if len(data) <= MAX_TEXT else None
    except InputError as error:
        raise AppCodeError("the code is cut off or damaged", subject=error.subject) from error
    if statement is None:
        raise AppCodeError("this is longer than any code", subject="code")
    return ShownCode(_code(statement), statement, data)


def _code(statement: Statement) -> AppCode:
    match statement.fields:
        case {
            1: str(issuer),
            2: bytes(alias),
            3: str(station_id),
            4: int(evse_id),
            5: int(issued_s),
            6: int(expires_s),
            7: bytes(number),
        } if len(statement.fields) == 7 and type(evse_id) is type(issued_s) is type(expires_s) is int:
            shape = (
                1 <= len(issuer) <= _PARTY
                and len(alias) == ALIAS_BYTES
                and 1 <= len(station_id) <= _STATION
                and 1 <= evse_id <= _EVSE_MAX
                and 0 <= issued_s < expires_s < _LATEST_S
                and len(number) == ID_BYTES
            )
            if shape:
                return AppCode(issuer, alias, station_id, evse_id, issued_s, expires_s, number)
    raise AppCodeError("a code has seven fields", subject="code")
