"""A station's message handled, or put aside where that fails."""

import logging

from wattseal.base.errors import StoreError
from wattseal.base.ids import StationId
from wattseal.flow.dead_letters import put_aside
from wattseal.flow.handle import begin
from wattseal.flow.ports import Unflushed
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.wire.ocpp.rpc import Call
from wattseal.wire.ocpp.version import Refusal, Version

_LOGGER = logging.getLogger("wattseal.ocpp")


async def process(world: World, principal: Principal, version: Version, call: Call) -> bytes | Refusal | Unflushed:
    """Begin to handle a call; a fault of this program costs the station no message of a transaction."""
    try:
        return await begin(world, principal, version, call)
    except StoreError:
        raise
    except Exception as error:
        answer = await put_aside(world, StationId(principal.name), call, type(error).__name__)
        if answer is None:
            raise
        _LOGGER.exception("a message could not be processed and was put aside")
        return answer
