"""What is asked about charging limits: profiles, limits from outside, schedules and how the station's differ."""

from dataclasses import dataclass

from wattseal.base.ids import StationId
from wattseal.flow.documents import read
from wattseal.flow.limits.store import circumstances, in_force
from wattseal.flow.memory import Memory
from wattseal.flow.world import World
from wattseal.model.charging import Composite, RateUnit
from wattseal.rules.charging import composite, window_of
from wattseal.rules.charging_differs import Difference

COMPARISON = "schedule_comparison"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Document: the latest composite schedule a station told for an EVSE, beside what its profiles come to."""

    station_id: str
    evse_id: int
    at_ms: int
    ours: Composite
    theirs: Composite
    differences: tuple[Difference, ...] = ()


async def our_schedule(world: World, memory: Memory, evse_id: int, duration_s: int, unit: RateUnit) -> Composite:
    """Return the limits of an EVSE (0: the station) from now on, by the profiles that are kept."""
    window = window_of(world.clock.now(), duration_s)
    where = await circumstances(world, memory)
    return composite(await in_force(world, memory), evse_id, window, unit, where)


async def last_comparison(world: World, station_id: StationId, evse_id: int) -> Comparison | None:
    """Return what the station told last, None where it was never asked."""
    key = f"{station_id.casefold()}/{evse_id:04d}"
    document = await world.journal.document(world.tenant, COMPARISON, key)
    return None if document is None else read(document, Comparison)
