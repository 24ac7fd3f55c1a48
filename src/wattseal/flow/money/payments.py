"""Payments: each change is a signed record, its document and its postings in one commit.

A provider is asked only once it is durable that it will be; what it answers is durable before anything follows from it.
Whatever is lost in between is found out by asking where the payment stands (`payment_care`), so that nothing is taken
twice and nothing that was taken is forgotten. Payments under way are kept in memory.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from wattseal.base.errors import InputError, StoreError
from wattseal.flow.documents import every_document, put, read
from wattseal.flow.money.ledger import accounts_of, post
from wattseal.flow.money.providers import PaymentProvider
from wattseal.flow.money.records import money_ready, write_money
from wattseal.flow.ports import Put
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.ledger import Posting
from wattseal.model.payment import (
    Act,
    Answer,
    NotKnown,
    Order,
    Payment,
    PaymentState,
    Purpose,
    Spot,
    Standing,
    Unreachable,
)
from wattseal.rules.payments import (
    ENDED,
    Doubt,
    act_of,
    cancel_asked,
    capture_asked,
    key_of,
    next_look,
    postings,
    refund_asked,
    refund_failed,
    told,
)
from wattseal.seal.item import Kind
from wattseal.seal.payment import PaymentSaid

PAYMENT, PAYMENT_REFERENCE, PAYMENT_TIME = "provider_payment", "payment_reference", "payment_time"
"""Kinds of documents: a payment by id, its id by the provider's reference, and its id by when it was made."""
PAYMENT_OF_ACCOUNT = "payment_of_account"
"""Kind of documents: a payment's id by account and when it was made."""
PAYMENT_EVENT, PAYMENT_FINDING = "payment_event", "payment_finding"
"""Kinds of documents: that a provider's message was heard, and what about payments somebody should look at."""
PAYMENT_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class PaymentId:
    """Document: which payment it is."""

    id: str


@dataclass(frozen=True, slots=True)
class PaymentFinding:
    """Document: something about a payment that somebody should look at."""

    code: str
    provider: str
    at_ms: int
    reference: str = ""
    payment: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A payment to be made: `amount` in minor units; `method` is a provider's handle of a means of payment."""

    purpose: Purpose
    account: str
    currency: str
    amount: int
    spot: Spot | None = None
    method: str | None = None


def provider_of(world: World, payment: Payment) -> PaymentProvider | None:
    """Return the provider of a payment; None where it is not configured any more."""
    return world.providers.get(payment.provider)


def order_of(world: World, payment: Payment, step: str) -> Order:
    """Return what its provider needs to know of a payment for a step."""
    return Order(
        id=payment.id,
        key=key_of(payment, step),
        currency=payment.currency,
        amount=payment.amount,
        return_url=f"{world.pay_base or ''}/pay/status/{payment.id}",
        text="EV charging" if payment.purpose is Purpose.AD_HOC else "EV charging account",
        reference=payment.reference,
        method=payment.method,
        capture=payment.capture,
    )


async def open_payments(world: World) -> dict[str, Payment]:
    """Return the payments in memory, read at first: all that are under way."""
    if world.payments is None:
        found: dict[str, Payment] = {}
        async for document in every_document(world.journal, world.tenant, PAYMENT):
            if document.active:
                found[document.key] = read(document, Payment)
        if world.payments is None:
            world.payments = found
    return world.payments


async def payment_of(world: World, payment_id: str) -> Payment | None:
    """Return a payment by its id."""
    kept = await open_payments(world)
    if payment_id in kept:
        return kept[payment_id]
    document = await world.journal.document(world.tenant, PAYMENT, payment_id)
    return None if document is None else kept.setdefault(payment_id, read(document, Payment))


async def list_payments(world: World, after: str, limit: int) -> tuple[list[Payment], str | None]:
    """Return a page of payments in the order they were begun, and the cursor of the next one."""
    page = await world.journal.documents(world.tenant, PAYMENT_TIME, after=after, limit=limit)
    found = [await payment_of(world, read(document, PaymentId).id) for document in page]
    return [payment for payment in found if payment is not None], page[-1].key if len(page) == limit else None


def is_open(payment: Payment) -> bool:
    """Return whether something about a payment is still to come."""
    return payment.state not in ENDED or payment.open_refund is not None


def put_payment(payment: Payment, now_ms: int) -> Put:
    """Return a payment's document."""
    station = None if payment.spot is None else payment.spot.station_id
    return put(PAYMENT, payment.id, payment, now_ms, station_id=station, active=is_open(payment))


def put_finding(finding: PaymentFinding, key: str) -> Put:
    """Return a finding's document; the same one again is kept once a millisecond."""
    return put(PAYMENT_FINDING, f"{finding.at_ms:015d}-{key}"[:200], finding, finding.at_ms)


