"""What a read looks at, and what rows on their way into the tables change: names that meet where one needs the other.

SQLite's tables lag behind what is durable (`sqlite_tables`). A read waits for them where rows on their way could make a
difference to it, and only then: working rows in early costs as much for a few as for many.
"""

from typing import Any, Final

Touch = tuple[Any, ...]
FEW_LEAVES: Final = 16
"""Leaves read one by one are named one by one."""

ITEMS: Final[tuple[Touch, ...]] = (("items",),)
ANSWERS: Final[tuple[Touch, ...]] = (("answers",),)
OUTBOX: Final[tuple[Touch, ...]] = (("outbox",),)
LEDGER: Final[tuple[Touch, ...]] = (("ledger",),)
SUMS: Final[tuple[Touch, ...]] = (("sums",),)
ERASED: Final[Touch] = ("erased",)


def chain(tenant: str, origin: str, stream: int) -> tuple[Touch, ...]:
    """Name the items of a chain."""
    return ("chain", tenant, origin, stream), ERASED


def subject(tenant: str, of: bytes) -> tuple[Touch, ...]:
    """Name the items of a transaction."""
    return ("subject", tenant, of), ERASED


def leaves(tenant: str, start: int, limit: int) -> tuple[Touch, ...]:
    """Name entries of the log."""
    if limit > FEW_LEAVES:
        return log(tenant)
    return tuple(("leaf", tenant, index) for index in range(start, start + limit))


def log(tenant: str) -> tuple[Touch, ...]:
    """Name all entries of a log."""
    return (("log", tenant),)


def document(tenant: str, kind: str, key: str) -> tuple[Touch, ...]:
    """Name one document."""
    return (("document", tenant, kind, key),)


def documents(tenant: str, kind: str) -> tuple[Touch, ...]:
    """Name all documents of a kind."""
    return (("kind", tenant, kind),)


def sessions(tenant: str) -> tuple[Touch, ...]:
    """Name the rows of sessions, and their documents."""
    return (*SUMS, *documents(tenant, "transaction"))


def bills(tenant: str) -> tuple[Touch, ...]:
    """Name the rows of bills, and their documents."""
    return (*SUMS, *documents(tenant, "bill"))
