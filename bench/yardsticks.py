"""Servers to compare with, each in a process of its own: `python -m bench.yardsticks peer|echo` prints its port.

`peer` is the usual Python stack at its fastest: the `ocpp` package validating in the loop's thread (its default hands
every message to a thread pool), `websockets` without compression, uvloop, no log lines. It stores nothing and accepts
everything. `echo` is picows sending every frame back: no work at all.
"""

import asyncio
import logging
import sys
from typing import Any

import picows
import uvloop


class Echo(picows.WSListener):
    """Sends every frame back."""

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Send it back."""
        if frame.msg_type == picows.WSMsgType.TEXT:
            transport.send(picows.WSMsgType.TEXT, frame.get_payload_as_bytes())


def _upgrade(request: picows.WSUpgradeRequest) -> picows.WSUpgradeResponseWithListener:
    del request
    response = picows.WSUpgradeResponse.create_101_response({"Sec-WebSocket-Protocol": "ocpp1.6"})
    return picows.WSUpgradeResponseWithListener(response, Echo())


async def serve_echo() -> int:
    server = await picows.ws_create_server(_upgrade, "127.0.0.1", 0, enable_auto_ping=False)
    return int(server.sockets[0].getsockname()[1])


async def serve_peer() -> int:
    from ocpp import messages  # type: ignore[import-untyped] # noqa: PLC0415 - only the stack that is measured is loaded
    from ocpp.routing import on  # type: ignore[import-untyped] # noqa: PLC0415 - as above
    from ocpp.v16 import ChargePoint, call_result  # type: ignore[import-untyped] # noqa: PLC0415 - as above
    from websockets import Subprotocol  # noqa: PLC0415
    from websockets.asyncio.server import ServerConnection, serve  # noqa: PLC0415

    messages.ASYNC_VALIDATION = False
    logging.getLogger("ocpp").setLevel(logging.CRITICAL)
    accepted = {"status": "Accepted"}
    given = iter(range(1, 2**31))

    class Station(ChargePoint):  # type: ignore[misc] # the package has no types
        """Answers what a charge needs, at once."""

        @on("StartTransaction")  # type: ignore[untyped-decorator] # as above
        def on_start(self, **_: Any) -> Any:
            return call_result.StartTransaction(transaction_id=next(given), id_tag_info=accepted)

        @on("MeterValues")  # type: ignore[untyped-decorator] # as above
        def on_meter_values(self, **_: Any) -> Any:
            return call_result.MeterValues()

        @on("StopTransaction")  # type: ignore[untyped-decorator] # as above
        def on_stop(self, **_: Any) -> Any:
            return call_result.StopTransaction(id_tag_info=accepted)

        @on("Heartbeat")  # type: ignore[untyped-decorator] # as above
        def on_heartbeat(self, **_: Any) -> Any:
            return call_result.Heartbeat(current_time="2026-01-15T10:00:00Z")

    async def connected(socket: ServerConnection) -> None:
        name = socket.request.path.rpartition("/")[2] if socket.request else ""
        await Station(name, socket).start()

    server = await serve(
        connected,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol("ocpp1.6")],
        compression=None,
        ping_interval=None,
    )
    return int(next(iter(server.sockets)).getsockname()[1])


async def main(which: str) -> None:
    print(await {"peer": serve_peer, "echo": serve_echo}[which](), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    uvloop.run(main(sys.argv[1]))