async def begin(world: World, wanted: Wanted) -> Payment:
    """Record that a payment is to be made, then ask its provider; durable on return, whatever that answered."""
    name = world.settings.payments.provider
    if name is None or name not in world.providers:
        raise InputError("no payment provider is configured; see [payments]", code="no_provider", subject="payments")
    kept = await open_payments(world)
    step = Step(world, _station(wanted.spot), world.now_ms())
    payment = Payment(
        id=world.random.bytes(PAYMENT_ID_BYTES).hex(),
        provider=name,
        purpose=wanted.purpose,
        account=wanted.account,
        currency=wanted.currency,
        amount=wanted.amount,
        state=PaymentState.CREATED,
        created_ms=step.now_ms,
        changed_ms=step.now_ms,
        method=wanted.method,
        spot=wanted.spot,
    )
    payment = next_look(payment, step.now_ms)
    written = await write_money(step, Kind.PAYMENT, _said(Act.CREATED, payment).to_fields())
    payment = replace(payment, record=written.hash.hex())
    kept[payment.id] = payment
    step.puts.append(put_payment(payment, step.now_ms))
    made, key = PaymentId(payment.id), f"{step.now_ms:015d}-{payment.id}"
    step.puts.append(put(PAYMENT_TIME, key, made, step.now_ms))
    step.puts.append(put(PAYMENT_OF_ACCOUNT, f"{payment.account}/{key}", made, step.now_ms))
    await step.commit()
    world.count("payments_begun")
    answer = await world.providers[name].preauthorise(order_of(world, payment, "authorise"))
    return await take(world, payment.id, answer)


async def capture(world: World, payment_id: str, amount: int) -> Payment:
    """Have `amount` taken and the rest released; one that was asked for already is not asked for anew."""
    before, after = await change(world, payment_id, Act.CAPTURE_ASKED, lambda p: capture_asked(p, amount))
    if before is after:
        return after
    provider = provider_of(world, after)
    if provider is None or after.capture is None:
        return after
    answer = await provider.capture(order_of(world, after, "capture"), after.capture)
    return await take(world, payment_id, answer)


async def cancel(world: World, payment_id: str) -> Payment:
    """Have what is authorised released, or the provider's page closed."""
    before, after = await change(world, payment_id, Act.CANCEL_ASKED, cancel_asked)
    provider = provider_of(world, after)
    if before is after or provider is None:
        return after
    return await take(world, payment_id, await provider.cancel(order_of(world, after, "cancel")))


async def refund(world: World, payment_id: str, amount: int) -> Payment:
    """Give `amount` of what was captured back; `InputError` (`not_refundable`) where so much is not left."""
    before, after = await change(world, payment_id, Act.REFUND_ASKED, lambda p: refund_asked(p, amount))
    if before is after:
        text = "so much was not captured, or a refund of it is under way"
        raise InputError(text, code="not_refundable", subject="amount")
    return await ask_refund(world, after)


async def ask_refund(world: World, payment: Payment) -> Payment:
    """Ask for the refund that is under way, for the first time or again."""
    asked, provider = payment.open_refund, provider_of(world, payment)
    if asked is None or provider is None:
        return payment
    answer = await provider.refund(order_of(world, payment, f"refund-{asked.number}"), asked.amount)
    return await take(world, payment.id, answer, refunding=asked.number)


async def take(
    world: World,
    payment_id: str,
    answer: Answer | None,
    *,
    sure: bool = True,
    event: str | None = None,
    refunding: int | None = None,
) -> Payment:
    """Take a provider's word in, durable on return. `event` is the key of the message it told it by.

    A refund that is refused goes back to the customer. What contradicts what is known, or says nothing by itself
    (None), has the provider asked.
    """
    match answer:
        case None:
            return await look_again(world, payment_id, counted=False, event=event)
        case Unreachable() | NotKnown():
            return await look_again(world, payment_id, counted=True)
        case _ if refunding is not None and act_of(answer) is Act.DECLINED:
            code = getattr(answer, "code", "declined")
            _, after = await change(world, payment_id, Act.REFUND_FAILED, lambda p: refund_failed(p, code))
            return after
        case _:
            return await _told(world, payment_id, answer, sure=sure, event=event)


async def _told(world: World, payment_id: str, standing: Standing, *, sure: bool, event: str | None) -> Payment:
    def apply(payment: Payment) -> Payment | None:
        found = told(payment, standing, sure=sure)
        if isinstance(found, Doubt):
            world.count("payment_doubts")
            return next_look(replace(payment, tries=0), world.now_ms())
        return next_look(payment, world.now_ms()) if found is None and sure and is_open(payment) else found

    _, after = await change(world, payment_id, act_of(standing), apply, event=event)
    return after


