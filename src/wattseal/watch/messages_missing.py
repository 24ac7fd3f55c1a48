"""A gap in the numbers of a session's messages that its station, though it is heard, does not fill."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at

WAIT_MS = 295_000
"""With the clock's turn it is told within five minutes: queues are emptied within minutes of a station being back."""
MESSAGES = 10
"""So many messages of the session after the gap: whoever still had the missing one would have sent it first."""


def observe(seen: Seen) -> Finding | None:
    """Ask for how long a gap has been open while the station was heard, and how many messages came since."""
    if seen.gap_open_ms is None or (seen.gap_open_ms < WAIT_MS and seen.gap_messages < MESSAGES):
        return None
    passed = f"for {max(seen.gap_open_ms, 0) // 1000} s and {seen.gap_messages} messages"
    return Finding("messages_missing", "seq_no", f"{seen.missing} not filled {passed}")


DETECTOR = Detector(
    code="messages_missing",
    title="a gap in the numbers of a session's messages that stays open (2.x)",
    threshold=WAIT_MS // 1000,
    unit=f"s, or {MESSAGES} messages",
    why="what waited in a queue after an outage comes within minutes and closes the gap; what was swallowed on the way "
    "never comes",
    then="ask the station for its log and look who sits between; the alarm is over by itself once the messages come",
    moments=at(Moment.OPEN),
    observe=observe,
)
