"""Reading and writing variables of a station of any version, in as many messages as it needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from wattseal.flow.commands import Done, Outcome, send
from wattseal.flow.stations.device_model import value_of
from wattseal.flow.verbs import Ask
from wattseal.model.device import (
    Component,
    Variable,
    VariableAsked,
    VariableGot,
    VariablesGet,
    VariablesGot,
    VariablesSet,
    VariablesWritten,
    VariableWrite,
    VariableWritten,
)
from wattseal.wire.ocpp.version import Version

T = TypeVar("T")
MAX_ITEMS = 100
"""Variables in one message where the station has not told how many it takes."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read, the records of the commands, and what came of one that was not answered with a result."""

    results: tuple[VariableGot, ...]
    records: tuple[bytes, ...]
    failed: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: a result for each write that was answered, in their order; the rest as in `Read`."""

    results: tuple[tuple[VariableWrite, VariableWritten], ...]
    records: tuple[bytes, ...]
    failed: Outcome | None = None


async def read_variables(ask: Ask, wanted: Sequence[VariableAsked]) -> Read:
    """Read variables; of a 1.6 station all of them where none is named."""
    parts = _parts(wanted, await _items(ask, "GetVariables")) if wanted else [()]
    results: list[VariableGot] = []
    records: list[bytes] = []
    for part in parts:
        outcome = await send(ask.world, ask.principal, ask.station_id, VariablesGet(tuple(part)), ask.deadline_s)
        if not isinstance(outcome, Done) or not isinstance(outcome.answer, VariablesGot):
            return Read(tuple(results), tuple(records), outcome)
        results += outcome.answer.get_variable_result
        records.append(outcome.record)
    return Read(tuple(results), tuple(records))


async def write_variables(ask: Ask, wanted: Sequence[VariableWrite]) -> Written:
    """Write variables in their order; a 1.6 station takes one in a message."""
    single = ask.world.lines.version(ask.station_id) is Version.V16
    results: list[tuple[VariableWrite, VariableWritten]] = []
    records: list[bytes] = []
    for part in _parts(wanted, 1 if single else await _items(ask, "SetVariables")):
        outcome = await send(ask.world, ask.principal, ask.station_id, VariablesSet(tuple(part)), ask.deadline_s)
        if not isinstance(outcome, Done) or not isinstance(outcome.answer, VariablesWritten):
            return Written(tuple(results), tuple(records), outcome)
        results += zip(part, outcome.answer.set_variable_result, strict=False)
        records.append(outcome.record)
    return Written(tuple(results), tuple(records))


def _parts(wanted: Sequence[T], size: int) -> list[Sequence[T]]:
    return [wanted[start : start + size] for start in range(0, len(wanted), size)]


async def _items(ask: Ask, action: str) -> int:
    """Return how many variables the station takes in a message (2.x DeviceDataCtrlr.ItemsPerMessage)."""
    told = await value_of(
        ask.world, ask.station_id, Component("DeviceDataCtrlr"), Variable("ItemsPerMessage", action + "Request")
    ) or await value_of(ask.world, ask.station_id, Component("DeviceDataCtrlr"), Variable("ItemsPerMessage", action))
    return int(told) if told is not None and told.isdecimal() and 0 < int(told) <= MAX_ITEMS else MAX_ITEMS
