"""What the embedded test provider and its client say to each other. No money moves, and no card is asked for."""

from enum import StrEnum
from typing import Any

import msgspec

from wattseal.base.errors import InputError
from wattseal.model.payment import Answer, Authorised, Cancelled, Captured, Declined, Pending, Standing


class TrialState(StrEnum):
    """Where a payment stands with the test provider."""

    PENDING = "pending"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    CANCELLED = "cancelled"
    DECLINED = "declined"


class TrialPayment(msgspec.Struct, frozen=True):
    """A payment as the test provider has it; amounts are minor units."""

    reference: str
    payment: str
    key: str
    currency: str
    amount: int
    return_url: str
    text: str
    url: str
    state: TrialState = TrialState.PENDING
    captured: int = 0
    refunded: int = 0
    fee: int = 0
    code: str = ""
    done: tuple[str, ...] = ()
    """Keys of the requests that were carried out."""


class TrialEvent(msgspec.Struct, frozen=True):
    """What its webhooks carry."""

    id: str
    kind: str
    payment: TrialPayment


def standing_of(payment: TrialPayment) -> Standing:
    """Return where a payment stands, in the words of the port."""
    match payment.state:
        case TrialState.PENDING:
            return Pending(payment.reference, payment.url)
        case TrialState.AUTHORISED:
            return Authorised(payment.reference, payment.amount)
        case TrialState.CAPTURED:
            return Captured(payment.reference, payment.captured, payment.refunded, payment.fee)
        case TrialState.CANCELLED:
            return Cancelled(payment.reference)
        case TrialState.DECLINED:
            return Declined(payment.code, payment.reference)


def read_answer(told: Any) -> Answer:
    """Read what the test provider answered: a payment, or {"declined": code}; anything else is an `InputError`."""
    match told:
        case {"declined": str(code)}:
            return Declined(code)
        case _:
            try:
                return standing_of(msgspec.convert(told, TrialPayment))
            except msgspec.ValidationError as error:
                raise InputError("not an answer of the test provider", code="unreadable") from error
