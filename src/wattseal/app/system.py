"""The machine's clock and randomness: the only place that asks for either (ports `Clock` and `Random`)."""

import os
from datetime import UTC, datetime


class SystemClock:
    """The computer's clock."""

    def now(self) -> datetime:
        """Return the present as an aware datetime in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the adapter that others are told to use

    def now_ms(self) -> int:
        """Return the present in Unix milliseconds."""
        return int(self.now().timestamp() * 1000)


class SystemRandom:
    """The operating system's randomness."""

    def bytes(self, n: int) -> bytes:
        """Return `n` unpredictable bytes."""
        return os.urandom(n)  # noqa: TID251 - the adapter that others are told to use
