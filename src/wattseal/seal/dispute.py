"""Group OPS of DISPUTE records (docs/spec/record.md, "Fields"): one opens a dispute, a later one decides it.

The opening refers to the ended record disputed, where there is one; the decision refers to the opening and to that
record. Field 1 tells them apart.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from wattseal.model.dispute import DisputeVerdict
from wattseal.seal.dcbor import CborError
from wattseal.seal.reading import needed, optional_from, optional_to_value, present, typed

OPENED = 0
_VERDICTS = (DisputeVerdict.REJECTED, DisputeVerdict.UPHELD, DisputeVerdict.PARTLY)


class DisputeOpened(Struct, frozen=True, gc=False):
    """A dispute was opened: by whom, on which claim, with which bundle (SHA-256), and what the verifier said of that.

    `due_ms` is until when it is to be decided; `step` is the verifier's first failing or lacking step.
    """

    opened_by: str
    reason: str
    text: str
    bundle: bytes
    verdict: str
    due_ms: int
    step: int | None = None
    failure: str | None = None
    currency: str | None = None
    total_incl_vat: Decimal | None = None

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        return present(
            {
                1: OPENED,
                2: self.opened_by,
                3: self.reason,
                4: self.text,
                5: self.bundle,
                6: self.verdict,
                7: self.due_ms,
                8: self.step,
                9: self.failure,
                10: self.currency,
                11: optional_to_value(self.total_incl_vat),
            }
        )


class DisputeDecided(Struct, frozen=True, gc=False):
    """A dispute was decided: how, by whom, why; `net` and `tax` are the new amounts of one that is right in part.

    `credit` is the id of the credit CDR that takes the bill back.
    """

    verdict: DisputeVerdict
    person: str
    text: str
    currency: str | None = None
    net: Decimal | None = None
    tax: Decimal | None = None
    credit: str | None = None

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        return present(
            {
                1: _VERDICTS.index(self.verdict) + 1,
                2: self.person,
                4: self.text,
                10: self.currency,
                12: optional_to_value(self.net),
                13: optional_to_value(self.tax),
                14: self.credit,
            }
        )


def read_dispute(fields: Mapping[int, Any]) -> DisputeOpened | DisputeDecided:
    """Read the group's fields; `CborError` names the one that is wrong."""
    state = typed(fields, 1, int, "state")
    if state == OPENED:
        return DisputeOpened(
            opened_by=needed(fields, 2, str, "opened_by"),
            reason=needed(fields, 3, str, "reason"),
            text=typed(fields, 4, str, "text") or "",
            bundle=needed(fields, 5, bytes, "bundle"),
            verdict=needed(fields, 6, str, "verdict"),
            due_ms=needed(fields, 7, int, "due"),
            step=typed(fields, 8, int, "step"),
            failure=typed(fields, 9, str, "failure"),
            currency=typed(fields, 10, str, "currency"),
            total_incl_vat=optional_from(fields, 11, "total"),
        )
    if not isinstance(state, int) or not 1 <= state <= len(_VERDICTS):
        raise CborError("a dispute is opened, rejected, upheld or upheld in part", subject="state")
    return DisputeDecided(
        verdict=_VERDICTS[state - 1],
        person=needed(fields, 2, str, "person"),
        text=typed(fields, 4, str, "text") or "",
        currency=typed(fields, 10, str, "currency"),
        net=optional_from(fields, 12, "net"),
        tax=optional_from(fields, 13, "tax"),
        credit=typed(fields, 14, str, "credit"),
    )
