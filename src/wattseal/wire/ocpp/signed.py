"""Signed messages on the wire (2.x part 4, chapter 7): the message inside, whatever its signature is worth.

`[2, id, "<Action>-Signed", {JWS}]` is the CALL of `<Action>` whose payload is the JWS's; likewise SEND, and results,
which name no action. The receiver takes out the message in any case; what the signature is worth is told elsewhere.
Errors are never signed.
"""

import msgspec
from msgspec import Raw

from wattseal.base.errors import InputError
from wattseal.evidence import ocpp_jws
from wattseal.evidence.ocpp_jws import SignedMessage
from wattseal.wire.ocpp import guard
from wattseal.wire.ocpp.rpc import Call, CallResult, Send
from wattseal.wire.ocpp.version import Fault, Refusal, Version

SUFFIX = "-Signed"
CALL, RESULT, SEND = 2, 3, 6
_FRAME, _RESULT_FRAME = b'[2,"","",%b]', b'[3,"",%b]'
"""Frames that hold a payload and as many texts as the guard counts on."""


class SignedCall(Call, frozen=True, gc=False):
    """The call inside a signed one; `frame` is the signed one as it came."""

    frame: bytes = b""


class Unwrapped(msgspec.Struct, frozen=True, gc=False):
    """The message inside: as if it had come unsigned, but for its `raw`, which is none of the bytes that came."""

    call: Call
    message: SignedMessage

    @property
    def type_id(self) -> int:
        """Return the message type that its signature must name."""
        return SEND if isinstance(self.call, Send) else CALL


def unwrap(version: Version, call: Call) -> Unwrapped | Refusal | None:
    """Return the message inside a signed one, why there is none, or None where the action is not of a signed one."""
    if version is Version.V16 or not call.action.endswith(SUFFIX):
        return None
    message = _read(call.payload)
    if isinstance(message, Refusal):
        return message
    payload = message.payload
    action = call.action.removesuffix(SUFFIX)
    told = call.message_id, action, Raw(payload), _FRAME % payload, call.received_at
    return Unwrapped(Send(*told) if isinstance(call, Send) else SignedCall(*told, call.raw), message)


def unwrap_result(result: CallResult) -> tuple[CallResult, SignedMessage] | None:
    """Return the result inside a signed one, under its own action; None where it is not signed.

    A station that was asked with a signature may answer without one.
    """
    action = result.action.removesuffix(SUFFIX)
    message = _read(result.payload)
    if isinstance(message, Refusal):
        return None
    payload = message.payload
    inner = CallResult(result.message_id, action, Raw(payload), _RESULT_FRAME % payload, result.received_at)
    return inner, message


def plain_result(result: CallResult) -> CallResult:
    """Return an unsigned answer to a signed call under the action it answers."""
    return msgspec.structs.replace(result, action=result.action.removesuffix(SUFFIX))


def payload_in(frame: bytes) -> bytes:
    """Return the payload of a CALL or SEND frame that was once taken, unwrapped where it is signed."""
    _, _, action, payload = msgspec.json.decode(frame, type=tuple[int, str, str, Raw])
    if not action.endswith(SUFFIX):
        return bytes(payload)
    message = _read(payload)
    return bytes(payload) if isinstance(message, Refusal) else message.payload


class _Members(msgspec.Struct, forbid_unknown_fields=True):
    protected: str
    payload: str
    signature: str


_MEMBERS = msgspec.json.Decoder(_Members)


def _usual(data: bytes) -> dict[str, str] | None:
    """Return the members of a JWS that has these three once each and no escapes: as the guard would, but sooner."""
    if data.count(b'"') != 12 or b"\\" in data:
        return None
    try:
        return msgspec.structs.asdict(_MEMBERS.decode(data))
    except (msgspec.MsgspecError, ValueError):
        return None


def _read(payload: Raw) -> SignedMessage | Refusal:
    data = bytes(payload)
    try:
        fields = _usual(data) or guard.parse(data)
        if not isinstance(fields, dict):
            return Refusal(Fault.MALFORMED, "a signed payload is an object")
        return ocpp_jws.from_object(fields)
    except InputError as problem:
        return Refusal(Fault.MALFORMED, guard.explain(str(problem)))
