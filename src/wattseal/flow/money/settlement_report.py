"""The settlement report: provider, ledger and sessions of a time held against each other, and importing payouts.

The provider is asked for a day more on each side, so that what two clocks tell apart at midnight is no difference.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.charges.payments import PAYMENT as TERMINAL
from wattseal.flow.charges.payments import Payment as TerminalPayment
from wattseal.flow.documents import every_document, read
from wattseal.flow.money.ad_hoc import payable
from wattseal.flow.money.bills import bill_of
from wattseal.flow.money.ledger import accounts_of, post
from wattseal.flow.money.payments import (
    PAYMENT_FINDING,
    PAYMENT_REFERENCE,
    PAYMENT_TIME,
    PaymentFinding,
    PaymentId,
    payment_of,
)
from wattseal.flow.money.records import money_ready
from wattseal.flow.step import Step
from wattseal.flow.verbs import transaction_of
from wattseal.flow.world import World
from wattseal.model.ledger import Posting, PostingKind, Transfer
from wattseal.model.payment import BalanceChange, ChangeKind, Payment, Unreachable
from wattseal.rules import chart
from wattseal.rules.charge_posting import minor
from wattseal.rules.payment_settlement import (
    Difference,
    Movements,
    line_differences,
    movements,
    payment_differences,
    session_differences,
)

MARGIN_MS = 86_400_000
MAX_DAYS = 400
"""The longest time one report is about."""
MAX_FINDINGS = 10_000
MAX_WAIT_MS = 30 * 86_400_000
"""A session may be billed, and its payment captured, so long after it was begun."""
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Report:
    """A settlement report. Amounts are minor units by currency; `unreachable` says why a provider is left out."""

    provider: str
    from_ms: int
    to_ms: int
    lines: int
    payments: int
    provider_net: dict[str, int]
    ledger_net: dict[str, int]
    differences: tuple[Difference, ...]
    unreachable: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What importing a provider's lines came to: postings made, and lines that were posted before."""

    posted: int = 0
    known: int = 0


async def settlement_report(world: World, from_ms: int, to_ms: int) -> Report:
    """Return the report of a time, of the provider that takes payments now; `InputError` where there is none."""
    name = world.settings.payments.provider
    if name is None or name not in world.providers:
        raise InputError("no payment provider is configured; see [payments]", code="no_provider", subject="payments")
    if not 0 <= from_ms < to_ms or to_ms - from_ms > MAX_DAYS * MARGIN_MS:
        text = f"a report is about a time of at most {MAX_DAYS} days, its beginning before its end"
        raise InputError(text, code="bad_time", subject="from")
    told = await world.providers[name].balance(from_ms - MARGIN_MS, to_ms + MARGIN_MS)
    changes = () if isinstance(told, Unreachable) else told
    posted = [p async for p in _postings(world, name, from_ms - MARGIN_MS, to_ms + MARGIN_MS)]
    ours = movements(posted, name)
    inside = tuple(change for change in changes if from_ms <= change.at_ms < to_ms)
    now_inside = tuple(posting for posting in posted if from_ms <= posting.at_ms < to_ms)
    found: list[Difference] = []
    payments = await _touched(world, name, inside, movements(now_inside, name))
    if not isinstance(told, Unreachable):
        touched = {payment.id for payment in payments.values()}
        references = {change.reference for change in inside} | payments.keys()
        near = [change for change in changes if change.reference in references]
        only = Movements({key: sums for key, sums in ours.sums.items() if key in touched}, ours.payouts, ours.fees)
        found += payment_differences(payments, only, near)
        found += line_differences(ours, inside)
    count = 0
    async for payment in _begun(world, from_ms, to_ms):
        if payment.provider == name:
            count += 1
            found += await _session(world, payment)
    found += [difference async for difference in _terminals(world, from_ms, to_ms)]
    found += [difference async for difference in _heard(world, name, from_ms, to_ms)]
    return Report(
        provider=name,
        from_ms=from_ms,
        to_ms=to_ms,
        lines=len(inside),
        payments=count,
        provider_net=_net(inside),
        ledger_net=_moved(now_inside, name),
        differences=tuple(found[:MAX_FINDINGS]),
        unreachable=told.detail if isinstance(told, Unreachable) else None,
    )


async def import_lines(world: World, from_ms: int, to_ms: int) -> Imported | Unreachable:
    """Post the payouts and fees of a provider's balance, each once; what is of payments was posted with them."""
    name = world.settings.payments.provider
    if name is None or name not in world.providers:
        raise InputError("no payment provider is configured; see [payments]", code="no_provider", subject="payments")
    told = await world.providers[name].balance(from_ms, to_ms)
    if isinstance(told, Unreachable):
        return told
    posted = known = 0
    for line in told:
        posting = _posting(name, line)
        if posting is None:
            continue
        await money_ready(world)
        await world.books.ready(posting.currency, accounts_of(posting), (posting.key,))
        step = Step(world, "", world.now_ms())
        if post(step, posting):
            await step.commit()
            posted += 1
        else:
            known += 1
    return Imported(posted, known)


