"""Projections kept in memory by the one process that writes them: looked up often, hardly ever on disk yet."""

from collections import OrderedDict
from typing import Final

from wattseal.flow.ports import Put

Key = tuple[str, str, str]
"""(tenant, kind, key)."""
CAPACITY: Final = 8192
MAX_BODY: Final = 64 * 1024
"""Larger documents (files in parts) are not kept: they are read once in a while, and would fill the memory."""


class Unknown:
    """The memory does not know; whoever asked reads the store and tells it by `fill`."""


class Documents:
    """The latest `capacity` documents written or read, absent ones included. True only while nobody else writes."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._known: Final[OrderedDict[Key, Put | None]] = OrderedDict()
        self._asked: Final[dict[Key, Unknown]] = {}
        self._capacity = capacity

    def get(self, key: Key) -> Put | Unknown | None:
        """Return the document, None where there is none, or a token to read the store with."""
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        token = self._asked[key] = Unknown()
        return token

    def fill(self, key: Key, token: Unknown, found: Put | None) -> None:
        """Keep what was read, unless the document was written or read anew meanwhile."""
        if self._asked.get(key) is token:
            del self._asked[key]
            self._keep(key, found)

    def give_up(self, key: Key, token: Unknown) -> None:
        """Say that a read has failed."""
        if self._asked.get(key) is token:
            del self._asked[key]

    def written(self, tenant: str, put: Put) -> None:
        """Keep what became durable."""
        key = tenant, put.kind, put.key
        self._asked.pop(key, None)
        self._keep(key, put if put.body else None)

    def forget(self) -> None:
        """Know nothing: a write failed, and what the store holds must be read again."""
        self._known.clear()
        self._asked.clear()

    def _keep(self, key: Key, value: Put | None) -> None:
        if value is not None and len(value.body) > MAX_BODY:
            self._known.pop(key, None)
            return
        self._known[key] = value
        self._known.move_to_end(key)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
