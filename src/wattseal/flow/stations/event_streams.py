"""Periodic event streams (2.1 N11 to N15): opened and closed by the station, their latest values kept."""

import msgspec

from wattseal.flow.documents import read
from wattseal.flow.history import prefix
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.stations.shelf import numbered, shelve
from wattseal.flow.turn import Handlers, Turn
from wattseal.flow.world import World
from wattseal.model.message import Replied
from wattseal.model.monitoring import KeptStream, StreamAdjusted, StreamClosed, StreamOpened, StreamReported

STREAM = "event_stream"
"""Document kind: a stream, by `station/id`."""
MAX_STREAMS = 100
"""Streams kept per station; a further one is rejected."""
MAX_VALUES = 500
"""Values kept of a stream; the oldest go."""


async def open_stream(turn: Turn, fact: StreamOpened) -> Replied:
    """Accept a stream while there is room."""
    step, stream = turn.step(), fact.constant_stream_data
    before = await _kept(turn.world, turn.station.id, stream.id)
    latest = () if before is None else before.latest
    kept = KeptStream(turn.station.id, turn.now_ms, open=True, stream=stream, latest=latest)
    taken = await shelve(step, turn.memory, STREAM, numbered(stream.id), kept, limit=MAX_STREAMS)
    if taken:
        await step.commit()
    return Replied({"status": "Accepted" if taken else "Rejected"})


async def close_stream(turn: Turn, fact: StreamClosed) -> Replied:
    """Mark a stream as closed; its values stay."""
    before = await _kept(turn.world, turn.station.id, fact.id)
    if before is not None and before.open:
        await _keep(turn, msgspec.structs.replace(before, open=False))
    return Replied()


async def values(turn: Turn, fact: StreamReported) -> Replied:
    """Keep a stream's latest values; those of a stream that was never opened are counted and dropped."""
    before = await _kept(turn.world, turn.station.id, fact.id)
    if before is None:
        turn.world.count("event_stream_unknown")
        return Replied()
    told = tuple((fact.basetime, f"{element.t:f}", element.v) for element in fact.data)
    await _keep(turn, msgspec.structs.replace(before, latest=(*before.latest, *told)[-MAX_VALUES:]))
    return Replied()


async def _kept(world: World, station_id: str, number: int) -> KeptStream | None:
    document = await world.journal.document(world.tenant, STREAM, prefix(station_id) + numbered(number))
    return None if document is None else read(document, KeptStream)


async def _keep(turn: Turn, kept: KeptStream) -> None:
    step = turn.step()
    await shelve(step, turn.memory, STREAM, numbered(kept.stream.id), kept, limit=MAX_STREAMS)
    await step.commit()


async def _adjust(answered: Answered, command: StreamAdjusted, answer: Replied) -> None:
    before = await _kept(answered.world, answered.station_id, command.id)
    if answer.status == "Accepted" and before is not None:
        stream = msgspec.structs.replace(before.stream, params=command.params)
        kept = msgspec.structs.replace(before, stream=stream)
        await shelve(answered.step, answered.memory, STREAM, numbered(command.id), kept, limit=MAX_STREAMS)


HANDLERS: Handlers = {StreamOpened: open_stream, StreamClosed: close_stream, StreamReported: values}
EFFECTS: Effects = {StreamAdjusted: _adjust}
