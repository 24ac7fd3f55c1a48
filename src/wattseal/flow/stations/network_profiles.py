"""Network profiles of stations: what was set in which slot (2.x B09), without its passwords."""

from msgspec import Struct

from wattseal.flow.orders import Answered, Effects
from wattseal.flow.stations.shelf import numbered, shelve
from wattseal.model.message import Asked, Replied
from wattseal.rules.secrets import shown

PROFILE = "network_profile"
"""Document kind: a profile, by `station/slot`."""
MAX_SLOTS = 50


class KeptProfile(Struct, frozen=True):
    """Document: a profile as it was set, in OCPP's words; passwords are hidden."""

    station_id: str
    at_ms: int
    slot: int
    asked_by: str
    connection: object


async def _set(answered: Answered, command: Asked, answer: Replied) -> None:
    slot = command.content["configurationSlot"]
    if answer.status == "Accepted" and isinstance(slot, int):
        connection = shown(command.action, command.content["connectionData"])
        kept = KeptProfile(answered.station_id, answered.step.now_ms, slot, answered.asked_by, connection)
        await shelve(answered.step, answered.memory, PROFILE, numbered(slot), kept, limit=MAX_SLOTS)


EFFECTS: Effects = {"SetNetworkProfile": _set}
