"""NotifyEVChargingSchedule (2.x K15, K17), from the station: what an EV will draw."""

from typing import Any

from wattseal.model.charging_facts import EvScheduleReported
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import profiles
from wattseal.wire.ocpp.charging import message
from wattseal.wire.ocpp.generated.v21 import notify_ev_charging_schedule as v21
from wattseal.wire.ocpp.generated.v201 import notify_ev_charging_schedule as v201
from wattseal.wire.ocpp.message import Payload, Sender, present
from wattseal.wire.ocpp.version import Version


def read(told: dict[str, Any], _version: Version, findings: list[Finding]) -> EvScheduleReported:
    """Return the fact."""
    schedule = profiles.lift_schedule(told["chargingSchedule"], findings)
    base = profiles.moment(told["timeBase"], "timeBase", findings)
    return EvScheduleReported(told["evseId"], base, schedule, told.get("selectedChargingScheduleId"))


def ask(fact: EvScheduleReported, _version: Version) -> Payload:
    """Return the request."""
    return present(
        evseId=fact.evse_id,
        timeBase=fact.time_base,
        chargingSchedule=profiles.lower_schedule(fact.schedule),
        selectedChargingScheduleId=fact.chosen,
    )


MODULES = {Version.V201: v201, Version.V21: v21}
MESSAGE = message("NotifyEVChargingSchedule", MODULES, EvScheduleReported, read, ask, sender=Sender.STATION)
