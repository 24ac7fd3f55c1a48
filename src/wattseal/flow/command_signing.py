"""Commands as they go to a station with an edge: signed by this CSMS for that station, good once and not for long.

The edge lets nothing else through (docs/spec/edge.md, "Commands"). The signature goes beside the call in 2.x and ahead
of it in 1.6; stations without an edge are sent the call alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from wattseal.base.ids import StationId
from wattseal.flow.ports import Silence
from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.seal.command import SignedCommand, issue
from wattseal.wire.ocpp import guard
from wattseal.wire.ocpp.rpc import CallError, CallResult
from wattseal.wire.ocpp.signed_commands import announcement, payload_hash, with_command
from wattseal.wire.ocpp.version import Version

LEAST_S = 0.1
"""So long a command may take whose time was used up by what went ahead of it."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A command on record, about to be sent: `record` is the record's payload hash, the times are what it states."""

    station: Station
    version: Version
    record: bytes
    issued_ms: int
    until_ms: int
    timeout_s: float


async def call(world: World, sending: Sending, action: str, payload: bytes) -> CallResult | CallError | Silence:
    """Ask a station, with this CSMS's signature where an edge looks for it."""
    station_id = StationId(sending.station.id)
    ahead, payload = signed(world, sending, action, payload)
    if ahead is not None:
        told = await world.lines.call(station_id, *ahead, sending.timeout_s)
        if isinstance(told, Silence):
            return told
        left_s = (sending.until_ms - world.now_ms()) / 1000
        return await world.lines.call(station_id, action, payload, max(left_s, LEAST_S))
    return await world.lines.call(station_id, action, payload, sending.timeout_s)


ANSWER_LIFE_MS = 30_000
"""So long an answer that switches power is good."""


def signed_answer(world: World, station: Station, named: str, payload: Mapping[str, object]) -> bytes:
    """Return this CSMS's signature on an answer that switches power; empty where no edge looks for one.

    `named` says what is answered (`wire.ocpp.signed_commands.answer_to`). There is no record of it: what it says was
    recorded when it was ordered.
    """
    if not world.has_edge(station):
        return b""
    now_ms = world.now_ms()
    origin, once = world.signed_origin(station), world.random.bytes(32)
    said = SignedCommand(origin, named, payload_hash(payload), once, now_ms, now_ms + ANSWER_LIFE_MS)
    return issue(said, world.csms_key, world.log_origin).encode()


def signed(world: World, sending: Sending, action: str, payload: bytes) -> tuple[tuple[str, bytes] | None, bytes]:
    """Return the call that goes ahead, if one does, and the payload to send."""
    told = guard.parse(payload) if world.has_edge(sending.station) else None
    if not isinstance(told, dict):
        return None, payload
    origin = world.signed_origin(sending.station)
    said = SignedCommand(origin, action, payload_hash(told), sending.record, sending.issued_ms, sending.until_ms)
    statement = issue(said, world.csms_key, world.log_origin).encode()
    if sending.version is Version.V16:
        return announcement(statement), payload
    return None, with_command(told, statement)
