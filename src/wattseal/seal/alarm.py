"""Group OPS of ALARM records (docs/spec/record.md, "Fields"): that an alarm stands, and what became of it.

It refers to the records that raised it. What a station told, addresses and names are not in it: they are in those.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from msgspec import Struct

from wattseal.model.alarm import Severity
from wattseal.seal.dcbor import CborError
from wattseal.seal.reading import needed, needed_number, present, typed


class AlarmEvent(IntEnum):
    """What happened to it."""

    OPENED = 0
    COUNTED = 1
    ACKNOWLEDGED = 2
    CLOSED = 3
    CLEARED = 4


_SEVERITIES = tuple(Severity)
_SESSION_BYTES = 16


class AlarmSaid(Struct, frozen=True, gc=False):
    """What a record says of an alarm: `count` times from `first_ms` until `last_ms`.

    `key` is its document's, `session` a transaction's pseudonym, `by` who acknowledged or closed it.
    """

    event: AlarmEvent
    key: str
    code: str
    severity: Severity
    count: int
    first_ms: int
    last_ms: int
    station_id: str = ""
    session: bytes | None = None
    by: str | None = None

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        return present(
            {
                1: int(self.event),
                2: self.key,
                3: self.code,
                4: _SEVERITIES.index(self.severity),
                5: self.count,
                6: self.first_ms,
                7: self.last_ms,
                8: self.station_id or None,
                9: self.session,
                10: self.by,
            }
        )

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "AlarmSaid":
        """Read the group's fields; `CborError` names the one that is wrong."""
        event = needed_number(fields, 1, "event", len(AlarmEvent))
        severity = needed_number(fields, 4, "severity", len(_SEVERITIES))
        session = typed(fields, 9, bytes, "session")
        if session is not None and len(session) != _SESSION_BYTES:
            raise CborError("a session's pseudonym is 16 bytes", subject="session")
        return AlarmSaid(
            event=AlarmEvent(event),
            key=needed(fields, 2, str, "key"),
            code=needed(fields, 3, str, "code"),
            severity=_SEVERITIES[severity],
            count=needed_number(fields, 5, "count"),
            first_ms=needed_number(fields, 6, "first_ms"),
            last_ms=needed_number(fields, 7, "last_ms"),
            station_id=typed(fields, 8, str, "station") or "",
            session=session,
            by=typed(fields, 10, str, "by"),
        )
