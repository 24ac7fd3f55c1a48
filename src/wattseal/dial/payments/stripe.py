"""Stripe (the extra `stripe`): PaymentIntents captured by hand, Checkout pages, refunds, balance, signed webhooks.

Cards are entered on Stripe's pages only. A driver without an app is sent to a Checkout page; an app that has made a
PaymentMethod of its own (`pm_...`) has it confirmed at once. Requests bear our key as Stripe's idempotency key. What a
PaymentIntent says counts, not what a request hoped for.
"""

import importlib
import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import ClientSession, ClientTimeout

from wattseal.base.errors import ConfigError
from wattseal.model.payment import (
    Answer,
    Authorised,
    BalanceChange,
    Cancelled,
    Captured,
    ChangeKind,
    Declined,
    NotKnown,
    Order,
    Pending,
    Refused,
    Standing,
    Unreachable,
    WebhookEvent,
)
from wattseal.rules.webhook_signatures import verify

NAME = "stripe"
TIMEOUT_S = 20.0
HEADER = "stripe-signature"
OURS = "wattseal_payment"
"""Metadata key by which Stripe's objects name our payment."""
REFUND = "wattseal_refund"
MAX_LINES = 10_000
_CHECKOUT = "https://checkout.stripe.com"
_KINDS = {
    "charge": ChangeKind.CAPTURE,
    "payment": ChangeKind.CAPTURE,
    "refund": ChangeKind.REFUND,
    "payment_refund": ChangeKind.REFUND,
    "stripe_fee": ChangeKind.FEE,
    "payout": ChangeKind.PAYOUT,
}


@dataclass(frozen=True, slots=True)
class StripeAccess:
    """How to reach Stripe: the secret key, the webhook's secret, and another address than Stripe's in tests."""

    api_key: str
    webhook_secret: str
    address: str | None = None


