"""People who look after alarms: they acknowledge and close them; and the timer that puts alarms on record."""

from collections.abc import Callable
from typing import Any

from tests.simulation.actors.actor import Actor
from tests.simulation.broken import broken

from wattseal.flow.alarm_book import OVER
from wattseal.flow.alarm_keeper import AlarmKeeper
from wattseal.flow.documents import ALARM, read
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.seal.alarm import AlarmEvent


class Watchers(Actor):
    """What they were told is acknowledged or closed stays so, and the records say the same as the documents."""

    name = "watchers"

    def __init__(self, storm: Any) -> None:
        super().__init__(storm)
        self.said: dict[str, AlarmEvent] = {}
        self.keeper: AlarmKeeper | None = None

    def began(self) -> None:
        """Have the alarms read anew."""
        self.keeper = None

    def jobs(self) -> list[tuple[str, Callable[[], Any]]]:
        """Put alarms on record by the clock."""
        return [("alarms", self._round)]

    async def _round(self) -> None:
        if self.keeper is None:
            self.keeper = await AlarmKeeper.load(self.storm.world)
        await self.keeper.round()
        await self.keeper.look()

    def act(self) -> None:
        """Acknowledge or close an alarm that stands."""
        standing = [d.key for d in self.storm.documents(ALARM) if d.active]
        if not self.idle or self.keeper is None or not standing:
            return
        self.left -= 1
        key, event = self.dice.choice(standing), self.dice.choice((AlarmEvent.ACKNOWLEDGED, AlarmEvent.CLOSED))

        def told(came_to: Any) -> None:
            if isinstance(came_to, Alarm):
                self.did[f"alarm {event.name.lower()}"] += 1
                self.said[key] = max(event, self.said.get(key, event))

        self.ask(self.keeper.act(key, event, "Wanda"), told)

    async def hold(self, world: World) -> None:
        """Find what they did, and the records at one with the documents."""
        kept = {d.key: read(d, Alarm) for d in self.storm.documents(ALARM)}
        for key, event in self.said.items():
            if key not in kept:
                broken(1, f"alarm {key} was seen and is lost")
            if event is AlarmEvent.CLOSED and kept[key].stands:
                broken(1, f"alarm {key} was closed and stands: {kept[key]}")
            if event is AlarmEvent.ACKNOWLEDGED and kept[key].stands and kept[key].state is not OVER[event]:
                broken(1, f"alarm {key} was acknowledged: {kept[key]}")
        await AlarmKeeper.load(world)
        if world.alarms.restored:
            broken(11, f"{world.alarms.restored} alarms are on record and not among the documents")
