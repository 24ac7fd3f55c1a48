"""A tariff as a driver reads it, in both languages; and the language that a browser asks for."""

from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal

import pytest

from wattseal.model.tariff import Price, PriceComponent, Restrictions, Tariff, TariffElement, TaxIncluded
from wattseal.serve.pay.limits import AT_ONCE, REFILL_S, Buckets
from wattseal.serve.pay.prices import lines, minor_money, taxed
from wattseal.serve.pay.texts import language_of

VAT = Decimal(19)
NIGHT = Restrictions(start_time=time(22), end_time=time(6), days_of_week=("SATURDAY", "SUNDAY"))
PARKED = Restrictions(min_duration_s=14_400)
TARIFF = Tariff(
    "DE",
    "CPO",
    "T",
    "EUR",
    (
        TariffElement((PriceComponent("ENERGY", Decimal("0.42"), VAT, 1),), NIGHT),
        TariffElement((PriceComponent("ENERGY", Decimal("0.50"), VAT, 1), PriceComponent("FLAT", Decimal(1), VAT, 1))),
        TariffElement((PriceComponent("PARKING_TIME", Decimal(6), VAT, 60),), PARKED),
    ),
    datetime(2026, 1, 1, tzinfo=UTC),
    min_price=Price(Decimal(2), Decimal("2.38")),
)


def test_every_price_is_shown_with_its_tax_and_its_condition() -> None:
    assert lines("en", TARIFF) == (
        ("Energy", "0.4998 EUR/kWh (from 22:00 to 06:00, Sat Sun)"),
        ("Energy", "0.595 EUR/kWh"),
        ("Each charge", "1.19 EUR"),
        ("Time without charging", "7.14 EUR an hour (after 240 min)"),
        ("At least", "2.38 EUR"),
    )
    assert lines("de", TARIFF)[0] == ("Energie", "0,4998 EUR/kWh (von 22:00 bis 06:00, Sa So)")


def test_prices_that_contain_tax_are_shown_as_they_are_and_prices_without_say_so() -> None:
    included = replace(TARIFF, tax_included=TaxIncluded.YES)
    assert lines("en", included)[1] == ("Energy", "0.50 EUR/kWh")
    assert taxed(included)
    assert taxed(TARIFF)
    bare = PriceComponent("ENERGY", Decimal("0.50"), None, 1)
    assert not taxed(replace(TARIFF, elements=(TariffElement((bare,)),)))


def test_what_is_not_understood_is_not_left_out() -> None:
    strange = TariffElement((PriceComponent("MAGIC", Decimal(3), VAT, 1),), Restrictions(unknown=("moon",)))
    assert lines("en", replace(TARIFF, elements=(strange,), min_price=None)) == (
        ("Price", "3.57 EUR an hour (under further conditions)"),
    )


def test_currencies_have_their_own_digits() -> None:
    assert minor_money("en", 1234, "JPY") == "1234 JPY"
    assert minor_money("de", 1234, "KWD") == "1,234 KWD"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-CH, en;q=0.9", "de"),
        ("en;q=0.5, de;q=0.8", "de"),
        ("fr, de;q=0.1", "de"),
        ("de;q=0, en", "en"),
        ("de;q=x, en;q=0.1", "en"),
        ("," * 5000, "en"),
    ],
)
def test_the_language_is_the_one_asked_for_most_of_those_there_are(header: str, language: str) -> None:
    assert language_of(header) == language


def test_one_address_begins_a_few_payments_at_once_and_others_do_not_wait_for_it() -> None:
    buckets = Buckets()
    assert [buckets.take("a", 0.0) for _ in range(AT_ONCE + 1)] == [True] * AT_ONCE + [False]
    assert buckets.take("b", 0.0)
    assert buckets.take("a", REFILL_S)
    assert not buckets.take("a", REFILL_S)
