"""Sends commands that waited for the ramp when their time has come."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow import commands, ramp
from wattseal.flow.claims import claimed
from wattseal.flow.commands import Declined, Done, Outcome, Unanswered
from wattseal.flow.ports import Silence
from wattseal.flow.ramp import LATE_MS, Placed, Waiting, WaitingState
from wattseal.flow.world import World

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
        await self._with(waiting, self._place_again)

    async def _send(self, waiting: Waiting) -> None:
        try:
            await self._with(waiting, self._send_it)
        finally:
            self.busy.discard(waiting.id)

    async def _with(self, waiting: Waiting, do: Callable[[Waiting], Awaitable[None]]) -> None:
        """Do something with one that waits, unless somebody has taken it back since it was looked at, or is at it."""
        with claimed(self.world, (ramp.claim_of(waiting),)) as mine:
            if mine and (await ramp.queue_of(self.world)).get(waiting.id) == waiting:
                await do(waiting)

    async def _place_again(self, waiting: Waiting) -> None:
        self.world.count("ramp_again")
        memory = self.world.stations.get(StationId(waiting.station_id))
        placed = ramp.again(self.world, waiting, None if memory is None else memory.station)
        await ramp.change(self.world, placed or replace(waiting, state=WaitingState.REFUSED, outcome="ramp_full"))

    async def _send_it(self, waiting: Waiting) -> None:
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
                passing=Placed(waiting.at_ms, waiting.swing),
            )
        except InputError as error:
            await ramp.change(world, replace(waiting, state=WaitingState.REFUSED, outcome=error.code))
            return
        word, record = _told(outcome)
        if word == Silence.RAMP:
            await self._place_again(waiting)
        else:
            await ramp.change(world, replace(waiting, state=WaitingState.SENT, outcome=word, record=record))


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