async def look_again(world: World, payment_id: str, *, counted: bool, event: str | None = None) -> Payment:
    """Have the provider asked again: soon where something new is in doubt, else (`counted`) later each time."""

    def apply(payment: Payment) -> Payment:
        return next_look(payment if counted else replace(payment, tries=0), world.now_ms())

    _, after = await change(world, payment_id, Act.LOOKED_AT, apply, event=event)
    return after


async def change(
    world: World,
    payment_id: str,
    act: Act,
    how: Callable[[Payment], Payment | None],
    *,
    event: str | None = None,
) -> tuple[Payment, Payment]:
    """Change a payment, durable on return; (before, after), the same object where nothing changed.

    `how` gives None for no change. When a payment is looked at next is no fact: that alone makes no record.
    """
    known = await payment_of(world, payment_id)
    if known is None:
        raise InputError("there is no such payment", code="no_payment", subject="id")
    before = await _ready(world, known, how)
    step = Step(world, _station(before.spot), world.now_ms())
    after = how(before)
    if after is None or after == before:
        if event is not None:
            step.puts.append(heard(event, before.id, step.now_ms))
            await step.commit()
        return before, before
    if replace(after, look_ms=before.look_ms, tries=before.tries) != before:
        after = await _recorded(step, act, before, after)
    if event is not None:
        step.puts.append(heard(event, after.id, step.now_ms))
    _keep(world, after)
    step.puts.append(put_payment(after, step.now_ms))
    await step.commit()
    return before, after


async def _ready(world: World, known: Payment, how: Callable[[Payment], Payment | None]) -> Payment:
    """Have ready what a change will touch; return the payment as it is once all of it is: nothing waits after that."""
    while True:
        moved = postings(known, how(known) or known, 0, "")
        accounts = dict.fromkeys(account for posting in moved for account in accounts_of(posting))
        await money_ready(world)
        await world.books.ready(known.currency, accounts, [posting.key for posting in moved])
        before = (world.payments or {}).get(known.id)
        if before is None:
            raise StoreError("memory was dropped while a payment waited", code="not_ready", subject=known.id)
        if before is known:
            return before
        known = before


async def _recorded(step: Step, act: Act, before: Payment, after: Payment) -> Payment:
    """Write the record of a change and what it posts; nothing here waits for anything."""
    refs = (bytes.fromhex(before.record),) if before.record else ()
    transaction = None if after.spot is None else after.spot.transaction
    subject = None if transaction is None else bytes.fromhex(transaction)
    written = await write_money(step, Kind.PAYMENT, _said(act, after).to_fields(), refs=refs, subject=subject)
    after = replace(after, record=written.hash.hex(), changed_ms=step.now_ms, tries=0)
    after = _when_to_look(after, step.now_ms)
    for posting in postings(before, after, step.now_ms, after.record):
        _post(step, posting)
    if after.reference is not None and after.reference != before.reference:
        key = f"{after.provider}/{after.reference}"
        step.puts.append(put(PAYMENT_REFERENCE, key, PaymentId(after.id), step.now_ms))
    step.world.count(f"payments_{act.value}")
    return after


def _when_to_look(payment: Payment, now_ms: int) -> Payment:
    """Return the payment with its next look: at once where the next step is ours."""
    if not is_open(payment):
        return replace(payment, look_ms=None)
    if payment.state is PaymentState.AUTHORISED:
        return replace(payment, look_ms=now_ms)
    return next_look(payment, now_ms)


def _post(step: Step, posting: Posting) -> None:
    if not post(step, posting):
        step.world.count("payment_posted_before")


def heard(key: str, payment_id: str, now_ms: int) -> Put:
    """Return the document that has a provider's message heard; `key` is made of the provider and the message's id."""
    return put(PAYMENT_EVENT, key, PaymentId(payment_id), now_ms)


def wait(world: World, payment: Payment, pause_ms: int) -> Payment:
    """Have a payment looked at later; only memory says so, for after a restart all are looked at."""
    waiting = replace(payment, look_ms=world.now_ms() + pause_ms)
    if world.payments is not None and world.payments.get(payment.id) is payment:
        world.payments[payment.id] = waiting
    return waiting


def _keep(world: World, payment: Payment) -> None:
    if world.payments is not None:
        world.payments[payment.id] = payment


def _station(spot: Spot | None) -> str:
    return "" if spot is None else spot.station_id


def _said(act: Act, payment: Payment) -> PaymentSaid:
    asked = payment.open_refund
    amounts = {Act.CAPTURE_ASKED: payment.capture, Act.REFUND_ASKED: None if asked is None else asked.amount}
    return PaymentSaid(
        act=act,
        payment=bytes.fromhex(payment.id),
        provider=payment.provider,
        state=payment.state,
        currency=payment.currency,
        amount=payment.amount,
        authorised=payment.authorised,
        captured=payment.captured,
        refunded=payment.refunded,
        fee=payment.fee,
        asked=amounts.get(act),
        reference=payment.reference,
        account=payment.account,
        code=payment.code,
    )
