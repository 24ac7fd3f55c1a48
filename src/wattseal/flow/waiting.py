"""Sends commands that waited for the ramp when their time has come."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow import commands, ramp
from wattseal.flow.commands import Declined, Done, Outcome, Unanswered
from wattseal.flow.ramp import Passing, Waiting, WaitingState
from wattseal.flow.world import World

LATE_MS = 1000
"""One that is later than this stands in line anew: after a restart or a stall many would go at once."""

Start = Callable[[Callable[[], Awaitable[object]]], bool]
"""Begins work in the background; false where there is no room."""


@dataclass(slots=True)
class Sender:
    """Looks at what waits; with `start` it sends in the background."""

    world: World
    start: Start | None = None
    busy: set[str] = field(default_factory=set)

    async def round(self) -> int:
        """Send what is due; return how many."""
        world, sent = self.world, 0
        due = sorted((await ramp.queue_of(world)).values(), key=lambda one: (one.at_ms, one.id))
        longest_ms = world.ramp.policy.max_wait_ms + world.ramp.policy.jitter_ms
        while due and due[-1].at_ms - world.now_ms() > longest_ms:  # the clock was put back
            await self._again(due.pop())
        for waiting in due:
            now_ms = world.now_ms()
            if waiting.at_ms > now_ms:
                break
            if waiting.id in self.busy:
                continue
            if now_ms - waiting.at_ms > LATE_MS:
                await self._again(waiting)
                continue
            self.busy.add(waiting.id)
            if self.start is None:
                await self._send(waiting)
            elif not self.start(partial(self._send, waiting)):
                self.busy.discard(waiting.id)
                break
            sent += 1
        return sent

    async def _again(self, waiting: Waiting) -> None:
        self.world.count("ramp_again")
        memory = self.world.stations.get(StationId(waiting.station_id))
        placed = ramp.again(self.world, waiting, None if memory is None else memory.station)
        await ramp.change(self.world, placed or replace(waiting, state=WaitingState.REFUSED, outcome="ramp_full"))

    async def _send(self, waiting: Waiting) -> None:
        world = self.world
        try:
            await ramp.change(world, replace(waiting, state=WaitingState.SENDING))
            outcome = await commands.send_payload(
                world,
                waiting.principal(world),
                StationId(waiting.station_id),
                waiting.action,
                waiting.payload,
                deadline_s=waiting.deadline_s,
                passing=Passing.HAD_ITS_PLACE,
            )
        except InputError as error:
            await ramp.change(world, replace(waiting, state=WaitingState.REFUSED, outcome=error.code))
        else:
            word, record = _told(outcome)
            await ramp.change(world, replace(waiting, state=WaitingState.SENT, outcome=word, record=record))
        finally:
            self.busy.discard(waiting.id)


def _told(outcome: Outcome) -> tuple[str, str | None]:
    match outcome:
        case Done():
            return str(getattr(outcome.answer, "status", None) or "answered"), outcome.record.hex()
        case Declined():
            return outcome.code, outcome.record.hex()
        case Unanswered():
            return outcome.reason, None if outcome.record is None else outcome.record.hex()
        case _:
            return "queued", None
