"""What an answered command changes here: the effects table's types, shared by every area of the flow."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wattseal.flow.memory import Memory
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.message import Answer, Command
from wattseal.model.principal import Principal
from wattseal.wire.ocpp.version import Version


@dataclass(frozen=True, slots=True)
class Asking:
    """A command about to be sent, and who asks for it."""

    world: World
    memory: Memory
    version: Version
    principal: Principal


@dataclass(frozen=True, slots=True)
class Answered:
    """A command the station has answered; what it changes is put on `step`, which is committed afterwards."""

    world: World
    memory: Memory
    step: Step
    version: Version
    command: Command
    answer: Answer
    asked_by: str
    record: bytes = b""

    @property
    def station_id(self) -> str:
        """Return the station's id."""
        return self.memory.station.id


Effect = Callable[[Answered, Any, Any], Awaitable[None]]
Effects = Mapping[type[Command] | str, Effect]
"""By kind of command (for `Asked` by its action) what its answer changes: `effect(answered, command, answer)`."""

Checks = Mapping[type[Command] | str, Callable[[Asking, Any], Awaitable[None]]]
"""By kind of command (for `Asked` by its action) what is checked before it is sent; an `InputError` keeps it here."""


def joined(*areas: Effects) -> Mapping[type[Command] | str, tuple[Effect, ...]]:
    """Return the effects of all areas: a command may have one in several, in their order."""
    found: dict[type[Command] | str, tuple[Effect, ...]] = {}
    for area in areas:
        for kind, effect in area.items():
            found[kind] = (*found.get(kind, ()), effect)
    return found
