"""What the CSMS asks of a 1.6 station in ISO 15118: messages of 2.0.1 inside DataTransfer, and their answers."""

from collections.abc import Mapping

import msgspec

from wattseal.base.ids import StationId
from wattseal.flow import commands
from wattseal.flow.commands import Declined, Done
from wattseal.flow.drivers.plug_and_charge16 import VENDOR
from wattseal.flow.world import World
from wattseal.model.answers import DataTransferAnswer
from wattseal.model.principal import Principal
from wattseal.model.remote import Responded


class _Status(msgspec.Struct, frozen=True):
    status: str


async def ask_in_transfer(
    world: World, principal: Principal, station_id: StationId, message: str, content: Mapping[str, object]
) -> Responded | None:
    """Ask a station and return the status in its answer; None where it does not answer."""
    data = msgspec.json.encode(content).decode()
    payload = msgspec.json.encode({"vendorId": VENDOR, "messageId": message, "data": data})
    outcome = await commands.send_payload(world, principal, station_id, "DataTransfer", payload)
    if isinstance(outcome, Declined):
        return Responded("Rejected", outcome.code)
    if not isinstance(outcome, Done) or not isinstance(outcome.answer, DataTransferAnswer):
        return None
    if outcome.answer.status != "Accepted":
        return Responded("Rejected", outcome.answer.status)
    return _told(outcome.answer.data)


def _told(data: object) -> Responded:
    """Return the status of the message inside; an answer without one accepts, as the transfer did."""
    if not isinstance(data, str) or not data:
        return Responded("Accepted")
    try:
        return Responded(msgspec.json.decode(data, type=_Status).status[:50])
    except msgspec.DecodeError:
        return Responded("Rejected", "FormatViolation")
