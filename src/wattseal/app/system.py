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


class PooledRandom:
    """The operating system's randomness, fetched a few thousand bytes at a time: a call each costs more than a record.

    Each byte is handed out once and dropped; a forked process starts with an empty pool, so that no two share bytes.
    """

    __slots__ = ("__weakref__", "_at", "_pool")

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0
        os.register_at_fork(after_in_child=self._drop)

    def bytes(self, n: int) -> bytes:
        """Return `n` unpredictable bytes."""
        end = self._at + n
        if end > len(self._pool):
            self._pool = os.urandom(max(_POOL_BYTES, n))  # noqa: TID251 - the adapter that others are told to use
            self._at, end = 0, n
        taken = self._pool[self._at : end]
        self._at = end
        return taken

    def _drop(self) -> None:
        self._pool, self._at = b"", 0


_POOL_BYTES = 8192
