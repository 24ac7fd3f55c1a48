"""A bill's posting: nobody's cent is lost, the customer pays what the bill says, what was held goes back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattseal.base.errors import InputError
from wattseal.model.billing import TaxShare
from wattseal.model.ledger import Posting, Transfer
from wattseal.rules.charge_posting import ChargeFor, charge_posting, charge_reversal, minor, rate_text

EVIDENCE = bytes(range(32))


def charge(*taxes: tuple[str | None, str, str], held: int = 0, **shares: int) -> Posting | None:
    return charge_posting(
        ChargeFor(
            evidence=EVIDENCE,
            account="7f",
            currency="EUR",
            country="DE",
            taxes=tuple(TaxShare(None if p is None else Decimal(p), Decimal(n), Decimal(t)) for p, n, t in taxes),
            shares={f"payable/host/{host}": amount for host, amount in shares.items()},
            releases=(Transfer("held/7f", "customer/7f", held),) if held else (),
            at_ms=1,
            subject="aa",
            refs=(),
        )
    )


def test_the_customer_pays_revenue_shares_and_tax_and_gets_back_what_was_held() -> None:
    posting = charge(("19.0", "10.00", "1.90"), held=2000, harbour=250)
    assert posting is not None
    assert posting.key == "charge/" + EVIDENCE.hex()
    assert posting.transfers == (
        Transfer("held/7f", "customer/7f", 2000),
        Transfer("customer/7f", "revenue/charging", 750),
        Transfer("customer/7f", "payable/host/harbour", 250),
        Transfer("customer/7f", "tax/DE/19", 190),
    )


def test_rates_have_accounts_of_their_own_and_untaxed_parts_none() -> None:
    posting = charge(("7.70", "1.00", "0.08"), (None, "2.00", "0.00"))
    assert posting is not None
    assert [t.credit for t in posting.transfers] == ["revenue/charging", "tax/DE/7.7"]


def test_where_nothing_is_owed_and_nothing_held_nothing_is_posted() -> None:
    assert charge(("19", "0.00", "0.00")) is None
    assert charge() is None


def test_what_was_held_goes_back_even_where_nothing_is_owed() -> None:
    posting = charge(("19", "0.00", "0.00"), held=5)
    assert posting is not None
    assert posting.transfers == (Transfer("held/7f", "customer/7f", 5),)


def test_shares_of_more_than_there_is_are_refused() -> None:
    with pytest.raises(InputError, match="shares"):
        charge(("19", "1.00", "0.19"), harbour=101)


def test_an_amount_finer_than_a_cent_never_reaches_the_ledger() -> None:
    with pytest.raises(InputError, match="minor"):
        minor(Decimal("0.001"), "EUR")
    assert minor(Decimal("0.001"), "KWD") == 1
    assert minor(Decimal(5), "JPY") == 5


def test_rates_read_the_same_however_they_are_written() -> None:
    assert {rate_text(Decimal(t)) for t in ("19", "19.0", "19.00")} == {"19"}
    assert rate_text(Decimal(20)) == "20"
    assert rate_text(Decimal(0)) == "0"
    assert rate_text(None) == "none"


@given(st.lists(st.tuples(st.sampled_from(["0", "7", "19"]), st.integers(0, 10**6), st.integers(0, 10**5)), max_size=4))
def test_what_the_customer_pays_is_what_the_parts_say(parts: list[tuple[str, int, int]]) -> None:
    taxes = [(p, str(Decimal(n).scaleb(-2)), str(Decimal(t).scaleb(-2))) for p, n, t in parts]
    posting = charge(*taxes)
    paid = 0 if posting is None else sum(t.amount for t in posting.transfers if t.debit == "customer/7f")
    assert paid == sum(n + t for _, n, t in parts)


def test_a_reversal_gives_back_all_that_was_paid_and_holds_nothing_again() -> None:
    posting = charge(("19.0", "10.00", "1.90"), held=2000, harbour=250)
    assert posting is not None
    back = charge_reversal(posting, "7f", 9, ("ab" * 32,))
    assert back is not None
    assert back.key == "reversal/" + posting.key
    assert back.transfers == (
        Transfer("revenue/charging", "customer/7f", 750),
        Transfer("payable/host/harbour", "customer/7f", 250),
        Transfer("tax/DE/19", "customer/7f", 190),
    )


def test_where_nothing_was_paid_there_is_nothing_to_give_back() -> None:
    posting = charge(("19", "0.00", "0.00"), held=5)
    assert posting is not None
    assert charge_reversal(posting, "7f", 9, ()) is None
