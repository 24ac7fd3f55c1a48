"""Passwords hashed beside the event loop, a few at a time: each takes 64 MiB and a core for a while."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from wattseal.base.errors import LimitError
from wattseal.crypto import people_passwords

AT_ONCE = 2
MAX_WAITING = 32
"""So many wait for their turn; further ones are told to come back."""


class ThreadedHasher:
    """Hashes passwords in threads (`flow.people.passwords.Hasher`)."""

    def __init__(self) -> None:
        """Start no thread yet."""
        self._pool = ThreadPoolExecutor(AT_ONCE, "passwords")
        self._waiting = 0

    async def digest(self, password: str, salt: bytes) -> str:
        """Return the digest of a password."""
        self._take()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, people_passwords.digest_of, password, salt)
        finally:
            self._waiting -= 1

    async def matches(self, password: str, digest: str) -> bool:
        """Return whether a password is the one digested."""
        self._take()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, people_passwords.matches, password, digest)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _take(self) -> None:
        if self._waiting >= MAX_WAITING:
            raise LimitError("too many sign in at once; try again in a moment", subject="password")
        self._waiting += 1
