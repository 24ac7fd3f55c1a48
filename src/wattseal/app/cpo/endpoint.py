"""The OCPP endpoint of a CPO: who speaks for which station, one message of a station at a time."""

import asyncio
from collections.abc import Mapping
from functools import partial

from wattseal.app.doorman import Doorman
from wattseal.app.metrics import Traffic
from wattseal.app.processing import process
from wattseal.base.ids import StationId
from wattseal.flow.handle import STATION_SCOPE
from wattseal.flow.ports import Flush, Unflushed
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.net.conversation import Excess
from wattseal.rules.evenly import rest_of_step
from wattseal.serve.ocpp_ws import Endpoint, StationConnection
from wattseal.serve.proxy import Proxies
from wattseal.wire.ocpp.blanks import fill_answer, is_filled
from wattseal.wire.ocpp.rpc import Call, Event, ResultError, Violation
from wattseal.wire.ocpp.version import Refusal

_SCOPES = frozenset({STATION_SCOPE})

PROMPT = frozenset(
    {"Heartbeat", "MeterValues", "StartTransaction", "StatusNotification", "StopTransaction", "TransactionEvent"}
)
"""What most messages are; they seldom wait for anything but the disk."""


ANSWER_STEP_S = 0.5


def make_endpoint(
    world: World, doorman: Doorman, traffic: Traffic, proxies: Proxies | None = None, step_s: float = ANSWER_STEP_S
) -> Endpoint:
    """Return the OCPP endpoint of a world; calls that are filled up are answered at whole steps of `step_s`.

    A station that came back over a new connection may repeat a message whose first copy still waits for an eMSP: its
    messages are handled one at a time, whatever connection they came by.
    """
    principals: dict[StationId, Principal] = {}
    turns: dict[StationId, asyncio.Lock] = {}

    async def handle_call(connection: StationConnection, call: Call) -> bytes | Refusal | Unflushed:
        station_id = connection.station_id
        principal = principals.get(station_id)
        if principal is None:
            principal = principals.setdefault(station_id, Principal(world.tenant, station_id, _SCOPES, _SCOPES))
            turns[station_id] = asyncio.Lock()
        turn, is_timed = turns[station_id], is_filled(call.raw)
        came_s = asyncio.get_running_loop().time() if is_timed else 0.0
        await turn.acquire()
        begun: bytes | Refusal | Unflushed = b""
        try:
            begun = await process(world, principal, connection.version, call)
        finally:
            if isinstance(begun, Unflushed):
                begun.flush.add_done_callback(partial(flushed, turn))
            else:
                turn.release()
        traffic.received(call.action, begun)
        return await answer_alike(call, begun, came_s, step_s) if is_timed else begun

    def flushed(turn: asyncio.Lock, flush: Flush) -> None:
        if flush.cancelled() or flush.exception() is not None:
            world.forget()
        turn.release()

    return Endpoint(
        authenticate=doorman.authenticate,
        handle=handle_call,
        prompt=PROMPT,
        clock=world.clock,
        new_message_id=lambda: world.random.bytes(16).hex(),
        ready=lambda: world.journal.healthy,
        proxies=proxies or Proxies(),
        notice=lambda _, event: world.count(_NOTICED.get(type(event), "frames_ignored")),
    )


async def answer_alike(
    call: Call, answer: bytes | Refusal | Unflushed, came_s: float, step_s: float
) -> bytes | Refusal:
    """Give the answer to a call that was filled up when a step is over, and filled up as well.

    Neither its length nor how long it took tells more than the call's did: what was recorded, whom it was asked of.
    """
    if isinstance(answer, Unflushed):
        await answer.flush
        answer = answer.payload
    await asyncio.sleep(rest_of_step(asyncio.get_running_loop().time() - came_s, step_s))
    return answer if isinstance(answer, Refusal) else fill_answer(answer, len(call.message_id))


_NOTICED: Mapping[type[Event], str] = {
    Violation: "frames_violating",
    Excess: "messages_refused",
    ResultError: "result_errors",
}
"""What is counted of frames that are no call, or are not answered as one; others were ignored."""
