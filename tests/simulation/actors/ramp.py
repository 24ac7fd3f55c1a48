"""A fleet's power: commands that change it wait for their turn, durably, and are sent once or not at all."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

from tests.simulation.actors.actor import Actor
from tests.simulation.broken import broken
from tests.simulation.driver import Pause
from tests.support.cpo_world import TENANT

from wattseal.base.ids import StationId
from wattseal.flow import ramp
from wattseal.flow.commands import Queued, send_payload
from wattseal.flow.documents import read
from wattseal.flow.ramp import WAITING, Waiting, WaitingState
from wattseal.flow.waiting import Sender
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.rules.ramp import Ramp, RampPolicy

WHO = Principal(TENANT, "fleet", frozenset(), frozenset({"*"}))
POLICY = RampPolicy(fleet_w_s=500, jitter_ms=0)
"""A change of 22 kW has the line for 44 s."""
LENGTH_MS = 44_000
ACTION = "DataTransfer"
"""A vendor's message: nobody here knows what it does, so it counts in full."""
TURNS = 40
OVER = frozenset({WaitingState.SENT, WaitingState.CANCELLED, WaitingState.REFUSED})


class Fleet(Actor):
    """What was taken back is not heard, nothing is heard twice, nothing waits for ever, and never too many at once."""

    name = "fleet"
    left = 10

    def __init__(self, storm: Any) -> None:
        super().__init__(storm)
        self.queued: dict[str, str] = {}
        self.cancelled: set[str] = set()
        self.made = 0

    def began(self) -> None:
        """Have the process keep its ramp."""
        world = self.storm.world
        world.lines, world.ramp, world.pause = self.storm.lines, Ramp(POLICY), self._pause
        self.sender = Sender(world, self._start)

    async def _pause(self, wait_s: float) -> None:
        storm = self.storm
        until = storm.clock.at + timedelta(seconds=wait_s)
        await Pause(lambda: storm.calm or storm.clock.at >= until)
        storm.clock.at = max(storm.clock.at, until)

    def _start(self, work: Callable[[], Any]) -> bool:
        self.made += 1
        self.storm.driver.start(f"turn {self.made}", work(), self.storm.done)
        return True

    def jobs(self) -> list[tuple[str, Callable[[], Any]]]:
        """Send by the clock what waits."""
        return [("ramp", self._round)]

    async def _round(self) -> None:
        """Send what is due; in calm time goes by from one turn to the next, until nothing waits."""
        await self.sender.round()
        world, storm = self.storm.world, self.storm
        for _ in range(TURNS if storm.calm else 0):
            await Pause(lambda: not any(one.name.startswith("turn ") for one in storm.driver.running))
            waiting = (await ramp.queue_of(world)).values()
            if not waiting:
                return
            next_ms = min(one.at_ms for one in waiting)
            storm.clock.at += timedelta(milliseconds=max(0, next_ms - world.now_ms()))
            await self.sender.round()

    def act(self) -> None:
        """Command something, or take it back."""
        if not self.idle or self.dice.random() < 0.5:
            return
        self.left -= 1
        waiting = sorted(self.queued.keys() - self.cancelled)
        if waiting and self.dice.random() < 0.3:
            gone = self.dice.choice(waiting)
            self.ask(ramp.cancel(self.storm.world, WHO, gone), lambda came: self._taken_back(gone, came))
            return
        self.made += 1
        mark = f"mark {self.made}"
        payload = json.dumps({"vendorId": "V", "messageId": mark}).encode()
        station = StationId(self.dice.choice(self.storm.sites).name)
        self.ask(send_payload(self.storm.world, WHO, station, ACTION, payload), lambda came: self._told(mark, came))

    def _told(self, mark: str, came_to: Any) -> None:
        self.did[f"ramp {type(came_to).__name__.lower()}"] += 1
        if isinstance(came_to, Queued):
            self.queued[came_to.id] = mark

    def _taken_back(self, waiting_id: str, came_to: Any) -> None:
        if isinstance(came_to, Waiting):
            self.did["taken back"] += 1
            self.cancelled.add(waiting_id)

    async def hold(self, world: World) -> None:
        """Hold what stations heard against what was asked."""
        del world
        mine = [one for one in self.storm.lines.heard if one.payload.get("messageId", "").startswith("mark")]
        heard = Counter(one.payload["messageId"] for one in mine)
        if twice := [mark for mark, count in heard.items() if count > 1]:
            broken(9, f"{twice} were heard more than once")
        kept = {d.key: read(d, Waiting) for d in self.storm.documents(WAITING)}
        for waiting_id, mark in self.queued.items():
            one = kept.get(waiting_id)
            if one is None:
                broken(1, f"{mark} was told to wait, and is lost")
            if waiting_id in self.cancelled and (heard[mark] or one.state is not WaitingState.CANCELLED):
                broken(9, f"{mark} was taken back, is {one.state} and was heard {heard[mark]} times")
        interrupted = self.storm.faults.happened["died"] or self.storm.faults.happened["commit failed"]
        allowed = OVER | ({WaitingState.SENDING} if interrupted else set())
        if left := [one for one in kept.values() if one.state not in allowed]:
            broken(9, f"these wait for ever: {left}")
        if self.storm.faults.happened["clock jumped"]:
            return
        for first, then in pairwise(mine):
            if first.life == then.life and then.at_ms - first.at_ms < LENGTH_MS - 1000:
                broken(9, f"{then} came too soon after {first}")
