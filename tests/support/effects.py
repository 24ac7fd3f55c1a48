"""Commands as if a station had answered them: what they change, without a connection."""

import json
from typing import Any

from wattseal.base.ids import StationId
from wattseal.flow.orders import Answered
from wattseal.flow.stations import device
from wattseal.flow.step import Step
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.message import Asked
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.rpc import CallResult, Connection
from wattseal.wire.ocpp.version import Refusal, Version

S = StationId("S")


async def commanded(world: World, version: Version, action: str, payload: Any, answer: Any) -> None:
    """Let `admin` have sent a payload to the station S, and the station have answered."""
    sent = json.dumps(payload).encode()
    command = catalog.read_command(version, action, sent)
    assert not isinstance(command, Refusal), command
    line = Connection(version)
    line.call("1", action, sent)
    result = line.receive(json.dumps([3, "1", answer]).encode(), world.clock.now())
    assert isinstance(result, CallResult)
    heard = catalog.hear(version, result)
    assert not isinstance(heard, Refusal), heard
    memory = await remember_station(world, S)
    assert memory is not None
    step = Step(world, S, world.now_ms())
    effect = device.EFFECTS[command.action if isinstance(command, Asked) else type(command)]
    await effect(Answered(world, memory, step, version, command, heard, "admin"), command, heard)
    await step.commit()
