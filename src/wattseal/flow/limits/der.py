"""Grid support of stations and EVs (2.1 chapters Q and R): controls, alarms, energy transfer and frequency signals.

Controls are kept by id as they were asked for, or as the station says it has them. A grid event that makes a station
deviate is an alarm until it ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.documents import put, read
from wattseal.flow.limits.store import raise_alarm
from wattseal.flow.orders import Answered, Asking, Checks, Effects
from wattseal.flow.ports import Put
from wattseal.flow.step import Step
from wattseal.flow.turn import Handlers, Turn
from wattseal.flow.world import World
from wattseal.model.message import Asked, Replied, Told

CONTROL, GRID_EVENT, TRANSFER, SIGNAL = "der_control", "grid_event", "energy_transfer", "grid_signal"
MAX_CONTROLS = 200
"""Controls kept of one station; what it reports beyond them is counted only."""
ACCEPTED = "Accepted"
_CURVES = frozenset(
    {
        "FreqWatt",
        "HFMustTrip",
        "HFMayTrip",
        "HVMustTrip",
        "HVMomCess",
        "HVMayTrip",
        "LFMustTrip",
        "LVMustTrip",
        "LVMomCess",
        "LVMayTrip",
        "PowerMonitoringMustTrip",
        "VoltVar",
        "VoltWatt",
        "WattPF",
        "WattVar",
    }
)
_FIELD_OF = {
    "EnterService": "enterService",
    "FixedPFAbsorb": "fixedPFAbsorb",
    "FixedPFInject": "fixedPFInject",
    "FixedVar": "fixedVar",
    "FreqDroop": "freqDroop",
    "Gradients": "gradient",
    "LimitMaxDischarge": "limitMaxDischarge",
}
_FIELDS = ("curve", *_FIELD_OF.values())
_TYPE_OF = {field: kind for kind, field in _FIELD_OF.items()}


@dataclass(frozen=True, slots=True)
class Control:
    """Document: a DER control at a station; `content` holds its settings in OCPP words. `started` is None till told."""

    station_id: str
    control_id: str
    control_type: str
    is_default: bool
    content: Mapping[str, object]
    at_ms: int
    superseded: bool = False
    started: bool | None = None


@dataclass(frozen=True, slots=True)
class GridEvent:
    """Document: a fault of the grid because of which a station deviates, active until it ends (R05)."""

    station_id: str
    control_type: str
    fault: str
    at_ms: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Document: the energy transfer allowed in a transaction (Q01)."""

    station_id: str
    transaction_id: str
    allowed: tuple[str, ...]
    at_ms: int


@dataclass(frozen=True, slots=True)
class Signal:
    """Document: the latest aFRR signal a station took (Q08)."""

    station_id: str
    signal: int
    timestamp: str
    at_ms: int


async def controls_of(world: World, station_id: StationId) -> tuple[Control, ...]:
    """Return the controls in force at a station."""
    page = await world.journal.documents(world.tenant, CONTROL, station_id=station_id, active=True, limit=MAX_CONTROLS)
    return tuple(read(document, Control) for document in page)


def _put_control(control: Control, now_ms: int, *, active: bool = True) -> Put:
    key = f"{control.station_id.casefold()}/{control.control_id}"
    return put(CONTROL, key, control, now_ms, station_id=control.station_id, active=active)


async def _check_set(asking: Asking, command: Asked) -> None:
    """Refuse a control that comes with other settings than those of its type (R04)."""
    del asking
    kind = str(command.content["controlType"])
    wanted = "curve" if kind in _CURVES else _FIELD_OF[kind]
    given = [field for field in _FIELDS if field in command.content]
    if given != [wanted]:
        text = f"a control of type {kind} comes with {wanted} and nothing else"
        raise InputError(text, code="bad_control", subject=wanted)


async def _set(answered: Answered, command: Asked, answer: Replied) -> None:
    """Keep an accepted control, and what it supersedes as superseded."""
    if answer.status != ACCEPTED:
        return
    told, now_ms = command.content, answered.step.now_ms
    control_id, kind = str(told["controlId"]), str(told["controlType"])
    superseded = _texts(answer.content.get("supersededIds"))
    settings = {field: told[field] for field in _FIELDS if field in told}
    control = Control(answered.station_id, control_id, kind, bool(told["isDefault"]), settings, now_ms)
    control = replace(control, superseded=control_id in superseded)
    answered.step.puts.append(_put_control(control, now_ms))
    await _supersede(answered.step, superseded - {control_id})


async def _supersede(step: Step, ids: set[str]) -> None:
    for control in await controls_of(step.world, StationId(step.station_id)):
        if control.control_id in ids and not control.superseded:
            step.puts.append(_put_control(replace(control, superseded=True), step.now_ms))


