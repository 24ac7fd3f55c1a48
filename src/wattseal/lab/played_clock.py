"""A clock that is moved: where waiting would be silly."""

from datetime import UTC, datetime


class PlayedClock:
    """A clock that stands where the last message was told, and never goes back."""

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def now(self) -> datetime:
        """Return the time it stands at."""
        return datetime.fromtimestamp(self.ms / 1000, UTC)

    def follow(self, ms: int) -> None:
        """Go on to a time, if it is later."""
        self.ms = max(self.ms, ms)
