"""SML files (Smart Message Language 1.04, transport protocol version 1): framing, checksums, type-length fields.

Only what signed records of charging meters need: one SML_GetList.Res between an open and a close message. Read
strictly: every checksum holds, nothing is left over, no object name occurs twice. Records also come as text of hex
digits; both spellings are the same bytes.
"""

import re
from dataclasses import dataclass

from wattseal.base.errors import InputError, LimitError

MAX_BYTES = 16_384
MAX_DEPTH = 8
MAX_ITEMS = 512
START = bytes.fromhex("1b1b1b1b01010101")
_ESCAPE = b"\x1b" * 4
_HEX = re.compile(rb"[0-9A-Fa-f \t\r\n]+")
_OPEN, _LIST, _CLOSE = 0x101, 0x701, 0x201

Value = bytes | int | tuple["Value", ...]
"""An octet string ("" stands for an absent optional), a number or truth value, a list."""


@dataclass(frozen=True, slots=True)
class Entry:
    """SML_ListEntry; `value` and `value_signature` as read, `status` 0 where absent, `unit` and `scaler` None."""

    name: bytes
    status: int | None
    time: Value
    unit: int | None
    scaler: int | None
    value: Value
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedList:
    """SML_GetList.Res: its entries by object name."""

    server_id: bytes
    name: bytes
    entries: dict[bytes, Entry]
    signature: bytes

    def entry(self, name: str) -> Entry:
        """Return the entry of the object name in hex; `InputError` where it is missing."""
        found = self.entries.get(bytes.fromhex(name))
        if found is None:
            raise InputError(f"no entry {name}", code="field_missing", subject=name)
        return found


def starts(raw: bytes) -> bool:
    """Return whether `raw` starts like an SML file, in bytes or in hex."""
    return raw.startswith(START) or _plain(raw[:64])[: len(START)] == START


def read(raw: bytes) -> SignedList:
    """Return the list of an SML file; what is none raises `InputError` with a code."""
    if len(raw) > 4 * MAX_BYTES:
        raise LimitError(f"an SML record is at most {MAX_BYTES} bytes", code="too_large", subject="SML")
    data = raw if raw.startswith(START) else _plain(raw)
    if len(data) > MAX_BYTES:
        raise LimitError(f"an SML record is at most {MAX_BYTES} bytes", code="too_large", subject="SML")
    reader = _Reader(_body(data))
    bodies = [reader.message(tag) for tag in (_OPEN, _LIST, _CLOSE)]
    if reader.at != len(reader.data):
        raise _malformed("bytes behind the last message")
    return _signed_list(bodies[1])


def _plain(raw: bytes) -> bytes:
    """Return the bytes that hex digits stand for; of a cut last digit, nothing."""
    if not _HEX.fullmatch(raw):
        return b""
    digits = b"".join(raw.split())
    return bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))


def _body(data: bytes) -> bytes:
    """Take off the transport: start, fill bytes, end with its checksum, doubled escapes."""
    if len(data) < 20 or not data.startswith(START) or data[-8:-3] != _ESCAPE + b"\x1a" or data[-3] > 3:
        raise InputError("not one whole SML file", code="not_sml", subject="SML")
    if crc16(data[:-2]) != data[-2:]:
        raise InputError("the file's checksum does not hold", code="crc_mismatch", subject="SML")
    fill = data[-3]
    body = data[len(START) : -8]
    if fill and body[-fill:] != bytes(fill):
        raise _malformed("fill bytes are not zero")
    body = body[: len(body) - fill]
    parts = body.split(_ESCAPE * 2)
    if any(_ESCAPE in part for part in parts):
        raise _malformed("an escape sequence within the file")
    return _ESCAPE.join(parts)


def crc16(data: bytes) -> bytes:
    """Return the checksum of SML: CRC-16/X-25 (DIN EN 62056-46), low byte first."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _CRC_TABLE[(value ^ byte) & 0xFF]
    return (value ^ 0xFFFF).to_bytes(2, "little")


def _crc_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0x8408 if byte & 1 else byte >> 1
    return byte


_CRC_TABLE = tuple(_crc_of(byte) for byte in range(256))


def _malformed(text: str) -> InputError:
    return InputError(text, code="sml_malformed", subject="SML")


@dataclass(slots=True)
class _Reader:
    """Type-length fields out of the body, one after the other."""

    data: bytes
    at: int = 0
    items: int = 0

    def message(self, tag: int) -> tuple[Value, ...]:
        """Read one SML_Message whose body has this tag: six fields, its own checksum before the last two."""
        start = self.at
        if self._byte() != 0x76:
            raise _malformed("a message is a list of six")
        for _ in range(3):  # transactionId, groupNo, abortOnError
            self.value(1)
        body = self.value(1)
        end = self.at
        checksum = self.value(1)
        if checksum != int.from_bytes(crc16(self.data[start:end])):
            raise InputError("a message's checksum does not hold", code="crc_mismatch", subject="SML")
        if self._byte() != 0:
            raise _malformed("a message does not end")
        match body:
            case (int(found), tuple(content)) if found == tag:
                return content
        raise InputError("not a response to a list request", code="layout_unsupported", subject="SML")

    def value(self, depth: int) -> Value:
        """Read one field: octets, truth value, number, or list of fields."""
        self.items += 1
        if depth > MAX_DEPTH or self.items > MAX_ITEMS:
            raise LimitError("more fields than a signed list has", code="too_large", subject="SML")
        first = self._byte()
        kind, length, used, more = first >> 4 & 7, first & 0xF, 1, first & 0x80
        while more:
            byte = self._byte()
            length, used, more = length << 4 | byte & 0xF, used + 1, byte & 0x80
            if byte & 0x70 or used > 3:
                raise _malformed("a length of more than three bytes")
        if kind == 7:
            return tuple(self.value(depth + 1) for _ in range(length))
        if length < used:
            raise _malformed("a field shorter than its head")
        raw = self._take(length - used)
        match kind:
            case 0:
                return raw
            case 4 | 5 | 6 if 1 <= len(raw) <= 8:
                return int.from_bytes(raw, signed=kind == 5)
        raise _malformed("a field of an unknown kind")

    def _byte(self) -> int:
        return self._take(1)[0]

    def _take(self, count: int) -> bytes:
        taken = self.data[self.at : self.at + count]
        if len(taken) != count:
            raise _malformed("the file ends within a field")
        self.at += count
        return taken


def _signed_list(body: tuple[Value, ...]) -> SignedList:
    match body:
        case (_, bytes(server_id), bytes(name), _, tuple(values), bytes(signature), _):
            entries = [_entry(value) for value in values]
        case _:
            raise _malformed("not an SML_GetList.Res")
    by_name = {entry.name: entry for entry in entries}
    if len(by_name) != len(entries):
        raise InputError("an object stands twice in the list", code="field_doubled", subject="SML")
    return SignedList(server_id, name, by_name, signature)


def _entry(value: Value) -> Entry:
    match value:
        case (bytes(name), status, time, unit, scaler, content, bytes(signature)):
            return Entry(name, _number(status), time, _number(unit), _number(scaler), content, signature)
    raise _malformed("not an SML_ListEntry")


def _number(value: Value) -> int | None:
    match value:
        case int(number):
            return number
        case b"":
            return None
    raise InputError("a number is of another kind", code="field_type", subject="SML")
