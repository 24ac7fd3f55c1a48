"""The lifecycle of a payment as one table, and what each change of it does to the books. Pure.

What a provider says may come twice, late, or in another order. Its totals only grow, so that an older word never takes
anything back; a word that the table has no row for is doubtful, and the provider is asked where the payment stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from wattseal.model.ledger import Posting, PostingKind, Transfer
from wattseal.model.payment import (
    Act,
    Authorised,
    Cancelled,
    Captured,
    Declined,
    Payment,
    PaymentState,
    Pending,
    Purpose,
    RefundAsked,
    Standing,
)
from wattseal.rules import chart

S = PaymentState
LIFECYCLE: Mapping[PaymentState, Mapping[Act, PaymentState]] = {
    S.CREATED: {
        Act.PENDING: S.PENDING,
        Act.AUTHORISED: S.AUTHORISED,
        Act.CAPTURED: S.CAPTURED,
        Act.CANCELLED: S.CANCELLED,
        Act.EXPIRED: S.EXPIRED,
        Act.DECLINED: S.FAILED,
    },
    S.PENDING: {
        Act.AUTHORISED: S.AUTHORISED,
        Act.CANCEL_ASKED: S.CANCEL_UNKNOWN,
        Act.CAPTURED: S.CAPTURED,
        Act.CANCELLED: S.CANCELLED,
        Act.EXPIRED: S.EXPIRED,
        Act.DECLINED: S.FAILED,
    },
    S.AUTHORISED: {
        Act.CAPTURE_ASKED: S.CAPTURE_UNKNOWN,
        Act.CANCEL_ASKED: S.CANCEL_UNKNOWN,
        Act.CAPTURED: S.CAPTURED,
        Act.CANCELLED: S.CANCELLED,
        Act.EXPIRED: S.EXPIRED,
        Act.DECLINED: S.FAILED,
    },
    S.CAPTURE_UNKNOWN: {
        Act.CAPTURE_ASKED: S.CAPTURE_UNKNOWN,
        Act.CAPTURED: S.CAPTURED,
        Act.CANCELLED: S.CANCELLED,
        Act.EXPIRED: S.EXPIRED,
        Act.DECLINED: S.FAILED,
    },
    S.CANCEL_UNKNOWN: {
        Act.CANCEL_ASKED: S.CANCEL_UNKNOWN,
        Act.CAPTURED: S.CAPTURED,
        Act.CANCELLED: S.CANCELLED,
        Act.EXPIRED: S.EXPIRED,
        Act.DECLINED: S.FAILED,
    },
    S.CAPTURED: {
        Act.REFUND_ASKED: S.CAPTURED,
        Act.REFUND_FAILED: S.CAPTURED,
        Act.REFUNDED: S.REFUNDED,
        Act.CAPTURED: S.CAPTURED,
    },
    S.REFUNDED: {Act.REFUNDED: S.REFUNDED, Act.CAPTURED: S.REFUNDED},
    S.CANCELLED: {Act.CAPTURED: S.CAPTURED},
    S.EXPIRED: {Act.CAPTURED: S.CAPTURED, Act.AUTHORISED: S.AUTHORISED},
    S.FAILED: {Act.CAPTURED: S.CAPTURED, Act.AUTHORISED: S.AUTHORISED},
}
"""What may follow what. Money that was taken is booked whatever was thought before."""
ENDED = frozenset({S.CAPTURED, S.REFUNDED, S.CANCELLED, S.EXPIRED, S.FAILED})
"""States in which nothing is under way, refunds apart."""
_GIVEN_UP = frozenset({S.CANCELLED, S.EXPIRED, S.FAILED})
FIRST_LOOK_MS, LAST_LOOK_MS = 2000, 3_600_000
"""After a question without an answer the provider is asked again: so soon at first, so rarely at last."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A word of the provider that does not fit what is known: it is to be asked where the payment stands."""


