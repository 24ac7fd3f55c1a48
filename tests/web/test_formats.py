"""Figures as people read them."""

from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from wattseal.serve.web.formats import NARROW, NOTHING, Formats

ENGLISH = Formats("en", ZoneInfo("Europe/London"))
GERMAN = Formats("de", ZoneInfo("Europe/Berlin"))
NOON_MS = 1_751_716_800_000  # 2025-07-05T12:00:00Z


def test_numbers_are_grouped_and_have_the_point_of_the_language() -> None:
    assert ENGLISH.number(Decimal("1234567.891"), 2) == f"1{NARROW}234{NARROW}567.89"
    assert GERMAN.number(Decimal("1234567.891"), 2) == f"1{NARROW}234{NARROW}567,89"


def test_energy_has_the_unit_that_suits_its_size() -> None:
    assert ENGLISH.energy(Decimal(999)) == f"999{NARROW}Wh"
    assert ENGLISH.energy(Decimal(12_345)) == f"12.345{NARROW}kWh"
    assert GERMAN.energy(Decimal(12_345_678)) == f"12,35{NARROW}MWh"
    assert ENGLISH.energy(None) == NOTHING


def test_money_has_the_digits_of_its_currency() -> None:
    assert ENGLISH.money(Decimal("7.5"), "EUR") == f"7.50{NARROW}EUR"
    assert ENGLISH.money(Decimal(700), "JPY") == f"700{NARROW}JPY"
    assert GERMAN.minor(-123, "EUR") == f"-1,23{NARROW}EUR"


def test_a_time_is_of_the_reader_s_zone_and_says_exactly_when_it_was() -> None:
    assert ">05.07.2025 14:00<" in GERMAN.time(NOON_MS)
    assert 'datetime="2025-07-05T12:00:00Z"' in GERMAN.time(NOON_MS)
    assert ">05 Jul 2025 13:00<" in ENGLISH.time(NOON_MS)


def test_a_duration_has_its_two_largest_units() -> None:
    assert ENGLISH.duration(45_000) == f"45{NARROW}s"
    assert ENGLISH.duration(3_600_000 + 5 * 60_000) == f"1{NARROW}h 05{NARROW}min"
    assert ENGLISH.duration(50 * 3_600_000) == f"2{NARROW}d 2{NARROW}h"


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=4))
def test_a_number_reads_back_as_what_it_was(value: Decimal) -> None:
    told = GERMAN.number(value, 4).replace(NARROW, "").replace(",", ".")
    assert Decimal(told) == value
