"""PullDynamicScheduleUpdate (2.1 K28), from the station: the station asks for new values of a dynamic schedule."""

from typing import Any

from wattseal.model.charging_facts import UpdateAnswer, UpdateWanted
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp.charging import message
from wattseal.wire.ocpp.generated.v21 import pull_dynamic_schedule_update as v21
from wattseal.wire.ocpp.message import Payload, Sender, present
from wattseal.wire.ocpp.signed_commands import CUSTOM, command_beside, custom_command
from wattseal.wire.ocpp.version import Version


def read(told: dict[str, Any], _version: Version, _findings: list[Finding]) -> UpdateWanted:
    """Return the fact."""
    return UpdateWanted(told["chargingProfileId"])


def ask(fact: UpdateWanted, _version: Version) -> Payload:
    """Return the request."""
    return {"chargingProfileId": fact.profile_id}


def lower(answer: UpdateAnswer, _version: Version) -> Payload:
    """Return the response; a refusal says InvalidProfile (K28.FR.12)."""
    if answer.status == "Accepted":
        told: Payload = {"status": answer.status, "scheduleUpdate": dict(answer.values)}
        return told | ({CUSTOM: custom_command(answer.command)} if answer.command else {})
    return present(status=answer.status, statusInfo={"reasonCode": "InvalidProfile"})


def hear(told: dict[str, Any], _version: Version) -> UpdateAnswer:
    """Return the answer."""
    return UpdateAnswer(told["status"], told.get("scheduleUpdate", {}), command_beside(told) or b"")


MESSAGE = message(
    "PullDynamicScheduleUpdate",
    {Version.V21: v21},
    UpdateWanted,
    read,
    ask,
    sender=Sender.STATION,
    lower=lower,
    hear=hear,
)
