"""Two persons: nobody approves what they asked for themselves, by whatever token, and no token approves."""

from dataclasses import replace
from decimal import Decimal

import pytest

from wattseal.base.errors import InputError
from wattseal.flow.fleet.api_tokens import named
from wattseal.model.api_token import ApiToken
from wattseal.model.charging import RateUnit
from wattseal.rules.two_persons import FleetOrder, OrderState, decided, in_both_names, is_agreed

ORDER = FleetOrder(
    id="1",
    station_ids=("A", "B"),
    amount=Decimal(6000),
    unit=RateUnit.W,
    below_floor=False,
    until_ms=None,
    text="",
    asked_by="person/ada",
    author="person/ada",
    asked_ms=0,
    expires_ms=1000,
)


def refused(order: FleetOrder, by: str, wanted: OrderState, now_ms: int = 1) -> str:
    with pytest.raises(InputError) as told:
        decided(order, by, wanted, now_ms)
    return told.value.code


def test_another_person_approves() -> None:
    done = decided(ORDER, "person/bo", OrderState.APPROVED, 1)
    assert (done.state, done.decided_by, done.decided_ms) == (OrderState.APPROVED, "person/bo", 1)


def test_nobody_approves_what_they_asked_for_by_whatever_token() -> None:
    assert refused(ORDER, "person/ada", OrderState.APPROVED) == "own_order"
    by_token = replace(ORDER, asked_by="night shift 000-1")
    assert refused(by_token, "person/ada", OrderState.APPROVED) == "own_order"
    assert decided(by_token, "person/bo", OrderState.APPROVED, 1).state is OrderState.APPROVED


def test_no_token_approves_not_even_the_administrator_s() -> None:
    for token in ("admin", "night shift 000-1", "persons/bo", ""):
        assert refused(ORDER, token, OrderState.APPROVED) == "not_a_person"


def test_an_order_is_decided_once_and_in_time() -> None:
    assert refused(ORDER, "person/bo", OrderState.APPROVED, 1000) == "order_over"
    for state in (OrderState.APPROVED, OrderState.REFUSED, OrderState.WITHDRAWN):
        over = replace(ORDER, state=state)
        assert refused(over, "person/bo", OrderState.APPROVED) == "order_over"
        assert refused(over, "person/bo", OrderState.REFUSED) == "order_over"


def test_who_asked_withdraws_and_anybody_entitled_refuses() -> None:
    assert decided(ORDER, "person/ada", OrderState.WITHDRAWN, 1).state is OrderState.WITHDRAWN
    assert refused(ORDER, "person/bo", OrderState.WITHDRAWN) == "not_own_order"
    assert decided(ORDER, "admin", OrderState.REFUSED, 1).state is OrderState.REFUSED
    assert refused(ORDER, "person/bo", OrderState.EXPIRED) == "bad_choice"


def test_no_name_of_a_token_passes_for_two_people() -> None:
    assert is_agreed(in_both_names("person/a1", "person/b2"))
    assert is_agreed(in_both_names("desk 00ff", "person/b2"))
    assert not is_agreed("person/a1")
    name = "x, approved by person/b2"
    spoofed = ApiToken(id="00ff", name=name, scopes=(), digest=b"", created_by="a", created_at_ms=0, expires_at_ms=1)
    assert not is_agreed(named(spoofed))
