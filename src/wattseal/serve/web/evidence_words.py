"""What was noted about something a meter signed, in words: the codes of docs/spec/evidence.md that people meet."""

from collections.abc import Mapping

from wattseal.serve.web.texts import marked as _

EVIDENCE: Mapping[str, str] = {
    "begin_doubled": _("What the meter signed has two begins."),
    "begin_missing": _("What the meter signed has no begin."),
    "bounds_unstated": _("The meter does not say which readings are begin and end."),
    "clock_informative": _("The meter's clock is for information only."),
    "clock_missing": _("The meter signed no time."),
    "clock_relative": _("The meter's time counts from a start of its own."),
    "clock_unsynchronised": _("The meter's clock was not set."),
    "end_doubled": _("What the meter signed has two ends."),
    "end_missing": _("What the meter signed has no end."),
    "energy_flagged": _("The meter marked its energy as faulty."),
    "exception_reading": _("The meter signed a reading as an exception."),
    "field_type": _("A field of what the meter signed is of another kind than it should be."),
    "format_version_unknown": _("What the meter signed is of a version that is not known here."),
    "identity_error": _("The meter says that it could not tell who charged."),
    "identity_hearsay": _("The meter signed who charged by hearsay."),
    "identity_in_clear": _("The meter signed the card's number in clear."),
    "identity_none": _("The meter signed nobody as who charged."),
    "logbook_changed": _("The meter's logbook changed within it."),
    "loss_compensated": _("The meter took the cable's losses off."),
    "meter_changed": _("Begin and end are of two meters."),
    "meter_serial_missing": _("The meter signed no serial number of its own."),
    "meter_status": _("The meter told of a state that is not good."),
    "page_gap": _("Pages of the meter's signed records are missing."),
    "page_missing": _("What the meter signed has no page number."),
    "page_order": _("Pages of the meter's signed records are out of order."),
    "reading_after_end": _("The meter signed a reading after the end."),
    "readings_missing": _("What the meter signed has no readings."),
    "register_decreasing": _("The register that the meter signed went down."),
    "register_missing": _("The meter signed no register."),
    "signature_mismatch": _("The signature does not fit what stands there."),
    "signature_valid": _("The signature is good."),
}
"""By code; codes that are not here are shown as they are."""
