"""Which alarms there are, how grave each is, and which two are one (docs/how-to/runbooks.md says what to do)."""

from dataclasses import replace

from wattseal.model.alarm import Alarm, Severity
from wattseal.model.verdict import Finding
from wattseal.rules.notes import EFFECTS, is_alarm

MAX_EVIDENCE = 8
"""Records that an alarm leads to, the first ones; the session has them all."""
Subject = tuple[str, str, str, str]
"""(code, station, transaction, field): what an alarm is about."""
REMOVED = "alarms_removed"
"""Alarms that stand were taken out of the database, or records about them were."""
_OTHERS = frozenset(
    {
        REMOVED,
        "alone_too_far",
        "app_code_replayed",
        "battery_not_taken",
        "battery_out_without_in",
        "certificate_failed",
        "certificate_rejected",
        "clock_drift",
        "device_event",
        "fallback_missing",
        "firmware_suspect",
        "grid_event",
        "local_list_stale",
        "message_not_processed",
        "own_clock_set",
        "password_guessing",
        "payment_failed",
        "profiles_differ",
        "schedule_differs",
        "security_event",
        "session_broken",
        "session_proven_again",
        "signing_request_refused",
        "uid_guessing",
    }
)
CODES = frozenset(code for code in EFFECTS if is_alarm(Finding(code))) | _OTHERS
"""Every alarm there is."""
_CRITICAL = frozenset(
    {
        REMOVED,
        "box_altered_in_transit",
        "chain_fork",
        "chain_gap",
        "cloned_token",
        "command_mismatch",
        "evidence_differs",
        "evidence_invalid",
        "evidence_key_differs",
        "evidence_of_another_meter",
        "evidence_replayed",
        "firmware_suspect",
        "message_signature_invalid",
        "message_signature_missing",
        "plain_at_signed_station",
        "record_foreign",
        "record_key_not_entitled",
        "record_signature_invalid",
        "session_broken",
        "vehicle_differs",
    }
)
_NOTICE = frozenset(
    {
        "app_code_replayed",
        "battery_not_taken",
        "battery_out_without_in",
        "ended_unseen",
        "interrupted",
        "reservation_of_another",
        "session_proven_again",
    }
)
_BY_FIELD = frozenset(
    {
        "app_code_replayed",
        "command_mismatch",
        "device_event",
        "grid_event",
        "message_not_processed",
        "password_guessing",
        "security_event",
        "uid_guessing",
    }
)
"""Alarms of which a station has several kinds, told apart by the field that they name."""


QUIET_DURING_WORKS = frozenset({"device_event", "local_list_stale", "sessions_cut", "silence"})
"""Alarms that announced works explain: sessions cut, silence, a list nobody could bring, what a device's monitors say.
None is about evidence."""


def severity_of(code: str) -> Severity:
    """Return how grave an alarm is; one that is not listed is a warning."""
    if code in _CRITICAL:
        return Severity.CRITICAL
    return Severity.NOTICE if code in _NOTICE else Severity.WARNING


def shown_to(alarm: Alarm, *, reads_energy: bool) -> Alarm:
    """Return an alarm as a caller may see it: what a record or a session tells may be registers, as with notes."""
    about_a_charge = alarm.record is not None or alarm.transaction is not None
    return replace(alarm, detail="") if about_a_charge and not reads_energy else alarm


def subject_of(alarm: Alarm) -> Subject:
    """Return what it is about: while one of a subject stands, another of the same is counted with it."""
    by_field = alarm.code in _BY_FIELD or not (alarm.station_id or alarm.transaction)
    field = alarm.field if by_field else ""
    return alarm.code, alarm.station_id.casefold(), alarm.transaction or "", field


def begun(raised: Alarm, key: str) -> Alarm:
    """Return an alarm as it begins to stand, under a key."""
    evidence = () if raised.record is None else (raised.record,)
    return replace(raised, id=key, severity=severity_of(raised.code), last_ms=raised.at_ms, evidence=evidence)


def again(standing: Alarm, raised: Alarm) -> Alarm:
    """Return an alarm with one more of its kind: the latest words, the first records."""
    known = standing.evidence
    if raised.record is not None and raised.record not in known:
        known = (*known, raised.record)[:MAX_EVIDENCE]
    return replace(
        standing,
        count=standing.count + 1,
        last_ms=max(standing.last_ms, raised.at_ms),
        field=raised.field,
        detail=raised.detail,
        evidence=known,
    )


def worth_saying(count: int) -> bool:
    """Return whether a count is put on record: 10, 100, 1000 and so on, so that a storm writes few records."""
    return count >= 10 and count == 10 ** (len(str(count)) - 1)
