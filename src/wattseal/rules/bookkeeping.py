"""Postings that a person makes: what was there at the beginning, money in and out, and taking one of these back."""

from dataclasses import dataclass
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.model.ledger import Posting, PostingKind, Transfer
from wattseal.rules import chart
from wattseal.rules.charge_posting import REVERSAL_KEY, minor
from wattseal.rules.postings import MAX_MEMO

MANUAL_KEY = "manual/"
OPENING_KEY = "opening/"
_REVERSIBLE = (MANUAL_KEY, OPENING_KEY)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants posted, and why.

    `account` is a ledger account, `customer/ID` mostly; `amount` is in units of the currency, more than 0 (an opening
    balance may be less, on the other side). `reference` makes it this one and no other: the bank's, or one's own.
    """

    kind: PostingKind
    account: str
    amount: Decimal
    currency: str
    person: str
    reason: str
    reference: str = ""


def manual_posting(wanted: Wanted, at_ms: int) -> Posting:
    """Return the posting; `InputError` where a person posts no such thing, or not for that account.

    An opening balance is posted once for an account and currency (and reference), anything else once for its kind and
    reference.
    """
    amount = minor(wanted.amount, wanted.currency)
    if wanted.kind is PostingKind.OPENING:
        key = f"{OPENING_KEY}{wanted.currency}/{wanted.account}" + (f"/{wanted.reference}" if wanted.reference else "")
        transfer = _opening(wanted.account, amount)
    else:
        if not wanted.reference:
            text = (
                "name the payment's reference, or give one: one posting is made for it, however often it is asked for"
            )
            raise InputError(text, code="reference_missing", subject="reference")
        if amount <= 0:
            raise InputError("the amount is more than 0", code="bad_transfer", subject="amount")
        key = f"{MANUAL_KEY}{wanted.kind.value}/{wanted.reference}"
        transfer = _transfer(wanted, amount)
    memo = memo_of(wanted.person, wanted.reason)
    return Posting(key, wanted.kind, wanted.currency, at_ms, (transfer,), memo=memo)


def memo_of(person: str, reason: str) -> str:
    """Return who asked for a posting and why, as its memo and record say it."""
    memo = f"{person}: {reason}"
    if not reason or len(memo) > MAX_MEMO or not memo.isprintable():
        text = f"say why, on one line and in {MAX_MEMO - len(person) - 2} characters"
        raise InputError(text, code="bad_reason", subject="reason")
    return memo


def _opening(account: str, amount: int) -> Transfer:
    grows = chart.side_of(account) is chart.Side.DEBIT
    if amount == 0 or account == chart.OPENING:
        raise InputError("an account that begins with nothing needs no posting", code="bad_transfer", subject="amount")
    if grows is (amount > 0):
        return Transfer(account, chart.OPENING, abs(amount))
    return Transfer(chart.OPENING, account, abs(amount))


def _transfer(wanted: Wanted, amount: int) -> Transfer:
    kind = chart.side_of(wanted.account) and wanted.account.partition("/")[0]
    match wanted.kind, kind:
        case ((PostingKind.TOP_UP | PostingKind.PAYMENT), "customer"):
            return Transfer(chart.BANK, wanted.account, amount)
        case PostingKind.PAYOUT, "customer" | "payable" | "tax":
            return Transfer(wanted.account, chart.BANK, amount)
        case PostingKind.PAYOUT, "provider":
            return Transfer(chart.BANK, wanted.account, amount)
        case PostingKind.WRITE_OFF, "customer":
            return Transfer(chart.WRITE_OFF, wanted.account, amount)
        case ((PostingKind.TOP_UP | PostingKind.PAYMENT | PostingKind.PAYOUT | PostingKind.WRITE_OFF), _):
            text = f"{wanted.kind.value} is not posted to an account of the class {kind}"
            raise InputError(text, code="wrong_account", subject="account")
        case _:
            text = (
                f"{wanted.kind.value} follows from something else; by hand are posted opening, top_up, payment, payout"
            )
            raise InputError(f"{text} and write_off", code="not_by_hand", subject="kind")


def check_covered(wanted: Wanted, balance: int) -> None:
    """Raise `InputError` where more is paid out than there is, or more written off than is owed.

    `balance` is in minor units, on the side on which the account grows.
    """
    amount = minor(wanted.amount, wanted.currency)
    if wanted.kind is PostingKind.PAYOUT and amount > balance:
        raise InputError("there is not that much on this account", code="not_enough", subject="amount")
    if wanted.kind is PostingKind.WRITE_OFF and amount > -balance:
        raise InputError("this customer does not owe that much", code="not_owed", subject="amount")


def reversal_of(posting: Posting, at_ms: int, memo: str) -> Posting:
    """Return what takes a posting back, transfer by transfer; it refers to the record of what it reverses."""
    return Posting(
        key=REVERSAL_KEY + posting.key,
        kind=PostingKind.REVERSAL,
        currency=posting.currency,
        at_ms=at_ms,
        transfers=tuple(Transfer(t.credit, t.debit, t.amount) for t in reversed(posting.transfers)),
        subject=posting.subject,
        refs=() if posting.record is None else (posting.record,),
        memo=memo,
    )


def check_reversible(posting: Posting) -> None:
    """Raise `InputError` for a posting that other things follow from, and that is not taken back by hand alone."""
    if not posting.key.startswith(_REVERSIBLE):
        text = (
            "a charge is taken back by a dispute or credit, a payment by a refund; holds are given back by themselves"
        )
        raise InputError(text, code="not_by_hand", subject="key")


def same_content(one: Posting, other: Posting) -> bool:
    """Return whether two postings say the same, whenever it was and whoever said it."""
    return _content(one) == _content(other)


def _content(posting: Posting) -> tuple[object, ...]:
    return posting.key, posting.kind, posting.currency, posting.transfers, posting.subject, posting.refs
