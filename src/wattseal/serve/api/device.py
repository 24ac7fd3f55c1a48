"""What a station tells of itself: boots, connectors and their service, security events, firmware, logs."""

from typing import Any

import msgspec
from litestar import get
from litestar.params import FromPath

from wattseal.flow import availability
from wattseal.flow.jobs import FIRMWARE, LOG, PUBLICATION
from wattseal.flow.provisioning import BOOT, Boot
from wattseal.flow.security_events import SECURITY_EVENT, SecurityEvent
from wattseal.model.job import Job
from wattseal.serve.api.kept import READ, kept_list, known_station
from wattseal.serve.api.problems import demand
from wattseal.serve.api.service import What, Who


@get("/stations/{station_id:str}/connectors")
async def get_connectors(principal: Who, service: What, station_id: FromPath[str]) -> list[dict[str, Any]]:
    """Show the state of every connector as last told, and what was last asked of it about its service."""
    demand(principal, READ)
    found = await known_station(principal, service, station_id)
    states = await availability.connectors(service.world, found)
    orders = await availability.service_orders(service.world, found)
    by_place = {(order.evse_id, order.connector_id or 0): msgspec.to_builtins(order) for order in orders}
    places = sorted({*by_place, *((state.evse_id, state.connector_id) for state in states)})
    known = {(state.evse_id, state.connector_id): msgspec.to_builtins(state) for state in states}
    nothing = {"status": None}
    return [
        {
            "evse_id": evse,
            "connector_id": connector,
            **nothing,
            **known.get((evse, connector), {}),
            "service": by_place.get((evse, connector)),
        }
        for evse, connector in places
    ]


ROUTES = (
    get_connectors,
    kept_list("boots", BOOT, Boot, "List a station's latest BootNotifications and their answers, oldest first."),
    kept_list(
        "security-events", SECURITY_EVENT, SecurityEvent, "List a station's latest security events, oldest first."
    ),
    kept_list("firmware-jobs", FIRMWARE, Job, "List a station's firmware updates and how they went, oldest first."),
    kept_list("publications", PUBLICATION, Job, "List the firmware a local controller offers, oldest first."),
    kept_list("logs", LOG, Job, "List the logs asked of a station and what became of them, oldest first."),
)
