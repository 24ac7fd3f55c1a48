"""ReportChargingProfiles (2.x K09), from the station: installed profiles."""

from typing import Any

from wattseal.model.charging_facts import ProfilesReported
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import profiles
from wattseal.wire.ocpp.charging import heard, message, nothing
from wattseal.wire.ocpp.generated.v21 import report_charging_profiles as v21
from wattseal.wire.ocpp.generated.v201 import report_charging_profiles as v201
from wattseal.wire.ocpp.message import Payload, Sender, present
from wattseal.wire.ocpp.version import Version


def read(told: dict[str, Any], version: Version, findings: list[Finding]) -> ProfilesReported:
    """Return the fact."""
    return ProfilesReported(
        told["requestId"],
        told["evseId"],
        told["chargingLimitSource"],
        tuple(profiles.lift_profile(profile, version, findings) for profile in told["chargingProfile"]),
        bool(told.get("tbc")),
    )


def ask(fact: ProfilesReported, version: Version) -> Payload:
    """Return the request."""
    return present(
        requestId=fact.request_id,
        chargingLimitSource=fact.source,
        evseId=fact.evse_id,
        chargingProfile=[profiles.lower_profile(profile, version) for profile in fact.profiles],
        tbc=True if fact.more_follows else None,
    )


MODULES = {Version.V201: v201, Version.V21: v21}
MESSAGE = message(
    "ReportChargingProfiles", MODULES, ProfilesReported, read, ask, sender=Sender.STATION, lower=nothing, hear=heard
)
