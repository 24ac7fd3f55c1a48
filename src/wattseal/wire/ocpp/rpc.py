"""The RPC framework of OCPP-J, either side, without a socket (OCPP-J 1.6 section 4, OCPP 2.x part 4 chapter 4).

Feed what arrives to `Connection.receive` and act on its events; what `call`, `reply`, `refuse` and `send` return is to
be written to the socket, in that order. Nothing here waits: a caller that loses patience calls `give_up`.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec

from wattseal.base.errors import InputError, LimitError
from wattseal.wire.ocpp import guard
from wattseal.wire.ocpp.version import Fault, Refusal, Version

MAX_MESSAGE_ID = 36
UNREADABLE_ID = "-1"
"""The message id of a CALLERROR when the message it answers has none that can be read (2.x part 4, 4.2.3)."""

_READABLE_CALL = re.compile(rb'\s*\[\s*2\s*,\s*"([^"\\]{1,36})"\s*,')


class Call(msgspec.Struct, frozen=True, gc=False):
    """The other side asks: answer with `reply` or `refuse`. `raw` is the frame as it came, `payload` a view of it."""

    message_id: str
    action: str
    payload: msgspec.Raw
    raw: bytes
    received_at: datetime


class Send(Call, frozen=True, gc=False):
    """The other side tells, and expects no answer (2.1, message type 6)."""


class CallResult(msgspec.Struct, frozen=True, gc=False):
    """The answer to our call of `action`."""

    message_id: str
    action: str
    payload: msgspec.Raw
    raw: bytes
    received_at: datetime


class CallError(msgspec.Struct, frozen=True, gc=False):
    """The other side refuses our call of `action`; `code`, `text` and `details` are its words."""

    message_id: str
    action: str
    code: str
    text: str
    details: msgspec.Raw
    raw: bytes


class ResultError(msgspec.Struct, frozen=True, gc=False):
    """The other side could not process a result of ours (2.1, message type 5): to be logged, never answered."""

    message_id: str
    code: str
    text: str
    raw: bytes


class Violation(msgspec.Struct, frozen=True, gc=False):
    """What came is not a message. Write `reply` back; `raw` is worth keeping."""

    refusal: Refusal
    reply: bytes
    raw: bytes


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """What came is of no use: `reason` is "unmatched", "unknown_type" or "malformed_answer". Counted, not answered."""

    reason: str
    raw: bytes


Event = Call | CallResult | CallError | ResultError | Violation | Ignored


@dataclass(frozen=True, slots=True)
class Outstanding:
    """Our call that has not been answered."""

    message_id: str
    action: str


_MessageId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_MESSAGE_ID)]


class _Frame(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    pass


class _CallFrame(_Frame, tag=2, frozen=True):
    message_id: _MessageId
    action: str
    payload: msgspec.Raw


class _ResultFrame(_Frame, tag=3, frozen=True):
    message_id: _MessageId
    payload: msgspec.Raw


class _ErrorFrame(_Frame, tag=4, frozen=True):
    message_id: _MessageId
    code: str
    text: str
    details: msgspec.Raw


class _ResultErrorFrame(_Frame, tag=5, frozen=True):
    message_id: _MessageId
    code: str
    text: str
    details: msgspec.Raw


class _SendFrame(_Frame, tag=6, frozen=True):
    message_id: _MessageId
    action: str
    payload: msgspec.Raw


_DECODER = msgspec.json.Decoder(_CallFrame | _ResultFrame | _ErrorFrame)
_DECODER_21 = msgspec.json.Decoder(_CallFrame | _ResultFrame | _ErrorFrame | _ResultErrorFrame | _SendFrame)


class Connection:
    """One side of one OCPP-J connection.

    At most one call of ours is outstanding (2.x part 4, 4.1.1; OCPP-J 1.6, 4.1.1). `ignored` counts what was dropped,
    by reason.
    """

    __slots__ = ("_decoder", "ignored", "max_frame_bytes", "outstanding", "version")

    def __init__(self, version: Version, *, max_frame_bytes: int = guard.MAX_FRAME_BYTES) -> None:
        """Speak `version`; a longer frame is a `LimitError`, upon which the socket is closed with 1009."""
        self.version = version
        self.max_frame_bytes = max_frame_bytes
        self.outstanding: Outstanding | None = None
        self.ignored: Counter[str] = Counter()
        self._decoder = _DECODER_21 if version is Version.V21 else _DECODER

    def receive(self, data: bytes, received_at: datetime) -> Event:
        """Return what one WebSocket text message means."""
        if len(data) > self.max_frame_bytes:
            raise LimitError(f"a frame of {len(data)} bytes exceeds {self.max_frame_bytes}", subject="frame")
        try:
            frame = self._decoder.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return self._diagnose(data, received_at)
        if "\0" in frame.message_id:
            return self._diagnose(data, received_at)
        if isinstance(frame, _CallFrame):
            return Call(frame.message_id, frame.action, frame.payload, data, received_at)
        if isinstance(frame, _SendFrame):
            return Send(frame.message_id, frame.action, frame.payload, data, received_at)
        return self._answered(frame, data, received_at)

    def call(self, message_id: str, action: str, payload: bytes) -> bytes:
        """Return the CALL frame; the id must be new on this connection. `InputError` while another call waits."""
        if self.outstanding is not None:
            raise InputError(
                f"{self.outstanding.action} has not been answered", code="call_outstanding", subject=action
            )
        if not 1 <= len(message_id) <= MAX_MESSAGE_ID:
            raise InputError(f"a message id has 1 to {MAX_MESSAGE_ID} characters", subject="message_id")
        self.outstanding = Outstanding(message_id, action)
        return b"[2,%b,%b,%b]" % (_text(message_id), _text(action), payload)

    def send(self, message_id: str, action: str, payload: bytes) -> bytes:
        """Return a SEND frame, which nobody answers (2.1)."""
        if self.version is not Version.V21:
            raise InputError("only OCPP 2.1 has SEND", subject=action)
        return b"[6,%b,%b,%b]" % (_text(message_id), _text(action), payload)

    def give_up(self) -> Outstanding | None:
        """Forget the outstanding call, which timed out; its late answer will be ignored and counted."""
        asked, self.outstanding = self.outstanding, None
        return asked

    def reply(self, message_id: str, payload: bytes) -> bytes:
        """Return the CALLRESULT frame for a `Call`."""
        return b"[3,%b,%b]" % (_text(message_id), payload)

    def refuse(self, message_id: str, refusal: Refusal) -> bytes:
        """Return the CALLERROR frame for a `Call`, its code spelled as this version does."""
        code = _text(refusal.fault.code(self.version))
        return b"[4,%b,%b,%b,{}]" % (_text(message_id), code, _text(refusal.text))

    def _answered(
        self, frame: _ResultFrame | _ErrorFrame | _ResultErrorFrame, data: bytes, received_at: datetime
    ) -> Event:
        if isinstance(frame, _ResultErrorFrame):
            return ResultError(frame.message_id, frame.code, frame.text, data)
        if (asked := self._settle(frame.message_id)) is None:
            return self._ignore("unmatched", data)
        if isinstance(frame, _ErrorFrame):
            return CallError(asked.message_id, asked.action, frame.code, frame.text, frame.details, data)
        return CallResult(frame.message_id, asked.action, frame.payload, data, received_at)

    def _settle(self, message_id: str) -> Outstanding | None:
        asked = self.outstanding
        if asked is None or asked.message_id != message_id:
            return None
        self.outstanding = None
        return asked

    def _ignore(self, reason: str, data: bytes) -> Ignored:
        self.ignored[reason] += 1
        return Ignored(reason, data)

    def _violation(self, message_id: str | int, fault: Fault, text: str, data: bytes) -> Violation:
        refusal = Refusal(fault, guard.explain(text))
        code = _text(refusal.fault.code(self.version))
        shown = msgspec.json.encode(message_id)
        return Violation(refusal, b"[4,%b,%b,%b,{}]" % (shown, code, _text(refusal.text)), data)

    def _diagnose(self, data: bytes, received_at: datetime) -> Event:
        """Say what is wrong with bytes that are no frame: answer what could have been a call, ignore the rest.

        An answer to our call that lacks its last parts (stations leave out an error's details, or the payload where
        there is nothing to say) is an answer: whoever asked is not left to wait.
        """
        try:
            frame = guard.parse(data)
        except guard.NotJsonError as problem:
            if (head := _READABLE_CALL.match(data)) and (message_id := _decoded(head[1])):
                return self._violation(message_id, Fault.MALFORMED, str(problem), data)
            return self._violation(UNREADABLE_ID, Fault.UNREADABLE, str(problem), data)
        text = "a message is an array that starts with its type"
        match frame:
            case [bool(), *_]:
                pass
            case [2, str(message_id), *_] if 1 <= len(message_id) <= MAX_MESSAGE_ID:
                return self._violation(message_id, Fault.STRUCTURE, "a call is [2, id, action, payload]", data)
            case [2, int(number), *_] if not isinstance(number, bool) and len(str(number)) <= MAX_MESSAGE_ID:
                # It can be read, so it is carried back as it came: its sender would not find a string among its calls.
                return self._violation(number, Fault.STRUCTURE, "a message id is a string, not a number", data)
            case [2, *_]:
                text = f"a message id is a string of 1 to {MAX_MESSAGE_ID} characters"
            case [4, str(message_id), str(code), *rest] if asked := self._settle(message_id):
                text = rest[0] if rest and isinstance(rest[0], str) else ""
                return CallError(message_id, asked.action, code, text, msgspec.Raw(b"{}"), data)
            case [3, str(message_id)] if asked := self._settle(message_id):
                return CallResult(message_id, asked.action, msgspec.Raw(b"null"), data, received_at)
            case [int(kind), *_]:
                return self._ignore("malformed_answer" if kind in {3, 4} else "unknown_type", data)
        return self._violation(UNREADABLE_ID, Fault.UNREADABLE, text, data)


def _text(text: str) -> bytes:
    return msgspec.json.encode(text)


def _decoded(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
