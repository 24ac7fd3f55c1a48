"""Alarms: what somebody should look at, how grave it is, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How grave an alarm is: what is told or signed was meddled with, something is broken, or it is worth knowing."""

    CRITICAL = "critical"
    WARNING = "warning"
    NOTICE = "notice"


class AlarmState(StrEnum):
    """Nobody looked at it, somebody does, somebody is done with it, or what it told of ended by itself."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Document: something somebody should look at. `record` is the payload hash of the record about it, in hex.

    While it stands, the same of the same subject is counted and makes no second one: `count` times from `at_ms` until
    `last_ms`, `evidence` the records about it, the first of them. `over_ms` is when what it tells of ended by itself;
    None where that is not seen, or has not happened. `said` is the payload hash of the latest ALARM record about it,
    "" before there is one; `by` is who took the last step, `id` the key
    of the document.
    """

    code: str
    station_id: str
    at_ms: int
    field: str = ""
    detail: str = ""
    record: str | None = None
    transaction: str | None = None
    over_ms: int | None = None
    severity: Severity = Severity.WARNING
    state: AlarmState = AlarmState.OPEN
    count: int = 1
    last_ms: int = 0
    evidence: tuple[str, ...] = ()
    said: str = ""
    by: str = ""
    id: str = ""

    @property
    def stands(self) -> bool:
        """Whether it waits for somebody."""
        return self.state in {AlarmState.OPEN, AlarmState.ACKNOWLEDGED}
