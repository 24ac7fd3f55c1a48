"""A session that has not ended while its EVSE is free again, or has gone on to another one."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at

WAIT_MS = 295_000
"""With the clock's turn it is told within five minutes.

A station that was cut off may deliver the next start before the stop that it still has in its queue.
"""


def observe(seen: Seen) -> Finding | None:
    """Ask how long ago the EVSE was heard to be free, or to have begun another session."""
    if seen.next_ms is None or seen.now_ms - seen.next_ms < WAIT_MS:
        return None
    return Finding("missing_stop", "transaction_id")


DETECTOR = Detector(
    code="missing_stop",
    title="a session without an end while its EVSE is free, or has gone on to another",
    threshold=WAIT_MS // 1000,
    unit="s after the next start, or since its connectors are free",
    why="an EVSE charges one vehicle at a time; stations empty their queues within minutes of being back",
    then="wait for the stop or ask for it; where it is lost for good, close the session (`wattseal quarantine close`)",
    moments=at(Moment.OPEN),
    observe=observe,
)
