"""Taking a bill back: a reversing posting, a credit CDR and, where it was right in part, a bill in its place.

Nothing is edited: the posting that was wrong stays and is reversed by another, the bill stays and says which credit
took it back, and the eMSP gets a CDR that credits the first one (OCPI 2.2.1, module cdrs).
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.flow.charges.settling import CDR_OUT
from wattseal.flow.fleet.sites import site_of
from wattseal.flow.money import ledger
from wattseal.flow.money.bills import keep_bill
from wattseal.flow.money.cdrs import CREDIT
from wattseal.flow.money.records import money_ready
from wattseal.flow.ports import Outgoing
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.billing import Bill, BillState, TaxShare
from wattseal.model.ledger import Posting
from wattseal.model.tariff import Price
from wattseal.rules.charge_posting import ChargeFor, charge_posting, charge_reversal, minor
from wattseal.rules.revenue_split import split


@dataclass(frozen=True, slots=True)
class TakeBack:
    """What takes a bill back: the bill as it then is, its reversal, and the bill and posting in its place, if any."""

    bill: Bill
    reversal: Posting | None
    corrected: Bill | None
    correction: Posting | None


def check_amounts(bill: Bill, amounts: tuple[TaxShare, ...]) -> None:
    """Refuse amounts that are not to take the place of a bill's: codes `no_amount`, `not_less`, `other_rates`."""
    if not amounts:
        text = "say what is right instead: net and tax for each rate"
        raise InputError(text, code="no_amount", subject="amounts")
    for part in amounts:
        if part.net < 0 or part.tax < 0:
            raise InputError("an amount is not below zero", code="bad_amount", subject="amounts")
        minor(part.net, bill.currency)
        minor(part.tax, bill.currency)
    if {part.percent for part in amounts} - {part.percent for part in bill.taxes}:
        raise InputError("the bill has other tax rates than these", code="other_rates", subject="amounts")
    if _total(amounts) >= _total(bill.taxes):
        text = "what is right in part is less than what was billed; reject the dispute, or uphold it whole"
        raise InputError(text, code="not_less", subject="amounts")


async def prepare(world: World, bill: Bill, refs: tuple[str, ...], amounts: tuple[TaxShare, ...] = ()) -> TakeBack:
    """Work out what takes a bill back, with `amounts` in its place; the accounts are ready afterwards.

    `refs` are the records it follows from. `nothing_billed` where the bill has been taken back already.
    """
    if bill.state is not BillState.BILLED:
        raise InputError("this bill has been taken back already", code="nothing_billed", subject="verdict")
    charged = await world.journal.posting(world.tenant, bill.posting) if bill.posting else None
    now_ms = world.now_ms()
    reversal = None if charged is None else charge_reversal(charged.posting, bill.account, now_ms, refs)
    number = 1 + (0 if bill.corrects is None else int(bill.id.rpartition("-")[2]))
    correction = None
    corrected = None
    if amounts:
        correction = await _correction(world, bill, refs, amounts, number)
        corrected = _corrected(bill, amounts, number, correction, now_ms)
    touched = [posting for posting in (reversal, correction) if posting is not None]
    for posting in touched:
        await world.books.ready(bill.currency, ledger.accounts_of(posting), (posting.key,))
    await money_ready(world)
    back = replace(bill, state=BillState.REVERSED, credit=bill.id + CREDIT, credited_ms=now_ms)
    return TakeBack(back, reversal, corrected, correction)


def take_back(step: Step, taken: TakeBack) -> None:
    """Put a bill's taking back into a step; nothing is awaited between this and the step's commit."""
    for posting in (taken.reversal, taken.correction):
        if posting is not None and not ledger.post(step, posting):
            raise InputError("this bill has been taken back already", code="nothing_billed", subject="verdict")
    bills = [taken.bill] if taken.corrected is None else [taken.bill, taken.corrected]
    for bill in bills:
        keep_bill(step, bill)
    if taken.bill.party is not None and taken.bill.party != step.world.party:
        sent = [taken.bill.id + CREDIT] + ([taken.corrected.id] if taken.corrected is not None else [])
        for cdr_id in sent:
            step.outbox.append(Outgoing(f"{CDR_OUT}-{cdr_id}", CDR_OUT, cdr_id.encode(), step.now_ms))


async def _correction(
    world: World, bill: Bill, refs: tuple[str, ...], amounts: tuple[TaxShare, ...], number: int
) -> Posting | None:
    site = await site_of(world, bill.station_id)
    net = sum(minor(part.net, bill.currency) for part in amounts)
    return charge_posting(
        ChargeFor(
            evidence=bytes.fromhex(bill.evidence),
            account=bill.account,
            currency=bill.currency,
            country=bill.country,
            taxes=amounts,
            shares=split(net, world.settings.billing.shares, None if site is None else site.host, bill.party),
            releases=(),
            at_ms=world.now_ms(),
            subject=bill.id.partition("-")[0],
            refs=refs,
            correction=number,
        )
    )


def _corrected(bill: Bill, amounts: tuple[TaxShare, ...], number: int, correction: Posting | None, now_ms: int) -> Bill:
    net = sum((part.net for part in amounts), Decimal(0))
    return replace(
        bill,
        id=f"{bill.id.partition('-')[0]}-{number}",
        total=Price(net, _total(amounts)),
        taxes=amounts,
        posting="" if correction is None else correction.key,
        billed_ms=now_ms,
        invoice=None,
        credit=None,
        credited_ms=None,
        corrects=bill.id,
    )


def _total(parts: tuple[TaxShare, ...]) -> Decimal:
    return sum((part.net + part.tax for part in parts), Decimal(0))
