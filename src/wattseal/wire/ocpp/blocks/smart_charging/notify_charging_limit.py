"""NotifyChargingLimit (2.x K11 to K14), from the station: an external limit applies."""

from typing import Any

from wattseal.model.charging_facts import LimitReported
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import profiles
from wattseal.wire.ocpp.charging import heard, message, nothing
from wattseal.wire.ocpp.generated.v21 import notify_charging_limit as v21
from wattseal.wire.ocpp.generated.v201 import notify_charging_limit as v201
from wattseal.wire.ocpp.message import Payload, Sender, present
from wattseal.wire.ocpp.version import Version


def read(told: dict[str, Any], _version: Version, findings: list[Finding]) -> LimitReported:
    """Return the fact; without an EVSE it is about the station."""
    limit = told["chargingLimit"]
    return LimitReported(
        told.get("evseId", 0),
        limit["chargingLimitSource"],
        tuple(profiles.lift_schedule(schedule, findings) for schedule in told.get("chargingSchedule", ())),
        limit.get("isGridCritical"),
        bool(limit.get("isLocalGeneration")),
    )


def ask(fact: LimitReported, _version: Version) -> Payload:
    """Return the request."""
    limit = present(
        chargingLimitSource=fact.source,
        isGridCritical=fact.grid_critical,
        isLocalGeneration=True if fact.local_generation else None,
    )
    schedules = [profiles.lower_schedule(schedule) for schedule in fact.schedules]
    return present(evseId=fact.evse_id, chargingLimit=limit, chargingSchedule=schedules or None)


MODULES = {Version.V201: v201, Version.V21: v21}
MESSAGE = message(
    "NotifyChargingLimit", MODULES, LimitReported, read, ask, sender=Sender.STATION, lower=nothing, hear=heard
)
