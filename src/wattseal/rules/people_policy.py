"""What an operator may choose about people's sessions and links."""

from dataclasses import dataclass

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class PeoplePolicy:
    """How long sessions last unused and at most, and how long one-time links are good. Milliseconds."""

    idle_ms: int = 8 * HOUR_MS
    session_ms: int = 7 * 24 * HOUR_MS
    link_ms: int = 24 * HOUR_MS


DEFAULT_PEOPLE = PeoplePolicy()
