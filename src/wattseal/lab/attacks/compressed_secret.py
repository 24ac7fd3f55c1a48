"""T06: an eavesdropper has his own text sent beside a secret, and reads the secret from the sizes of what goes by."""

import asyncio
import json
import zlib
from weakref import WeakKeyDictionary

import picows

from wattseal.base.ids import StationId
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.door import Door, at_the_door
from wattseal.lab.lab import Lab
from wattseal.lab.means.raw import TEXT, Raw, frame, upgraded
from wattseal.lab.null import swapped
from wattseal.net.websocket import PicowsSocket

STATION = "ST1"
ALPHABET = "0123456789abcdef"
SECRET_LENGTH = 6
ID = "1"
NOTHING = "~"
"""Stands in no secret, so that nothing but the guess is matched."""
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
ANSWER_S = 10.0
_TAIL = b"\x00\x00\xff\xff"


async def _perform(lab: Lab) -> Found:
    return await _eavesdrop(lab)


async def _control(lab: Lab) -> Found:
    """Compress what the CSMS sends, with one window a connection, as RFC 7692 allows."""
    packers: WeakKeyDictionary[PicowsSocket, zlib._Compress] = WeakKeyDictionary()

    def compressed(socket: PicowsSocket, data: bytes) -> None:
        packer = packers.setdefault(socket, zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS))
        packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
        transport = socket._transport  # noqa: SLF001 - what is swapped is this class's own
        if transport is not None:
            transport.send(picows.WSMsgType.TEXT, packed.removesuffix(_TAIL), rsv1=True)

    with swapped(PicowsSocket, "send", compressed):
        return await _eavesdrop(lab)


async def _eavesdrop(lab: Lab) -> Found:
    secret = "".join(ALPHABET[lab.dice.number(0, len(ALPHABET) - 1)] for _ in range(SECRET_LENGTH))
    sizes: set[int] = set()
    async with lab.clockwork() as cpo, at_the_door(cpo, ids=_one_id) as door:
        await door.enrol(STATION)
        known = ""
        for _ in range(SECRET_LENGTH):
            told = {character: await _guess(door, secret, known + character) for character in ALPHABET}
            sizes |= {size - len(known) for size in told.values()}
            known += min(ALPHABET, key=lambda character: told[character])
    right = sum(1 for read, true in zip(known, secret, strict=True) if read == true)
    figure = Figure("characters of the secret read from sizes", right, f"of {SECRET_LENGTH}")
    if known == secret:
        return Found(Outcome.MISSED, f"he read all {SECRET_LENGTH} characters of the secret from sizes")
    if len(sizes) > 1:
        return Found(Outcome.MISSED, f"sizes differ with what is guessed: {sorted(sizes)}")
    text = f"of one length all his {SECRET_LENGTH * len(ALPHABET)} guesses were of one size on the wire"
    return Found(Outcome.BOUNDED, f"{text}; {right} of {SECRET_LENGTH} characters right by chance", figures=(figure,))


async def _guess(door: Door, secret: str, guess: str) -> int:
    """Have the station dial anew and be sent the secret, then his text; return the size of that on the wire."""
    async with upgraded(door.url, STATION, door.passwords[STATION], DEFLATE) as raw:
        await _send(door, raw, "ChangeConfiguration", {"key": "AuthorizationKey", "value": secret})
        return await _send(door, raw, "DataTransfer", {"vendorId": "x", "data": f"{guess}{NOTHING}"})


async def _send(door: Door, raw: Raw, action: str, payload: dict[str, str]) -> int:
    """Have a call sent; return the size of its frame's payload, as anybody on the way sees it."""
    lines, text = door.clockwork.world.lines, json.dumps(payload, separators=(",", ":")).encode()
    calling = asyncio.create_task(lines.call(StationId(STATION), action, text, ANSWER_S))
    found = await raw.receive()
    await raw.send(frame(TEXT, json.dumps([3, ID, {"status": "Accepted"}]).encode()))
    await calling
    return 0 if found is None else len(found[1])


def _one_id() -> str:
    """Return the id of every call: what varies in size is then the guess alone."""
    return ID


ATTACK = Attack(
    line="T06",
    title="a secret is read from the sizes of compressed messages",
    steps=(
        "a station agrees on compression; whenever it dials, the operator sends it its password",
        "cut its connection; when it is back, have text of his own sent to it, each time with another next character",
        "take the character whose frames are shortest, and go on",
    ),
    defence="what the CSMS sends is never compressed",
    without="it is compressed with a window for each connection, as the standard allows",
    residual="what stations send may be compressed by them in a window of 2 KiB, their secrets beside text of others",
    expected=Outcome.BOUNDED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
