"""T34: a compressed message that inflates without end, one of one-byte fragments, a frame that claims 64 MiB."""

import asyncio
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.raw import CONTINUATION, TEXT, Raw, frame, upgraded
from wattseal.lab.null import take_out
from wattseal.net import websocket
from wattseal.net.websocket import Limits
from wattseal.serve.ocpp_ws import Endpoint, OcppServer

HONEST, BOMBER = "ST1", "BOMB1"
BOMB_BYTES, FRAGMENTS = 64 * 1024 * 1024, 5_000
GROWTH_MIB = 24
"""What the process may grow by meanwhile; one bomb alone would be 64."""
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"


async def _perform(lab: Lab) -> Found:
    return await _bombs(lab)


async def _control(lab: Lab) -> Found:
    return await _bombs(lab, undefend="oversized_frames")


def undefend() -> None:
    """Take messages of any length, in any number of fragments."""
    made = OcppServer.__init__

    def unbounded(server: OcppServer, endpoint: Endpoint) -> None:
        made(server, replace(endpoint, limits=Limits(max_message_bytes=1 << 30)))

    take_out(OcppServer, "__init__", unbounded)
    take_out(websocket, "MAX_FRAGMENTS", 1 << 30)


async def _bombs(lab: Lab, undefend: str | None = None) -> Found:
    async with lab.alone(undefend=undefend) as cpo:
        await cpo.enrol(HONEST)
        await cpo.enrol(BOMBER)
        async with cpo.station(HONEST) as honest:
            await honest.boot()
            before_mib = _most_mib(cpo.pid)
            codes: dict[str, int | None] = {}
            for name, bomb in BOMBS.items():
                codes[name] = await _throw(cpo, bomb)
                if codes[name] is None:
                    break
            began = time.monotonic()
            await honest.call("Heartbeat", {})
            beat_s = time.monotonic() - began
            grown_mib = _most_mib(cpo.pid) - before_mib
    figures = (
        Figure("memory of the process grows by", grown_mib, "MiB"),
        Figure("heartbeat of another station behind them", beat_s * 1000, "ms"),
    )
    taken = [name for name, code in codes.items() if code is None]
    if grown_mib > GROWTH_MIB or taken:
        return Found(Outcome.MISSED, f"the process grew by {grown_mib:.0f} MiB; taken: {', '.join(taken)}")
    closed = "; ".join(f"{name} closed with {code}" for name, code in codes.items())
    return Found(Outcome.BOUNDED, f"{closed}; the process grew by {grown_mib:.1f} MiB", figures=figures)


async def _throw(cpo: Alone, bomb: Callable[[Raw], Awaitable[None]]) -> int | None:
    async with upgraded(cpo.ocpp, BOMBER, cpo.passwords[BOMBER], DEFLATE) as raw:
        throwing = asyncio.ensure_future(bomb(raw))
        code = await raw.close_code(10)
        throwing.cancel()
        return code


async def _deflated(raw: Raw) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(BOMB_BYTES >> 20))
    packed += packer.flush(zlib.Z_SYNC_FLUSH)
    await raw.send(frame(TEXT, packed.removesuffix(b"\x00\x00\xff\xff"), deflated=True))


async def _fragments(raw: Raw) -> None:
    await raw.send(frame(TEXT, b"[", fin=False) + frame(CONTINUATION, b" ", fin=False) * FRAGMENTS)


async def _huge(raw: Raw) -> None:
    await raw.send(frame(TEXT, b"", told=BOMB_BYTES))
    for _ in range(BOMB_BYTES >> 16):
        if not await raw.send(b" " * (1 << 16)):
            return


BOMBS = {
    "64 MiB in 64 KiB of deflate": _deflated,
    f"{FRAGMENTS} one-byte fragments": _fragments,
    "a frame of 64 MiB": _huge,
}


def _most_mib(pid: int) -> float:
    """Return the most memory a process has ever held."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


ATTACK = Attack(
    line="T34",
    title="messages that are small on the wire and huge in memory, and frames that claim to be huge",
    steps=(
        "a station with good credentials agrees on compression and sends 64 MiB in 64 KiB",
        f"it dials again and sends one message in {FRAGMENTS} fragments of a byte",
        "it dials again and sends a frame of 64 MiB",
        "another station sends a heartbeat; the memory of the process is looked at",
    ),
    defence="messages, fragments and what compressed ones inflate to are bounded before they are held",
    without="all three bounds are taken away",
    residual="each connection may make the CSMS hold one message of 128 KiB",
    expected=Outcome.BOUNDED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
