"""Working rollouts off: looks at those that run, gives stations their turn, several at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from wattseal.base.errors import WattsealError
from wattseal.base.ids import StationId
from wattseal.flow.fleet import rollouts
from wattseal.flow.fleet.rollouts import Member, Rollout
from wattseal.flow.world import World
from wattseal.rules.rollout import FINISHED, MemberState, State, decide

INTERVAL_S = 1.0
_LOGGER = logging.getLogger("wattseal.rollouts")


@dataclass(frozen=True, slots=True)
class Turn:
    """How a station's turn stands: its state, why, and the station's job to look at later."""

    state: MemberState
    why: str = ""
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of rollout: `begin` a station's turn, `look` how one under way stands (None: no news)."""

    begin: Callable[[World, Rollout, StationId], Awaitable[Turn]]
    look: Callable[[World, Rollout, Member], Awaitable[Turn | None]]


async def no_news(_world: World, _rollout: Rollout, _member: Member) -> Turn | None:
    """Look at nothing: for work that is over when it has begun."""
    return None


@dataclass(slots=True)
class Rollouts:
    """The rollouts of a world; a station that is not connected keeps its turn until it is."""

    world: World
    works: Mapping[str, Work]
    busy: set[tuple[str, str]] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def round(self) -> None:
        """Look at every rollout that runs."""
        for rollout in await rollouts.running(self.world):
            await self._advance(rollout, self.works[rollout.kind])

    async def close(self) -> None:
        """Let go of turns under way; they are begun again after a restart."""
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _advance(self, rollout: Rollout, work: Work) -> None:
        members = await rollouts.members(self.world, rollout.id)
        for member in members.values():
            if member.state is MemberState.UNDER_WAY and (rollout.id, member.station_id) not in self.busy:
                await self._look(rollout, work, member)
        states = {station_id: member.state for station_id, member in members.items()}
        states |= {station: MemberState.UNDER_WAY for name, station in self.busy if name == rollout.id}
        now = decide(rollout.plan, rollout.station_ids, states)
        current = await rollouts.find(self.world, rollout.id)
        if current is None or current.state is not State.RUNNING:
            return
        if (now.state, now.phase) != (current.state, current.phase):
            await rollouts.keep(self.world, replace(current, state=now.state, phase=now.phase, why=now.why))
        for station in now.start:
            if self.world.lines.version(StationId(station)) is not None:
                self._give_turn(rollout, work, station)

    def _give_turn(self, rollout: Rollout, work: Work, station: str) -> None:
        self.busy.add((rollout.id, station))
        task = asyncio.create_task(self._turn(rollout, work, station))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _turn(self, rollout: Rollout, work: Work, station: str) -> None:
        try:
            turn = await work.begin(self.world, rollout, StationId(station))
            await self._keep(rollout, station, turn)
        except WattsealError as error:
            await self._keep(rollout, station, Turn(MemberState.FAILED, error.code))
        except Exception:
            _LOGGER.exception("rollout_turn_failed %s", rollout.id)
            await self._keep(rollout, station, Turn(MemberState.FAILED, "defect"))
        finally:
            self.busy.discard((rollout.id, station))

    async def _look(self, rollout: Rollout, work: Work, member: Member) -> None:
        turn = await work.look(self.world, rollout, member)
        if turn is not None and turn.state in FINISHED:
            await self._keep(rollout, member.station_id, turn)

    async def _keep(self, rollout: Rollout, station: str, turn: Turn) -> None:
        member = Member(rollout.id, station, turn.state, self.world.now_ms(), turn.why, turn.job)
        await rollouts.keep_member(self.world, member)
