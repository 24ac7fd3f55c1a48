"""Variables of stations: what is known of them, and reading and writing them (1.6: configuration keys)."""

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from wattseal.flow.commands import DEADLINE_S, Outcome
from wattseal.flow.documents import read
from wattseal.flow.history import prefix
from wattseal.flow.stations.assemblies import ASSEMBLY
from wattseal.flow.stations.device_model import COMPONENT
from wattseal.flow.stations.variable_verbs import read_variables, write_variables
from wattseal.model.assembly import Assembly
from wattseal.model.device import Component, Evse, KeptComponent, Variable, VariableAsked, VariableWrite
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.commands import Deadline, answered
from wattseal.serve.api.kept import READ, kept_list, known_station
from wattseal.serve.api.maintenance import asking
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import Req, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who

Name = Annotated[str, Meta(min_length=1, max_length=50)]
Number = Annotated[int, Meta(ge=0, le=9999)]


class VariableBody(Body, frozen=True, kw_only=True):
    """A variable by its component; a 1.6 configuration key without one of 2.x is of the component "1.6"."""

    component: Name
    variable: Name
    component_instance: Name | None = None
    evse_id: Number | None = None
    connector_id: Number | None = None
    variable_instance: Name | None = None
    attribute: Annotated[str, Meta(pattern="^(Actual|Target|MinSet|MaxSet)$")] | None = None

    def place(self) -> tuple[Component, Variable]:
        """Return component and variable."""
        evse = None if self.evse_id is None else Evse(self.evse_id, self.connector_id)
        component = Component(self.component, self.component_instance, evse)
        return component, Variable(self.variable, self.variable_instance)


class WriteBody(VariableBody, frozen=True, kw_only=True):
    """A variable and the value it is to have."""

    value: Annotated[str, Meta(max_length=1000)]


class GetVariablesBody(Body, frozen=True, kw_only=True):
    """The variables to read; of a 1.6 station none means all."""

    variables: Annotated[list[VariableBody], Meta(max_length=500)]


class SetVariablesBody(Body, frozen=True, kw_only=True):
    """The variables to write, in this order."""

    variables: Annotated[list[WriteBody], Meta(min_length=1, max_length=500)]


@get("/stations/{station_id:str}/variables")
async def get_variables(
    principal: Who,
    service: What,
    request: Req,
    station_id: FromPath[str],
    *,
    component: ShortQuery = None,
    limit: Limit = 100,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List components with their variables as last told, of one name or all; secrets are never kept."""
    demand(principal, READ)
    found = await known_station(principal, service, station_id)
    stem = prefix(found) if component is None else f"{prefix(found)}{component.casefold()}|"
    page = await service.world.journal.documents(
        principal.tenant, COMPONENT, station_id=found, after=max(after or "", stem), limit=limit
    )
    shown = [document for document in page if document.key.startswith(stem)]
    views = [msgspec.to_builtins(read(document, KeptComponent)) for document in shown]
    return paged(request, views, shown[-1].key if len(shown) == limit else None)


@post("/stations/{station_id:str}/get-variables", status_code=200)
async def post_get_variables(
    principal: Who,
    service: What,
    station_id: FromPath[str],
    data: JSONBody[GetVariablesBody],
    *,
    deadline_s: Deadline = DEADLINE_S,
) -> dict[str, Any]:
    """Read variables (1.6: configuration keys) in as many messages as the station needs."""
    ask = await asking(principal, service, station_id, deadline_s)
    wanted = [VariableAsked(*body.place(), body.attribute) for body in data.variables]
    told = await read_variables(ask, wanted)
    _refuse(told.failed, told.records)
    return {
        "results": [
            _result(got.component, got.variable, got.attribute_type, got.attribute_status, got.attribute_value)
            for got in told.results
        ],
        "records": [record.hex() for record in told.records],
        "complete": told.failed is None,
    }


@post("/stations/{station_id:str}/set-variables", status_code=200)
async def post_set_variables(
    principal: Who,
    service: What,
    station_id: FromPath[str],
    data: JSONBody[SetVariablesBody],
    *,
    deadline_s: Deadline = DEADLINE_S,
) -> dict[str, Any]:
    """Write variables (1.6: configuration keys); `complete` is false where the station stopped answering on the way."""
    ask = await asking(principal, service, station_id, deadline_s)
    wanted = [VariableWrite(body.value, *body.place(), body.attribute) for body in data.variables]
    told = await write_variables(ask, wanted)
    _refuse(told.failed, told.records)
    return {
        "results": [
            _result(write.component, write.variable, write.attribute_type, written.attribute_status)
            for write, written in told.results
        ],
        "records": [record.hex() for record in told.records],
        "complete": told.failed is None,
    }


def _refuse(failed: Outcome | None, records: tuple[bytes, ...]) -> None:
    """Raise the problem of a station that answered nothing at all."""
    if failed is not None and not records:
        answered(failed)


def _result(
    component: Component, variable: Variable, attribute: str | None, status: str, value: str | None = None
) -> dict[str, Any]:
    evse = component.evse
    return {
        "component": component.name,
        "component_instance": component.instance,
        "evse_id": None if evse is None else evse.id,
        "connector_id": None if evse is None else evse.connector_id,
        "variable": variable.name,
        "variable_instance": variable.instance,
        "attribute": attribute or "Actual",
        "status": status,
        "value": value,
    }


def assembly_view(assembly: Assembly) -> dict[str, Any]:
    """Return a report in parts as the API shows it."""
    shown: dict[str, Any] = msgspec.to_builtins(assembly)
    parts = shown.pop("parts")
    return {**shown, "parts": len(parts), "missing": list(assembly.missing), "complete": assembly.complete}


ROUTES = (
    get_variables,
    post_get_variables,
    post_set_variables,
    kept_list(
        "reports",
        ASSEMBLY,
        Assembly,
        "List the reports a station sends in parts, and which parts are missing.",
        view=assembly_view,
    ),
)
