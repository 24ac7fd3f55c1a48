from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import examples

from wattseal.model.provider import Account, Hold, HoldState
from wattseal.rules.holds import capture, check_sums, place, release

money = st.decimals(min_value=0, max_value=1000, places=2)
moves = st.lists(st.tuples(st.sampled_from(["place", "capture", "release"]), money, st.integers(0, 5)), max_size=40)


@settings(max_examples=examples(150))
@given(limit=money, moves=moves)
def test_whatever_happens_accounts_and_holds_add_up_and_no_money_is_promised_twice(
    limit: Decimal, moves: list[tuple[str, Decimal, int]]
) -> None:
    account = Account("EUR", limit)
    holds: list[Hold] = []
    for move, amount, which in moves:
        if move == "place":
            before = account.available
            placed = place(account, amount, Decimal("0.01"))
            if placed is not None:
                account, hold = placed
                assert hold.amount <= before
                holds.append(hold)
            else:
                assert before < Decimal("0.01") or amount < Decimal("0.01")
        elif move == "capture" and which < len(holds):
            account, holds[which] = capture(account, holds[which], amount)
        elif which < len(holds):
            account, holds[which] = release(account, holds[which])
        check_sums(account, holds, "customer")
        assert account.held >= 0
        assert account.limit == account.available + account.held + account.captured


def test_a_hold_is_captured_once() -> None:
    placed = place(Account("EUR", Decimal(10)), Decimal(5), Decimal(1))
    assert placed is not None
    once = capture(*placed, Decimal(3))
    assert capture(*once, Decimal(4)) == once
    assert release(*once) == once


def test_a_released_hold_is_captured_all_the_same_for_the_energy_was_delivered() -> None:
    placed = place(Account("EUR", Decimal(10)), Decimal(5), Decimal(1))
    assert placed is not None
    account, hold = capture(*release(*placed), Decimal(3))
    assert (account.held, account.captured, hold.state) == (Decimal(0), Decimal(3), HoldState.CAPTURED)


def test_less_than_the_least_is_not_held() -> None:
    assert place(Account("EUR", Decimal(4)), Decimal(50), Decimal(5)) is None
