"""A client's end of a WebSocket byte by byte: for whoever keeps to no rule of it."""

import asyncio
import base64
import contextlib
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from wattseal.lab.crew import LabError

TEXT, CLOSE, PING, PONG, CONTINUATION = 0x1, 0x8, 0x9, 0xA, 0x0
MASK = bytes(4)
"""Masked, as clients have to, with zeros: what is sent is what stands on the wire."""
ANSWER_S = 20.0


def frame(opcode: int, payload: bytes, *, fin: bool = True, deflated: bool = False, told: int | None = None) -> bytes:
    """Return a frame; `told` is the length that its head claims, its own by default (RFC 6455, 5.2)."""
    length = len(payload) if told is None else told
    head = bytes([(0x80 if fin else 0) | (0x40 if deflated else 0) | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 1 << 16:
        head += bytes([0x80 | 126]) + struct.pack("!H", length)
    else:
        head += bytes([0x80 | 127]) + struct.pack("!Q", length)
    return head + MASK + payload


@dataclass(slots=True)
class Raw:
    """An open connection; nothing is read, and no ping answered, unless asked for."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes, within_s: float = ANSWER_S) -> bool:
        """Send bytes; False where the other side has closed, or takes no more in time."""
        self.writer.write(data)
        try:
            async with asyncio.timeout(within_s):
                await self.writer.drain()
        except (ConnectionError, TimeoutError):
            return False
        return True

    async def receive(self, within_s: float = ANSWER_S) -> tuple[int, bytes] | None:
        """Return the next frame's opcode and payload; None at the end, or where nothing comes in time."""
        try:
            async with asyncio.timeout(within_s):
                first, second = await self.reader.readexactly(2)
                length = second & 0x7F
                if length == 126:
                    (length,) = struct.unpack("!H", await self.reader.readexactly(2))
                elif length == 127:
                    (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
                return first & 0x0F, await self.reader.readexactly(length)
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            return None

    async def close_code(self, within_s: float = ANSWER_S) -> int | None:
        """Return the code of the close frame that comes, None where none does."""
        while (found := await self.receive(within_s)) is not None:
            opcode, payload = found
            if opcode == CLOSE:
                return int.from_bytes(payload[:2])
        return None


def request(url: str, station: str, password: str, *extra: str) -> bytes:
    """Return the request to upgrade, as a station of 1.6 sends it."""
    parts = urlsplit(url)
    lines = [
        f"GET {parts.path}/{station} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
        "Sec-WebSocket-Protocol: ocpp1.6",
        f"Authorization: Basic {base64.b64encode(f'{station}:{password}'.encode()).decode()}",
        *extra,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Raw]:
    """Open a socket to where stations dial, and say nothing yet."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def upgraded(url: str, station: str, password: str, *extra: str) -> AsyncIterator[Raw]:
    """Open a WebSocket as a station; `LabError` where the door stays shut."""
    async with connected(url) as raw:
        await raw.send(request(url, station, password, *extra))
        async with asyncio.timeout(ANSWER_S):
            answer = await raw.reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer.split(b"\r\n", 1)[0]:
            raise LabError(f"not let in: {answer!r}", subject=station)
        yield raw
