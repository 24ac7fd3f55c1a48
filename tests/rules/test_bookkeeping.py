"""What a person may post, what not, and that a reversal leaves nothing behind."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from wattseal.base.errors import InputError
from wattseal.model.ledger import Posting, PostingKind, Transfer
from wattseal.rules.bookkeeping import (
    Wanted,
    check_covered,
    check_reversible,
    manual_posting,
    reversal_of,
    same_content,
)


def wanted(kind: PostingKind, account: str = "customer/a", amount: str = "12.50", **other: Any) -> Wanted:
    told = {"currency": "EUR", "person": "till 4", "reason": "by bank", "reference": "REF-1"} | other
    return Wanted(kind, account, Decimal(amount), **told)


@pytest.mark.parametrize(
    ("kind", "account", "transfer"),
    [
        (PostingKind.TOP_UP, "customer/a", Transfer("bank/main", "customer/a", 1250)),
        (PostingKind.PAYMENT, "customer/a", Transfer("bank/main", "customer/a", 1250)),
        (PostingKind.PAYOUT, "customer/a", Transfer("customer/a", "bank/main", 1250)),
        (PostingKind.PAYOUT, "payable/host/h", Transfer("payable/host/h", "bank/main", 1250)),
        (PostingKind.PAYOUT, "tax/DE/19", Transfer("tax/DE/19", "bank/main", 1250)),
        (PostingKind.PAYOUT, "provider/test", Transfer("bank/main", "provider/test", 1250)),
        (PostingKind.WRITE_OFF, "customer/a", Transfer("expense/write-off", "customer/a", 1250)),
    ],
)
def test_money_moves_the_way_its_kind_says(kind: PostingKind, account: str, transfer: Transfer) -> None:
    posting = manual_posting(wanted(kind, account), 7)
    assert posting.transfers == (transfer,)
    assert (posting.key, posting.memo) == (f"manual/{kind.value}/REF-1", "till 4: by bank")


@pytest.mark.parametrize(
    ("account", "amount", "transfer"),
    [
        ("customer/a", "5", Transfer("equity/opening", "customer/a", 500)),
        ("customer/a", "-5", Transfer("customer/a", "equity/opening", 500)),
        ("bank/main", "5", Transfer("bank/main", "equity/opening", 500)),
        ("bank/main", "-5", Transfer("equity/opening", "bank/main", 500)),
    ],
)
def test_an_opening_balance_stands_on_the_side_it_is_told_for(account: str, amount: str, transfer: Transfer) -> None:
    posting = manual_posting(wanted(PostingKind.OPENING, account, amount, reference=""), 7)
    assert posting.transfers == (transfer,)
    assert posting.key == f"opening/EUR/{account}"


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (wanted(PostingKind.CHARGE), "not_by_hand"),
        (wanted(PostingKind.HOLD), "not_by_hand"),
        (wanted(PostingKind.TOP_UP, "revenue/charging"), "wrong_account"),
        (wanted(PostingKind.TOP_UP, "purse/a"), "no_such_account"),
        (wanted(PostingKind.TOP_UP, amount="0"), "bad_transfer"),
        (wanted(PostingKind.TOP_UP, amount="-1"), "bad_transfer"),
        (wanted(PostingKind.TOP_UP, amount="1.005"), "not_rounded"),
        (wanted(PostingKind.TOP_UP, currency="JPY"), "not_rounded"),
        (wanted(PostingKind.TOP_UP, reference=""), "reference_missing"),
        (wanted(PostingKind.TOP_UP, reason=""), "bad_reason"),
        (wanted(PostingKind.TOP_UP, reason="a\nb"), "bad_reason"),
        (wanted(PostingKind.OPENING, amount="0"), "bad_transfer"),
        (wanted(PostingKind.OPENING, "equity/opening"), "bad_transfer"),
    ],
)
def test_what_a_person_does_not_post_is_refused_with_the_reason(bad: Wanted, code: str) -> None:
    with pytest.raises(InputError) as refused:
        manual_posting(bad, 7)
    assert refused.value.code == code


def test_no_more_is_paid_out_than_there_is_and_none_written_off_that_is_not_owed() -> None:
    check_covered(wanted(PostingKind.PAYOUT), 1250)
    check_covered(wanted(PostingKind.WRITE_OFF), -1250)
    check_covered(wanted(PostingKind.TOP_UP), -9999)
    for kind, balance in ((PostingKind.PAYOUT, 1249), (PostingKind.WRITE_OFF, -1249)):
        with pytest.raises(InputError):
            check_covered(wanted(kind), balance)


def test_a_reversal_undoes_every_transfer_and_refers_to_the_record() -> None:
    transfers = (Transfer("customer/a", "revenue/charging", 100), Transfer("customer/a", "tax/DE/19", 19))
    posting = Posting("manual/x", PostingKind.TOP_UP, "EUR", 1, transfers, subject="ab" * 16, record="cd" * 32)
    back = reversal_of(posting, 9, "till 4: mistaken")
    sums: Counter[str] = Counter()
    for transfer in (*posting.transfers, *back.transfers):
        sums[transfer.debit] += transfer.amount
        sums[transfer.credit] -= transfer.amount
    assert not any(sums.values())
    assert (back.key, back.refs, back.subject) == ("reversal/manual/x", ("cd" * 32,), "ab" * 16)
    assert not same_content(back, posting)


@pytest.mark.parametrize("key", ["charge/ab", "hold/ab", "reversal/manual/x", "top_up/stripe/1"])
def test_what_other_things_follow_from_is_not_reversed_by_hand(key: str) -> None:
    check_reversible(Posting("manual/x", PostingKind.TOP_UP, "EUR", 1, ()))
    with pytest.raises(InputError):
        check_reversible(Posting(key, PostingKind.CHARGE, "EUR", 1, ()))
