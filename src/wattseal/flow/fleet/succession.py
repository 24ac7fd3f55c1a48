"""Stations that took another's place: a replaced station or a renamed one, with the history of both in one view.

Records stay under the identity they were made under, or they would prove nothing; what is joined is the looking.
"""

from dataclasses import dataclass, replace

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.documents import STATION, put, put_station, read
from wattseal.flow.fleet.enrol import check_station_id
from wattseal.flow.ports import Batch
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.station import Station

SUCCESSION = "succession"
MAX_GENERATIONS = 32


@dataclass(frozen=True, slots=True)
class Succession:
    """Document, by the successor's id: whom it replaced, when, who said so and why."""

    station_id: str
    predecessor: str
    at_ms: int
    by: str
    reason: str = ""


async def succeed(world: World, station_id: str, predecessor: str, *, by: str, reason: str = "") -> Succession:
    """Let a station take the place of another, which may not connect any more.

    A successor that is not enrolled yet inherits the enrolment (password, EVSEs, pin, keys): that is a new name. One
    that is enrolled keeps its own: that is a new machine. `InputError` where the predecessor is not known, has a
    successor already, charges at this moment, or would come to follow itself.
    """
    old = await _station(world, predecessor)
    if old is None:
        raise InputError("the station to replace is not known", code="unknown_station", subject="predecessor")
    if old.successor is not None:
        raise InputError("that station was replaced already", code="replaced_already", subject="predecessor")
    if station_id.casefold() in {p.casefold() for p in (old.id, *await predecessors(world, old.id))}:
        raise InputError("a station cannot follow itself", code="own_successor", subject="predecessor")
    memory = await remember_station(world, StationId(old.id))
    if memory is not None and memory.live:
        raise InputError("a transaction is under way there; end it first", code="still_charging", subject="predecessor")
    now_ms = world.now_ms()
    check_station_id(world, station_id)
    heir = await _station(world, station_id)
    kept = Succession(station_id if heir is None else heir.id, old.id, now_ms, by, reason)
    if await world.journal.document(world.tenant, SUCCESSION, kept.station_id.casefold()) is not None:
        raise InputError("that station has a predecessor already", code="replaced_already", subject="id")
    gone = replace(old, successor=kept.station_id, password_digest=None, pending_password_digests=())
    puts = [put_station(gone, now_ms), put(SUCCESSION, kept.station_id.casefold(), kept, now_ms)]
    if heir is None:
        shown = old.certificate_name or (old.id if old.security_profile == 3 else None)
        puts.append(put_station(replace(old, id=station_id, certificate_name=shown), now_ms))
    await world.journal.commit(Batch(world.tenant, puts=tuple(puts)))
    if memory is not None:
        memory.station = gone
    return kept


async def predecessors(world: World, station_id: str) -> tuple[str, ...]:
    """Return whom a station followed, the latest first."""
    found: list[str] = []
    at = station_id
    while len(found) < MAX_GENERATIONS:
        document = await world.journal.document(world.tenant, SUCCESSION, at.casefold())
        if document is None:
            break
        at = read(document, Succession).predecessor
        found.append(at)
    return tuple(found)


async def _station(world: World, station_id: str) -> Station | None:
    document = await world.journal.document(world.tenant, STATION, station_id.casefold())
    return None if document is None else read(document, Station)