class StripeProvider:
    """The adapter. `ConfigError` where the extra is not installed."""

    def __init__(self, session: ClientSession, access: StripeAccess) -> None:
        """Use the process's session."""
        if importlib.util.find_spec("stripe") is None:
            text = "Stripe needs the extra: pip install 'wattseal[stripe]'"
            raise ConfigError(text, code="extra_missing", subject="payments.provider")
        self._stripe: Any = importlib.import_module("stripe")
        client = self._stripe.AIOHTTPClient(timeout=ClientTimeout(total=TIMEOUT_S), session=session)
        addresses = {} if access.address is None else {"base_addresses": {"api": access.address}}
        self._api: Any = self._stripe.StripeClient(
            access.api_key, http_client=client, max_network_retries=0, **addresses
        ).v1
        self._secret = access.webhook_secret

    @property
    def name(self) -> str:
        """Return its name."""
        return NAME

    @property
    def pages(self) -> tuple[str, ...]:
        """Return where Checkout pages are."""
        return (_CHECKOUT,)

    async def preauthorise(self, order: Order) -> Answer:
        """Open a Checkout page, or confirm an app's PaymentMethod."""
        how = self._confirm if order.method else self._checkout
        return await self._answered(lambda: how(order), final=True)

    async def capture(self, order: Order, amount: int) -> Answer:
        """Capture; Stripe releases the rest by itself."""

        async def ask() -> Answer:
            intent = await self._intent(order)
            if intent is None:
                return NotKnown()
            parameters = {"amount_to_capture": amount}
            made = await self._api.payment_intents.capture_async(intent["id"], parameters, self._options(order))
            return await self._standing(_plain(made), amount)

        return await self._answered(ask)

    async def cancel(self, order: Order) -> Answer:
        """Cancel the PaymentIntent, or close the Checkout page where nobody has paid yet."""

        async def ask() -> Answer:
            reference = order.reference or ""
            if reference.startswith("cs_"):
                session = await self._session(reference)
                if session.get("status") == "open":
                    await self._api.checkout.sessions.expire_async(reference, {}, self._options(order))
                    return Cancelled(reference, expired=True)
            intent = await self._intent(order)
            if intent is None:
                return Cancelled(reference, expired=True) if reference else NotKnown()
            made = await self._api.payment_intents.cancel_async(intent["id"], {}, self._options(order))
            return await self._standing(_plain(made), order.capture)

        return await self._answered(ask)

    async def refund(self, order: Order, amount: int) -> Answer:
        """Refund a part of a PaymentIntent."""

        async def ask() -> Answer:
            intent = await self._intent(order)
            if intent is None:
                return NotKnown()
            parameters = {"payment_intent": intent["id"], "amount": amount, "metadata": {REFUND: order.key}}
            if not await self._refunded_by(intent["id"], order.key):
                made = _plain(await self._api.refunds.create_async(parameters, self._options(order)))
                if made.get("status") in {"failed", "canceled"}:
                    return Declined(str(made.get("failure_reason") or "refund_failed"), intent["id"])
            return await self._standing(intent, order.capture)

        return await self._answered(ask, final=True)

    async def look_up(self, order: Order) -> Answer:
        """Return where a payment stands; one whose making was never answered is asked for again under its key."""

        async def ask() -> Answer:
            if order.reference is None:
                return NotKnown()
            if order.reference.startswith("cs_"):
                session = await self._session(order.reference)
                if not session.get("payment_intent"):
                    return _unpaid(session)
            intent = await self._intent(order)
            return NotKnown() if intent is None else await self._standing(intent, order.capture)

        return await self._answered(ask)

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], now_s: int) -> WebhookEvent | Refused:
        """Believe what Stripe signed just now; what it says is of any event of interest where it then stood."""
        trouble = verify(self._secret, headers.get(HEADER, ""), body, now_s)
        if trouble is not None:
            return Refused(trouble)
        try:
            event = msgspec.json.decode(body, type=_Event)
        except msgspec.MsgspecError:
            return Refused("unreadable")
        thing = event.data.object
        ours = (thing.get("metadata") or {}).get(OURS)
        reference = str(thing.get("payment_intent") or thing.get("id") or "")
        payment = ours if isinstance(ours, str) else None
        return WebhookEvent(event.id, event.type, reference, payment, _told(event.type, thing))

    async def balance(self, from_ms: int, to_ms: int) -> tuple[BalanceChange, ...] | Unreachable:
        """Return the balance transactions of a time, oldest first."""
        found: list[BalanceChange] = []
        try:
            async for line in self._lines():
                at_ms = int(line["created"]) * 1000
                if at_ms < from_ms:
                    break
                if at_ms < to_ms:
                    found.append(await self._change(line))
        except self._stripe.StripeError as error:
            return Unreachable(type(error).__name__)
        return tuple(sorted(found, key=lambda change: (change.at_ms, change.id)))

    async def _checkout(self, order: Order) -> Answer:
        item = {
            "quantity": 1,
            "price_data": {
                "currency": order.currency.lower(),
                "unit_amount": order.amount,
                "product_data": {"name": order.text},
            },
        }
        parameters = {
            "mode": "payment",
            "line_items": [item],
            "success_url": order.return_url,
            "cancel_url": order.return_url,
            "client_reference_id": order.id,
            "metadata": {OURS: order.id},
            "payment_intent_data": {"capture_method": "manual", "metadata": {OURS: order.id}},
        }
        made = _plain(await self._api.checkout.sessions.create_async(parameters, self._options(order)))
        return Pending(str(made["id"]), str(made["url"]))

    async def _confirm(self, order: Order) -> Answer:
        """Make and confirm in two steps: the first may be asked for again, the second only of what is not confirmed."""
        parameters = {
            "amount": order.amount,
            "currency": order.currency.lower(),
            "payment_method": order.method,
            "capture_method": "manual",
            "metadata": {OURS: order.id},
        }
        made = _plain(await self._api.payment_intents.create_async(parameters, self._options(order)))
        if made["status"] == "requires_confirmation":
            made = _plain(
                await self._api.payment_intents.confirm_async(made["id"], {}, self._options(order, "-confirm"))
            )
        return await self._standing(made, None)

    async def _intent(self, order: Order) -> dict[str, Any] | None:
        reference = order.reference or ""
        if reference.startswith("cs_"):
            reference = str((await self._session(reference)).get("payment_intent") or "")
        if not reference:
            return None
        return _plain(await self._api.payment_intents.retrieve_async(reference))

    async def _session(self, reference: str) -> dict[str, Any]:
        return _plain(await self._api.checkout.sessions.retrieve_async(reference))

    async def _standing(self, intent: Mapping[str, Any], asked: int | None) -> Standing:
        """Return where a PaymentIntent stands; of one that is captured its charge and refunds are read as well."""
        reference = str(intent["id"])
        if intent["status"] != "succeeded":
            return _open(intent)
        charge = await self._charge(intent.get("latest_charge"))
        captured = intent.get("amount_received") or charge.get("amount_captured") or asked or intent["amount"]
        unused = int(intent["amount"]) - int(captured)
        refunded = await self._refunded(reference, unused)
        fee = await self._fee(charge)
        return Captured(reference, int(captured), refunded, fee)

    async def _charge(self, told: Any) -> dict[str, Any]:
        if isinstance(told, dict):
            return told
        return _plain(await self._api.charges.retrieve_async(told)) if told else {}

    async def _refunded(self, intent: str, unused: int) -> int:
        """Return what was given back, without what a partial capture released, which Stripe may list as a refund."""
        refunds = [r async for r in self._refunds(intent) if r.get("status") in {"succeeded", "pending", None}]
        total = sum(int(refund["amount"]) for refund in refunds)
        released = any(int(r["amount"]) == unused and not (r.get("metadata") or {}).get(REFUND) for r in refunds)
        return total - (unused if unused and released else 0)

    async def _refunded_by(self, intent: str, key: str) -> bool:
        return any([(r.get("metadata") or {}).get(REFUND) == key async for r in self._refunds(intent)])

    async def _refunds(self, intent: str) -> AsyncIterator[dict[str, Any]]:
        page = _plain(await self._api.refunds.list_async({"payment_intent": intent, "limit": 100}))
        for refund in page["data"]:
            yield refund

    async def _fee(self, charge: Mapping[str, Any]) -> int:
        line = charge.get("balance_transaction")
        if not line:
            return 0
        found = line if isinstance(line, dict) else _plain(await self._api.balance_transactions.retrieve_async(line))
        return max(0, int(found.get("fee") or 0))

    async def _lines(self) -> AsyncIterator[dict[str, Any]]:
        """Yield balance transactions, newest first."""
        parameters: dict[str, Any] = {"limit": 100}
        count = 0
        while True:
            page = _plain(await self._api.balance_transactions.list_async(parameters))
            for line in page["data"]:
                yield line
            count += len(page["data"])
            if not page.get("has_more") or not page["data"] or count >= MAX_LINES:
                return
            parameters["starting_after"] = page["data"][-1]["id"]

    async def _change(self, line: Mapping[str, Any]) -> BalanceChange:
        kind = _KINDS.get(str(line["type"]), ChangeKind.OTHER)
        source = str(line.get("source") or "")
        return BalanceChange(
            id=str(line["id"]),
            kind=kind,
            currency=str(line["currency"]).upper(),
            amount=int(line["amount"]),
            fee=int(line.get("fee") or 0),
            at_ms=int(line["created"]) * 1000,
            reference=await self._paid_for(source) or source or None,
        )

    async def _paid_for(self, source: str) -> str | None:
        """Return the PaymentIntent of a charge or refund."""
        if source.startswith(("re_", "pyr_")):
            refund = _plain(await self._api.refunds.retrieve_async(source))
            if refund.get("payment_intent"):
                return str(refund["payment_intent"])
            source = str(refund.get("charge") or "")
        if source.startswith(("ch_", "py_")):
            found = _plain(await self._api.charges.retrieve_async(source)).get("payment_intent")
            return str(found) if found else None
        return None

    def _options(self, order: Order, step: str = "") -> dict[str, str]:
        return {"idempotency_key": order.key + step}

    async def _answered(self, ask: Callable[[], Awaitable[Answer]], *, final: bool = False) -> Answer:
        """Turn the library's exceptions into answers: what the bank refuses is declined, what is unclear unreachable.

        `final`: a request that Stripe calls invalid did nothing, and will never do anything.
        """
        stripe = self._stripe
        try:
            return await ask()
        except stripe.CardError as error:
            return Declined(str(error.code or "card_declined"))
        except stripe.InvalidRequestError as error:
            code = str(error.code or error.http_status)
            if error.http_status == 404:
                return NotKnown()
            return Declined(code) if final else Unreachable(f"refused {code}")
        except stripe.StripeError as error:
            return Unreachable(type(error).__name__)
        except (KeyError, TypeError, ValueError) as error:
            return Unreachable(f"unreadable {type(error).__name__}")


