"""Notes: what the recorder observed about a fact, as stable codes, and what each one means for billing.

A note is kept in the record it is about, so that replaying the journal rebuilds every projection from it alone.
"""

from collections.abc import Iterable
from enum import StrEnum

from wattseal.model.verdict import Finding


class Effect(StrEnum):
    """What a note does: inform, raise an alarm, or keep the transaction from being billed until somebody decides."""

    FINDING = "finding"
    ALARM = "alarm"
    QUARANTINE = "quarantine"
    ALARM_AND_QUARANTINE = "alarm_and_quarantine"


EFFECTS: dict[str, Effect] = {
    "negative_register": Effect.ALARM_AND_QUARANTINE,
    "register_decreased": Effect.ALARM_AND_QUARANTINE,
    "register_rolled_back": Effect.ALARM_AND_QUARANTINE,
    "implausible_register": Effect.ALARM_AND_QUARANTINE,
    "implausible_energy": Effect.ALARM_AND_QUARANTINE,
    "register_jumped": Effect.ALARM_AND_QUARANTINE,
    "energy_beyond_rating": Effect.ALARM_AND_QUARANTINE,
    "energy_scale_doubtful": Effect.ALARM_AND_QUARANTINE,
    "session_overlap": Effect.ALARM_AND_QUARANTINE,
    "unaccounted_energy": Effect.FINDING,
    "unaccounted_session": Effect.ALARM,
    "evidence_replayed": Effect.ALARM_AND_QUARANTINE,
    "pagination_gap": Effect.ALARM,
    "no_register": Effect.QUARANTINE,
    "register_unit_doubtful": Effect.QUARANTINE,
    "number_told_as_text": Effect.QUARANTINE,
    "end_without_start": Effect.ALARM_AND_QUARANTINE,
    "unusable_transaction_id": Effect.ALARM_AND_QUARANTINE,
    "matched_by_evidence": Effect.FINDING,
    "transaction_id_reused": Effect.ALARM_AND_QUARANTINE,
    "conflicting_end": Effect.ALARM,
    "event_after_end": Effect.ALARM,
    "interrupted": Effect.ALARM,
    "ended_unseen": Effect.ALARM,
    "missing_stop": Effect.ALARM,
    "silence": Effect.ALARM,
    "sessions_cut": Effect.ALARM,
    "closed_without_stop": Effect.QUARANTINE,
    "stopped_by_another": Effect.QUARANTINE,
    "charged_by_another": Effect.QUARANTINE,
    "reservation_unknown": Effect.FINDING,
    "reservation_used_twice": Effect.FINDING,
    "reservation_of_another": Effect.ALARM,
    "unknown_transaction": Effect.ALARM,
    "time_implausible": Effect.QUARANTINE,
    "end_before_start": Effect.ALARM_AND_QUARANTINE,
    "clock_jumped": Effect.ALARM_AND_QUARANTINE,
    "time_differs": Effect.FINDING,
    "clock_ahead": Effect.FINDING,
    "held_back": Effect.FINDING,
    "recorded_late": Effect.FINDING,
    "begin_in_update": Effect.FINDING,
    "update_without_start": Effect.FINDING,
    "start_late": Effect.FINDING,
    "event_late": Effect.FINDING,
    "sequence_healed": Effect.FINDING,
    "schema_departed": Effect.FINDING,
    "sequence_gap": Effect.FINDING,
    "messages_missing": Effect.ALARM,
    "evidence_invalid": Effect.ALARM_AND_QUARANTINE,
    "evidence_unreadable": Effect.ALARM,
    "evidence_key_unknown": Effect.FINDING,
    "evidence_format_unknown": Effect.FINDING,
    "evidence_key_differs": Effect.ALARM,
    "evidence_differs": Effect.ALARM_AND_QUARANTINE,
    "evidence_of_another_meter": Effect.ALARM_AND_QUARANTINE,
    "vehicle_confirmed": Effect.FINDING,
    "vehicle_differs": Effect.ALARM_AND_QUARANTINE,
    "receipt_invalid": Effect.ALARM,
    "receipt_unreadable": Effect.ALARM,
    "receipt_root_unknown": Effect.FINDING,
    "receipt_of_another_meter": Effect.FINDING,
    "receipt_of_another_contract": Effect.ALARM,
    "receipt_alone": Effect.FINDING,
    "message_signature_invalid": Effect.ALARM_AND_QUARANTINE,
    "message_signature_missing": Effect.ALARM_AND_QUARANTINE,
    "message_signature_unreadable": Effect.ALARM,
    "message_key_unknown": Effect.FINDING,
    "evidence_missing": Effect.FINDING,
    "evidence_below_pin": Effect.QUARANTINE,
    "plain_at_signed_station": Effect.ALARM_AND_QUARANTINE,
    "record_signature_invalid": Effect.ALARM_AND_QUARANTINE,
    "record_key_not_entitled": Effect.ALARM_AND_QUARANTINE,
    "record_foreign": Effect.ALARM,
    "chain_gap": Effect.ALARM_AND_QUARANTINE,
    "chain_fork": Effect.ALARM_AND_QUARANTINE,
    "chain_unsigned_too_long": Effect.ALARM,
    "box_altered_in_transit": Effect.ALARM,
    "command_mismatch": Effect.ALARM,
    "billing_party_unreachable": Effect.FINDING,
    "no_decision": Effect.FINDING,
    "hold_used_up": Effect.FINDING,
    "cap_reached": Effect.FINDING,
    "stop_not_authorised": Effect.ALARM,
    "stop_by_party": Effect.FINDING,
    "offline_cap_exceeded": Effect.QUARANTINE,
    "unreachable_cap_exceeded": Effect.QUARANTINE,
    "hearsay_cap_exceeded": Effect.QUARANTINE,
    "start_button": Effect.FINDING,
    "cloned_token": Effect.ALARM_AND_QUARANTINE,
    "token_used_twice": Effect.FINDING,
}
"""Every code the recorder itself gives; codes of evidence formats are findings (docs/spec/evidence.md)."""

_ALARMS = frozenset({Effect.ALARM, Effect.ALARM_AND_QUARANTINE})
_QUARANTINES = frozenset({Effect.QUARANTINE, Effect.ALARM_AND_QUARANTINE})


def effect(note: Finding) -> Effect:
    """Return what a note does; codes not listed only inform."""
    return EFFECTS.get(note.code, Effect.FINDING)


def is_alarm(note: Finding) -> bool:
    """Return whether somebody should look at it now."""
    return effect(note) in _ALARMS


def quarantine_reasons(notes: Iterable[Finding]) -> tuple[str, ...]:
    """Return the codes of the notes that keep a transaction from being billed, each once, in their order."""
    return tuple(dict.fromkeys(note.code for note in notes if effect(note) in _QUARANTINES))
