"""One register, many sessions: what is charged twice is told, and only that."""

import itertools
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from wattseal.rules.continuity import Charged, broken


def session(name: str, start: int, end: int, recorded: int = 0) -> Charged:
    return Charged(name, recorded or start, Decimal(start), Decimal(end))


def told(*sessions: Charged) -> list[str]:
    return [name for name, _ in broken(sessions)]


def test_sessions_that_follow_one_another_share_nothing() -> None:
    assert told(session("a", 0, 900), session("b", 900, 1000), session("c", 1500, 1500), session("d", 1500, 9000)) == []


def test_the_same_charge_told_again_is_told_of_the_second() -> None:
    assert told(session("a", 0, 900, 1), session("again", 0, 900, 2), session("b", 900, 1000, 3)) == ["again"]


def test_a_register_rolled_back_is_told_of_the_session_that_begins_below() -> None:
    assert told(session("a", 0, 9000, 1), session("back", 5000, 12000, 2), session("b", 12000, 13000, 3)) == ["back"]


def test_what_arrives_late_from_an_offline_queue_is_not_told() -> None:
    assert told(session("b", 900, 1000, 2), session("a", 0, 900, 5), session("c", 1000, 1200, 3)) == []


def test_rounding_to_whole_wh_is_no_overlap() -> None:
    first = Charged("a", 1, Decimal(0), Decimal("900.6"))
    assert told(first, Charged("b", 2, Decimal(900), Decimal(1000))) == []


@given(st.lists(st.integers(0, 50_000), min_size=2, max_size=60, unique=True), st.randoms(use_true_random=False))
def test_no_order_of_hearing_makes_honest_sessions_wrong(registers: list[int], random: Random) -> None:
    ordered = sorted(registers)
    honest = [session(str(n), a, b, n + 1) for n, (a, b) in enumerate(itertools.pairwise(ordered))]
    random.shuffle(honest)
    assert told(*(Charged(s.session, n, s.start_wh, s.end_wh) for n, s in enumerate(honest))) == []


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(2, 60)), max_size=40))
def test_what_is_not_told_shares_no_wh_with_any_other(stretches: list[tuple[int, int]]) -> None:
    sessions = [session(str(n), a, a + length, n + 1) for n, (a, length) in enumerate(stretches)]
    wrong = set(told(*sessions))
    fine = sorted((s for s in sessions if s.session not in wrong), key=lambda s: s.start_wh)
    for a, b in itertools.pairwise(fine):
        assert a.end_wh - b.start_wh < 1