async def _clear(answered: Answered, command: Asked, answer: Replied) -> None:
    """Keep as cleared what matches; NotFound says that the station has none of it either."""
    if answer.status not in {ACCEPTED, "NotFound"}:
        return
    told = command.content
    for control in await controls_of(answered.world, StationId(answered.station_id)):
        meant = told.get("controlId") in {None, control.control_id}
        meant = meant and told.get("controlType") in {None, control.control_type}
        if meant and control.is_default == told["isDefault"]:
            answered.step.puts.append(_put_control(control, answered.step.now_ms, active=False))


async def _reported(turn: Turn, fact: Told) -> Replied:
    """Keep what a station says it has (R04)."""
    step = turn.step()
    known = {control.control_id for control in await controls_of(turn.world, StationId(turn.station.id))}
    for field in _FIELDS:
        entries: Any = fact.content.get(field, ())
        for entry in entries:
            control = _told_control(turn, field, entry)
            known.add(control.control_id)
            if len(known) > MAX_CONTROLS:
                turn.world.count("too_many_der_controls")
                break
            step.puts.append(_put_control(control, turn.now_ms))
    await step.commit()
    return Replied({})


def _told_control(turn: Turn, field: str, entry: Mapping[str, Any]) -> Control:
    kind = str(entry.get("curveType", "Curve")) if field == "curve" else _TYPE_OF[field]
    settings = {field: entry[field]} if field in entry else {}
    return Control(
        turn.station.id,
        str(entry["id"]),
        kind,
        bool(entry.get("isDefault", True)),
        settings,
        turn.now_ms,
        bool(entry.get("isSuperseded", False)),
    )


async def _started(turn: Turn, fact: Told) -> Replied:
    """Keep that a control has begun or ended; ended ones are gone (R04.FR.10, 20)."""
    step = turn.step()
    control_id, started = fact.content["controlId"], bool(fact.content["started"])
    for control in await controls_of(turn.world, StationId(turn.station.id)):
        if control.control_id == control_id:
            active = started or control.is_default
            step.puts.append(_put_control(replace(control, started=started), turn.now_ms, active=active))
    await _supersede(step, _texts(fact.content.get("supersededIds")) - {str(control_id)})
    await step.commit()
    return Replied({})


async def _grid_event(turn: Turn, fact: Told) -> Replied:
    """Raise an alarm when a fault of the grid begins, and keep until when it lasts (R05). There is one at a time."""
    step = turn.step()
    ended = bool(fact.content.get("alarmEnded"))
    kind, fault = str(fact.content["controlType"]), str(fact.content.get("gridEventFault", ""))
    event = GridEvent(turn.station.id, kind, fault, turn.now_ms, str(fact.content.get("extraInfo", "")))
    key = turn.station.id.casefold()
    step.puts.append(put(GRID_EVENT, key, event, turn.now_ms, station_id=turn.station.id, active=not ended))
    if not ended:
        raise_alarm(step, "grid_event", field=kind, detail=fault)
    await step.commit()
    return Replied({})


async def _transfer(answered: Answered, command: Asked, answer: Replied) -> None:
    if answer.status != ACCEPTED:
        return
    allowed: Any = command.content["allowedEnergyTransfer"]
    transaction_id, step = str(command.content["transactionId"]), answered.step
    kept = Transfer(answered.station_id, transaction_id, tuple(allowed), step.now_ms)
    key = f"{answered.station_id.casefold()}/{transaction_id}"
    step.puts.append(put(TRANSFER, key, kept, step.now_ms, station_id=answered.station_id))


async def _signal(answered: Answered, command: Asked, answer: Replied) -> None:
    if answer.status != ACCEPTED:
        return
    number: Any = command.content["signal"]
    step = answered.step
    kept = Signal(answered.station_id, int(number), str(command.content["timestamp"]), step.now_ms)
    step.puts.append(put(SIGNAL, answered.station_id.casefold(), kept, step.now_ms, station_id=answered.station_id))


def _texts(ids: object) -> set[str]:
    return {str(one) for one in ids} if isinstance(ids, Sequence) and not isinstance(ids, str) else set()


HANDLERS: Handlers = {
    "ReportDERControl": _reported,
    "NotifyDERStartStop": _started,
    "NotifyDERAlarm": _grid_event,
}
CHECKS: Checks = {"SetDERControl": _check_set}
EFFECTS: Effects = {
    "SetDERControl": _set,
    "ClearDERControl": _clear,
    "NotifyAllowedEnergyTransfer": _transfer,
    "AFRRSignal": _signal,
}
