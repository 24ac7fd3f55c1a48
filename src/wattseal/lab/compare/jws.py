"""A signature a message (OCPP signed messages, JWS): what is there is genuine; what is not there is not missed."""

import json
from collections.abc import Sequence

from wattseal.crypto.keys import SigningKey
from wattseal.evidence import ocpp_jws
from wattseal.evidence.ocpp_jws_build import MessageSigner
from wattseal.lab.compare.protection import Packet, websocket_bytes
from wattseal.lab.compare.session import Message, Received, lowered, stop_of
from wattseal.model.verdict import Verdict

_CALL = 2


class SignedMessages:
    """Every message is signed by the station's key (ES256) as OCPP's signed messages are."""

    name = "JWS a message"
    note = "OCPP signed messages: ES256 over each message, no chain, no sealing"

    def __init__(self, key: SigningKey) -> None:
        """Sign with the station's enrolled key; the receiver has its public half."""
        self._signer = MessageSigner(key, bytes(32))
        self._public = key.public.spki

    def pack(self, messages: Sequence[Message]) -> list[Packet]:
        """Return each message with its payload signed."""
        packed: list[Packet] = []
        for message in messages:
            _, number, action, payload = json.loads(message.text)
            signed = self._signer.sign(json.dumps(payload, separators=(",", ":")).encode(), action, _CALL)
            packed.append((b'[2,"%b","%b",%b]' % (number.encode(), f"{action}-Signed".encode(), signed),))
        return packed

    def unpack(self, packets: Sequence[Packet]) -> Received:
        """Check each message by itself."""
        texts, doubt = [], ""
        for (frame,) in packets:
            _, number, action, signed = json.loads(frame)
            raw = json.dumps(signed).encode()
            if ocpp_jws.check(raw, [self._public]).verdict is not Verdict.VALID:
                doubt = "a signature does not verify"
                continue
            texts.append(_opened(number, action, signed["payload"]))
        stop_wh = stop_of(texts)
        return Received(stop_wh, doubt or ("" if stop_wh is not None else "no stop came"), len(texts))

    def read(self, packets: Sequence[Packet]) -> int | None:
        """Decode the payload: it is signed, not sealed."""
        frames = [json.loads(frame) for (frame,) in packets]
        return stop_of([_opened(number, action, signed["payload"]) for _, number, action, signed in frames])

    def lower(self, packets: Sequence[Packet], by_wh: int) -> list[Packet]:
        """Write another payload under the signature that is there."""
        changed: list[Packet] = []
        for (frame,) in packets:
            _, number, action, signed = json.loads(frame)
            text = _opened(number, action, signed["payload"])
            if stop_of([text]) is None:
                changed.append((frame,))
                continue
            payload = json.loads(lowered(text, by_wh))[3]
            spoilt = signed | {"payload": ocpp_jws.encode(json.dumps(payload, separators=(",", ":")).encode())}
            changed.append((json.dumps([2, number, action, spoilt], separators=(",", ":")).encode(),))
        return changed

    def without(self, packet: Packet) -> Packet | None:
        """Leave nothing."""
        del packet
        return None

    def wire_bytes(self, packets: Sequence[Packet]) -> int:
        """Return the frames' sizes."""
        return sum(websocket_bytes(frame) for packet in packets for frame in packet)


def _opened(number: str, action: str, payload: str) -> bytes:
    """Return a signed message as the plain one it stands for."""
    decoded = ocpp_jws.decode(payload) or b"{}"
    return b'[2,"%b","%b",%b]' % (number.encode(), action.removesuffix("-Signed").encode(), decoded)
