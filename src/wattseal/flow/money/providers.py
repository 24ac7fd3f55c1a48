"""The port to payment providers: what the flow asks of one. Trouble that is to be expected is a value, never raised.

Every request bears a key derived from the payment and the step, so that asking again does nothing twice.
"""

from collections.abc import Mapping
from typing import Protocol

from wattseal.model.payment import Answer, BalanceChange, Order, Refused, Unreachable, WebhookEvent


class PaymentProvider(Protocol):
    """A payment provider. Amounts are minor units of the currency named."""

    @property
    def name(self) -> str:
        """Return the name that ledger accounts and webhooks know it by (1 to 32 of a-z, digits and "-")."""

    @property
    def pages(self) -> tuple[str, ...]:
        """Return the origins of its pages, to which drivers are sent."""

    async def preauthorise(self, order: Order) -> Answer:
        """Have an amount set aside at the driver's bank."""

    async def capture(self, order: Order, amount: int) -> Answer:
        """Take `amount` of what is authorised, and release the rest."""

    async def cancel(self, order: Order) -> Answer:
        """Release what is authorised, or close the page where the driver was to pay."""

    async def refund(self, order: Order, amount: int) -> Answer:
        """Give back `amount` of what was captured; `Captured` with the new total, or `Declined`."""

    async def look_up(self, order: Order) -> Answer:
        """Return where a payment stands; without a reference it is found by its key."""

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], now_s: int) -> WebhookEvent | Refused:
        """Check who sent a webhook before anything in it is believed; names in `headers` are in lower case."""

    async def balance(self, from_ms: int, to_ms: int) -> tuple[BalanceChange, ...] | Unreachable:
        """Return what changed its balance from `from_ms` on and before `to_ms`, payouts included, oldest first."""
