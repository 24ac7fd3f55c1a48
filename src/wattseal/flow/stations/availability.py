"""Availability: what state connectors are in, and what was asked of them (2.x block G; 1.6 sections 4.9 and 5.2)."""

from wattseal.base.ids import StationId
from wattseal.flow.alarms import alarm
from wattseal.flow.documents import put, read
from wattseal.flow.history import prefix
from wattseal.flow.memory import Memory
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.turn import Handlers, Turn
from wattseal.flow.world import World
from wattseal.model.answers import Acknowledged
from wattseal.model.connector import ConnectorState, ServiceOrder
from wattseal.model.facts import StatusReported
from wattseal.model.remote import AvailabilityRequested, Responded
from wattseal.rules.clock_drift import drift_ms, is_alarming, with_sample

CONNECTOR = "connector"
"""Document kind: the state of a connector, by `station/evse/connector`."""
SERVICE = "service"
"""Document kind: in or out of service, by `station/evse/connector`."""
MAX_CONNECTORS = 256
"""Connectors kept per station; the states of further ones are answered and not kept."""


async def report(turn: Turn, fact: StatusReported) -> Acknowledged:
    """Keep a connector's state, durably when it has changed."""
    if fact.at is not None:
        await _tell_time(turn, int(fact.at.timestamp() * 1000))
    state = ConnectorState(
        fact.evse_id,
        fact.connector_id,
        fact.status,
        turn.now_ms,
        fact.detail,
        None if fact.at is None else int(fact.at.timestamp() * 1000),
        fact.error_code if fact.error_code != "NoError" else None,
        fact.info,
        fact.vendor_id,
        fact.vendor_error_code,
    )
    await note(turn, state)
    return Acknowledged()


async def _tell_time(turn: Turn, told_ms: int) -> None:
    """Take what the station's clock says; raise an alarm when it begins to be too far off."""
    memory = turn.memory
    memory.clock = with_sample(memory.clock, told_ms - turn.now_ms)
    alarming = is_alarming(memory.clock)
    if alarming and not memory.clock_alarmed:
        step = turn.step()
        alarm(step, "clock_drift", f"{(drift_ms(memory.clock) or 0) // 1000} s")
        await step.commit()
    memory.clock_alarmed = alarming


async def note(turn: Turn, state: ConnectorState) -> None:
    """Take over a connector's state, whichever message told it."""
    memory = turn.memory
    memory.statuses[state.evse_id] = state.status
    place = state.evse_id, state.connector_id
    known = await _known(turn.world, memory)
    if state.same_as(known.get(place)):
        return
    if place not in known and len(known) >= MAX_CONNECTORS:
        turn.world.count("connectors_beyond_limit")
        return
    known[place] = state
    step = turn.step()
    step.puts.append(put(CONNECTOR, _key(turn.station.id, *place), state, turn.now_ms, station_id=turn.station.id))
    await step.commit()


async def connectors(world: World, station_id: StationId) -> tuple[ConnectorState, ...]:
    """Return the states of a station's connectors as last told, in the order of their numbers."""
    memory = world.stations.get(station_id)
    if memory is not None:
        return tuple(state for _, state in sorted((await _known(world, memory)).items()))
    return await _kept(world, station_id)


async def service_orders(world: World, station_id: StationId) -> tuple[ServiceOrder, ...]:
    """Return what was last asked of a station, its EVSEs and connectors about their service."""
    found = await world.journal.documents(
        world.tenant, SERVICE, station_id=station_id, after=prefix(station_id), limit=MAX_CONNECTORS
    )
    return tuple(read(document, ServiceOrder) for document in found)


async def _known(world: World, memory: Memory) -> dict[tuple[int, int], ConnectorState]:
    if memory.connectors is None:
        kept = await _kept(world, StationId(memory.station.id))
        if memory.connectors is None:
            memory.connectors = {(state.evse_id, state.connector_id): state for state in kept}
    return memory.connectors


async def _kept(world: World, station_id: StationId) -> tuple[ConnectorState, ...]:
    found = await world.journal.documents(
        world.tenant, CONNECTOR, station_id=station_id, after=prefix(station_id), limit=MAX_CONNECTORS
    )
    return tuple(read(document, ConnectorState) for document in found)


def _key(station_id: str, evse_id: int, connector_id: int | None) -> str:
    return f"{prefix(station_id)}{evse_id:04d}/{connector_id or 0:04d}"


async def change(answered: Answered, command: AvailabilityRequested, answer: Responded) -> None:
    """Keep what was asked and answered; a transaction may put it off (Scheduled)."""
    world, station_id = answered.world, answered.station_id
    order = ServiceOrder(
        command.evse_id,
        command.connector_id,
        command.operational,
        answer.status,
        answered.step.now_ms,
        answered.asked_by,
    )
    key = _key(station_id, command.evse_id, command.connector_id)
    answered.step.puts.append(put(SERVICE, key, order, answered.step.now_ms, station_id=station_id))
    world.count(f"availability_{answer.status.lower()}")


HANDLERS: Handlers = {StatusReported: report}
EFFECTS: Effects = {AvailabilityRequested: change}
