"""Secret sharing over several paths: a baseline from the literature. Who holds one path learns and changes nothing."""

from collections.abc import Callable, Sequence

from wattseal.lab.compare import shamir
from wattseal.lab.compare.protection import Packet, websocket_bytes
from wattseal.lab.compare.session import Message, Received, lowered, stop_of

PATHS, NEEDED = 3, 2


class Sharing:
    """Every message is split into three shares, of which two give it back; `held` paths are the man in the middle's."""

    def __init__(self, held: int, random: Callable[[int], bytes]) -> None:
        """Give him this many of the three paths; he knows the plain text where they are enough to join."""
        self._held, self._random = held, random
        self.name = f"secret sharing, {held} of {PATHS} paths his"
        self.note = f"baseline: Shamir {NEEDED} of {PATHS} over GF(256), shares on separate paths, no signatures"

    def pack(self, messages: Sequence[Message]) -> list[Packet]:
        """Return a share a path for each message."""
        return [tuple(shamir.split(message.text, PATHS, NEEDED, self._random)) for message in messages]

    def unpack(self, packets: Sequence[Packet]) -> Received:
        """Join what came; with more shares than needed, one that was altered does not agree with the others."""
        texts, doubt = [], ""
        for packet in packets:
            shares = [(place, share) for place, share in enumerate(packet) if share]
            if len(shares) < NEEDED:
                doubt = "too few shares"
                continue
            if len({len(share) for _, share in shares}) > 1 or not shamir.agree(shares, NEEDED):
                doubt = "shares do not agree"
                continue
            texts.append(shamir.join(shares[:NEEDED]))
        stop_wh = stop_of(texts)
        return Received(stop_wh, doubt or ("" if stop_wh is not None else "no stop came"), len(texts))

    def read(self, packets: Sequence[Packet]) -> int | None:
        """Join what he holds: enough shares give the text, fewer give noise."""
        return stop_of([shamir.join(list(enumerate(packet[: self._held]))) for packet in packets])

    def lower(self, packets: Sequence[Packet], by_wh: int) -> list[Packet]:
        """Share his own text anew where he holds every path; else change the share he has."""
        changed = []
        for packet in packets:
            text = shamir.join(list(enumerate(packet[: self._held])))
            if self._held == PATHS and stop_of([text]) is not None:
                changed.append(tuple(shamir.split(lowered(text, by_wh), PATHS, NEEDED, self._random)))
                continue
            spoilt = bytes([*packet[0][:-1], packet[0][-1] ^ 1])
            changed.append((spoilt, *packet[1:]) if packet is packets[-1] else packet)
        return changed

    def without(self, packet: Packet) -> Packet | None:
        """Take the shares on his paths away."""
        left = (*(b"" for _ in range(self._held)), *packet[self._held :])
        return left if any(left) else None

    def wire_bytes(self, packets: Sequence[Packet]) -> int:
        """Return the frames of all paths."""
        return sum(websocket_bytes(frame) for packet in packets for frame in packet)
