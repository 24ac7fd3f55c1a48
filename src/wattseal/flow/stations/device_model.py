"""The device model of stations: what they report of their variables, and what was read and written (2.x block B).

The configuration keys of 1.6 are variables as well.
"""

from collections.abc import Iterable

from wattseal.base.ids import StationId
from wattseal.flow.documents import put, read
from wattseal.flow.history import prefix
from wattseal.flow.identity import credentials
from wattseal.flow.memory import Memory
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.stations import assemblies
from wattseal.flow.step import Step
from wattseal.flow.turn import Handlers, Turn
from wattseal.flow.world import World
from wattseal.model.device import (
    Component,
    InventoryReported,
    KeptComponent,
    ReportEntry,
    Variable,
    VariablesGet,
    VariablesGot,
    VariablesSet,
    VariablesWritten,
)
from wattseal.model.message import Asked, Replied
from wattseal.rules import device_model as rules
from wattseal.rules.device_model import Place, place_of

COMPONENT = "component"
"""Document kind: a component with its variables, by `station/component`."""
MAX_COMPONENTS = 1000
"""Components kept per station; further ones are left out and counted."""
_PAGE = 1000


async def inventory(turn: Turn, fact: InventoryReported) -> Replied:
    """Keep a part of a report."""
    step = turn.step()
    await assemblies.part(step, turn.memory, "NotifyReport", fact.request_id, fact.seq_no, more=fact.tbc)
    await keep(step, turn.memory, fact.report_data)
    await step.commit()
    return Replied()


async def keep(step: Step, memory: Memory, told: Iterable[ReportEntry], *, reboot: bool = False) -> None:
    """Put what was told of variables on `step`."""
    places = await _places(step.world, memory)
    for place, (component, entries) in rules.by_component(told).items():
        if place not in places and len(places) >= MAX_COMPONENTS:
            step.world.count("components_beyond_limit")
            continue
        places.add(place)
        before = await component_of(step.world, StationId(memory.station.id), component)
        kept = rules.merged(before, memory.station.id, component, entries, step.now_ms, reboot=reboot)
        key = _key(memory.station.id, component)
        step.puts.append(put(COMPONENT, key, kept, step.now_ms, station_id=memory.station.id))


async def component_of(world: World, station_id: StationId, component: Component) -> KeptComponent | None:
    """Return what is kept of a component."""
    document = await world.journal.document(world.tenant, COMPONENT, _key(station_id, component))
    return None if document is None else read(document, KeptComponent)


async def value_of(world: World, station_id: StationId, component: Component, variable: Variable) -> str | None:
    """Return the actual value of a variable as last told; None where it is not known."""
    return rules.find(await component_of(world, station_id, component), variable)


def _key(station_id: str, component: Component) -> str:
    name, instance, evse, connector = place_of(component)
    numbers = "" if evse is None else f"{evse:04d}" + ("" if connector is None else f".{connector:04d}")
    return f"{prefix(station_id)}{name}|{instance}|{numbers}"


async def _places(world: World, memory: Memory) -> set[Place]:
    if memory.components is None:
        station_id, found = StationId(memory.station.id), set[Place]()
        after = prefix(station_id)
        while page := await world.journal.documents(
            world.tenant, COMPONENT, station_id=station_id, after=after, limit=_PAGE
        ):
            found |= {place_of(read(document, KeptComponent).component) for document in page}
            after = page[-1].key
        if memory.components is None:
            memory.components = found
    return memory.components


async def _read(answered: Answered, _command: VariablesGet, answer: VariablesGot) -> None:
    await keep(answered.step, answered.memory, rules.answers_as_entries(answer.get_variable_result))


async def _written(answered: Answered, command: VariablesSet, answer: VariablesWritten) -> None:
    now, later = rules.changes_as_entries(command.set_variable_data, answer.set_variable_result)
    await keep(answered.step, answered.memory, now)
    await keep(answered.step, answered.memory, later, reboot=True)
    await credentials.after(answered, command, answer)


async def _report(answered: Answered, command: Asked, answer: Replied) -> None:
    content = command.content
    request_id, subject = content["requestId"], content.get("reportBase", "custom")
    if isinstance(request_id, int):
        await assemblies.asked(answered, "NotifyReport", request_id, str(subject), answer.status)


HANDLERS: Handlers = {InventoryReported: inventory}
EFFECTS: Effects = {
    VariablesGet: _read,
    VariablesSet: _written,
    "GetBaseReport": _report,
    "GetReport": _report,
}
