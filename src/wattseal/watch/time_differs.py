"""A start or end that arrives later than a link takes, while its station says nothing of waiting."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at
from wattseal.watch.neighbours import CLOCK_MS
from wattseal.watch.recorded_late import LATE_MS
from wattseal.watch.time_implausible import is_implausible

_DAY_MS = 86_400_000


def observe(seen: Seen) -> Finding | None:
    """Hold the station's time against ours, and say where that moved it to another day of UTC."""
    behind_ms = seen.now_ms - seen.at_ms
    if not CLOCK_MS < behind_ms <= LATE_MS or seen.offline or is_implausible(seen.at_ms, seen.now_ms):
        return None
    moved = " and on another day" if seen.at_ms // _DAY_MS != seen.now_ms // _DAY_MS else ""
    return Finding("time_differs", "at", f"{behind_ms // 1000} s behind its arrival{moved}")


DETECTOR = Detector(
    code="time_differs",
    title="a start or end that arrives late, by minutes or hours",
    threshold=CLOCK_MS // 1000,
    unit="s",
    why="links take seconds, clocks are kept within minutes; 1.6 cannot say that a message waited, so it is a note",
    then="both times are kept; where the tariff changes in between, ask the station for its log",
    moments=at(Moment.START, Moment.END),
    observe=observe,
)
