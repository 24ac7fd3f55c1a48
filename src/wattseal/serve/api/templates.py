"""Configuration templates, and how stations stand to them."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get, put
from litestar.params import FromPath, JSONBody

from wattseal.flow.fleet import templates
from wattseal.flow.fleet.templates import Standing, Template, Wanted
from wattseal.model.device import Component, Evse, Variable
from wattseal.serve.api.kept import READ, known_station
from wattseal.serve.api.problems import ProblemError, demand
from wattseal.serve.api.service import What, Who

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
Pattern = Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
_WRITE = "stations:write"


class WantedBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One variable: component and variable in 2.x words (a 1.6 key of no 2.x name: component "1.6")."""

    component: Name
    variable: Name
    value: Annotated[str, msgspec.Meta(max_length=2500)]
    component_instance: Name | None = None
    variable_instance: Name | None = None
    evse_id: Annotated[int, msgspec.Meta(ge=0, le=9999)] | None = None
    connector_id: Annotated[int, msgspec.Meta(ge=0, le=9999)] | None = None

    def wanted(self) -> Wanted:
        """Return it."""
        evse = None if self.evse_id is None else Evse(self.evse_id, self.connector_id)
        component = Component(self.component, self.component_instance, evse)
        return Wanted(component, Variable(self.variable, self.variable_instance), self.value)


class TemplateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stations of a model should be set to; patterns take * and ?, and are compared without case."""

    variables: Annotated[list[WantedBody], msgspec.Meta(min_length=1, max_length=templates.MAX_VARIABLES)]
    vendor: Pattern = "*"
    model: Pattern = "*"
    firmware: Pattern = "*"
    priority: Annotated[int, msgspec.Meta(ge=-1000, le=1000)] = 0


@put("/templates/{name:str}")
async def put_template(
    principal: Who, service: What, name: FromPath[str], data: JSONBody[TemplateBody]
) -> dict[str, Any]:
    """Keep a template in place of one of that name. Nothing is sent: a rollout does that."""
    demand(principal, _WRITE)
    if not 1 <= len(name) <= 50:
        raise ProblemError(422, "bad_template", "a name has 1 to 50 characters")
    variables = tuple(wanted.wanted() for wanted in data.variables)
    template = Template(name, variables, data.vendor, data.model, data.firmware, data.priority)
    await templates.put_template(service.world, template)
    return _view(template)


@get("/templates")
async def get_templates(principal: Who, service: What) -> list[dict[str, Any]]:
    """List all templates."""
    demand(principal, READ)
    return [_view(template) for template in await templates.all_templates(service.world)]


@delete("/templates/{name:str}", status_code=204)
async def delete_template(principal: Who, service: What, name: FromPath[str]) -> None:
    """Forget a template; stations stay as they are."""
    demand(principal, _WRITE)
    if not await templates.remove_template(service.world, name):
        raise ProblemError(404, "not_found", "there is no such template")


@get("/stations/{station_id:str}/drift")
async def get_drift(principal: Who, service: What, station_id: FromPath[str]) -> list[dict[str, Any]]:
    """Show how a station stands to the templates for its model: `same`, `differs`, or `unknown` before it has told."""
    demand(principal, READ)
    station = await known_station(principal, service, station_id)
    found = await templates.station_of(service.world, station)
    return [_standing(standing) for standing in await templates.standings(service.world, found)]


def _view(template: Template) -> dict[str, Any]:
    return {
        "name": template.name,
        "vendor": template.vendor,
        "model": template.model,
        "firmware": template.firmware,
        "priority": template.priority,
        "variables": [_wanted(wanted) for wanted in template.variables],
    }


def _wanted(wanted: Wanted) -> dict[str, Any]:
    evse = wanted.component.evse
    return {
        "component": wanted.component.name,
        "component_instance": wanted.component.instance,
        "evse_id": None if evse is None else evse.id,
        "connector_id": None if evse is None else evse.connector_id,
        "variable": wanted.variable.name,
        "variable_instance": wanted.variable.instance,
        "value": wanted.value,
    }


def _standing(standing: Standing) -> dict[str, Any]:
    told: dict[str, Any] = {"template": standing.template, "drift": standing.drift.value, "actual": standing.actual}
    return _wanted(standing.wanted) | told


ROUTES = (put_template, get_templates, delete_template, get_drift)
