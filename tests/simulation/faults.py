"""What goes wrong in a storm: the process dies, commits fail, stations reboot, the clock jumps; each counted."""

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.simulation.driver import path_of
from tests.simulation.weather import DAY

from wattseal.base.errors import StoreError

if TYPE_CHECKING:
    from tests.simulation.storm import Storm


class Faults:
    """Draws them, and counts what happened; in calm, and after so many of them, nothing goes wrong any more.

    `died_on` are the ways through the product on which it waited when it was killed.
    """

    def __init__(self, storm: "Storm") -> None:
        self.storm = storm
        self.happened: Counter[str] = Counter()
        self.died_on: set[str] = set()
        self.looked = 0

    def drawn(self, chance: float) -> bool:
        """Return whether something of this chance happens now."""
        storm = self.storm
        if storm.calm or not chance or self.happened.total() >= storm.weather.faults:
            return False
        return storm.dice.random() < chance

    def tell(self, what: str, detail: str = "") -> None:
        """Count what happened."""
        self.happened[what] += 1
        self.storm.trace(f"{self.storm.steps:6} {what} {detail}")

    def maybe(self) -> None:
        """Let something go wrong, or nothing."""
        storm, driver, weather = self.storm, self.storm.driver, self.storm.weather
        if storm.survey is not None and driver.last is not None and driver.suspended != self.looked:
            self.looked = driver.suspended
            if way := path_of(driver.last.coroutine):
                storm.survey.setdefault(way, []).append(driver.suspended)
        due = weather.crash_at is not None and driver.suspended >= weather.crash_at and storm.starts == 1
        if due or self.drawn(weather.crash / 4):
            self._crash(storm.dice.randint(0, len(storm.journal.queue)))
        elif weather.crash_commit is not None and storm.starts == 1 and storm.journal.asked >= weather.crash_commit[0]:
            number, durable = weather.crash_commit
            self._crash(max(0, len(storm.journal.queue) - (storm.journal.asked - number) - (not durable)))
        elif storm.journal.queue and self.drawn(weather.fail):
            waiting = len(storm.journal.queue)
            kept = storm.dice.choice((0, 0, 1, waiting))
            self.tell("commit failed", f"{min(kept, waiting)} of {waiting} kept")
            storm.journal.fail(StoreError("the disk is full", code="disk_full"), kept)
        elif self.drawn(weather.reboot / 4):
            site = storm.dice.choice(storm.sites)
            self.tell("rebooted", site.name)
            site.reboot()
        elif self.drawn(weather.jump):
            storm.clock.off = storm.dice.choice((-DAY, timedelta(0), DAY))
            self.tell("clock jumped", str(storm.clock.off))

    def _crash(self, flushed: int) -> None:
        storm = self.storm
        storm.journal.flush(flushed)
        storm.lose_power(storm)
        storm.counted |= storm.world.counters.keys()
        self.died_on.update(filter(None, (path_of(one.coroutine) for one in storm.driver.running)))
        places = storm.kill()
        self.tell("died", f"{flushed} more commits durable; at {', '.join(filter(None, places))}")
        storm.restart()
