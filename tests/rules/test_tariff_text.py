"""A tariff in one line: what a driver reads before he plugs in."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from wattseal.model.tariff import Price, PriceComponent, Restrictions, Tariff, TariffElement, TaxIncluded
from wattseal.rules.tariff_text import tariff_text


def part(kind: str, price: str, vat: str | None = "20", step: int = 1) -> PriceComponent:
    return PriceComponent(kind, Decimal(price), None if vat is None else Decimal(vat), step)


def element(*parts: PriceComponent, **when: Any) -> TariffElement:
    return TariffElement(parts, Restrictions(**when) if when else None)


def tariff(*elements: TariffElement, **more: Any) -> Tariff:
    return replace(Tariff("DE", "CPO", "T", "EUR", elements, datetime(2026, 1, 1, tzinfo=UTC)), **more)


NIGHT = element(part("ENERGY", "0.25"), start_time=time(22), end_time=time(6))
DAY = element(part("ENERGY", "0.35"))
IDLE = element(part("PARKING_TIME", "5", step=900))


@pytest.mark.parametrize(
    ("shown", "english", "german"),
    [
        (
            tariff(element(part("ENERGY", "0.35"), part("FLAT", "0.41666"))),
            "0.42 EUR/kWh + 0.499992 EUR a charge, incl. 20 % VAT",
            "0,42 EUR/kWh + 0,499992 EUR je Ladevorgang, inkl. 20 % USt.",
        ),
        (
            tariff(element(part("ENERGY", "0.42"), part("FLAT", "0.5")), tax_included=TaxIncluded.YES),
            "0.42 EUR/kWh + 0.50 EUR a charge, incl. 20 % VAT",
            "0,42 EUR/kWh + 0,50 EUR je Ladevorgang, inkl. 20 % USt.",
        ),
        (
            tariff(NIGHT, DAY),
            "0.30 EUR/kWh 22:00-06:00; otherwise 0.42 EUR/kWh, incl. 20 % VAT",
            "0,30 EUR/kWh 22:00-06:00; sonst 0,42 EUR/kWh, inkl. 20 % USt.",
        ),
        (
            tariff(DAY, IDLE, idle_grace_s=600),
            "0.42 EUR/kWh + 6.00 EUR/h not charging after 10 min (in steps of 15 min), incl. 20 % VAT",
            "0,42 EUR/kWh + 6,00 EUR/h ohne Laden nach 10 min (in Schritten von 15 min), inkl. 20 % USt.",
        ),
        (
            tariff(
                element(
                    part("TIME", "2", "10"), days_of_week=("MONDAY", "TUESDAY", "WEDNESDAY"), max_power_kw=Decimal(22)
                )
            ),
            "2.20 EUR/h charging Mon-Wed below 22 kW, incl. 10 % VAT",
            "2,20 EUR/h Laden Mo-Mi unter 22 kW, inkl. 10 % USt.",
        ),
        (
            tariff(element(part("ENERGY", "0.10", "10"), part("FLAT", "1", "20"), max_kwh=Decimal("1.50")), DAY),
            "0.11 EUR/kWh up to 1.5 kWh; otherwise 0.42 EUR/kWh + 1.20 EUR a charge up to 1.5 kWh, incl. taxes",
            "0,11 EUR/kWh bis 1,5 kWh; sonst 0,42 EUR/kWh + 1,20 EUR je Ladevorgang bis 1,5 kWh, inkl. Steuern",
        ),
        (
            tariff(
                DAY,
                min_price=Price(Decimal(1), Decimal("1.2")),
                max_price=Price(Decimal(10)),
            ),
            "0.42 EUR/kWh, at least 1.20 EUR, at most 10.00 EUR before tax, incl. 20 % VAT",
            "0,42 EUR/kWh, mindestens 1,20 EUR, höchstens 10,00 EUR vor Steuern, inkl. 20 % USt.",
        ),
        (tariff(element(part("FLAT", "0"))), "free of charge", "kostenlos"),
        (tariff(element(part("ENERGY", "100", None)), currency="JPY"), "100 JPY/kWh", "100 JPY/kWh"),
        (
            tariff(element(part("TIME", "2.10", None)), currency="CAD", tax_included=TaxIncluded.YES),
            "2.10 CAD/h charging, incl. taxes",
            "2,10 CAD/h Laden, inkl. Steuern",
        ),
        (
            tariff(element(part("ENERGY", "1", None)), tax_included=TaxIncluded.NOT_APPLICABLE),
            "1.00 EUR/kWh, no taxes",
            "1,00 EUR/kWh, ohne Steuern",
        ),
        (
            tariff(element(part("TIME", "5"), reservation="RESERVATION"), DAY),
            "0.42 EUR/kWh, incl. 20 % VAT",
            "0,42 EUR/kWh, inkl. 20 % USt.",
        ),
        (
            tariff(
                element(part("ENERGY", "1", None), start_date=date(2026, 1, 1), end_date=date(2026, 2, 1)),
                element(part("ENERGY", "2", None, 5), min_duration_s=3600, min_current_a=Decimal(32)),
            ),
            (
                "1.00 EUR/kWh from 2026-01-01 until 2026-02-01; otherwise "
                "2.00 EUR/kWh from 32 A from 1 h (in steps of 5 Wh)"
            ),
            "1,00 EUR/kWh ab 2026-01-01 bis 2026-02-01; sonst 2,00 EUR/kWh ab 32 A ab 1 h (in Schritten von 5 Wh)",
        ),
    ],
)
def test_what_a_driver_pays_is_said_in_both_languages(shown: Tariff, english: str, german: str) -> None:
    assert (tariff_text(shown), tariff_text(shown, "de-AT")) == (english, german)
    assert tariff_text(shown, "fr") == english


def test_an_element_behind_one_that_always_applies_is_not_said() -> None:
    assert tariff_text(tariff(DAY, NIGHT)) == "0.42 EUR/kWh, incl. 20 % VAT"


def test_what_does_not_fit_is_a_range_and_then_nothing_and_never_cut() -> None:
    many = [element(part("ENERGY", f"0.{n:02}"), start_time=time(n), end_time=time(n + 1)) for n in range(1, 23)]
    assert tariff_text(tariff(*many, DAY)) == "0.012 to 0.42 EUR/kWh, incl. 20 % VAT"
    assert tariff_text(tariff(*many)) == "0.00 to 0.264 EUR/kWh, incl. 20 % VAT", "outside of all of them it is free"
    assert tariff_text(tariff(*many, DAY), longest=20) is None


def test_a_tariff_that_is_free_at_night_says_so() -> None:
    night = element(part("ENERGY", "0"), start_time=time(22), end_time=time(6))
    assert tariff_text(tariff(night, DAY)) == "0.00 EUR/kWh 22:00-06:00; otherwise 0.42 EUR/kWh, incl. 20 % VAT"
