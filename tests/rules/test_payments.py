"""The lifecycle of a payment: what may follow what, what an old word changes, and what each change posts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from wattseal.rules.payments import (
    ENDED,
    LIFECYCLE,
    Doubt,
    cancel_asked,
    capture_asked,
    key_of,
    postings,
    refund_asked,
    refund_failed,
    told,
)
from wattseal.rules.postings import check_posting
from wattseal.seal.dcbor import CborError
from wattseal.seal.payment import PaymentSaid

S = PaymentState
PAYMENT = Payment("ab" * 16, "p", Purpose.AD_HOC, "cd" * 16, "EUR", 5000, S.CREATED, 1, 1, record="ee" * 32)
STANDINGS = st.one_of(
    st.just(Pending("r", None)),
    st.just(Authorised("r", 5000)),
    st.builds(Captured, st.just("r"), st.integers(1, 5000), st.integers(0, 5000), st.integers(0, 100)),
    st.builds(Cancelled, st.just("r"), st.booleans()),
    st.just(Declined("no")),
)


def at(state: PaymentState, **more: object) -> Payment:
    return replace(PAYMENT, state=state, **more)  # type: ignore[arg-type]


def test_the_table_names_every_state_and_leads_to_states_only() -> None:
    assert set(LIFECYCLE) == set(PaymentState)
    assert {state for row in LIFECYCLE.values() for state in row.values()} <= set(PaymentState)
    assert all(Act.CAPTURED in row for state, row in LIFECYCLE.items()), "money that was taken is always booked"


@pytest.mark.parametrize("state", [S.CREATED, S.PENDING, S.CANCELLED, S.EXPIRED, S.FAILED, S.CAPTURED, S.REFUNDED])
def test_only_what_is_authorised_is_captured(state: PaymentState) -> None:
    assert capture_asked(at(state, authorised=5000), 100) is None


def test_never_more_is_captured_than_is_authorised_and_never_another_amount_the_second_time() -> None:
    asked = capture_asked(at(S.AUTHORISED, authorised=5000), 9000)
    assert asked is not None
    assert (asked.state, asked.capture) == (S.CAPTURE_UNKNOWN, 5000)
    assert capture_asked(asked, 4000) == asked
    assert capture_asked(at(S.AUTHORISED, authorised=5000), 0) is None


def test_an_old_word_changes_nothing_and_a_contradiction_is_doubtful() -> None:
    captured = at(S.CAPTURED, authorised=5000, captured=3000, reference="r")
    assert told(captured, Authorised("r", 5000), sure=False) is None
    assert told(captured, Captured("r", 3000), sure=False) is None
    assert told(captured, Cancelled("r"), sure=False) == Doubt()
    assert told(at(S.AUTHORISED), Pending("r", None), sure=False) is None


def test_a_payment_that_was_given_up_comes_back_only_where_the_provider_says_so_when_asked() -> None:
    failed = at(S.FAILED, code="no")
    assert told(failed, Authorised("r", 5000), sure=False) == Doubt()
    back = told(failed, Authorised("r", 5000), sure=True)
    assert isinstance(back, Payment)
    assert back.state is S.AUTHORISED
    assert told(at(S.CANCELLED), Authorised("r", 5000), sure=True) == Doubt()


def test_a_refund_is_one_at_a_time_and_of_what_is_left() -> None:
    captured = at(S.CAPTURED, captured=3000, refunded=1000)
    assert refund_asked(captured, 2001) is None
    asked = refund_asked(captured, 2000)
    assert asked is not None
    assert refund_asked(asked, 1) is None
    refused = refund_failed(asked, "no")
    assert refused is not None
    assert refused.refunds == (RefundAsked(1, 2000, done=False),)
    whole = told(asked, Captured("r", 3000, 3000), sure=True)
    assert isinstance(whole, Payment)
    assert (whole.state, whole.refunds) == (S.REFUNDED, (RefundAsked(1, 2000, done=True),))


def test_keys_are_the_same_for_every_attempt_and_another_for_every_step() -> None:
    assert key_of(PAYMENT, "capture") == key_of(replace(PAYMENT, state=S.CAPTURED, tries=9), "capture")
    assert key_of(PAYMENT, "refund-1") != key_of(PAYMENT, "refund-2")


@given(st.sampled_from(PaymentState), st.lists(STANDINGS, max_size=8), st.sampled_from(Purpose))
def test_whatever_is_told_in_whatever_order_totals_never_fall_and_every_posting_is_well_formed(
    state: PaymentState, words: list[Standing], purpose: Purpose
) -> None:
    payment = at(state, purpose=purpose, authorised=5000 if state not in {S.CREATED, S.PENDING} else 0)
    keys: set[str] = set()
    for number, word in enumerate(words):
        found = told(payment, word, sure=False)
        if not isinstance(found, Payment):
            continue
        assert (found.captured, found.refunded, found.fee) >= (payment.captured, payment.refunded, payment.fee)
        for posting in postings(payment, found, 0, "ee" * 32):
            check_posting(posting)
            assert posting.key not in keys
            keys.add(posting.key)
        if payment.state in ENDED and not isinstance(word, Captured):
            assert found.state in ENDED
        payment = replace(found, record=f"{number:064x}")


def test_records_say_what_happened_and_have_no_room_for_a_card() -> None:
    said = PaymentSaid(Act.CAPTURE_ASKED, bytes(16), "p", S.CAPTURE_UNKNOWN, "EUR", 5000, 5000, asked=314, code="c")
    assert PaymentSaid.read(said.to_fields()) == said
    assert not {name for name in PaymentSaid.__struct_fields__ if "card" in name or "name" in name}
    with pytest.raises(CborError) as error:
        PaymentSaid.read({**said.to_fields(), 6: -1})
    assert error.value.subject == "amount"


def test_what_is_not_there_is_not_cancelled() -> None:
    assert cancel_asked(at(S.CAPTURED)) is None
    asked = cancel_asked(at(S.PENDING))
    assert asked is not None
    assert asked.state is S.CANCEL_UNKNOWN
