"""A TCP line between a station and whom it dials, with everything that happens to lines: drawn from a seed.

It knows bytes only: a chunk may arrive in pieces or together with the next one, late, or never, because the connection
is reset in the middle of it, closed in one direction, or goes nowhere for a while. Some dial twice at once.
"""

import asyncio
import socket
import struct
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Self

CHUNK = 65_536
NOW = struct.pack("ii", 1, 0)
"""SO_LINGER: close with a reset."""


@dataclass(frozen=True)
class Weather:
    """How likely each is for a chunk (`twice` for a connection), and how long what takes time takes."""

    split: float = 0.3
    gather: float = 0.2
    late: float = 0.2
    reset: float = 0.06
    half: float = 0.03
    nowhere: float = 0.03
    twice: float = 0.1
    most_s: float = 0.05
    nowhere_s: float = 0.3


CALM = Weather(split=0, gather=0, late=0, reset=0, half=0, nowhere=0, twice=0)


@dataclass
class BadLine:
    """Listens on a free loopback port, for what is meant for `port`."""

    port: int
    dice: Random
    weather: Weather = field(default_factory=Weather)
    happened: Counter[str] = field(default_factory=Counter)
    listens: int = 0
    _links: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.listens)
        self.listens = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for link in tuple(self._links):
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    def calm_down(self) -> None:
        """Be a good line from now on."""
        self.weather = CALM

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            await self._link(reader, writer)
        except OSError:
            self.happened["unreachable"] += 1
        finally:
            self._links.discard(task)
            await _reset(writer)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.port)
        first = await reader.read(CHUNK)
        tasks = [asyncio.create_task(self._pump(up_reader, writer))]
        if self._draw("twice"):
            tasks.append(asyncio.create_task(self._second(first)))
        up_writer.write(first)
        tasks.append(asyncio.create_task(self._pump(reader, up_writer)))
        try:
            done, _ = await asyncio.wait((tasks[0], tasks[-1]), return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.exception()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await _reset(up_writer)

    async def _second(self, first: bytes) -> None:
        """Dial once more with the same words, and listen for a while."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(first)
        try:
            async with asyncio.timeout(self.dice.uniform(0, self.weather.nowhere_s)):
                while await reader.read(CHUNK):
                    pass
        except (TimeoutError, OSError):
            self.happened["second hung up"] += 1
        finally:
            await _reset(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            if self._draw("gather"):
                await asyncio.sleep(self.dice.uniform(0, self.weather.most_s))
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.weather.most_s / 4):
                        chunk += await reader.read(CHUNK)
            if self._draw("late"):
                await asyncio.sleep(self.dice.uniform(0, self.weather.most_s))
            if self._draw("nowhere"):
                await asyncio.sleep(self.dice.uniform(0, self.weather.nowhere_s))
            if self._draw("reset"):
                writer.write(chunk[: self.dice.randrange(len(chunk))])
                raise ConnectionResetError
            if self._draw("half"):
                writer.write_eof()
                continue
            await self._send(writer, chunk)
        with suppress(OSError):
            writer.write_eof()

    async def _send(self, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        if writer.is_closing():
            raise ConnectionResetError
        if not self._draw("split"):
            writer.write(chunk)
            await writer.drain()
            return
        at = 0
        while at < len(chunk):
            width = self.dice.choice((1, 2, 7, 64))
            writer.write(chunk[at : at + width])
            await writer.drain()
            at += width
            if self.dice.random() < 0.1:
                await asyncio.sleep(0)

    def _draw(self, what: str) -> bool:
        if self.dice.random() >= getattr(self.weather, what):
            return False
        self.happened[what] += 1
        return True


async def _reset(writer: asyncio.StreamWriter) -> None:
    """Close at once, with a reset."""
    found: socket.socket | None = writer.get_extra_info("socket")
    if found is not None:
        with suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()
