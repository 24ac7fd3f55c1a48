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
from wattseal.wire.ocpp.version import Fault, Refusal, Version

CONTENT = frozenset({Fault.MALFORMED, Fault.STRUCTURE, Fault.COUNT, Fault.TYPE, Fault.VALUE})
"""Faults of what a message says; the others are about who says it, and when."""
_LOGGER = logging.getLogger("wattseal.ocpp")


async def process(world: World, principal: Principal, version: Version, call: Call) -> bytes | Refusal | Unflushed:
    """Begin to handle a call; no message of a transaction is lost by a fault of this program, nor by one of its own.

    What departs from its schema beyond reading is answered with the error, and put aside: the station drops it one day.
    """
    try:
        answer = await begin(world, principal, version, call)
    except StoreError:
        raise
    except Exception as error:
        taken = await put_aside(world, StationId(principal.name), call, type(error).__name__)
        if taken is None:
            raise
        _LOGGER.exception("a message could not be processed and was put aside")
        return taken
    if isinstance(answer, Refusal) and answer.fault in CONTENT:
        await put_aside(world, StationId(principal.name), call, answer.text)
    return answer
