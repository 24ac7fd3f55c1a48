"""What a provider, the ledger and the sessions say of the same money, held against each other. Pure.

Each payment that either side touched in a time is compared by its sums. What differs is named; nothing is put right.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from wattseal.model.billing import Bill, BillState
from wattseal.model.ledger import Posting
from wattseal.model.payment import BalanceChange, ChangeKind, Payment, PaymentState, Purpose
from wattseal.rules import chart

DOUBT_MS = 3_600_000
"""A payment that is in doubt for longer is named."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, by a stable code. `ours` and `theirs` are minor units of the currency, None where there is none.

    `payment` is ours by id, `reference` the provider's name for it or for its own line.
    """

    code: str
    currency: str
    ours: int | None = None
    theirs: int | None = None
    payment: str | None = None
    reference: str | None = None
    transaction: str | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What was taken, given back and kept as a fee for one payment."""

    captured: int = 0
    refunded: int = 0
    fee: int = 0


@dataclass(frozen=True, slots=True)
class Movements:
    """What the ledger says in a time: sums by payment, payouts by key, and what else moved with the provider."""

    sums: Mapping[str, Sums] = field(default_factory=dict)
    payouts: Mapping[str, int] = field(default_factory=dict)
    fees: frozenset[str] = frozenset()


def movements(postings: Iterable[Posting], provider: str) -> Movements:
    """Sum up the postings that move the provider's account."""
    account = chart.provider(provider)
    sums: dict[str, Sums] = {}
    payouts: dict[str, int] = {}
    fees: set[str] = set()
    for posting in postings:
        parts = posting.key.split("/")
        amount = sum(t.amount for t in posting.transfers if account in {t.debit, t.credit})
        match parts:
            case ["payment", payment, what, *_] if what in _FIELDS:
                known = sums.get(payment, Sums())
                sums[payment] = _plus(known, _FIELDS[what], amount)
            case ["payout", name, line] if name == provider:
                payouts[line] = amount
            case ["provider-fee", name, line] if name == provider:
                fees.add(line)
            case _:
                pass
    return Movements(sums, payouts, frozenset(fees))


_FIELDS = {"captured": "captured", "refunded": "refunded", "fee": "fee"}


def _plus(known: Sums, name: str, amount: int) -> Sums:
    match name:
        case "captured":
            return Sums(known.captured + amount, known.refunded, known.fee)
        case "refunded":
            return Sums(known.captured, known.refunded + amount, known.fee)
        case _:
            return Sums(known.captured, known.refunded, known.fee + amount)


def told_sums(changes: Iterable[BalanceChange]) -> dict[str, Sums]:
    """Sum up a provider's lines by its reference."""
    sums: dict[str, Sums] = {}
    for change in changes:
        if change.reference is None or change.kind not in {ChangeKind.CAPTURE, ChangeKind.REFUND}:
            continue
        known = sums.get(change.reference, Sums())
        name = "captured" if change.kind is ChangeKind.CAPTURE else "refunded"
        sums[change.reference] = _plus(_plus(known, name, abs(change.amount)), "fee", change.fee)
    return sums


def payment_differences(
    payments: Mapping[str, Payment], ours: Movements, changes: Iterable[BalanceChange]
) -> Iterator[Difference]:
    """Compare sums payment by payment; `payments` are by the provider's reference."""
    lines = tuple(changes)
    theirs = told_sums(lines)
    currencies = {line.reference: line.currency for line in lines}
    by_id = {payment.id: payment for payment in payments.values()}
    for reference, told in theirs.items():
        payment = payments.get(reference)
        if payment is None:
            currency = currencies[reference]
            yield Difference("capture_of_unknown_payment", currency, 0, told.captured - told.refunded, None, reference)
            continue
        yield from _compared(payment, ours.sums.get(payment.id, Sums()), told)
    for payment_id, sums in ours.sums.items():
        payment = by_id.get(payment_id)
        if payment is not None and payment.reference not in theirs:
            yield from _compared(payment, sums, Sums())


def _compared(payment: Payment, ours: Sums, theirs: Sums) -> Iterator[Difference]:
    pairs = (
        (ours.captured, theirs.captured, "capture_without_provider", "capture_not_in_ledger", "capture_differs"),
        (ours.refunded, theirs.refunded, "refund_without_provider", "refund_without_credit", "refund_differs"),
        (ours.fee, theirs.fee, "fee_differs", "fee_differs", "fee_differs"),
    )
    for mine, told, only_ours, only_theirs, differs in pairs:
        if mine != told:
            code = only_ours if told == 0 else only_theirs if mine == 0 else differs
            yield Difference(code, payment.currency, mine, told, payment.id, payment.reference, _session(payment))


def line_differences(ours: Movements, changes: Iterable[BalanceChange]) -> Iterator[Difference]:
    """Compare payouts and fees without a payment, and name the lines that are of no kind known here."""
    lines = tuple(changes)
    payouts = {line.id: line for line in lines if line.kind is ChangeKind.PAYOUT}
    for line in payouts.values():
        posted = ours.payouts.get(line.id)
        if posted is None:
            yield Difference("payout_missing", line.currency, None, -line.amount, reference=line.id)
        elif posted != -line.amount:
            yield Difference("payout_differs", line.currency, posted, -line.amount, reference=line.id)
    for line in lines:
        if line.kind is ChangeKind.FEE and line.id not in ours.fees:
            yield Difference("fee_not_in_ledger", line.currency, None, -line.amount, reference=line.id)
        if line.kind is ChangeKind.OTHER:
            yield Difference("line_of_unknown_kind", line.currency, None, line.amount, reference=line.id)


def session_differences(payment: Payment, bill: Bill | None, total: int, now_ms: int) -> Iterator[Difference]:
    """Compare a payment with the bill of its session; `total` is the bill's with tax, in minor units."""
    session, due = _session(payment), 0 if bill is None or bill.state is BillState.REVERSED else total
    net = payment.captured - payment.refunded

    def found(code: str) -> Difference:
        return Difference(code, payment.currency, net, due, payment.id, payment.reference, session)

    if payment.state in {PaymentState.CREATED, PaymentState.CAPTURE_UNKNOWN, PaymentState.CANCEL_UNKNOWN}:
        if now_ms - payment.changed_ms > DOUBT_MS:
            yield Difference("in_doubt", payment.currency, payment.amount, None, payment.id, payment.reference, session)
        return
    if payment.purpose is not Purpose.AD_HOC or payment.state in {PaymentState.PENDING, PaymentState.AUTHORISED}:
        return
    if net > 0 and bill is None:
        yield found("capture_without_bill")
    elif bill is not None and bill.state is BillState.REVERSED and net > 0:
        yield found("refund_missing_of_reversed_bill")
    elif due > 0 and payment.captured == 0:
        yield found("bill_without_capture")
    elif 0 < payment.captured < due:
        yield found("captured_less_than_billed")
    elif bill is not None and net > due:
        yield found("captured_more_than_billed")


def _session(payment: Payment) -> str | None:
    return None if payment.spot is None else payment.spot.transaction
