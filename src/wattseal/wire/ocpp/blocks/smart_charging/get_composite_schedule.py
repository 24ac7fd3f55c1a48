"""GetCompositeSchedule, from the CSMS: ask for the schedule that results from all profiles.

Clauses: 1.6 section 5.7; 2.x K08.
"""

from typing import Any

from wattseal.model.charging import RateUnit
from wattseal.model.charging_orders import CompositeReply, GetComposite
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import profiles
from wattseal.wire.ocpp.charging import message, reason_of
from wattseal.wire.ocpp.generated.v16 import get_composite_schedule as v16
from wattseal.wire.ocpp.generated.v21 import get_composite_schedule as v21
from wattseal.wire.ocpp.generated.v201 import get_composite_schedule as v201
from wattseal.wire.ocpp.message import Payload, Sender, present
from wattseal.wire.ocpp.version import Version


def read(told: dict[str, Any], version: Version, _findings: list[Finding]) -> GetComposite:
    """Return the command."""
    unit = told.get("chargingRateUnit")
    evse_id = told["connectorId" if version is Version.V16 else "evseId"]
    return GetComposite(evse_id, told["duration"], None if unit is None else RateUnit(unit))


def ask(command: GetComposite, version: Version) -> Payload:
    """Return the request."""
    where = {"connectorId" if version is Version.V16 else "evseId": command.evse_id}
    unit = None if command.unit is None else command.unit.value
    return where | present(duration=command.duration_s, chargingRateUnit=unit)


def lower(answer: CompositeReply, version: Version) -> Payload:
    """Return the response."""
    told: Payload = {"status": answer.status}
    if answer.composite is not None:
        told |= profiles.lower_composite(answer.composite, version)
    if answer.reason is not None and version is not Version.V16:
        told["statusInfo"] = {"reasonCode": answer.reason}
    return told


def hear(told: dict[str, Any], version: Version) -> CompositeReply:
    """Return the answer; an accepted one without a schedule, and one with absurd limits, has none."""
    schedule = told.get("chargingSchedule" if version is Version.V16 else "schedule")
    composite = None
    if schedule is not None:
        evse_id = told.get("connectorId", 0)
        try:
            composite = profiles.lift_composite(evse_id, schedule, told.get("scheduleStart"), [])
        except profiles.TooLargeError:
            return CompositeReply(told["status"], None, "limit_beyond_measure")
    return CompositeReply(told["status"], composite, reason_of(told))


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = message("GetCompositeSchedule", MODULES, GetComposite, read, ask, sender=Sender.CSMS, lower=lower, hear=hear)
