"""What providers tell of their own accord: checked before anything in it is believed, taken once, durable on return."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from wattseal.crypto.hashes import sha256
from wattseal.flow.documents import read
from wattseal.flow.money.payments import (
    PAYMENT_EVENT,
    PAYMENT_REFERENCE,
    PaymentFinding,
    PaymentId,
    heard,
    payment_of,
    put_finding,
    take,
)
from wattseal.flow.money.providers import PaymentProvider
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.model.payment import Payment, Refused, WebhookEvent

MAX_TEXT = 128


class Heard(StrEnum):
    """What became of a provider's message."""

    TAKEN = "taken"
    KNOWN = "known"
    NOT_OURS = "not_ours"
    NO_PROVIDER = "no_provider"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it; with a payment where somebody is waiting for what it says."""

    heard: Heard
    payment: Payment | None = None


async def hear(world: World, name: str, body: bytes, headers: Mapping[str, str]) -> Outcome | Refused:
    """Take a provider's message in.

    A message heard before changes nothing. One about a payment that nobody here knows is kept as a finding: it was
    signed by the provider, so that either it has mixed something up, or somebody else uses its account.
    """
    provider = world.providers.get(name)
    if provider is None:
        return Outcome(Heard.NO_PROVIDER)
    event = provider.verify_webhook(body, headers, world.now_ms() // 1000)
    if isinstance(event, Refused):
        world.count(f"webhooks_{event.code}")
        return event
    key = event_key(name, event)
    if await world.journal.document(world.tenant, PAYMENT_EVENT, key) is not None:
        world.count("webhooks_repeated")
        return Outcome(Heard.KNOWN)
    world.count("webhooks_taken")
    payment = await _meant(world, provider, event)
    if payment is None:
        await _not_ours(world, provider, event, key)
        return Outcome(Heard.NOT_OURS)
    return Outcome(Heard.TAKEN, await take(world, payment.id, event.standing, sure=False, event=key))


def event_key(provider: str, event: WebhookEvent) -> str:
    """Return the key of the document that says that a message was heard: its id is the provider's, of any length."""
    return f"{provider}/{sha256(event.id.encode()).hex()[:40]}"


async def _meant(world: World, provider: PaymentProvider, event: WebhookEvent) -> Payment | None:
    if event.payment is not None and len(event.payment) <= MAX_TEXT:
        found = await payment_of(world, event.payment)
        if found is not None and found.provider == provider.name:
            return found
    key = f"{provider.name}/{event.reference[:MAX_TEXT]}"
    document = await world.journal.document(world.tenant, PAYMENT_REFERENCE, key)
    return None if document is None else await payment_of(world, read(document, PaymentId).id)


async def _not_ours(world: World, provider: PaymentProvider, event: WebhookEvent, key: str) -> None:
    now_ms = world.now_ms()
    finding = PaymentFinding(
        code="webhook_unknown_payment",
        provider=provider.name,
        at_ms=now_ms,
        reference=event.reference[:MAX_TEXT],
        detail=event.kind[:MAX_TEXT],
    )
    puts = (put_finding(finding, key), heard(key, "", now_ms))
    await world.journal.commit(Batch(world.tenant, puts=puts))