def _posting(name: str, line: BalanceChange) -> Posting | None:
    provider = chart.provider(name)
    match line.kind:
        case ChangeKind.PAYOUT if line.amount < 0:
            transfers = (Transfer(chart.BANK, provider, -line.amount),)
            return Posting(f"payout/{name}/{line.id}", PostingKind.PAYOUT, line.currency, line.at_ms, transfers)
        case ChangeKind.FEE if line.amount < 0:
            transfers = (Transfer(chart.provider_fees(name), provider, -line.amount),)
            return Posting(f"provider-fee/{name}/{line.id}", PostingKind.FEE, line.currency, line.at_ms, transfers)
        case _:
            return None


async def _postings(world: World, name: str, from_ms: int, to_ms: int) -> AsyncIterator[Posting]:
    after = 0
    account = chart.provider(name)
    while page := await world.journal.postings(world.tenant, account=account, after=after, limit=_PAGE):
        for kept in page:
            if from_ms <= kept.posting.at_ms < to_ms:
                yield kept.posting
        after = page[-1].number


async def _touched(world: World, name: str, inside: Iterable[BalanceChange], ours: Movements) -> dict[str, Payment]:
    """Return the payments that either side touched, by the provider's reference."""
    ids: set[str] = set(ours.sums)
    for reference in {change.reference for change in inside} - {None}:
        document = await world.journal.document(world.tenant, PAYMENT_REFERENCE, f"{name}/{reference}")
        if document is not None:
            ids.add(read(document, PaymentId).id)
    found = [await payment_of(world, payment_id) for payment_id in sorted(ids)]
    return {p.reference: p for p in found if p is not None and p.reference is not None}


async def _begun(world: World, from_ms: int, to_ms: int) -> AsyncIterator[Payment]:
    """Yield the payments that were begun in a time, in that order."""
    after, end = f"{from_ms:015d}", f"{to_ms:015d}"
    while page := await world.journal.documents(world.tenant, PAYMENT_TIME, after=after, limit=_PAGE):
        for document in page:
            if document.key >= end:
                return
            payment = await payment_of(world, read(document, PaymentId).id)
            if payment is not None:
                yield payment
        after = page[-1].key


async def _session(world: World, payment: Payment) -> list[Difference]:
    transaction = None if payment.spot is None else payment.spot.transaction
    bill = None if transaction is None else await bill_of(world, transaction)
    total = 0 if bill is None else payable(bill)
    return list(session_differences(payment, bill, total, world.now_ms()))


async def _terminals(world: World, from_ms: int, to_ms: int) -> AsyncIterator[Difference]:
    """Compare what stations' own terminals settled (2.1 NotifySettlement) with the bills of their sessions."""
    async for document in every_document(world.journal, world.tenant, TERMINAL):
        told = read(document, TerminalPayment)
        if not from_ms <= told.at_ms < to_ms:
            continue
        amount = _amount(told.content.get("settlementAmount"))
        found = None
        if told.transaction_id is not None:
            found = await transaction_of(world, StationId(told.station_id), told.transaction_id)
        bill = None if found is None else await bill_of(world, found.id)
        session = None if found is None else found.id
        if told.status != "Settled":
            yield Difference("terminal_not_settled", "", None, None, None, told.reference, session)
        elif bill is None:
            yield Difference("terminal_without_bill", "", None, None, None, told.reference, session)
        elif amount is None or minor(amount, bill.currency) != payable(bill):
            theirs = None if amount is None else minor(amount, bill.currency)
            yield Difference("terminal_differs", bill.currency, payable(bill), theirs, None, told.reference, session)


async def _heard(world: World, name: str, from_ms: int, to_ms: int) -> AsyncIterator[Difference]:
    """Name what the provider told of payments that nobody here knows."""
    after, end = f"{from_ms:015d}", f"{to_ms:015d}"
    while page := await world.journal.documents(world.tenant, PAYMENT_FINDING, after=after, limit=_PAGE):
        for document in page:
            if document.key >= end:
                return
            finding = read(document, PaymentFinding)
            if finding.provider == name:
                yield Difference(finding.code, "", payment=finding.payment, reference=finding.reference)
        after = page[-1].key


def _amount(told: Any) -> Decimal | None:
    try:
        return None if told is None else Decimal(str(told))
    except InvalidOperation:
        return None


def _net(changes: Iterable[BalanceChange]) -> dict[str, int]:
    found: dict[str, int] = {}
    for change in changes:
        found[change.currency] = found.get(change.currency, 0) + change.amount - change.fee
    return found


def _moved(postings: Iterable[Posting], name: str) -> dict[str, int]:
    account, found = chart.provider(name), dict[str, int]()
    for posting in postings:
        for transfer in posting.transfers:
            sign = (transfer.debit == account) - (transfer.credit == account)
            found[posting.currency] = found.get(posting.currency, 0) + sign * transfer.amount
    return found
