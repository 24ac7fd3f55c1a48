"""What a read looks at, and what rows on their way into the tables change: names that meet where one needs the other.

SQLite's tables lag behind what is durable (`sqlite_tables`). A read waits for them where rows on their way could make a
difference to it, and only then: working rows in early costs as much for a few as for many.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from wattseal.stores.sqlite_tables import Rows

Touch = tuple[Any, ...]
FEW_LEAVES: Final = 16
"""Leaves read one by one are named one by one."""

ITEMS: Final[tuple[Touch, ...]] = (("items",),)
ANSWERS: Final[tuple[Touch, ...]] = (("answers",),)
OUTBOX: Final[tuple[Touch, ...]] = (("outbox",),)
LEDGER: Final[tuple[Touch, ...]] = (("ledger",),)
SUMS: Final[tuple[Touch, ...]] = (("sums",),)
_ERASED: Final[Touch] = ("erased",)


def chain(tenant: str, origin: str, stream: int) -> tuple[Touch, ...]:
    """Name the items of a chain."""
    return ("chain", tenant, origin, stream), _ERASED


def subject(tenant: str, of: bytes) -> tuple[Touch, ...]:
    """Name the items of a transaction."""
    return ("subject", tenant, of), _ERASED


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


def touched(rows: "Rows") -> Iterator[Touch]:
    """Yield what rows change, under every name that a read may have for it."""
    for tenant, origin, stream, _, _, _, _, _, _, of, *_ in rows.items:
        yield "chain", tenant, origin, stream
        if of is not None:
            yield "subject", tenant, of
    for tenant, index, _ in rows.leaves:
        yield "log", tenant
        yield "leaf", tenant, index
    for tenant, kind, key, *_ in rows.documents:
        yield "kind", tenant, kind
        yield "document", tenant, kind, key
    if rows.erased:
        yield _ERASED
    for changed, names in (
        (rows.items or rows.erased, ITEMS),
        (rows.answers, ANSWERS),
        (rows.outbox or rows.delivered or rows.retried, OUTBOX),
        (rows.postings or rows.transfers, LEDGER),
        (rows.sessions or rows.bills, SUMS),
    ):
        if changed:
            yield from names
