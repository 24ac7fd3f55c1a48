"""A station, or the signer of its records, that says nothing any more: gone, cut off, or swallowed on the way."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at

INTERVALS = 2
"""Of its heartbeat, that pass without a word."""
GRACE_MS = 30_000
"""What links take, and how often the clock looks."""


def observe(seen: Seen) -> Finding | None:
    """Ask since when nothing was heard, and since when nothing signed was: heartbeats of OCPP are easily forged."""
    bound_ms = INTERVALS * seen.interval_ms + GRACE_MS
    for field, since_ms in (("heartbeat", seen.heard_ms), ("records", seen.signed_ms)):
        if since_ms is not None and seen.now_ms - since_ms > bound_ms:
            return Finding("silence", field, f"nothing for {(seen.now_ms - since_ms) // 1000} s")
    return None


DETECTOR = Detector(
    code="silence",
    title="a station, or the signer of its records, that says nothing beyond its heartbeat interval",
    threshold=INTERVALS,
    unit="heartbeat intervals, and 30 s",
    why="one heartbeat may be lost with a connection, two in a row are not; what is swallowed on the way looks just so",
    then="look whether it has power and a link; where it says that it is connected, its messages are swallowed on the "
    "way: compare its log with what arrived. Announce works as maintenance, and they raise no alarm",
    moments=at(Moment.SILENCE),
    observe=observe,
)
