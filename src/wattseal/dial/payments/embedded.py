"""The client of the test provider that `wattseal serve` can run beside itself (`stores/trial_bank.py`)."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from wattseal.base.errors import InputError
from wattseal.model.payment import Answer, BalanceChange, NotKnown, Order, Refused, Unreachable, WebhookEvent
from wattseal.model.trial_money import TrialEvent, read_answer, standing_of
from wattseal.rules.webhook_signatures import verify

NAME = "embedded"
TIMEOUT_S = 3.0
MAX_ANSWER = 4 * 1024 * 1024
HEADER = "wattseal-signature"


class EmbeddedProvider:
    """Speaks HTTP to the test provider at `base`; `secret` authorises both ways."""

    def __init__(self, session: ClientSession, base: str, secret: str) -> None:
        """Use `base` without a slash at its end."""
        self._session = session
        self._base = base
        self._secret = secret

    @property
    def base(self) -> str:
        """Return where it is."""
        return self._base

    @property
    def name(self) -> str:
        """Return its name."""
        return NAME

    @property
    def pages(self) -> tuple[str, ...]:
        """Return none: its pages are served beside ours."""
        return ()

    async def preauthorise(self, order: Order) -> Answer:
        """Have a payment made."""
        body = {
            "payment": order.id,
            "key": order.key,
            "currency": order.currency,
            "amount": order.amount,
            "return_url": order.return_url,
            "text": order.text,
            "method": order.method,
        }
        return await self._ask("payments", body)

    async def capture(self, order: Order, amount: int) -> Answer:
        """Capture, the rest is released."""
        return await self._ask(f"payments/{order.reference}/capture", {"key": order.key, "amount": amount})

    async def cancel(self, order: Order) -> Answer:
        """Cancel."""
        return await self._ask(f"payments/{order.reference}/cancel", {"key": order.key})

    async def refund(self, order: Order, amount: int) -> Answer:
        """Refund."""
        return await self._ask(f"payments/{order.reference}/refund", {"key": order.key, "amount": amount})

    async def look_up(self, order: Order) -> Answer:
        """Look a payment up, by the provider's reference or by ours."""
        return await self._ask(f"payments/{order.reference or order.id}", None)

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], now_s: int) -> WebhookEvent | Refused:
        """Believe what was signed with the secret, just now."""
        trouble = verify(self._secret, headers.get(HEADER, ""), body, now_s)
        if trouble is not None:
            return Refused(trouble)
        try:
            told = msgspec.json.decode(body, type=TrialEvent)
            standing = standing_of(told.payment)
        except (msgspec.MsgspecError, InputError):
            return Refused("unreadable")
        return WebhookEvent(told.id, told.kind, told.payment.reference, told.payment.payment, standing)

    async def balance(self, from_ms: int, to_ms: int) -> tuple[BalanceChange, ...] | Unreachable:
        """Return what its books say of us."""
        found = await self._get("balance", {"begin": str(from_ms), "end": str(to_ms)})
        if isinstance(found, Unreachable):
            return found
        try:
            return msgspec.convert(found, tuple[BalanceChange, ...])
        except msgspec.ValidationError:
            return Unreachable("unreadable")

    async def _ask(self, path: str, body: Mapping[str, Any] | None) -> Answer:
        found = await (self._get(path, {}) if body is None else self._request("POST", path, {}, body))
        if isinstance(found, Unreachable):
            return found
        if found is None:
            return NotKnown()
        try:
            return read_answer(found)
        except InputError:
            return Unreachable("unreadable")

    async def _get(self, path: str, query: Mapping[str, str]) -> Any:
        return await self._request("GET", path, query, None)

    async def _request(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None) -> Any:
        """Return the JSON answered, None for 404, `Unreachable` for silence."""
        try:
            async with self._session.request(
                method,
                f"{self.base}/pay/test/api/{path}",
                params=query,
                json=body,
                headers={"Authorization": f"Bearer {self._secret}"},
                timeout=ClientTimeout(total=TIMEOUT_S),
                allow_redirects=False,
            ) as response:
                data = await response.content.read(MAX_ANSWER)
                if response.status == 404:
                    return None
                if response.status not in {200, 402}:
                    return Unreachable(f"status {response.status}")
                return msgspec.json.decode(data)
        except (ClientError, TimeoutError, msgspec.MsgspecError) as error:
            return Unreachable(type(error).__name__)