class _Data(msgspec.Struct):
    object: dict[str, Any]


class _Event(msgspec.Struct):
    id: str
    type: str
    data: _Data


def _plain(thing: Any) -> dict[str, Any]:
    """Return what the library made of an answer as plain JSON values."""
    found: dict[str, Any] = thing.to_dict() if hasattr(thing, "to_dict") else dict(thing)
    return found


def _open(intent: Mapping[str, Any]) -> Standing:
    reference, status = str(intent["id"]), intent["status"]
    if status == "requires_capture":
        return Authorised(reference, int(intent.get("amount_capturable") or intent["amount"]))
    if status == "canceled":
        return Cancelled(reference, expired=intent.get("cancellation_reason") == "automatic")
    failed = intent.get("last_payment_error") or {}
    if status == "requires_payment_method" and failed:
        return Declined(str(failed.get("code") or "card_declined"), reference)
    action = (intent.get("next_action") or {}).get("redirect_to_url") or {}
    return Pending(reference, action.get("url"))


def _unpaid(session: Mapping[str, Any]) -> Standing:
    reference = str(session["id"])
    if session.get("status") == "expired":
        return Cancelled(reference, expired=True)
    return Pending(reference, session.get("url"))


def _told(kind: str, thing: Mapping[str, Any]) -> Standing | None:
    """Return what an event says for certain by itself; of all others the provider is asked where the payment stands.

    A card that was refused on a Checkout page may be followed by another one: that ends nothing.
    """
    match kind:
        case "payment_intent.amount_capturable_updated" if thing.get("status") == "requires_capture":
            return Authorised(str(thing["id"]), int(thing.get("amount_capturable") or thing["amount"]))
        case "payment_intent.canceled":
            return Cancelled(str(thing["id"]), expired=thing.get("cancellation_reason") == "automatic")
        case "checkout.session.expired":
            return Cancelled(str(thing["id"]), expired=True)
        case _:
            return None
