"""Messages that a peer compresses (permessage-deflate, RFC 7692): what is agreed upon, and inflating with bounds.

Only the client compresses; what we send never shares a window with anything. A client that lets us bound its window
may keep it between its messages: `WINDOW_BYTES` of the text before is all that is held of it, so that an idle
connection costs no more, and what was said a few messages ago is gone. Any other compresses each message on its own.
"""

import zlib
from dataclasses import dataclass

WINDOW_BITS = 11
WINDOW_BYTES = 1 << WINDOW_BITS
"""Held of a connection whose client keeps its window: four messages of OCPP 1.6, or two of 2.x."""
_TAIL = b"\x00\x00\xff\xff"
"""What a sender strips from each compressed message (RFC 7692, 7.2.1)."""


class InflateError(Exception):
    """A message that is not deflated as agreed; `code` is the WebSocket close code that says so."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Inflater:
    """Inflates the messages of one connection, in their order, each up to `max_bytes`."""

    __slots__ = ("_keeps", "_max_bytes", "_window")

    def __init__(self, max_bytes: int, *, keeps_window: bool) -> None:
        self._max_bytes = max_bytes
        self._keeps = keeps_window
        self._window = b""

    def inflate(self, data: bytes) -> bytes:
        """Return the message; `InflateError` where it is not deflated, or longer than it may be."""
        inflater = zlib.decompressobj(-WINDOW_BITS if self._keeps else -zlib.MAX_WBITS, zdict=self._window)
        try:
            plain = inflater.decompress(data + _TAIL, self._max_bytes + 1)
        except zlib.error as error:
            raise InflateError(1007, "not deflated") from error
        if len(plain) > self._max_bytes:
            raise InflateError(1009, "message too big")
        if self._keeps:
            self._window = (self._window + plain)[-WINDOW_BYTES:]
        return plain


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was agreed upon: the extension header of our answer, and whether the client keeps its window."""

    header: str
    keeps_window: bool


def negotiate_deflate(offered: str | None) -> Agreed | None:
    """Return the answer to the first acceptable offer of permessage-deflate (RFC 7692, 7.1); None for none."""
    for offer in (offered or "").split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        if name != "permessage-deflate":
            continue
        pairs = [_pair(parameter) for parameter in parameters]
        given = dict(pairs)
        if len(given) < len(pairs) or not all(_acceptable(key, value) for key, value in pairs):
            continue
        keeps = "client_max_window_bits" in given and "client_no_context_takeover" not in given
        bits = min(WINDOW_BITS, int(given.get("client_max_window_bits", "").strip('"') or WINDOW_BITS))
        answer = [name, "server_no_context_takeover"]
        answer += [f"client_max_window_bits={bits}"] if keeps else ["client_no_context_takeover"]
        answer += [f"{key}={value}" for key, value in given.items() if key == "server_max_window_bits"]
        return Agreed("; ".join(answer), keeps)
    return None


def _pair(parameter: str) -> tuple[str, str]:
    key, _, value = parameter.partition("=")
    return key.strip(), value.strip()


def _acceptable(key: str, value: str) -> bool:
    bits = value.strip('"')
    match key:
        case "server_no_context_takeover" | "client_no_context_takeover":
            return not value
        case "client_max_window_bits":
            return not value or (bits.isdecimal() and 8 <= int(bits) <= 15)
        case "server_max_window_bits":
            return bits.isdecimal() and 8 <= int(bits) <= 15
        case _:
            return False
