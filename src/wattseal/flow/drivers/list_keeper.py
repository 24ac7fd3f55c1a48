"""Keeps stations' local lists fresh, and says of a list that is none: a card that was blocked may charge by it.

A list is fresh at the moment at which its station is known to have what it should. Stations are looked at after tokens
or the list's policy have changed, when they have come back or were restarted, and every few hours: a station may have
lost its list without a word.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from wattseal.base.errors import WattsealError
from wattseal.base.ids import StationId
from wattseal.flow.alarms import alarm, cleared_by
from wattseal.flow.commands import Unanswered
from wattseal.flow.drivers.known_tokens import find_list
from wattseal.flow.drivers.list_sync import sync
from wattseal.flow.drivers.local_lists import listed
from wattseal.flow.step import Step
from wattseal.flow.waiting import Start
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.local_list import ListPolicy, ListStatus, LocalList
from wattseal.model.principal import Principal
from wattseal.rules.alarms import subject_of

STALE = "local_list_stale"
AGAIN_MS = 300_000
"""After so long a station is tried again that did not answer, or did not take all of its list."""
LOOK_MS = 21_600_000
"""After so long a station is asked for its list's version though nothing has changed, or after a quarter of what makes
a list stale where that is less."""
AT_ONCE = 8
"""Stations brought up to date at a time."""


class Upkeep(NamedTuple):
    """What a list was last brought up to, after which restart of its station, and when to look again (Unix ms)."""

    policy: ListPolicy
    changes: int
    booted_ms: int
    again_ms: int = 0


class Age(NamedTuple):
    """How a list was seen last, and since when it is not known to be fresh (Unix ms)."""

    status: ListStatus
    version: int
    since_ms: int


@dataclass(slots=True)
class ListKeeper:
    """Keeps lists fresh; with `start` in the background. `told` are those of which it was said that they are stale."""

    world: World
    principal: Principal
    start: Start | None = None
    done: dict[StationId, Upkeep] = field(default_factory=dict)
    known: dict[StationId, Age] = field(default_factory=dict)
    told: set[StationId] = field(default_factory=set)
    busy: set[StationId] = field(default_factory=set)

    async def round(self) -> int:
        """Begin to bring up to `AT_ONCE` stations up to date; return how many."""
        world, count = self.world, 0
        for station_id, policy in tuple((await listed(world)).items()):
            await self._age(station_id, policy)
            if world.lines.version(station_id) is None:
                self.done.pop(station_id, None)
                continue
            if station_id in self.busy or len(self.busy) + (count if self.start is None else 0) >= AT_ONCE:
                continue
            before, now = self.done.get(station_id), self._now(station_id, policy)
            if before is not None and before[:3] == now[:3] and world.now_ms() < before.again_ms:
                continue
            check = before is None or before[:2] == now[:2] or before.booted_ms != now.booted_ms
            self.busy.add(station_id)
            turn = partial(self._turn, station_id, now, check=check)
            if self.start is None:
                await turn()
            elif not self.start(turn):
                self.busy.discard(station_id)
                break
            count += 1
        return count

    def _now(self, station_id: StationId, policy: ListPolicy) -> Upkeep:
        memory = self.world.stations.get(station_id)
        return Upkeep(policy, self.world.token_changes, 0 if memory is None else memory.booted_ms)

    async def _turn(self, station_id: StationId, now: Upkeep, *, check: bool) -> None:
        """Bring one station up to date; whatever goes wrong, it is tried again, and no other waits for it."""
        world, again_ms = self.world, AGAIN_MS
        self.done[station_id] = now._replace(again_ms=world.now_ms() + AGAIN_MS)
        try:
            outcome, known = await sync(world, self.principal, station_id, check=check)
            if known.status is not ListStatus.INCOMPLETE and not isinstance(outcome, Unanswered):
                again_ms = min(LOOK_MS, world.settings.list_stale_s * 250)
            await self._over(station_id, known)
        except WattsealError:
            world.count("local_list_not_brought")
        finally:
            self.busy.discard(station_id)
            self.done[station_id] = now._replace(again_ms=world.now_ms() + again_ms)

    async def _age(self, station_id: StationId, policy: ListPolicy) -> None:
        """Raise the alarm about a list that nobody has known to be fresh for too long, once until it is."""
        world = self.world
        if station_id not in self.known:
            self._note(station_id, await find_list(world, station_id))
        known = self.known[station_id]
        if policy is ListPolicy.NONE or known.status is ListStatus.UNSUPPORTED or station_id in self.told:
            return
        if not is_stale(world, known.since_ms):
            return
        self.told.add(station_id)
        if subject_of(Alarm(STALE, station_id, 0)) in world.alarms.subjects:
            return
        step = Step(world, station_id, world.now_ms())
        hours = (world.now_ms() - known.since_ms) // 3_600_000
        alarm(step, STALE, "list", f"{known.status.value}, version {known.version}, fresh {hours} h ago")
        await step.commit()

    async def _over(self, station_id: StationId, known: LocalList) -> None:
        self._note(station_id, known)
        if known.status not in {ListStatus.CURRENT, ListStatus.UNSUPPORTED}:
            return
        self.told.discard(station_id)
        if subject_of(Alarm(STALE, station_id, 0)) in self.world.alarms.subjects:
            step = Step(self.world, station_id, self.world.now_ms())
            cleared_by(step, STALE, "")
            await step.commit()

    def _note(self, station_id: StationId, known: LocalList) -> None:
        self.known[station_id] = Age(known.status, known.version, known.since_ms)


def is_stale(world: World, since_ms: int) -> bool:
    """Return whether a list that was last fresh then is stale."""
    return world.now_ms() - since_ms > world.settings.list_stale_s * 1000
