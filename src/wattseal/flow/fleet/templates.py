"""Configuration templates: what the variables of a model should be, where stations differ, and putting that right."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.crypto.hashes import sha256
from wattseal.flow.documents import STATION, every_document, put, read, removal
from wattseal.flow.ports import Batch, Put
from wattseal.flow.stations.device_model import value_of
from wattseal.flow.world import World
from wattseal.model.device import Component, Variable
from wattseal.model.station import Station
from wattseal.rules.secrets import is_secret

TEMPLATE = "template"
MAX_VARIABLES = 500
MAX_TEMPLATES = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one variable should be."""

    component: Component
    variable: Variable
    value: str


@dataclass(frozen=True, slots=True)
class Template:
    """Document: `vendor`, `model` and `firmware` are patterns with * and ?, compared without case.

    Where two templates want a variable differently the one of higher `priority` counts, then the later name.
    """

    name: str
    variables: tuple[Wanted, ...]
    vendor: str = "*"
    model: str = "*"
    firmware: str = "*"
    priority: int = 0

    def is_for(self, station: Station) -> bool:
        """Return whether a station is of the model meant."""
        pairs = ((self.vendor, station.vendor), (self.model, station.model), (self.firmware, station.firmware))
        return all(fnmatchcase((told or "").casefold(), pattern.casefold()) for pattern, told in pairs)


class Drift(StrEnum):
    """How a variable stands to its template; UNKNOWN: the station has not told its value yet."""

    SAME = "same"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Standing:
    """One variable of a station against the template that wants it."""

    template: str
    wanted: Wanted
    actual: str | None

    @property
    def drift(self) -> Drift:
        """Return how it stands."""
        if self.actual is None:
            return Drift.UNKNOWN
        return Drift.SAME if self.actual.casefold() == self.wanted.value.casefold() else Drift.DIFFERS


async def put_template(world: World, template: Template) -> None:
    """Keep a template in place of one of that name; `InputError` where it wants a secret, or a variable twice."""
    places = [(_folded(w.component), w.variable.name.casefold(), w.variable.instance) for w in template.variables]
    if not 1 <= len(places) <= MAX_VARIABLES or len(set(places)) != len(places):
        text = f"a template has 1 to {MAX_VARIABLES} variables, each once"
        raise InputError(text, code="bad_template", subject="variables")
    if any(is_secret(wanted.variable.name) for wanted in template.variables):
        text = "passwords do not stand in templates; rotate them instead"
        raise InputError(text, code="bad_template", subject="variables")
    known = await world.journal.document(world.tenant, TEMPLATE, template.name.casefold())
    if known is None and len(await all_templates(world)) >= MAX_TEMPLATES:
        raise InputError(f"there are {MAX_TEMPLATES} templates already", code="too_many", subject="name")
    await _commit(world, put(TEMPLATE, template.name.casefold(), template, world.now_ms()))


async def remove_template(world: World, name: str) -> bool:
    """Forget a template; return whether there was one."""
    if await find_template(world, name) is None:
        return False
    await _commit(world, removal(TEMPLATE, name.casefold(), world.now_ms()))
    return True


async def find_template(world: World, name: str) -> Template | None:
    """Return the template of that name."""
    document = await world.journal.document(world.tenant, TEMPLATE, name.casefold())
    return None if document is None else read(document, Template)


CONTENT = "template"
"""The parameter of a rollout that says which content of its template is meant."""


def content_of(template: Template) -> dict[str, object]:
    """Return the parameters of a rollout of a template as it is now."""
    return {CONTENT: sha256(msgspec.json.encode(template)).hex()}


async def differs(world: World, name: str, parameters: Mapping[str, object]) -> bool:
    """Return whether a template is another one than it was when a rollout of it was asked for."""
    template = await find_template(world, name)
    if CONTENT not in parameters:
        return False
    return template is None or content_of(template)[CONTENT] != parameters[CONTENT]


async def all_templates(world: World) -> tuple[Template, ...]:
    """Return every template, by name."""
    return tuple([read(d, Template) async for d in every_document(world.journal, world.tenant, TEMPLATE)])


async def station_of(world: World, station_id: StationId) -> Station:
    """Return an enrolled station."""
    document = await world.journal.document(world.tenant, STATION, station_id.casefold())
    if document is None:
        raise InputError("there is no such station", code="unknown_station", subject="id")
    return read(document, Station)


async def standings(world: World, station: Station, only: str | None = None) -> tuple[Standing, ...]:
    """Return how a station stands to all templates for it, or to one."""
    found: dict[tuple[object, ...], tuple[str, Wanted]] = {}
    for template in sorted(await all_templates(world), key=lambda t: (t.priority, t.name)):
        if template.is_for(station):
            for wanted in template.variables:
                place = (_folded(wanted.component), wanted.variable.name.casefold(), wanted.variable.instance)
                found[place] = (template.name, wanted)
    told = []
    for name, wanted in found.values():
        if only is None or name == only:
            actual = await value_of(world, StationId(station.id), wanted.component, wanted.variable)
            told.append(Standing(name, wanted, actual))
    return tuple(told)


def _folded(component: Component) -> tuple[str, str | None, int | None, int | None]:
    evse = component.evse
    numbers = (None, None) if evse is None else (evse.id, evse.connector_id)
    return (component.name.casefold(), component.instance, *numbers)


async def _commit(world: World, document: Put) -> None:
    await world.journal.commit(Batch(world.tenant, puts=(document,)))
