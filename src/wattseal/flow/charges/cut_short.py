"""Sessions of a site that are cut short together: looked for by the clock among those that have just ended."""

from collections import Counter
from collections.abc import Sequence

from wattseal.base.ids import StationId
from wattseal.flow.alarms import alarm
from wattseal.flow.fleet.maintenance import is_quiet
from wattseal.flow.step import Step
from wattseal.flow.turn import remember_station
from wattseal.flow.world import Cut, World
from wattseal.watch.detector import Moment, Seen
from wattseal.watch.sessions_cut import LEAST, WINDOW_MS

CODE = "sessions_cut"
NO_SITE = "stations without a site"
NAMED = 5
"""Stations that an alarm names."""


async def look_together(world: World) -> None:
    """Raise an alarm for each site of which sessions were cut short together; those told of are not looked at again.

    What announced works cut is not looked at.
    """
    now_ms = world.now_ms()
    while world.cut and now_ms - world.cut[0].at_ms > 2 * WINDOW_MS:
        world.cut.popleft()
    if len(world.cut) < LEAST:
        return
    by_site: dict[str, list[Cut]] = {}
    for cut in tuple(world.cut):
        if await is_quiet(world, CODE, cut.station_id, cut.at_ms):
            continue
        by_site.setdefault(await _site(world, cut.station_id), []).append(cut)
    for site, cuts in by_site.items():
        latest = [cut for cut in cuts if cuts[-1].at_ms - cut.at_ms <= WINDOW_MS]
        if len(latest) >= LEAST:
            await _judge(world, site, latest)


async def _judge(world: World, site: str, cuts: Sequence[Cut]) -> None:
    now_ms = world.now_ms()
    running = sum(len(memory.live) for memory in world.stations.values() if (memory.station.site or NO_SITE) == site)
    reasons = ", ".join(f"{reason} {count}" for reason, count in Counter(cut.reason for cut in cuts).most_common())
    stations = sorted({cut.station_id for cut in cuts})
    text = f"{reasons}; {', '.join(stations[:NAMED])}{' ...' if len(stations) > NAMED else ''}"
    seen = Seen(now_ms=now_ms, at_ms=now_ms, subject=site, cut=len(cuts), cut_of=len(cuts) + running, cut_text=text)
    for found in world.watch.look(Moment.TOGETHER, seen):
        step = Step(world, "", now_ms)
        alarm(step, found.code, found.field, found.detail)
        await step.commit()
        for cut in cuts:
            world.cut.remove(cut)


async def _site(world: World, station_id: str) -> str:
    memory = await remember_station(world, StationId(station_id))
    return NO_SITE if memory is None else memory.station.site or NO_SITE
