"""Vendors' own messages (DataTransfer; 2.x block P, 1.6 section 4.3): a registry of plain functions.

A handler is `async def handler(turn: Turn, fact: DataTransferred) -> DataTransferAnswer`, registered under
(vendor id, message id); message id None takes every message of its vendor that has no handler of its own. What is here
first is what this CSMS knows itself; `World.vendors` adds to it, and never replaces it.
"""

from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct

from wattseal.flow.charges import sealed
from wattseal.flow.stations.shelf import shelve
from wattseal.flow.turn import Turn
from wattseal.model.answers import DataTransferAnswer
from wattseal.model.facts import DataTransferred

VENDOR_MESSAGE = "vendor_message"
"""Document kind: the latest of a vendor's messages, by `station/vendor/message`."""
MAX_MESSAGES = 100
"""Kinds of vendors' messages kept per station; further ones are rejected."""

Handler = Callable[[Turn, DataTransferred], Awaitable[DataTransferAnswer]]
Vendors = Mapping[tuple[str, str | None], Handler]


class KeptMessage(Struct, frozen=True, omit_defaults=True):
    """Document: a message of an accepted vendor that nothing here understands."""

    station_id: str
    at_ms: int
    vendor_id: str
    message_id: str | None
    data: object


OWN: Vendors = {(sealed.VENDOR, sealed.ITEMS): sealed.transfer}
"""What is understood wherever this runs."""


async def transfer(turn: Turn, fact: DataTransferred, more: Vendors) -> DataTransferAnswer:
    """Have a vendor's message answered by its handler; keep it where its vendor is accepted and it has none.

    UnknownVendorId and UnknownMessageId otherwise (2.x P02.FR.06, P02.FR.07).
    """
    vendors: Vendors = {**turn.world.vendors, **more, **OWN}
    handler = vendors.get((fact.vendor_id, fact.message_id)) or vendors.get((fact.vendor_id, None))
    if handler is not None:
        return await handler(turn, fact)
    if fact.vendor_id in turn.world.settings.vendors:
        return await _keep(turn, fact)
    known = any(vendor == fact.vendor_id for vendor, _ in vendors)
    return DataTransferAnswer("UnknownMessageId" if known else "UnknownVendorId")


async def _keep(turn: Turn, fact: DataTransferred) -> DataTransferAnswer:
    step = turn.step()
    kept = KeptMessage(turn.station.id, turn.now_ms, fact.vendor_id, fact.message_id, fact.data)
    name = f"{fact.vendor_id}/{fact.message_id or ''}"
    if not await shelve(step, turn.memory, VENDOR_MESSAGE, name, kept, limit=MAX_MESSAGES):
        return DataTransferAnswer("Rejected")
    await step.commit()
    return DataTransferAnswer("Accepted")
