"""What the others who do things in a storm have in common."""

from collections import Counter
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar

from tests.simulation.weather import dice

from wattseal.base.errors import InputError, StoreError
from wattseal.flow.world import World

if TYPE_CHECKING:
    from tests.simulation.storm import Storm


class Actor:
    """Somebody with a life of his own: he outlives the CPO's processes, and remembers what he was told.

    `left` is how much he does at most in a storm, `did` counts what he was told is done; `finds` is what an audit may
    tell of a storm in which he was.
    """

    name: ClassVar[str]
    finds: ClassVar[frozenset[str]] = frozenset()
    left = 6

    def __init__(self, storm: "Storm") -> None:
        self.storm = storm
        self.dice = dice(f"{storm.seed}/{self.name}")
        self.did: Counter[str] = Counter()

    async def prepare(self, world: World) -> None:
        """Set up what was there before."""

    def began(self) -> None:
        """Take note that a process has begun; what was asked of the one before was answered, or never will be."""

    @property
    def unfinished(self) -> bool:
        """Whether the storm has to wait for him."""
        return False

    def act(self) -> None:
        """Do something, or nothing: at one step of the storm."""

    def jobs(self) -> list[tuple[str, Callable[[], Any]]]:
        """Return what the process has to do by the clock for him."""
        return []

    async def hold(self, world: World) -> None:
        """Hold the storm against what he knows, once it is over."""

    def ask(self, coroutine: Coroutine[Any, Any, Any], told: Callable[[Any], None], name: str = "") -> None:
        """Ask something of the process; `told` hears the answer, if one comes: a refusal (`InputError`) is one."""

        def hear(came_to: Any) -> None:
            if isinstance(came_to, StoreError | InputError):
                self.storm.texts.append(str(came_to))
            elif isinstance(came_to, Exception):
                raise came_to
            if not isinstance(came_to, StoreError):
                told(came_to)

        self.storm.driver.start(name or self.name, coroutine, hear)

    @property
    def idle(self) -> bool:
        """Whether he has something left to do, and nothing under way."""
        return self.left > 0 and not self.storm.driver.busy(self.name)
