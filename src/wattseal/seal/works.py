"""Group OPS of WORKS records (docs/spec/record.md, "Fields"): works that were announced, ended early, or withdrawn.

A record that ends or withdraws refers to the one before it about the same works.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from msgspec import Struct

from wattseal.model.works import Cause
from wattseal.seal.dcbor import CborError
from wattseal.seal.reading import needed, needed_number, present, typed


class WorksEvent(IntEnum):
    """What was said of them."""

    ANNOUNCED = 0
    ENDED = 1
    WITHDRAWN = 2


_CAUSES = tuple(Cause)


class WorksSaid(Struct, frozen=True, gc=False):
    """What a record says: from when until when, where (neither stations nor a site: everywhere), why, and by whom."""

    event: WorksEvent
    key: str
    from_ms: int
    to_ms: int
    cause: Cause
    by: str
    stations: tuple[str, ...] = ()
    site: str | None = None
    note: str = ""

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        return present(
            {
                1: int(self.event),
                2: self.key,
                3: self.from_ms,
                4: self.to_ms,
                5: _CAUSES.index(self.cause),
                6: self.by,
                7: list(self.stations) or None,
                8: self.site,
                9: self.note or None,
            }
        )

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "WorksSaid":
        """Read the group's fields; `CborError` names the one that is wrong."""
        stations = typed(fields, 7, list, "stations") or []
        if not all(type(station) is str for station in stations):
            raise CborError("stations are a list of texts", subject="stations")
        return WorksSaid(
            event=WorksEvent(needed_number(fields, 1, "event", len(WorksEvent))),
            key=needed(fields, 2, str, "key"),
            from_ms=needed_number(fields, 3, "from_ms"),
            to_ms=needed_number(fields, 4, "to_ms"),
            cause=_CAUSES[needed_number(fields, 5, "cause", len(_CAUSES))],
            by=needed(fields, 6, str, "by"),
            stations=tuple(stations),
            site=typed(fields, 8, str, "site"),
            note=typed(fields, 9, str, "note") or "",
        )
