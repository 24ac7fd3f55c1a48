"""NotifyEVChargingNeeds (2.x K15 to K20), from the station: what an EV needs."""

from typing import Any

from wattseal.model.charging_facts import NeedsReported
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp.charging import message
from wattseal.wire.ocpp.generated.v21 import notify_ev_charging_needs as v21
from wattseal.wire.ocpp.generated.v201 import notify_ev_charging_needs as v201
from wattseal.wire.ocpp.message import Payload, Sender, present
from wattseal.wire.ocpp.version import Version


def read(told: dict[str, Any], _version: Version, _findings: list[Finding]) -> NeedsReported:
    """Return the fact."""
    return NeedsReported(told["evseId"], told["chargingNeeds"], told.get("maxScheduleTuples"))


def ask(fact: NeedsReported, _version: Version) -> Payload:
    """Return the request."""
    return present(evseId=fact.evse_id, maxScheduleTuples=fact.max_tuples, chargingNeeds=dict(fact.needs))


MODULES = {Version.V201: v201, Version.V21: v21}
MESSAGE = message("NotifyEVChargingNeeds", MODULES, NeedsReported, read, ask, sender=Sender.STATION)
