"""Sessions of a site that end together, and not because their drivers ended them."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at

LEAST = 3
"""Two may be chance: a driver's app and a fault in the same minute."""
WINDOW_MS = 60_000


def observe(seen: Seen) -> Finding | None:
    """Ask how many of the site's sessions ended so within a minute, of all that were running."""
    if seen.cut < LEAST or 2 * seen.cut < seen.cut_of:
        return None
    return Finding("sessions_cut", seen.subject, f"{seen.cut} of {seen.cut_of} sessions in a minute: {seen.cut_text}")


DETECTOR = Detector(
    code="sessions_cut",
    title="sessions of a site that end within a minute without their drivers' doing",
    threshold=LEAST,
    unit="sessions, and half of those running, in 60 s",
    why="drivers come and go one by one; a fuse, a command to all or somebody on the site's link end many at once",
    then="ask at the site whether there was power; look who sent commands, and at the site's link",
    moments=at(Moment.TOGETHER),
    observe=observe,
)
