"""Asking a station for all its variables when it boots as something else than before: another model or firmware."""

from dataclasses import dataclass

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.commands import Unanswered, send
from wattseal.flow.documents import read, removal
from wattseal.flow.ports import Batch
from wattseal.flow.stations.provisioning import INVENTORY_DUE, InventoryDue
from wattseal.flow.world import World
from wattseal.model.device import VariablesGet
from wattseal.model.message import Asked, Command
from wattseal.model.principal import Principal
from wattseal.wire.ocpp.version import Version

PATIENCE_MS = 24 * 3600 * 1000
"""How long a station that gives no answer is asked again."""
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class DueStation:
    """A station to ask, and under which key that is written down."""

    key: str
    station_id: StationId
    version: Version


async def due(world: World) -> list[DueStation]:
    """Return the connected stations to be asked; those that gave no answer for long are given up."""
    found, after = list[DueStation](), ""
    while page := await world.journal.documents(world.tenant, INVENTORY_DUE, after=after, limit=_PAGE):
        after = page[-1].key
        for document in page:
            wanted = read(document, InventoryDue)
            version = world.lines.version(StationId(wanted.station_id))
            if version is not None:
                found.append(DueStation(document.key, StationId(wanted.station_id), version))
            elif wanted.at_ms + PATIENCE_MS < world.now_ms():
                await _done(world, document.key)
    return found


async def ask(world: World, station: DueStation) -> None:
    """Ask a station for all its variables; one that answers in whatever way is not asked again."""
    principal = Principal(world.tenant, "system", frozenset(), frozenset({"*"}))
    command: Command = VariablesGet(())
    if station.version is not Version.V16:
        number = int.from_bytes(world.random.bytes(3), "big")
        command = Asked("GetBaseReport", {"requestId": number, "reportBase": "FullInventory"})
    try:
        outcome = await send(world, principal, station.station_id, command)
    except InputError:
        return
    if not isinstance(outcome, Unanswered):
        await _done(world, station.key)


async def _done(world: World, key: str) -> None:
    await world.journal.commit(Batch(world.tenant, puts=(removal(INVENTORY_DUE, key, world.now_ms()),)))
