"""How long somebody waits who keeps failing: some tries are free, each further one doubles the wait, up to a bound."""

from collections import OrderedDict
from dataclasses import dataclass, field

MAX_KEYS = 10_000
"""So many are remembered; the one that failed longest ago is forgotten."""
FORGOTTEN_MS = 3_600_000
"""After so long without a failure somebody begins anew."""


@dataclass(slots=True)
class Backoff:
    """Failures by key, of which `free` cost nothing; no wait is longer than `longest_ms`."""

    free: int
    longest_ms: int
    failures: OrderedDict[str, tuple[int, int]] = field(default_factory=OrderedDict)
    """By key how often it failed, and when last (ms)."""

    def wait_ms(self, key: str, now_ms: int) -> int:
        """Return how long the next try has to wait; 0: not at all."""
        count, last_ms = self._known(key, now_ms)
        if count < self.free:
            return 0
        pause = min(self.longest_ms, 1000 << min(count - self.free, 20))
        return max(0, last_ms + pause - now_ms)

    def failed(self, key: str, now_ms: int) -> None:
        """Count a failure; whoever tries counts it beforehand, so that many tries at once are counted as well."""
        count, _ = self._known(key, now_ms)
        self.failures[key] = (count + 1, now_ms)
        self.failures.move_to_end(key)
        while len(self.failures) > MAX_KEYS:
            self.failures.popitem(last=False)

    def forgive(self, key: str, now_ms: int) -> None:
        """Take one failure back, and leave the others: a good try makes up for none at another's door."""
        count, last_ms = self._known(key, now_ms)
        if count:
            self.failures[key] = (count - 1, last_ms)

    def succeeded(self, key: str) -> None:
        """Forget the failures."""
        self.failures.pop(key, None)

    def _known(self, key: str, now_ms: int) -> tuple[int, int]:
        count, last_ms = self.failures.get(key, (0, 0))
        return (0, 0) if now_ms - last_ms >= FORGOTTEN_MS else (count, last_ms)
