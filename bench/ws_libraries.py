"""WebSocket libraries compared: how many OCPP-sized messages one CPU-second of the server process echoes.

    python bench/ws_libraries.py [--seconds 2] [--rounds 3] [--connections 50]

Every server runs in a process of its own on uvloop and reports the CPU it used; the client keeps one message in flight
on each connection. Servers take turns, the median round counts. The table shows ratios: absolute numbers belong to
one machine. docs/adr/0008-websocket-library.md is written from it.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sys
from typing import Any

import picows
import uvloop

FRAME = (
    b'[2,"0b8e8d0a-7a44-4c5c-9c7b-8f0f5f3f2d11","MeterValues",{"connectorId":1,"transactionId":12345678,"meterValue":'
    b'[{"timestamp":"2024-05-01T10:00:00Z","sampledValue":[{"value":"1234.5","measurand":'
    b'"Energy.Active.Import.Register","unit":"Wh","context":"Sample.Periodic"},{"value":"7200","measurand":'
    b'"Power.Active.Import","unit":"W"}]}]}]'
)
LIBRARIES = ("picows", "aiohttp", "websockets")


class Echo(picows.WSListener):
    """The echo server on picows."""

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Send it back."""
        if frame.msg_type == picows.WSMsgType.TEXT:
            transport.send(picows.WSMsgType.TEXT, frame.get_payload_as_bytes())


async def serve_picows() -> int:
    server = await picows.ws_create_server(lambda _request: Echo(), "127.0.0.1", 0)
    return int(server.sockets[0].getsockname()[1])


async def serve_aiohttp() -> int:
    from aiohttp import WSMsgType, web  # noqa: PLC0415 - only the library under test is loaded

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
        return socket

    app = web.Application()
    app.router.add_get("/", echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return int(runner.addresses[0][1])


async def serve_websockets() -> int:
    from websockets.asyncio.server import ServerConnection, serve  # noqa: PLC0415 - only the library under test is loaded

    async def echo(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)

    server = await serve(echo, "127.0.0.1", 0, compression=None)
    return int(next(iter(server.sockets)).getsockname()[1])


async def serve(library: str) -> None:
    """Serve until SIGTERM, then print the CPU seconds used since the first line."""
    port = await {"picows": serve_picows, "aiohttp": serve_aiohttp, "websockets": serve_websockets}[library]()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    before = os.times()
    print(port, flush=True)
    await stopped.wait()
    after = os.times()
    print(after.user + after.system - before.user - before.system, flush=True)
    os._exit(0)


class Client(picows.WSListener):
    """Sends the frame again whenever it comes back."""

    def __init__(self) -> None:
        self.count = 0

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Begin."""
        transport.send(picows.WSMsgType.TEXT, FRAME)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Count and go on."""
        if frame.msg_type == picows.WSMsgType.TEXT:
            self.count += 1
            transport.send(picows.WSMsgType.TEXT, FRAME)


async def load(port: int, connections: int, seconds: float) -> int:
    """Return how many messages came back."""
    clients: list[tuple[picows.WSTransport, Any]] = [
        await picows.ws_connect(Client, f"ws://127.0.0.1:{port}/") for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    count = sum(int(listener.count) for _, listener in clients)
    for transport, _ in clients:
        transport.disconnect(graceful=False)
    return count


def measure(library: str, connections: int, seconds: float) -> float:
    """Return messages per CPU-second of one server process."""
    command = [sys.executable, __file__, "--serve", library]
    with subprocess.Popen(  # noqa: S603 - this very file
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        count = uvloop.run(load(port, connections, seconds))
        server.send_signal(signal.SIGTERM)
        return count / float(server.stdout.readline())


def main() -> None:
    """Run the comparison."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    arguments.add_argument("--serve", choices=LIBRARIES, help=argparse.SUPPRESS)
    arguments.add_argument("--seconds", type=float, default=2.0)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--connections", type=int, default=50)
    given = arguments.parse_args()
    if given.serve:
        with contextlib.suppress(KeyboardInterrupt):
            uvloop.run(serve(given.serve))
        return
    results: dict[str, list[float]] = {library: [] for library in LIBRARIES}
    for _ in range(given.rounds):
        for library in LIBRARIES:
            results[library].append(measure(library, given.connections, given.seconds))
    slowest = min(statistics.median(rates) for rates in results.values())
    print(f"{'library':<12} echo per CPU-second, ratio to the slowest")
    for library, rates in results.items():
        print(f"{library:<12} {statistics.median(rates) / slowest:.2f}")


if __name__ == "__main__":
    main()
