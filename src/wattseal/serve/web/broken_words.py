"""What is broken about a session, in words: the codes of re-proving, and the field that each finding names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from wattseal.model.verdict import Finding
from wattseal.seal.item import group_name
from wattseal.serve.web.texts import marked as _

WORDS: Mapping[str, str] = {
    "record_unreadable": _("A record cannot be read any more: its bytes were changed."),
    "column_differs": _("What the journal keeps beside a record differs from the record."),
    "signature_invalid": _("The signature does not fit the record: what was signed was changed."),
    "signer_not_entitled": _("The key that signed a record may not sign it."),
    "content_altered": _("The content of a record is not the one that was signed for."),
    "content_unreadable": _("The content of a record makes no sense."),
    "log_entry_missing": _("The log's entry of a record is gone."),
    "log_entry_differs": _("The log has another entry for a record."),
    "chain_broken": _("A record is missing in the chain."),
    "projection_differs": _("What is shown of the session differs from its records."),
    "projection_missing": _("There are records, and what is shown of the session is gone."),
    "projection_unreadable": _("What is kept of the session cannot be read."),
    "projection_without_records": _("The session is shown, and its records are gone."),
    "bill_differs": _("The bill differs from what the records say is due."),
    "posting_missing": _("The posting of the bill is gone from the ledger."),
    "posting_differs": _("The ledger moved another amount than was billed."),
}
"""By code; codes that are not here are shown as they are."""


_FIELDS: Mapping[str, str] = {
    "signature_invalid": "signature",
    "signer_not_entitled": "signature",
    "posting_missing": "amount",
    "posting_differs": "amount",
    "log_entry_missing": "log entry",
    "log_entry_differs": "log entry",
    "chain_broken": "prev",
}


QUANTITIES: Mapping[str, str] = {
    "start_wh": _("register at the begin"),
    "end_wh": _("register at the end"),
    "energy_wh": _("energy"),
}
"""Fields whose two values are told as energy."""
_TWO = re.compile(r"stored (\d+(?:\.\d+)?), by its records (\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Differs:
    """A quantity that is shown and one that was signed, in Wh, and what they are of."""

    what: str
    shown_wh: Decimal
    signed_wh: Decimal


def difference(finding: Finding) -> Differs | None:
    """Return the two values that a finding tells of, where they are energy."""
    what = QUANTITIES.get(field_of(finding)) if finding.code == "projection_differs" else None
    told = _TWO.fullmatch(finding.detail or "")
    if what is None or told is None:
        return None
    return Differs(what, Decimal(told[1]), Decimal(told[2]))


def field_of(finding: Finding) -> str:
    """Return the field that a finding names, as records and documents call it."""
    match finding.code:
        case "content_altered":
            number = finding.detail.removeprefix("group ")
            return group_name(int(number)) if number.isdecimal() else finding.detail
        case "column_differs":
            return finding.detail
        case "projection_differs":
            return finding.field.rpartition(" ")[2]
        case "bill_differs":
            return finding.field
        case code:
            whole = "session" if finding.field.startswith("transaction") else "record"
            return _FIELDS.get(code, whole)
