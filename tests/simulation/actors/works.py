"""Those who announce works, end them early, and withdraw them."""

from typing import Any

from tests.simulation.actors.actor import Actor
from tests.simulation.broken import broken

from wattseal.flow.fleet.maintenance import announce, end, withdraw, works_of
from wattseal.flow.world import World
from wattseal.model.works import Cause, Where, Window


class Works(Actor):
    """What was announced counts until it is withdrawn, whoever died meanwhile."""

    name = "works"
    left = 10

    def __init__(self, storm: Any) -> None:
        super().__init__(storm)
        self.known: dict[str, Window] = {}
        self.unsure: set[str] = set()
        self.gone: set[str] = set()

    def act(self) -> None:
        """Announce, end or withdraw."""
        if not self.idle or self.dice.random() < 0.5:
            return
        self.left -= 1
        world, waiting = self.storm.world, sorted(self.known.keys() - self.gone)
        if not waiting or self.dice.random() < 0.5:
            now_ms = world.now_ms()
            where = self.dice.choice((Where(("ST0",)), Where(("ST1", "ST2")), Where()))
            self.ask(announce(world, where, now_ms, now_ms + 3_600_000, Cause.MAINTENANCE, by="Wanda"), self._announced)
            return
        one, withdraws = self.dice.choice(waiting), self.dice.random() < 0.5
        self.unsure.add(one)
        said = withdraw(world, one, "Wanda") if withdraws else end(world, one, "Wanda")
        self.ask(said, lambda came: self._changed(one, came, withdraws=withdraws))

    def _announced(self, came_to: Any) -> None:
        if isinstance(came_to, Window):
            self.did["works announced"] += 1
            self.known[came_to.id] = came_to

    def _changed(self, one: str, came_to: Any, *, withdraws: bool) -> None:
        if isinstance(came_to, Window):
            self.did["works withdrawn" if withdraws else "works ended"] += 1
            self.known[one] = came_to
            self.gone |= {one} if withdraws else set()

    async def hold(self, world: World) -> None:
        """Read the records, and compare."""
        found = await works_of(world)
        for one, window in self.known.items():
            if one in self.gone and one in found:
                broken(1, f"works {one} were withdrawn, and count")
            if one not in self.gone and one not in found and one not in self.unsure:
                broken(1, f"works {one} were announced, and are lost")
            if one in found and one not in self.unsure and found[one].to_ms != window.to_ms:
                broken(1, f"works {one} end at {found[one].to_ms}, and were told to end at {window.to_ms}")
