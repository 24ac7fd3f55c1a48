"""Keeping track of reports in parts: by what they are told, and by the number they were asked for with."""

from collections import OrderedDict
from dataclasses import replace

from wattseal.base.ids import StationId
from wattseal.flow.documents import put, read, removal
from wattseal.flow.history import prefix
from wattseal.flow.memory import Memory
from wattseal.flow.orders import Answered
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.assembly import Assembly

ASSEMBLY = "assembly"
"""Document kind: a report in parts, by `station/action/request id`."""
MAX_ASSEMBLIES = 50
"""Reports followed per station; the one that was first goes."""


async def part(step: Step, memory: Memory, action: str, request_id: int, seq_no: int | None, *, more: bool) -> None:
    """Note a part that has come, the next one where parts have no numbers; also of a report nobody asked for."""
    known = await _known(step.world, memory)
    assembly = known.get((action, request_id)) or _new(memory, action, request_id, step.now_ms)
    number = len(assembly.parts) if seq_no is None else seq_no
    _keep(step, memory, assembly.with_part(number, more=more, now_ms=step.now_ms))


async def asked(answered: Answered, action: str, request_id: int, subject: str, status: str | None) -> None:
    """Note that a report was asked for, and the answer; parts may have come before that."""
    memory, step = answered.memory, answered.step
    known = await _known(answered.world, memory)
    assembly = known.get((action, request_id)) or _new(memory, action, request_id, step.now_ms)
    _keep(step, memory, replace(assembly, subject=subject, asked_by=answered.asked_by, answer=status))


async def _known(world: World, memory: Memory) -> "OrderedDict[tuple[str, int], Assembly]":
    if memory.assemblies is None:
        station_id = StationId(memory.station.id)
        found = await world.journal.documents(
            world.tenant, ASSEMBLY, station_id=station_id, after=prefix(station_id), limit=MAX_ASSEMBLIES
        )
        kept = sorted((read(document, Assembly) for document in found), key=lambda assembly: assembly.at_ms)
        if memory.assemblies is None:
            memory.assemblies = OrderedDict(((one.action, one.request_id), one) for one in kept)
    return memory.assemblies


def _new(memory: Memory, action: str, request_id: int, now_ms: int) -> Assembly:
    return Assembly(station_id=memory.station.id, action=action, request_id=request_id, at_ms=now_ms)


def _keep(step: Step, memory: Memory, assembly: Assembly) -> None:
    known = memory.assemblies if memory.assemblies is not None else OrderedDict[tuple[str, int], Assembly]()
    place = assembly.action, assembly.request_id
    known[place] = assembly
    while len(known) > MAX_ASSEMBLIES:
        gone, _ = known.popitem(last=False)
        step.puts.append(removal(ASSEMBLY, _key(memory, gone), step.now_ms))

    def write() -> None:
        latest = known.get(place)
        if latest is not None:
            step.puts.append(put(ASSEMBLY, _key(memory, place), latest, step.now_ms, station_id=memory.station.id))

    step.finally_do(write)


def _key(memory: Memory, place: tuple[str, int]) -> str:
    return f"{prefix(memory.station.id)}{place[0]}/{place[1]}"
