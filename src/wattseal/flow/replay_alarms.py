"""Alarms re-proved: what the database shows of them is what their signed records say.

What an alarm's own detail says is in no record: it is in those that raised it, and goes when a person is erased. The
database may be ahead of the records by the second that these take to be written; of more than a minute it is told.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import TenantId
from wattseal.flow.alarm_book import OVER
from wattseal.flow.documents import ALARM, every_document, read
from wattseal.flow.ports import Journal
from wattseal.model.alarm import Alarm, AlarmState
from wattseal.model.verdict import Finding
from wattseal.seal.alarm import AlarmSaid
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind

AHEAD_MS = 60_000


@dataclass(slots=True)
class RecordedAlarms:
    """What the records say: by alarm the latest, and the hash of that record; `last_ms` is the newest record's time."""

    origin: str
    alarms: dict[str, tuple[AlarmSaid, str]] = field(default_factory=dict)
    last_ms: int = 0

    def take(self, item: Item, where: str) -> Finding | None:
        """Take in a record, if it is about an alarm here; return what is wrong with it."""
        self.last_ms = max(self.last_ms, item.payload.ms)
        if item.payload.kind != Kind.ALARM or item.payload.origin != self.origin:
            return None
        opened = open_box(item, int(Group.OPS), None) if Group.OPS in item.boxes else None
        try:
            said = AlarmSaid.read(Content.decode(opened.content).fields) if isinstance(opened, Opening) else None
        except InputError as error:
            return Finding("content_unreadable", where, f"{error.code} {error.subject}")
        if said is None:
            return Finding("content_unreadable", where, "what the alarm is about is not shown")
        self.alarms[said.key] = (said, item.hash.hex())
        return None


async def compare_alarms(journal: Journal, tenant: TenantId, recorded: RecordedAlarms) -> tuple[Finding, ...]:
    """Compare every alarm with the latest record about it."""
    found: list[Finding] = []
    due = dict(recorded.alarms)
    async for document in every_document(journal, tenant, ALARM):
        try:
            alarm = read(document, Alarm)
        except StoreError as error:
            found.append(Finding("alarm_unreadable", f"alarm {document.key}", error.code))
            due.pop(document.key, None)
            continue
        said = due.pop(document.key, None)
        if said is not None:
            found.extend(_compare(document.key, alarm, said, recorded.last_ms))
            if document.active is not alarm.stands:
                found.append(
                    Finding("alarm_differs", f"alarm {document.key} field active", f"stored {document.active}")
                )
        elif alarm.said:
            found.append(Finding("alarm_without_record", f"alarm {document.key}", f"it names {alarm.said}"))
    found.extend(Finding("alarm_missing", f"alarm {key}", "its record is there") for key in due)
    return tuple(found)


def _compare(key: str, alarm: Alarm, due: tuple[AlarmSaid, str], last_ms: int) -> Iterator[Finding]:
    said, record = due
    pairs = {
        "code": (alarm.code, said.code),
        "severity": (alarm.severity, said.severity),
        "station_id": (alarm.station_id, said.station_id),
        "at_ms": (alarm.at_ms, said.first_ms),
        "transaction": (alarm.transaction, None if said.session is None else said.session.hex()),
        "said": (alarm.said, record),
        "count": (min(alarm.count, said.count), said.count),
    }
    state = OVER.get(said.event, AlarmState.OPEN)
    cleared = alarm.state is AlarmState.CLEARED and (alarm.over_ms or 0) > last_ms - AHEAD_MS
    if not cleared:
        pairs["state"] = (alarm.state, state)
    for name, (told, expected) in pairs.items():
        if told != expected:
            yield Finding("alarm_differs", f"alarm {key} field {name}", f"stored {told}, by its record {expected}")
