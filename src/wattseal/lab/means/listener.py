"""A service inside the network that nobody outside should reach through the product: it counts who comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SECRET = b"what only the inside may read"


@dataclass(slots=True)
class Listener:
    """What was asked of it, first lines of requests; with `onto` it sends everybody on to there."""

    url: str = ""
    onto: str | None = None
    asked: list[str] = field(default_factory=list)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append((await asyncio.wait_for(reader.readline(), 5)).decode(errors="replace").strip())
            if self.onto is None:
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(SECRET)}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode() + SECRET)
            else:
                head = f"HTTP/1.1 307 Elsewhere\r\nLocation: {self.onto}\r\nContent-Length: 0\r\nConnection: close"
                writer.write(head.encode() + b"\r\n\r\n")
            await writer.drain()
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(onto: str | None = None) -> AsyncIterator[Listener]:
    """Listen on a loopback port meanwhile."""
    made = Listener(onto=onto)
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0)  # noqa: SLF001 - its own
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/inside"
    try:
        yield made
    finally:
        server.close()
