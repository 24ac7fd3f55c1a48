"""What a man in the middle reads, changes and drops unnoticed, what each protection weighs and takes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from cryptography.hazmat.primitives import serialization

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.crypto.authority import Authority, load_private_key
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.lab.compare.jws import SignedMessages
from wattseal.lab.compare.plain import Plain, TlsEnded
from wattseal.lab.compare.protection import Packet, Protection
from wattseal.lab.compare.records import Records
from wattseal.lab.compare.session import Message, session
from wattseal.lab.compare.sharing import PATHS, Sharing
from wattseal.lab.dice import Dice

SESSIONS = 40
DROPPED_IN = 5
"""One message in so many is dropped."""
LOWERED_WH = (100, 900)


@dataclass(frozen=True, slots=True)
class Compared:
    """One protection: shares of sessions in percent, bytes a session, and milliseconds of CPU a session.

    `disclosed`: he reads the stop. `distorted`: the receiver takes his stop for true. `mutated`: the same for single
    changed bytes anywhere in the stop. `dropped`: one message in five is gone and nobody doubts the session.
    """

    name: str
    note: str
    disclosed: float
    distorted: float
    mutated: float
    dropped: float
    wire_bytes: int
    cpu_ms: float


def protections(folder: Path) -> list[Protection]:
    """Return the ways that are compared; `folder` takes the certificate of the hop that ends TLS."""
    random = SystemRandom()
    certificate, key = _certificate(folder)
    station = SigningKey.from_seed(Algorithm.ESP256, random.bytes(32))
    return [
        Plain(),
        TlsEnded(certificate, key),
        Sharing(1, random.bytes),
        Sharing(PATHS, random.bytes),
        SignedMessages(station),
        Records(random.bytes),
    ]


def compare(folder: Path, seed: int, sessions: int = SESSIONS) -> list[Compared]:
    """Put the same sessions through every protection, and the same man in the middle at each."""
    return [_measured(one, Dice(f"{seed}/compare"), sessions) for one in protections(folder)]


def _measured(way: Protection, dice: Dice, count: int) -> Compared:
    sessions = [session(dice) for _ in range(count)]
    began = time.process_time()
    packed = [way.pack(messages) for messages in sessions]
    taken = [way.unpack(packets) for packets in packed]
    cpu_ms = (time.process_time() - began) * 1000 / count
    for messages, received in zip(sessions, taken, strict=True):
        if received.doubt or received.stop_wh != messages[-1].register_wh:
            raise AssertionError(f"{way.name}: an honest session is doubted: {received}")
    told = list(zip(sessions, packed, strict=True))
    return Compared(
        name=way.name,
        note=way.note,
        disclosed=_percent([way.read(packets) == messages[-1].register_wh for messages, packets in told]),
        distorted=_percent([_believed(way, way.lower(p, dice.number(*LOWERED_WH)), m) for m, p in told]),
        mutated=_percent([_believed(way, _mutated(p, dice), m) for m, p in told for _ in range(5)]),
        dropped=_dropped(way, told, dice),
        wire_bytes=round(mean(way.wire_bytes(packets) for packets in packed)),
        cpu_ms=round(cpu_ms, 3),
    )


def _believed(way: Protection, packets: Sequence[Packet], messages: Sequence[Message]) -> bool:
    """Return whether a receiver takes another stop than the true one for true."""
    try:
        received = way.unpack(packets)
    except ValueError:
        return False
    return not received.doubt and received.stop_wh not in {None, messages[-1].register_wh}


def _mutated(packets: Sequence[Packet], dice: Dice) -> list[Packet]:
    """Change one byte of the stop's first frame to another digit or letter."""
    *before, stop = packets
    frame = bytearray(stop[0])
    frame[dice.number(0, len(frame) - 1)] = ord(dice.word(1))
    return [*before, (bytes(frame), *stop[1:])]


def _dropped(way: Protection, told: Sequence[tuple[Sequence[Message], list[Packet]]], dice: Dice) -> float:
    """Drop each message by chance, one in `DROPPED_IN`; return the share of sessions with a loss that nobody doubts.

    The first and the last message pass: that a session has no start or no stop anybody sees.
    """
    unnoticed = []
    for _, packets in told:
        hit = [place for place in range(1, len(packets) - 1) if dice.number(1, DROPPED_IN) == 1]
        left = [way.without(p) if place in hit else p for place, p in enumerate(packets)]
        arrived = [p for p in left if p is not None]
        if hit:
            received = way.unpack(arrived)
            unnoticed.append(not received.doubt and received.messages < len(packets))
    return _percent(unnoticed)


def _percent(held: Sequence[bool]) -> float:
    return round(100 * sum(held) / len(held), 1) if held else 0.0


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make the certificate that a station believes, and its key."""
    now, random = SystemClock().now(), SystemRandom()
    root_key, server_key = (SigningKey.from_seed(Algorithm.ESP256, random.bytes(32)).to_pem() for _ in range(2))
    root = Authority.root(root_key, name="Hop", organization="Hop", serial=1, now=now)
    issued = root.issue_server(load_private_key(server_key).public_key(), ["localhost"], serial=2, now=now)
    folder.mkdir(parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    chain, key = folder / "hop.pem", folder / "hop.key"
    chain.write_bytes(issued.public_bytes(pem) + root.certificate.public_bytes(pem))
    key.write_bytes(server_key)
    return chain, key
