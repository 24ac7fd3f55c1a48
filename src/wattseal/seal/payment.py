"""Group OPS of PAYMENT records (docs/spec/record.md, "Fields"): what happened to a payment, and where it then stood.

There is no field for a card, a name or an address: what identifies a payment is a random id and its provider's word.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from wattseal.model.payment import Act, PaymentState
from wattseal.seal.dcbor import CborError

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
        return {number: value for number, value in fields.items() if value is not None}

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "PaymentSaid":
        """Read the group's fields; `CborError` names the one that is wrong."""
        return PaymentSaid(
            act=_ACTS[_number(fields, 1, "act", len(_ACTS))],
            payment=_typed(fields, 2, bytes, "payment"),
            provider=_typed(fields, 3, str, "provider"),
            state=_STATES[_number(fields, 4, "state", len(_STATES))],
            currency=_typed(fields, 5, str, "currency"),
            amount=_number(fields, 6, "amount"),
            authorised=_number(fields, 7, "authorised"),
            captured=_number(fields, 8, "captured"),
            refunded=_number(fields, 9, "refunded"),
            fee=_number(fields, 10, "fee"),
            asked=_number(fields, 11, "asked") if 11 in fields else None,
            reference=_typed(fields, 12, str, "reference") if 12 in fields else None,
            account=_typed(fields, 13, str, "account") if 13 in fields else None,
            code=_typed(fields, 14, str, "code") if 14 in fields else None,
        )


def _number(fields: Mapping[int, Any], number: int, name: str, below: int = 2**63) -> int:
    value = fields.get(number)
    if type(value) is not int or not 0 <= value < below:
        raise CborError(f"{name} of a payment is a number that is not below zero", subject=name)
    return value


def _typed(fields: Mapping[int, Any], number: int, kind: type, name: str) -> Any:
    value = fields.get(number)
    if type(value) is not kind:
        raise CborError(f"{name} of a payment has the wrong type", subject=name)
    return value
