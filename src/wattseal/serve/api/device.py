"""What a station tells of itself: boots, connectors and their service, security events, firmware, logs."""

from typing import Any

import msgspec
from litestar import delete, get
from litestar.params import FromPath

from wattseal.flow.drivers import customers
from wattseal.flow.drivers.customers import CUSTOMER
from wattseal.flow.stations import availability
from wattseal.flow.stations.display import DISPLAY
from wattseal.flow.stations.event_streams import STREAM
from wattseal.flow.stations.jobs import FIRMWARE, LOG, PUBLICATION
from wattseal.flow.stations.monitoring import EVENT, LEVEL, MONITOR
from wattseal.flow.stations.network_profiles import PROFILE, KeptProfile
from wattseal.flow.stations.provisioning import BOOT, Boot
from wattseal.flow.stations.security_events import SECURITY_EVENT, SecurityEvent
from wattseal.flow.stations.vendors import VENDOR_MESSAGE, KeptMessage
from wattseal.flow.turn import remember_station
from wattseal.model.customer import KeptCustomer
from wattseal.model.display import KeptDisplay
from wattseal.model.job import Job
from wattseal.model.monitoring import KeptEvent, KeptLevel, KeptMonitor, KeptStream
from wattseal.serve.api.kept import READ, kept_list, known_station
from wattseal.serve.api.problems import ProblemError, demand
from wattseal.serve.api.service import What, Who

READ_CUSTOMERS, WRITE_CUSTOMERS = "customers:read", "customers:write"
"""Scopes of what stations tell about customers."""


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


def customer_view(kept: KeptCustomer) -> dict[str, Any]:
    """Return a report as the API shows it: its parts in order, put together."""
    shown: dict[str, Any] = msgspec.to_builtins(kept)
    shown.pop("parts", None)
    return {**shown, "complete": kept.complete, "data": "".join(text for _, text in sorted(kept.parts.items()))}


@delete("/stations/{station_id:str}/customer-reports/{request_id:int}", status_code=204)
async def delete_customer_report(
    principal: Who, service: What, station_id: FromPath[str], request_id: FromPath[int]
) -> None:
    """Remove a report about a customer at once; reports go by themselves after some days."""
    demand(principal, WRITE_CUSTOMERS)
    found = await known_station(principal, service, station_id)
    memory = await remember_station(service.world, found)
    if memory is None or not await customers.forget(service.world, memory, request_id):
        raise ProblemError(404, "not_found", "there is no such report")


ROUTES = (
    get_connectors,
    kept_list("boots", BOOT, Boot, "List a station's latest BootNotifications and their answers, oldest first."),
    kept_list(
        "security-events", SECURITY_EVENT, SecurityEvent, "List a station's latest security events, oldest first."
    ),
    kept_list("firmware-jobs", FIRMWARE, Job, "List a station's firmware updates and how they went, oldest first."),
    kept_list("publications", PUBLICATION, Job, "List the firmware a local controller offers, oldest first."),
    kept_list("events", EVENT, KeptEvent, "List a station's latest events, oldest first."),
    kept_list("monitors", MONITOR, KeptMonitor, "List the monitors set at a station, by their ids."),
    kept_list("monitoring", LEVEL, KeptLevel, "Show which monitors are set at a station, and its level."),
    kept_list("event-streams", STREAM, KeptStream, "List a station's periodic event streams and their latest values."),
    kept_list("display-messages", DISPLAY, KeptDisplay, "List the messages on a station's display, by their ids."),
    kept_list("network-profiles", PROFILE, KeptProfile, "List the network profiles set at a station, by slot."),
    kept_list("vendor-messages", VENDOR_MESSAGE, KeptMessage, "List the latest messages of accepted vendors."),
    kept_list(
        "customer-reports",
        CUSTOMER,
        KeptCustomer,
        "List what a station told about customers when asked.",
        scope=READ_CUSTOMERS,
        view=customer_view,
    ),
    delete_customer_report,
    kept_list("logs", LOG, Job, "List the logs asked of a station and what became of them, oldest first."),
)
