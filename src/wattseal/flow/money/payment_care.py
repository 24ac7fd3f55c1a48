"""Looking after payments by the clock: what nobody knows the outcome of is asked for until it is known."""

from dataclasses import replace

from wattseal.base.errors import WattsealError
from wattseal.flow.claims import claimed
from wattseal.flow.money.ad_hoc import attend, close
from wattseal.flow.money.payments import (
    ask_refund,
    cancel,
    capture,
    change,
    look_again,
    open_payments,
    order_of,
    payment_of,
    provider_of,
    take,
)
from wattseal.flow.world import World
from wattseal.model.payment import Act, Authorised, NotKnown, Payment, PaymentState, Pending, Purpose
from wattseal.rules.payments import ENDED

GIVE_UP_MS = 12 * 3_600_000
"""A payment its provider has never been heard of is given up after so long: nobody was ever shown where to pay."""
KEEP_MS = 600_000
"""Ended payments stay in memory for so long."""


async def due(world: World) -> tuple[str, ...]:
    """Return the payments whose time has come, by id; those that ended some time ago leave memory."""
    kept = await open_payments(world)
    now_ms = world.now_ms()
    for payment in tuple(kept.values()):
        if payment.look_ms is None and payment.changed_ms < now_ms - KEEP_MS:
            kept.pop(payment.id, None)
    return tuple(p.id for p in kept.values() if p.look_ms is not None and p.look_ms <= now_ms)


async def look_after(world: World, payment_id: str) -> None:
    """Look at one payment, unless that is being done; trouble with one is counted and keeps no other from its turn."""
    with claimed(world, (f"payment {payment_id}",)) as mine:
        if not mine:
            return
        try:
            payment = await payment_of(world, payment_id)
            if payment is not None and payment.look_ms is not None and payment.look_ms <= world.now_ms():
                after = await look(world, payment)
                if after.state in ENDED:
                    await close(world, after)
        except WattsealError:
            world.count("payment_looks_failed")


async def look(world: World, payment: Payment) -> Payment:
    """Do what is next for a payment."""
    provider = provider_of(world, payment)
    if provider is None:
        return await look_again(world, payment.id, counted=True)
    match payment.state:
        case PaymentState.CREATED:
            return await _created(world, payment)
        case PaymentState.PENDING:
            return await _pending(world, payment)
        case PaymentState.AUTHORISED if payment.purpose is Purpose.TOP_UP:
            return await capture(world, payment.id, payment.authorised)
        case PaymentState.AUTHORISED:
            return await attend(world, payment)
        case PaymentState.CAPTURE_UNKNOWN | PaymentState.CANCEL_UNKNOWN:
            return await _unknown(world, payment)
        case _:
            return await _ended(world, payment)


async def _created(world: World, payment: Payment) -> Payment:
    """Ask again under the same key: the provider makes it once."""
    provider = provider_of(world, payment)
    if provider is None or world.now_ms() - payment.created_ms > GIVE_UP_MS:

        def give_up(found: Payment) -> Payment | None:
            if found.state is not PaymentState.CREATED:
                return None
            return replace(found, state=PaymentState.FAILED, code="never_answered")

        _, after = await change(world, payment.id, Act.DECLINED, give_up)
        return after
    return await take(world, payment.id, await provider.preauthorise(order_of(world, payment, "authorise")))


async def _pending(world: World, payment: Payment) -> Payment:
    after = await look_up(world, payment)
    late = world.now_ms() - payment.created_ms > 1000 * world.settings.payments.pay_within_s
    if after.state is PaymentState.PENDING and late:
        return await cancel(world, payment.id)
    return after


async def _unknown(world: World, payment: Payment) -> Payment:
    """Ask where it stands; what has not been done is asked for again, under the same key."""
    provider = provider_of(world, payment)
    if provider is None:
        return payment
    answer = await provider.look_up(order_of(world, payment, "look"))
    after = await take(world, payment.id, answer)
    if after.state is not payment.state or not isinstance(answer, Authorised | Pending | NotKnown):
        return after
    if after.state is PaymentState.CAPTURE_UNKNOWN and after.capture is not None:
        again = await provider.capture(order_of(world, after, "capture"), after.capture)
    else:
        again = await provider.cancel(order_of(world, after, "cancel"))
    return await take(world, payment.id, again)


async def _ended(world: World, payment: Payment) -> Payment:
    """Find out what came of a refund, or what is in doubt of a payment that has ended."""
    after = await look_up(world, payment)
    if after.open_refund is not None and payment.open_refund == after.open_refund:
        return await ask_refund(world, after)
    if after.state in ENDED and after.open_refund is None and after.look_ms is not None:
        _, after = await change(world, payment.id, Act.LOOKED_AT, lambda found: replace(found, look_ms=None))
    return after


async def look_up(world: World, payment: Payment) -> Payment:
    """Ask the provider where a payment stands, and take its word."""
    provider = provider_of(world, payment)
    if provider is None:
        return payment
    return await take(world, payment.id, await provider.look_up(order_of(world, payment, "look")))
