"""Payments through a provider: where one stands, what a provider answers, what it settles. Amounts are minor units.

Nothing here has room for a card: a provider's pages ask for it, and its references are all that is kept.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class PaymentState(StrEnum):
    """Where a payment stands.

    `created`: the provider is being asked, and may not know it; `pending`: the driver is to pay on its page;
    `capture_unknown` and `cancel_unknown`: it was asked to, and nobody knows yet what came of it.
    """

    CREATED = "created"
    PENDING = "pending"
    AUTHORISED = "authorised"
    CAPTURE_UNKNOWN = "capture_unknown"
    CANCEL_UNKNOWN = "cancel_unknown"
    CAPTURED = "captured"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"


class Act(StrEnum):
    """What happens to a payment: what we ask for, and what its provider says of it."""

    CREATED = "created"
    CAPTURE_ASKED = "capture_asked"
    CANCEL_ASKED = "cancel_asked"
    REFUND_ASKED = "refund_asked"
    PENDING = "pending"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DECLINED = "declined"
    PREPARED = "prepared"
    STARTED = "started"
    LOOKED_AT = "looked_at"


class Purpose(StrEnum):
    """What is paid for: money on an account, or one charge on the spot."""

    TOP_UP = "top_up"
    AD_HOC = "ad_hoc"


@dataclass(frozen=True, slots=True)
class RefundAsked:
    """A refund that its provider was asked for; `done` None while nobody knows."""

    number: int
    amount: int
    done: bool | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """Where somebody pays to charge. `token` is the id_token of one use that was made for it, to start by `until_ms`.

    At `asked_ms` the station was last asked to start, `start` is what came of it. `transaction` is our id of the charge
    once it has begun.
    """

    station_id: str
    evse_id: int
    token: str = ""
    until_ms: int = 0
    asked_ms: int = 0
    start: str = ""
    transaction: str | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment. `id` is 16 random bytes in hex, `reference` the provider's name for it, `account` who it is for.

    `amount` is what is to be authorised; `authorised`, `captured`, `refunded` and `fee` are what the provider has said,
    totals that only grow; `capture` is what it was last asked to capture. `record` is the latest of its records (hash
    in hex). At `look_ms` it is looked at again (None: nothing is to be done), `tries` counts how often in vain.
    """

    id: str
    provider: str
    purpose: Purpose
    account: str
    currency: str
    amount: int
    state: PaymentState
    created_ms: int
    changed_ms: int
    reference: str | None = None
    url: str | None = None
    method: str | None = None
    authorised: int = 0
    captured: int = 0
    refunded: int = 0
    fee: int = 0
    capture: int | None = None
    refunds: tuple[RefundAsked, ...] = ()
    code: str = ""
    record: str = ""
    look_ms: int | None = None
    tries: int = 0
    spot: Spot | None = None

    @property
    def open_refund(self) -> RefundAsked | None:
        """The refund nobody knows the outcome of; there is at most one."""
        return next((refund for refund in self.refunds if refund.done is None), None)


@dataclass(frozen=True, slots=True)
class Pending:
    """The driver is to pay at `url`; None where the provider works on it by itself."""

    reference: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Authorised:
    """`amount` is set aside at the driver's bank."""

    reference: str
    amount: int


@dataclass(frozen=True, slots=True)
class Captured:
    """`amount` was taken, the rest of what was authorised released; `refunded` and `fee` are totals so far."""

    reference: str
    amount: int
    refunded: int = 0
    fee: int = 0


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Nothing is set aside any more, and nothing was taken; `expired`: because too much time went by."""

    reference: str
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Declined:
    """It was refused for good; `code` is the provider's word for why."""

    code: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class NotKnown:
    """The provider knows no such payment."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """There is no answer, or none that can be read: what was asked for may have been done or not."""

    detail: str


Answer = Pending | Authorised | Captured | Cancelled | Declined | NotKnown | Unreachable
Standing = Pending | Authorised | Captured | Cancelled | Declined
"""What a provider can say of a payment it knows."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a provider is asked to authorise. `key` makes the request safe to repeat.

    `method` is the provider's own handle of a means of payment, where an app has one; without it the driver pays on the
    provider's page and comes back to `return_url`. `text` is shown there. `capture` is what was asked to be captured.
    """

    id: str
    key: str
    currency: str
    amount: int
    return_url: str
    text: str
    reference: str | None = None
    method: str | None = None
    capture: int | None = None


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What a provider tells of its own accord: `id` is the event's, `payment` ours where it names one.

    `standing` None: it does not say by itself where the payment stands; the provider is then asked.
    """

    id: str
    kind: str
    reference: str
    payment: str | None
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A webhook that is not believed; `code` says why: `bad_signature`, `too_old`, `unreadable`."""

    code: str


class ChangeKind(StrEnum):
    """Why a provider's balance changes."""

    CAPTURE = "capture"
    REFUND = "refund"
    FEE = "fee"
    PAYOUT = "payout"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """One line of a provider's balance: `amount` is what it adds (minus: takes away), `reference` the payment's.

    The provider's `fee` for it is a figure of its own: what reaches the balance is `amount - fee`.
    """

    id: str
    kind: ChangeKind
    currency: str
    amount: int
    fee: int
    at_ms: int
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentPolicy:
    """What an operator may choose about payments.

    `provider` takes new ones (None: there are none). `ad_hoc` is authorised for a charge on the spot, in units of the
    tariff's currency; None: nobody pays on the spot. A driver has `pay_within_s` to pay on the provider's page and
    `start_within_s` from then on to begin charging.
    """

    provider: str | None = None
    ad_hoc: Decimal | None = None
    pay_within_s: int = 600
    start_within_s: int = 300
