"""Group OPS of PAYMENT records (docs/spec/record.md, "Fields"): what happened to a payment, and where it then stood.

There is no field for a card, a name or an address: what identifies a payment is a random id and its provider's word.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from wattseal.model.payment import Act, PaymentState
from wattseal.seal.reading import needed, needed_number, present, typed

_ACTS = tuple(Act)
_STATES = tuple(PaymentState)


class PaymentSaid(Struct, frozen=True, gc=False):
    """One change of a payment. Amounts are minor units; `asked` is the amount of a capture or refund asked for."""

    act: Act
    payment: bytes
    provider: str
    state: PaymentState
    currency: str
    amount: int
    authorised: int = 0
    captured: int = 0
    refunded: int = 0
    fee: int = 0
    asked: int | None = None
    reference: str | None = None
    account: str | None = None
    code: str | None = None

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        fields = {
            1: _ACTS.index(self.act),
            2: self.payment,
            3: self.provider,
            4: _STATES.index(self.state),
            5: self.currency,
            6: self.amount,
            7: self.authorised,
            8: self.captured,
            9: self.refunded,
            10: self.fee,
            11: self.asked,
            12: self.reference,
            13: self.account,
            14: self.code or None,
        }
        return present(fields)

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "PaymentSaid":
        """Read the group's fields; `CborError` names the one that is wrong."""
        return PaymentSaid(
            act=_ACTS[needed_number(fields, 1, "act", len(_ACTS))],
            payment=needed(fields, 2, bytes, "payment"),
            provider=needed(fields, 3, str, "provider"),
            state=_STATES[needed_number(fields, 4, "state", len(_STATES))],
            currency=needed(fields, 5, str, "currency"),
            amount=needed_number(fields, 6, "amount"),
            authorised=needed_number(fields, 7, "authorised"),
            captured=needed_number(fields, 8, "captured"),
            refunded=needed_number(fields, 9, "refunded"),
            fee=needed_number(fields, 10, "fee"),
            asked=needed_number(fields, 11, "asked") if 11 in fields else None,
            reference=typed(fields, 12, str, "reference"),
            account=typed(fields, 13, str, "account"),
            code=typed(fields, 14, str, "code"),
        )
