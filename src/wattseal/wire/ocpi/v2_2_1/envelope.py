"""The response format around every answer (OCPI 2.2.1, transport and format, "Response format")."""

from datetime import datetime
from enum import IntEnum
from typing import Any

import msgspec

from wattseal.wire.ocpi import codec
from wattseal.wire.ocpi.codec import OcpiStruct


class StatusCode(IntEnum):
    """OCPI status codes used here (status codes module)."""

    SUCCESS = 1000
    CLIENT_ERROR = 2000
    INVALID_PARAMETERS = 2001
    NOT_ENOUGH_INFORMATION = 2002
    UNKNOWN_LOCATION = 2003
    UNKNOWN_TOKEN = 2004
    SERVER_ERROR = 3000
    CANNOT_USE_CLIENT_API = 3001
    UNSUPPORTED_VERSION = 3002
    NO_MATCHING_ENDPOINTS = 3003


class Response(OcpiStruct, frozen=True, kw_only=True):
    """`data` is left out, an object, a list or a string; `status_code` is open, peers define codes of their own."""

    status_code: int
    timestamp: datetime
    data: Any = None
    status_message: str | None = None

    def succeeded(self) -> bool:
        """Return whether the code is in the success range, 1000 to 1999."""
        return 1000 <= self.status_code < 2000


def encode_response(status_code: StatusCode, now: datetime, data: object = None, message: str | None = None) -> bytes:
    """Encode an answer; `data` is an OCPI struct, a list of them, a string, or None."""
    return codec.encode(
        Response(status_code=status_code, timestamp=codec.to_wire_time(now), data=data, status_message=message)
    )


def decode_response(raw: bytes) -> tuple[Response, bytes]:
    """Decode an answer and return it with its `data` as JSON bytes, still undecoded ("null" where there is none)."""
    outer = codec.decode(raw, _RawResponse)
    response = Response(
        status_code=outer.status_code, timestamp=codec.utc(outer.timestamp), status_message=outer.status_message
    )
    return response, bytes(outer.data)


class _RawResponse(OcpiStruct, frozen=True, kw_only=True):
    status_code: int
    timestamp: datetime
    data: msgspec.Raw = msgspec.Raw(b"null")
    status_message: str | None = None
