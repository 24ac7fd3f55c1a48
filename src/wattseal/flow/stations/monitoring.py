"""Monitoring: which monitors a station has, and the events it tells of (2.x block N)."""

from datetime import datetime

import msgspec

from wattseal.flow.alarms import alarm
from wattseal.flow.documents import read
from wattseal.flow.fleet.maintenance import is_quiet
from wattseal.flow.history import append, prefix
from wattseal.flow.memory import Memory
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.stations import assemblies, availability
from wattseal.flow.stations.shelf import numbered, shelve, unshelve
from wattseal.flow.step import Step
from wattseal.flow.turn import Handlers, Turn
from wattseal.model.connector import ConnectorState
from wattseal.model.message import Asked, Replied
from wattseal.model.monitoring import (
    Event,
    EventsReported,
    KeptEvent,
    KeptLevel,
    KeptMonitor,
    Monitor,
    MonitorsAnswered,
    MonitorsClear,
    MonitorsCleared,
    MonitorsReported,
    MonitorsSet,
)
from wattseal.rules.device_model import place_of

EVENT, MONITOR, LEVEL = "device_event", "monitor", "monitoring_level"
"""Document kinds: events by `station/time`, monitors by `station/id`, base and level by `station/state`."""
MAX_EVENTS = 1000
"""Events kept per station; the oldest goes."""
MAX_MONITORS = 2000
"""Monitors kept per station; further ones are left out and counted."""
_STATE = "state"
CODE = "device_event"
_STATES = frozenset({"Available", "Occupied", "Reserved", "Unavailable", "Faulted"})
_PLACES = frozenset({"connector", "evse", "chargingstation"})


async def events(turn: Turn, fact: EventsReported) -> Replied:
    """Keep events; severe ones and problems raise alarms, and a state of availability is taken over.

    What announced works explain raises none.
    """
    step = turn.step()
    for event in fact.event_data:
        severity = await _severity(turn, event)
        kept = KeptEvent(turn.station.id, turn.now_ms, event, severity)
        await append(step, turn.memory, EVENT, kept, MAX_EVENTS)
        if _is_alarming(event, severity, turn.world.settings.alarm_severity):
            place = f"{event.component.name}.{event.variable.name}"
            if not await is_quiet(turn.world, CODE, turn.station.id, turn.now_ms):
                alarm(step, CODE, place, event.tech_info or event.actual_value)
        turn.world.count("device_events")
    await step.commit()
    for event in fact.event_data:
        state = _availability(event, turn.now_ms)
        if state is not None:
            await availability.note(turn, state)
    return Replied()


async def _severity(turn: Turn, event: Event) -> int | None:
    if event.severity is not None or event.variable_monitoring_id is None:
        return event.severity
    key = prefix(turn.station.id) + numbered(event.variable_monitoring_id)
    document = await turn.world.journal.document(turn.world.tenant, MONITOR, key)
    return None if document is None else read(document, KeptMonitor).monitor.severity


def _is_alarming(event: Event, severity: int | None, threshold: int) -> bool:
    """Return whether somebody should look: severe enough, or a problem that a component has (2.x N07)."""
    if event.cleared or event.trigger == "Periodic":
        return False
    problem = event.variable.name.casefold() == "problem" and event.actual_value.casefold() == "true"
    return problem or (severity is not None and severity <= threshold)


def _availability(event: Event, now_ms: int) -> ConnectorState | None:
    """Return the state of a connector where an event tells it: what 2.x has beside StatusNotification (G01.FR.08)."""
    component = event.component
    if event.variable.name.casefold() != "availabilitystate" or component.name.casefold() not in _PLACES:
        return None
    if event.actual_value not in _STATES:
        return None
    evse = component.evse
    evse_id, connector_id = (0, 0) if evse is None else (evse.id, evse.connector_id or 0)
    if not (0 <= evse_id <= 9999 and 0 <= connector_id <= 9999):
        return None
    return ConnectorState(evse_id, connector_id, event.actual_value, now_ms, at_ms=_ms(event.timestamp))


def _ms(text: str) -> int | None:
    at = datetime.fromisoformat(text)
    return None if at.tzinfo is None else int(at.timestamp() * 1000)


async def monitors(turn: Turn, fact: MonitorsReported) -> Replied:
    """Keep a part of a report of monitors."""
    step = turn.step()
    await assemblies.part(step, turn.memory, "NotifyMonitoringReport", fact.request_id, fact.seq_no, more=fact.tbc)
    for entry in fact.monitor:
        for monitor in entry.variable_monitoring:
            kept = KeptMonitor(turn.station.id, turn.now_ms, entry.component, entry.variable, monitor)
            await _keep(step, turn.memory, kept)
    await step.commit()
    return Replied()


async def _keep(step: Step, memory: Memory, kept: KeptMonitor) -> None:
    await shelve(step, memory, MONITOR, numbered(kept.monitor.id), kept, limit=MAX_MONITORS)


async def _set(answered: Answered, command: MonitorsSet, answer: MonitorsAnswered) -> None:
    asked = {
        (place_of(w.component), w.variable.name.casefold(), w.variable.instance, w.type, w.severity): w
        for w in command.set_monitoring_data
    }
    for result in answer.set_monitoring_result:
        place = place_of(result.component), result.variable.name.casefold(), result.variable.instance
        wanted = asked.get((*place, result.type, result.severity))
        if result.status != "Accepted" or result.id is None or wanted is None:
            continue
        monitor = Monitor(result.id, wanted.transaction, wanted.value, wanted.type, wanted.severity, "CustomMonitor")
        now_ms = answered.step.now_ms
        kept = KeptMonitor(answered.station_id, now_ms, wanted.component, wanted.variable, monitor)
        await _keep(answered.step, answered.memory, kept)


async def _clear(answered: Answered, _command: MonitorsClear, answer: MonitorsCleared) -> None:
    for result in answer.clear_monitoring_result:
        if result.status in {"Accepted", "NotFound"}:
            await unshelve(answered.step, answered.memory, MONITOR, numbered(result.id))


async def _level(answered: Answered, command: Asked, answer: Replied) -> None:
    if answer.status != "Accepted":
        return
    step, world = answered.step, answered.world
    document = await world.journal.document(world.tenant, LEVEL, prefix(answered.station_id) + _STATE)
    before = KeptLevel(answered.station_id, step.now_ms) if document is None else read(document, KeptLevel)
    told = {"base": command.content.get("monitoringBase"), "level": command.content.get("severity")}
    changed = {name: value for name, value in told.items() if value is not None}
    after = msgspec.structs.replace(before, at_ms=step.now_ms, **changed)
    await shelve(step, answered.memory, LEVEL, _STATE, after, limit=1)


async def _report(answered: Answered, command: Asked, answer: Replied) -> None:
    request_id = command.content["requestId"]
    if isinstance(request_id, int):
        await assemblies.asked(answered, "NotifyMonitoringReport", request_id, "monitors", answer.status)


HANDLERS: Handlers = {EventsReported: events, MonitorsReported: monitors}
EFFECTS: Effects = {
    MonitorsSet: _set,
    MonitorsClear: _clear,
    "SetMonitoringBase": _level,
    "SetMonitoringLevel": _level,
    "GetMonitoringReport": _report,
}
