"""Stations that stay connected and say little, in a process of their own.

    python -m bench.idle URL PREFIX COUNT [--password TEXT]

Connects every station, has each boot and tell its status, and prints "ready". At a line on standard input all of them
lose their connections at once and come back as they can, a refused one after 0.1 to 1 s; one line of JSON says how long
that took: seconds until half, 99 % and all of them had booted again. Ends with its input.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from base64 import b64encode

import picows
import uvloop

BOOT = b'[2,"boot","BootNotification",{"chargePointVendor":"Bench","chargePointModel":"Idle"}]'
STATUS = b'[2,"status","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]'


class Idle(picows.WSListener):
    """Boots and tells its status; `up` is done when both are answered, failed when the connection ends before."""

    def __init__(self) -> None:
        self.up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: picows.WSTransport | None = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Boot."""
        self._transport = transport
        transport.send(picows.WSMsgType.TEXT, BOOT)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Go on, or be done; what the CSMS asks meanwhile is refused."""
        if frame.msg_type != picows.WSMsgType.TEXT:
            return
        told = frame.get_payload_as_bytes()
        if told.startswith(b'[3,"boot"'):
            transport.send(picows.WSMsgType.TEXT, STATUS)
        elif told.startswith(b'[3,"status"') and not self.up.done():
            self.up.set_result(None)
        elif told.startswith(b"[2,"):
            message_id = json.dumps(json.loads(told)[1]).encode()
            transport.send(picows.WSMsgType.TEXT, b'[4,%b,"NotSupported","",{}]' % message_id)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """Fail, if it was not up."""
        del transport
        if not self.up.done():
            self.up.set_exception(ConnectionError("closed"))

    @property
    def is_connected(self) -> bool:
        """Whether the handshake was completed."""
        return self._transport is not None

    def drop(self) -> None:
        """Lose the connection."""
        if self._transport is not None:
            self._transport.underlying_transport.abort()


async def come(url: str, name: str, password: str | None, dice: random.Random) -> Idle:
    """Connect a station, however often that takes."""
    headers = {"Sec-WebSocket-Protocol": "ocpp1.6"}
    if password is not None:
        headers["Authorization"] = "Basic " + b64encode(f"{name}:{password}".encode()).decode()
    while True:
        idle = Idle()
        try:
            await picows.ws_connect(
                lambda idle=idle: idle,
                url + name,
                extra_headers=headers,
                websocket_handshake_timeout=60,
                read_buffer_init_size=1024,
            )
            if not idle.is_connected:  # picows says nothing of a connection that ended before the handshake
                raise ConnectionError("closed")
            await idle.up
        except (OSError, TimeoutError, picows.WSError):
            await asyncio.sleep(dice.uniform(0.1, 1))
        else:
            return idle


async def main(url: str, prefix: str, count: int, password: str | None) -> None:
    dice = random.Random(prefix)
    names = [f"{prefix}{number:05}" for number in range(count)]
    everyone: list[Idle] = []
    for begin in range(0, count, 100):
        everyone += await asyncio.gather(*(come(url, name, password, dice) for name in names[begin : begin + 100]))
    while True:
        print("ready", flush=True)
        if not await asyncio.to_thread(sys.stdin.readline):
            return
        start = time.perf_counter()
        back_s: list[float] = []

        async def back(name: str, start: float = start, back_s: list[float] = back_s) -> Idle:
            idle = await come(url, name, password, dice)
            back_s.append(time.perf_counter() - start)
            return idle

        for idle in everyone:
            idle.drop()
        everyone = list(await asyncio.gather(*map(back, names)))
        back_s.sort()
        told = {"p50_s": back_s[count // 2], "p99_s": back_s[count * 99 // 100], "all_s": back_s[-1]}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("prefix")
    parser.add_argument("count", type=int)
    parser.add_argument("--password")
    given = parser.parse_args()
    uvloop.run(main(given.url, given.prefix, given.count, given.password))
