"""The alarms that stand, in memory: the same of the same subject is counted, and what is to be put on record waits."""

from dataclasses import dataclass, field, replace

from wattseal.model.alarm import Alarm, AlarmState, Severity
from wattseal.rules.alarms import Subject, again, begun, subject_of, worth_saying
from wattseal.seal.alarm import AlarmEvent

MAX_STANDING = 10_000
"""Alarms that stand at a time; beyond that a new one counts with the first of its code, whatever it is about."""
OVER = {
    AlarmEvent.ACKNOWLEDGED: AlarmState.ACKNOWLEDGED,
    AlarmEvent.CLOSED: AlarmState.CLOSED,
    AlarmEvent.CLEARED: AlarmState.CLEARED,
}
"""The state that an event leads to."""


@dataclass(frozen=True, slots=True)
class Due:
    """An event that is to be put on record: the alarm as it was then."""

    key: str
    event: AlarmEvent
    alarm: Alarm


@dataclass(slots=True)
class AlarmBook:
    """Keeps them. What a step raised and never committed stands all the same: its record tells it.

    On record, and not before their commit: `recorded` are those that stand, `totals` counts the events. `restored`
    counts alarms that were gone from the database and put back; `leaving` are those that stand no more, until that is
    on record: their documents still say otherwise.
    """

    standing: dict[str, Alarm] = field(default_factory=dict)
    subjects: dict[Subject, str] = field(default_factory=dict)
    due: list[Due] = field(default_factory=list)
    totals: dict[AlarmEvent, int] = field(default_factory=lambda: dict.fromkeys(AlarmEvent, 0))
    recorded: dict[str, Severity] = field(default_factory=dict)
    restored: int = 0
    leaving: dict[str, Alarm] = field(default_factory=dict)

    def take(self, raised: Alarm, key: str) -> tuple[str, Alarm]:
        """Have an alarm stand, under `key` where none of its subject does; return under which, and how it is now."""
        known = self.subjects.get(subject_of(raised))
        if known is None and len(self.standing) >= MAX_STANDING:
            known = next((k for k, alarm in self.standing.items() if alarm.code == raised.code), None)
        if known is None:
            self.stand(key, begun(raised, key))
            self.due.append(Due(key, AlarmEvent.OPENED, self.standing[key]))
            return key, self.standing[key]
        self.standing[known] = alarm = again(self.standing[known], raised)
        if worth_saying(alarm.count):
            self.due.append(Due(known, AlarmEvent.COUNTED, alarm))
        return known, alarm

    def stand(self, key: str, alarm: Alarm) -> None:
        """Have it stand as it is."""
        self.standing[key] = alarm
        self.subjects[subject_of(alarm)] = key

    def step(self, key: str, event: AlarmEvent, *, by: str = "", over_ms: int | None = None) -> Alarm | None:
        """Acknowledge, close or clear one that stands; None where none does under this key."""
        known = self.standing.get(key)
        if known is None:
            return None
        alarm = replace(known, state=OVER[event], by=by, over_ms=known.over_ms if over_ms is None else over_ms)
        self.due.append(Due(key, event, alarm))
        if alarm.stands:
            self.standing[key] = alarm
        else:
            self._gone(key, known)
            self.leaving[key] = alarm
        return alarm

    def back(self, key: str, before: Alarm) -> None:
        """Take back the last step, which did not become durable."""
        self.due = [due for due in self.due if due.key != key or due.event not in OVER]
        self.leaving.pop(key, None)
        self.stand(key, before)

    def _gone(self, key: str, alarm: Alarm) -> None:
        del self.standing[key]
        if self.subjects.get(subject_of(alarm)) == key:
            del self.subjects[subject_of(alarm)]

    def is_recorded(self, key: str, event: AlarmEvent, severity: Severity, said: str) -> None:
        """Take over that an event is on record, in the record with this payload hash."""
        self.totals[event] += 1
        if OVER.get(event, AlarmState.OPEN) in {AlarmState.CLOSED, AlarmState.CLEARED}:
            self.recorded.pop(key, None)
            self.leaving.pop(key, None)
        else:
            self.recorded[key] = severity
        if key in self.standing:
            self.standing[key] = replace(self.standing[key], said=said)
