"""Payment providers put together out of the configuration, and the desk where drivers pay."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout

from wattseal.app.background import Background
from wattseal.app.doorman import is_loopback
from wattseal.app.settings import Settings
from wattseal.app.settings_base import Secret
from wattseal.app.settings_money import PaymentProviderName, Payments
from wattseal.app.tls import make_proxies
from wattseal.base.errors import ConfigError
from wattseal.dial.payments import embedded
from wattseal.dial.payments.embedded import EmbeddedProvider
from wattseal.dial.payments.stripe import StripeAccess, StripeProvider
from wattseal.flow.money.payment_care import due, look_after
from wattseal.flow.money.settlement_report import import_lines
from wattseal.flow.world import World
from wattseal.model.payment import PaymentPolicy
from wattseal.serve.pay.desk import PayDesk, Trial
from wattseal.stores.trial_bank import TrialBank

PAYMENTS_INTERVAL_S = 1.0
IMPORT_INTERVAL_S = 3600.0
IMPORTED_MS = 5 * 86_400_000
"""How far back payouts are looked for each hour; what is older is imported over the API."""
BANK_FILE = "trial-bank.json"
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
_TELL_TIMEOUT_S = 5.0


def payment_policy(chosen: Payments) -> PaymentPolicy:
    """Return the flow's settings; `ConfigError` where they do not fit each other."""
    if chosen.provider is PaymentProviderName.STRIPE and None in {chosen.stripe_api_key, chosen.stripe_webhook_secret}:
        text = "Stripe needs stripe_api_key and stripe_webhook_secret, best as files (_file)"
        raise ConfigError(text, code="missing_key", subject="payments.stripe_api_key")
    if chosen.ad_hoc is not None and chosen.provider is None:
        raise ConfigError("payments on the spot need a provider", code="no_provider", subject="payments.ad_hoc")
    if chosen.ad_hoc is not None and chosen.ad_hoc <= 0:
        raise ConfigError("the amount set aside is more than 0", code="bad_amount", subject="payments.ad_hoc")
    return PaymentPolicy(
        provider=None if chosen.provider is None else chosen.provider.value,
        ad_hoc=chosen.ad_hoc,
        pay_within_s=int(chosen.pay_within_s),
        start_within_s=int(chosen.start_within_s),
    )


def refuse_test_money(settings: Settings, *, insecure_dev: bool) -> None:
    """Let the test provider be used for trying things out only: everybody can pay with it, and nobody has paid."""
    chosen = settings.payments
    if chosen.provider is not PaymentProviderName.EMBEDDED or chosen.allow_test_money:
        return
    if not (insecure_dev and is_loopback(settings.serve.host)):
        text = (
            "the embedded payment provider takes no money: it is for --insecure-dev on loopback; "
            "set allow_test_money = true where everybody may charge for nothing"
        )
        raise ConfigError(text, code="test_money", subject="payments.provider")


def payment_providers(
    world: World, settings: Settings, session: ClientSession, data: Path, *, insecure_dev: bool
) -> PayDesk:
    """Put the provider configured into the world; return the desk where drivers pay."""
    refuse_test_money(settings, insecure_dev=insecure_dev)
    chosen, desk = settings.payments, PayDesk(world.random.bytes(32), make_proxies(settings.tls))
    match chosen.provider:
        case PaymentProviderName.STRIPE:
            key, webhooks = chosen.stripe_api_key or Secret(""), chosen.stripe_webhook_secret or Secret("")
            access = StripeAccess(key.reveal(), webhooks.reveal(), chosen.stripe_address)
            world.providers = {"stripe": StripeProvider(session, access)}
        case PaymentProviderName.EMBEDDED:
            secret = world.random.bytes(32).hex()
            bank = TrialBank(data / BANK_FILE, world.clock, world.random)
            world.providers = {embedded.NAME: _Late(world, session, secret)}
            desk.trial = Trial(bank, secret, partial(_tell, world, session))
        case _:
            pass
    return desk


class _Late(EmbeddedProvider):
    """The client of a service whose port is known only once it listens."""

    def __init__(self, world: World, session: ClientSession, secret: str) -> None:
        super().__init__(session, "", secret)
        self._world = world

    @property
    def base(self) -> str:
        """Return where the service is."""
        return self._world.own_base or ""


async def _tell(world: World, session: ClientSession, body: bytes, header: str) -> None:
    """Send a webhook of the test provider, once; what is missed is found out by looking the payment up."""
    url = f"{world.own_base}/webhooks/payments/{embedded.NAME}"
    try:
        headers = {embedded.HEADER: header, "Content-Type": "application/json"}
        async with session.post(url, data=body, headers=headers, timeout=ClientTimeout(total=_TELL_TIMEOUT_S)):
            pass
    except (ClientError, TimeoutError):
        world.count("trial_webhooks_lost")


def import_payouts(world: World) -> Callable[[], Awaitable[None]]:
    """Return the job that posts what the provider has paid out in the last days, and its fees."""

    async def payouts() -> None:
        if world.settings.payments.provider in world.providers:
            now_ms = world.now_ms()
            await import_lines(world, now_ms - IMPORTED_MS, now_ms)

    return payouts


def own_base(settings: Settings, http_port: int) -> str:
    """Return where this process reaches its own HTTP port."""
    host = settings.serve.host
    host = "127.0.0.1" if host in _EVERYWHERE else host
    return f"http://[{host}]:{http_port}" if ":" in host else f"http://{host}:{http_port}"


def pay_base(settings: Settings, http_port: int) -> str:
    """Return where drivers reach the pages on which they pay."""
    chosen = settings.payments.url
    return own_base(settings, http_port) if chosen is None else chosen.rstrip("/")


def look_after_payments(world: World, background: Background) -> Callable[[], Awaitable[None]]:
    """Return the job that looks after payments, each beside the others."""

    async def payments() -> None:
        if not world.providers:
            return
        for payment_id in await due(world):
            if not background.start(partial(look_after, world, payment_id)):
                return

    return payments
