"""Alarms told outside: what became of one goes into the outbox with its record, once a channel."""

from dataclasses import dataclass
from typing import Protocol

import msgspec

from wattseal.flow.ports import Outgoing
from wattseal.model.alarm import Alarm, Severity
from wattseal.rules.runbooks import RUNBOOKS
from wattseal.seal.alarm import AlarmEvent

ALERT = "alert"
"""Kind of outgoing message."""
KEEP_MS = 86_400_000
"""What could not be told for so long is told no more: by then somebody else has."""
_TOLD = frozenset({AlarmEvent.OPENED, AlarmEvent.ACKNOWLEDGED, AlarmEvent.CLOSED, AlarmEvent.CLEARED})
_ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """The least severity that is told, and by which channels ("webhook", "mail")."""

    least: Severity = Severity.WARNING
    channels: tuple[str, ...] = ()


NO_ALERTS = AlertPolicy()


class Alert(msgspec.Struct, frozen=True):
    """What is told. Neither what a station told nor who handled it is in it: that stays in the house."""

    event: str
    at_ms: int
    id: str
    code: str
    severity: str
    station_id: str
    transaction: str | None
    count: int
    first_ms: int
    last_ms: int
    record: str
    means: str
    action: str
    runbook: str


class Tell(Protocol):
    """How to reach a channel."""

    async def __call__(self, channel: str, message_id: str, alert: bytes) -> bool:
        """Tell an alert (JSON); return whether it was taken."""


def alerts_of(
    policy: AlertPolicy, public_url: str | None, event: AlarmEvent, alarm: Alarm, now_ms: int
) -> tuple[Outgoing, ...]:
    """Return what is to be told of an event that was put on record as `alarm.said`."""
    if event not in _TOLD or _ORDER.index(alarm.severity) > _ORDER.index(policy.least):
        return ()
    runbook = RUNBOOKS.get(alarm.code)
    alert = Alert(
        event=f"alarm.{event.name.lower()}",
        at_ms=now_ms,
        id=alarm.id,
        code=alarm.code,
        severity=alarm.severity.value,
        station_id=alarm.station_id,
        transaction=alarm.transaction,
        count=alarm.count,
        first_ms=alarm.at_ms,
        last_ms=alarm.last_ms,
        record=alarm.said,
        means="" if runbook is None else runbook.means,
        action="" if runbook is None else runbook.then,
        runbook=f"{public_url or ''}/alarms/runbooks/{alarm.code}",
    )
    body = msgspec.json.encode(alert)
    return tuple(
        Outgoing(f"{ALERT}/{channel}/{alarm.said}", ALERT, msgspec.json.encode([channel, body.decode()]), now_ms)
        for channel in policy.channels
    )


def read_alert(body: bytes) -> tuple[str, bytes]:
    """Return the channel and the alert of an outgoing message."""
    channel, alert = msgspec.json.decode(body, type=tuple[str, str])
    return channel, alert.encode()