def act_of(standing: Standing) -> Act:
    """Return what a provider's word says has happened."""
    match standing:
        case Pending():
            return Act.PENDING
        case Authorised():
            return Act.AUTHORISED
        case Captured():
            return Act.CAPTURED
        case Cancelled():
            return Act.EXPIRED if standing.expired else Act.CANCELLED
        case Declined():
            return Act.DECLINED
        case _:
            assert_never(standing)


def told(payment: Payment, standing: Standing, *, sure: bool) -> Payment | Doubt | None:
    """Return the payment after a provider's word; None where that is nothing new.

    `sure`: the provider was asked just now. What it tells of its own accord (a webhook) may be older than what is known
    and brings no payment back that was given up.
    """
    act = act_of(standing)
    state = LIFECYCLE[payment.state].get(act)
    if state is None or (act is Act.AUTHORISED and payment.state in _GIVEN_UP and not sure):
        return None if _is_past(payment, act) else Doubt()
    changed = replace(payment, state=state, reference=standing.reference or payment.reference)
    match standing:
        case Pending():
            changed = replace(changed, url=standing.url)
        case Authorised():
            changed = replace(changed, authorised=max(payment.authorised, standing.amount))
        case Captured():
            changed = _captured(changed, standing)
        case Declined():
            changed = replace(changed, code=standing.code[:64])
        case Cancelled():
            pass
        case _:
            assert_never(standing)
    return None if changed == payment else changed


_RANK = {S.CREATED: 0, S.PENDING: 1, S.AUTHORISED: 2, S.CAPTURE_UNKNOWN: 2, S.CANCEL_UNKNOWN: 2, S.CAPTURED: 3}
_RANK |= {S.REFUNDED: 3, S.CANCELLED: 3, S.EXPIRED: 3, S.FAILED: 3}
_REACHED = {Act.PENDING: 1, Act.AUTHORISED: 2}


def _is_past(payment: Payment, act: Act) -> bool:
    """Return whether the payment has been there already: an old word, no contradiction."""
    return act in _REACHED and _RANK[payment.state] >= _REACHED[act] and payment.state not in _GIVEN_UP


def _captured(payment: Payment, standing: Captured) -> Payment:
    refunded = max(payment.refunded, standing.refunded)
    captured = max(payment.captured, standing.amount)
    refunds = payment.refunds
    asked = payment.open_refund
    if asked is not None and refunded >= payment.refunded + asked.amount:
        refunds = _closed(refunds, asked, done=True)
    state = LIFECYCLE[S.CAPTURED][Act.REFUNDED] if 0 < captured <= refunded else payment.state
    return replace(
        payment,
        state=state,
        captured=captured,
        refunded=refunded,
        refunds=refunds,
        fee=max(payment.fee, standing.fee),
        authorised=max(payment.authorised, captured),
    )


def _closed(refunds: tuple[RefundAsked, ...], one: RefundAsked, *, done: bool) -> tuple[RefundAsked, ...]:
    return tuple(replace(refund, done=done) if refund.number == one.number else refund for refund in refunds)


def capture_asked(payment: Payment, amount: int) -> Payment | None:
    """Return the payment once its provider is to be asked to capture; None where it cannot be.

    Never more than is authorised, and never another amount than was asked for before.
    """
    state = LIFECYCLE[payment.state].get(Act.CAPTURE_ASKED)
    if state is None or amount <= 0:
        return None
    asked = payment.capture if payment.capture is not None else min(amount, payment.authorised)
    return replace(payment, state=state, capture=asked)


def cancel_asked(payment: Payment) -> Payment | None:
    """Return the payment once its provider is to be asked to cancel; None where it cannot be."""
    state = LIFECYCLE[payment.state].get(Act.CANCEL_ASKED)
    return None if state is None else replace(payment, state=state)


def refund_asked(payment: Payment, amount: int) -> Payment | None:
    """Return the payment once a refund is to be asked for; None where so much is not left, or one is under way."""
    if Act.REFUND_ASKED not in LIFECYCLE[payment.state] or payment.open_refund is not None:
        return None
    if not 0 < amount <= payment.captured - payment.refunded:
        return None
    number = len(payment.refunds) + 1
    return replace(payment, refunds=(*payment.refunds, RefundAsked(number, amount)))


