"""What an attack is given: a folder of its own, dice, and the grounds to play on."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from wattseal.lab.crew import Crew
from wattseal.lab.dice import Dice
from wattseal.lab.grounds.alone import Alone, alone
from wattseal.lab.grounds.clockwork import Clockwork, clockwork
from wattseal.lab.scene import Stations, prepare
from wattseal.lab.world import World


@dataclass(slots=True)
class Living:
    """A whole world of processes: CPO, eMSP, two witnesses; `id_token` is known to the CPO, `private_token` is not."""

    world: World
    id_token: str
    private_token: str


@dataclass(slots=True)
class Worlds:
    """The world that attacks share; it starts when the first one asks and ends with `stack`."""

    root: Path
    stack: AsyncExitStack
    shared: Living | None = None


@dataclass(slots=True)
class Lab:
    """One run of one attack: whatever it writes is under `folder`, whatever it chooses comes from `dice`."""

    folder: Path
    dice: Dice
    worlds: Worlds
    _used: int = field(default=0, init=False)

    def fresh(self, name: str) -> Path:
        """Return a path under the folder that nothing is at yet."""
        self._used += 1
        return self.folder / f"{name}-{self._used}"

    @asynccontextmanager
    async def clockwork(self, **settings: Any) -> AsyncIterator[Clockwork]:
        """Give a CPO without sockets whose clock is moved; `settings` are those of `wattseal serve`, by section."""
        async with clockwork(self.fresh("clockwork"), settings) as made:
            yield made

    @asynccontextmanager
    async def alone(self, settings: str = "", undefend: str | None = None, *options: str) -> AsyncIterator[Alone]:
        """Start a `wattseal serve` of its own with these settings (TOML); `undefend`: see `lab.undefended`."""
        async with alone(self.fresh("alone"), settings, undefend, options) as made:
            yield made

    async def living(self) -> Living:
        """Return the shared world; leave its database, log and keys alone."""
        if self.worlds.shared is None:
            self.worlds.shared = await self.worlds.stack.enter_async_context(_living(self.worlds.root, self.dice))
        return self.worlds.shared

    @asynccontextmanager
    async def own_world(self) -> AsyncIterator[Living]:
        """Start a whole world for this attack alone, to do anything to."""
        async with _living(self.fresh("world"), self.dice) as made:
            yield made


@asynccontextmanager
async def _living(root: Path, dice: Dice) -> AsyncIterator[Living]:
    stations = Stations(f"CS-A-{dice.word(4)}", f"CS-B-{dice.word(4)}", f"CS-C-{dice.word(4)}")
    scene = prepare(root, stations, f"MTR{dice.number(10_000_000, 99_999_999)}")
    async with aiohttp.ClientSession() as session, Crew(root / "logs") as crew:
        world = World(scene, crew, session)
        await world.start()
        made = Living(world, dice.word(14), dice.word(14))
        await world.enrol(made.id_token, made.private_token)
        yield made
