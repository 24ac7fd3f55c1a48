"""Findings about signed readings: stable codes, what each costs, and text that is safe to show.

A finding never changes a verdict (the signature's); its effect says what a grader or biller should make of it. The
table below is the one place that knows them; docs/spec/evidence.md explains each code.
"""

from enum import Enum

from wattseal.model.verdict import Finding


class Effect(Enum):
    """What a finding costs."""

    NOTE = "note"
    """Worth telling; costs nothing."""
    DOUBT = "doubt"
    """The record says less than it should: at most G2, and a human should look."""
    UNUSABLE = "unusable"
    """No energy to bill follows from this evidence alone."""


EFFECTS: dict[str, Effect] = {
    "begin_doubled": Effect.UNUSABLE,
    "begin_missing": Effect.UNUSABLE,
    "bounds_unstated": Effect.DOUBT,
    "certificate_time_unchecked": Effect.DOUBT,
    "clock_informative": Effect.NOTE,
    "clock_missing": Effect.DOUBT,
    "clock_relative": Effect.NOTE,
    "clock_unsynchronised": Effect.DOUBT,
    "end_doubled": Effect.UNUSABLE,
    "end_missing": Effect.UNUSABLE,
    "energy_flagged": Effect.UNUSABLE,
    "exception_reading": Effect.UNUSABLE,
    "extension_uninterpreted": Effect.UNUSABLE,
    "field_type": Effect.DOUBT,
    "fiscal_context": Effect.NOTE,
    "format_version_unknown": Effect.DOUBT,
    "identity_error": Effect.DOUBT,
    "identity_hearsay": Effect.NOTE,
    "identity_in_clear": Effect.NOTE,
    "identity_none": Effect.NOTE,
    "identity_unknown": Effect.NOTE,
    "import_missing": Effect.UNUSABLE,
    "logbook_changed": Effect.DOUBT,
    "loss_compensated": Effect.NOTE,
    "meter_changed": Effect.UNUSABLE,
    "meter_serial_missing": Effect.DOUBT,
    "meter_status": Effect.DOUBT,
    "mixed_registers": Effect.NOTE,
    "page_gap": Effect.DOUBT,
    "page_malformed": Effect.DOUBT,
    "page_missing": Effect.DOUBT,
    "page_order": Effect.DOUBT,
    "reading_after_end": Effect.DOUBT,
    "readings_missing": Effect.UNUSABLE,
    "register_decreasing": Effect.UNUSABLE,
    "register_missing": Effect.DOUBT,
    "register_unknown": Effect.NOTE,
    "register_unstated": Effect.DOUBT,
    "registers_disagree": Effect.UNUSABLE,
    "status_uninterpreted": Effect.DOUBT,
    "time_backwards": Effect.DOUBT,
    "time_flagged": Effect.DOUBT,
    "time_local": Effect.DOUBT,
    "time_malformed": Effect.DOUBT,
    "transaction_changed": Effect.UNUSABLE,
    "transaction_unknown": Effect.DOUBT,
    "unit_unknown": Effect.UNUSABLE,
    "value_malformed": Effect.UNUSABLE,
    "value_missing": Effect.NOTE,
    "value_negative": Effect.UNUSABLE,
    "value_string": Effect.NOTE,
}


def effect_of(finding: Finding) -> Effect:
    """Return what `finding` costs; a code nobody listed is a programming error (`KeyError`)."""
    return EFFECTS[finding.code]