def refund_failed(payment: Payment, code: str) -> Payment | None:
    """Return the payment once its provider has refused the refund under way."""
    asked = payment.open_refund
    if asked is None:
        return None
    return replace(payment, refunds=_closed(payment.refunds, asked, done=False), code=code[:64])


def key_of(payment: Payment, step: str) -> str:
    """Return the key under which a provider is asked for a step: the same for every attempt at it."""
    return f"wattseal-{payment.id}-{step}"


def next_look(payment: Payment, now_ms: int) -> Payment:
    """Return the payment with the time of the next look, later each time."""
    pause_ms = min(FIRST_LOOK_MS << min(payment.tries, 20), LAST_LOOK_MS)
    return replace(payment, look_ms=now_ms + pause_ms, tries=payment.tries + 1)


def backed(payment: Payment) -> int:
    """Return what may be charged on a payment's account because it is authorised, though nothing is taken yet."""
    return payment.authorised if payment.purpose is Purpose.AD_HOC and payment.state in _SET_ASIDE else 0


_SET_ASIDE = frozenset({S.AUTHORISED, S.CAPTURE_UNKNOWN, S.CANCEL_UNKNOWN})


def postings(before: Payment, after: Payment, now_ms: int, record: str) -> tuple[Posting, ...]:
    """Return what a change posts, each under a key that the same change has again.

    What is authorised on the spot is owed by the provider until it is taken or released; what is taken is with the
    provider until it pays out. A refund leaves the account when it is asked for, and comes back where it is refused.
    """
    transaction = after.spot.transaction if after.spot is not None else None
    return tuple(
        Posting(f"payment/{after.id}/{key}", kind, after.currency, now_ms, moved, transaction, (record,))
        for key, kind, transfers in (*_taken(before, after), *_given_back(before, after))
        if (moved := tuple(transfer for transfer in transfers if transfer.amount > 0))
    )


_Move = tuple[str, PostingKind, tuple[Transfer, ...]]


def _taken(before: Payment, after: Payment) -> tuple[_Move, ...]:
    provider, customer = chart.provider(after.provider), chart.customer(after.account)
    claim, fees = chart.authorised(after.provider), chart.provider_fees(after.provider)
    was, now = backed(before), backed(after)
    taken = after.captured - before.captured
    settled = min(taken, max(0, was - now))
    unused = max(0, was - now) - settled
    kind = PostingKind.TOP_UP if after.purpose is Purpose.TOP_UP else PostingKind.PAYMENT
    since = before.record[:16]
    return (
        (f"authorised/{since}", PostingKind.TOP_UP, (Transfer(claim, customer, now - was),)),
        (
            f"captured/{after.captured}",
            kind,
            (Transfer(provider, claim, settled), Transfer(provider, customer, taken - settled)),
        ),
        (f"released/{since}", PostingKind.RELEASE, (Transfer(customer, claim, unused),)),
        (f"fee/{after.fee}", PostingKind.FEE, (Transfer(fees, provider, after.fee - before.fee),)),
    )


def _given_back(before: Payment, after: Payment) -> tuple[_Move, ...]:
    provider, customer = chart.provider(after.provider), chart.customer(after.account)
    aside = chart.refunding(after.account)
    asked, known = after.open_refund, before.open_refund
    moves: list[_Move] = []
    if asked is not None and known is None:
        moves.append((f"refund/{asked.number}", PostingKind.REFUND, (Transfer(customer, aside, asked.amount),)))
    if known is not None and any(r.number == known.number and r.done is False for r in after.refunds):
        back = Transfer(aside, customer, known.amount)
        moves.append((f"refund/{known.number}/back", PostingKind.RELEASE, (back,)))
    given = after.refunded - before.refunded
    if given > 0:
        closed = known.amount if known is not None and asked is None else 0
        parts = (Transfer(aside, provider, closed), Transfer(customer, provider, given - closed))
        moves.append((f"refunded/{after.refunded}", PostingKind.REFUND, parts))
    return tuple(moves)
