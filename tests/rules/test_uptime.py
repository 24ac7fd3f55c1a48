"""Uptime is what the two rules say, whatever the order of changes and windows."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wattseal.rules.uptime import PortState, Span, port_state, spans, uptime

UP, DOWN, OFFLINE, UNKNOWN = PortState
MINUTE = 60_000
YEAR = 525_600 * MINUTE
CHANGES = st.lists(st.tuples(st.integers(-50, 150), st.sampled_from(PortState)), max_size=8).map(sorted)
WINDOWS = st.lists(st.tuples(st.integers(-50, 150), st.integers(-50, 150)), max_size=4)


def test_the_formula_of_nevi_over_a_year() -> None:
    outage = Span(0, 20_000 * MINUTE, DOWN)
    rest = Span(outage.to_ms, YEAR, UP)
    told = uptime([outage, rest], [(0, 5_000 * MINUTE)])
    assert told.nevi_percent == Decimal("97.14")
    assert told.afir_percent == Decimal("96.19")


def test_a_share_is_never_rounded_up() -> None:
    told = uptime([Span(0, 99_999, UP), Span(99_999, 100_000, DOWN)])
    assert told.nevi_percent == Decimal("99.99")


def test_time_nobody_knows_about_counts_for_nobody() -> None:
    told = uptime([Span(0, 50, UNKNOWN), Span(50, 100, UP)])
    assert (told.known_ms, told.unknown_ms, told.afir_percent) == (50, 50, Decimal(100))
    assert uptime([Span(0, 50, UNKNOWN)]).nevi_percent is None


def test_a_port_without_a_connection_is_an_outage_and_a_charging_one_is_up() -> None:
    assert port_state("Occupied", connected=True) is UP
    assert port_state("Faulted", connected=True) is DOWN
    assert port_state("Unavailable", connected=True) is DOWN
    assert port_state("Available", connected=False) is OFFLINE
    assert port_state(None, connected=True) is UNKNOWN


@given(st.sampled_from(PortState), CHANGES)
def test_spans_cover_the_window_without_gap_or_overlap(
    began_as: PortState, changes: list[tuple[int, PortState]]
) -> None:
    found = spans(began_as, changes, 0, 100)
    assert (found[0].from_ms, found[-1].to_ms) == (0, 100)
    assert all(a.to_ms == b.from_ms for a, b in pairwise(found))


@given(st.sampled_from(PortState), CHANGES, WINDOWS)
def test_exclusions_help_never_more_than_the_outage_and_twice_is_once(
    began_as: PortState, changes: list[tuple[int, PortState]], windows: list[tuple[int, int]]
) -> None:
    found = spans(began_as, changes, 0, 100)
    told = uptime(found, windows)
    assert 0 <= told.excluded_ms <= told.outage_ms <= told.known_ms
    assert uptime(found, [*windows, *windows]) == told
    if told.nevi_percent is not None and told.afir_percent is not None:
        assert told.afir_percent <= told.nevi_percent <= 100


@given(st.sampled_from(PortState), CHANGES, st.integers(1, 99))
def test_a_window_cut_in_two_has_the_same_times(
    began_as: PortState, changes: list[tuple[int, PortState]], cut: int
) -> None:
    whole = uptime(spans(began_as, changes, 0, 100))
    halves = (*spans(began_as, changes, 0, cut), *spans(began_as, changes, cut, 100))
    before = [change for change in changes if change[0] <= cut]
    carried = before[-1][1] if before else began_as
    assert uptime(halves) == whole
    assert halves[-1].state is (spans(carried, changes, cut, 100)[-1].state)
