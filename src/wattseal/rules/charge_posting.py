"""The posting of a bill: what was held goes back, then the customer pays revenue, shares and taxes, in one piece."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.model.billing import TaxShare
from wattseal.model.ledger import Posting, PostingKind, Transfer
from wattseal.model.tariff import Price
from wattseal.pricing.money import EXACT, minor_unit_digits
from wattseal.rules import chart
from wattseal.rules.postings import MAX_AMOUNT

KEY = "charge/"
REVERSAL_KEY = "reversal/"


@dataclass(frozen=True, slots=True)
class ChargeFor:
    """What is to be posted for one session. `taxes` add up to the total; `shares` are what others get of the net.

    `shares` are minor units by account; `releases` are the transfers that give back what is held for the session.
    `correction` numbers the postings that took the place of one that was reversed, from 1; 0 is the first.
    """

    evidence: bytes
    account: str
    currency: str
    country: str
    taxes: tuple[TaxShare, ...]
    shares: Mapping[str, int]
    releases: tuple[Transfer, ...]
    at_ms: int
    subject: str
    refs: tuple[str, ...]
    correction: int = 0

    @property
    def key(self) -> str:
        """What the posting is made once for: the evidence, and which correction of it this is."""
        return KEY + self.evidence.hex() + (f"/{self.correction}" if self.correction else "")


def charge_posting(charge: ChargeFor) -> Posting | None:
    """Return the posting; None where no money moves. Shares of more than there is are an `InputError`."""
    payer = chart.customer(charge.account)
    transfers = list(charge.releases)
    net = sum(minor(part.net, charge.currency) for part in charge.taxes)
    shared = sum(charge.shares.values())
    if shared > net or any(amount < 0 for amount in charge.shares.values()):
        raise InputError("shares are of what there is", code="shares_exceed_revenue", subject="shares")
    owed = {chart.CHARGING: net - shared, **charge.shares}
    for part in charge.taxes:
        account = chart.tax(charge.country, rate_text(part.percent))
        owed[account] = owed.get(account, 0) + minor(part.tax, charge.currency)
    transfers += [Transfer(payer, account, amount) for account, amount in owed.items() if amount]
    if not transfers:
        return None
    return Posting(
        key=charge.key,
        kind=PostingKind.CHARGE,
        currency=charge.currency,
        at_ms=charge.at_ms,
        transfers=tuple(transfers),
        subject=charge.subject,
        refs=charge.refs,
    )


def charge_reversal(charged: Posting, account: str, at_ms: int, refs: tuple[str, ...]) -> Posting | None:
    """Return the posting that gives back all that `account` paid in a charge; None where it paid nothing.

    What was held for the session went back with the charge and is not held again.
    """
    payer = chart.customer(account)
    transfers = tuple(Transfer(t.credit, t.debit, t.amount) for t in charged.transfers if t.debit == payer)
    if not transfers:
        return None
    return Posting(
        key=REVERSAL_KEY + charged.key,
        kind=PostingKind.REVERSAL,
        currency=charged.currency,
        at_ms=at_ms,
        transfers=transfers,
        subject=charged.subject,
        refs=refs,
    )


def is_postable(total: Price, taxes: Sequence[TaxShare], currency: str) -> bool:
    """Return whether a charge can be posted as it is: whole minor units, none below zero, no more than one may move.

    `taxes` add up to the total.
    """
    after_tax = total.before_tax if total.after_tax is None else total.after_tax
    try:
        whole = minor(total.before_tax, currency), minor(after_tax, currency)
        parts = [(minor(part.net, currency), minor(part.tax, currency)) for part in taxes]
    except (InputError, ArithmeticError):
        return False
    if any(amount < 0 for part in parts for amount in part) or whole[1] > MAX_AMOUNT:
        return False
    net, tax = (sum(part[n] for part in parts) for n in (0, 1))
    return whole == (net, net + tax)


def minor(amount: Decimal, currency: str) -> int:
    """Return an amount in whole minor units; one that is finer than those is an `InputError`."""
    scaled = EXACT.scaleb(amount, minor_unit_digits(currency))
    if scaled != scaled.to_integral_value():
        raise InputError(f"{amount} {currency} is not in whole minor units", code="not_rounded", subject="amount")
    return int(scaled)


def rate_text(percent: Decimal | None) -> str:
    """Return a rate as accounts are named by it: `19`, `7.7`, `none`."""
    if percent is None:
        return "none"
    text = format(percent, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
