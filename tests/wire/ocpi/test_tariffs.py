"""Tariffs over OCPI 2.2.1 and 2.3.0: the price lists the texts describe, there and back, and what stays unsaid."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattseal.base.errors import InputError
from wattseal.model.tariff import Price, PriceComponent, Restrictions, Tariff, TariffElement, TaxIncluded
from wattseal.wire.ocpi.tariffs import OcpiVersion, decode_tariff, encode_tariff

V221, V230 = OcpiVersion.V2_2_1, OcpiVersion.V2_3_0
BOTH = (V221, V230)
WORKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]


def part(kind: str, price: float, vat: float | None = None, step: int = 1) -> dict[str, Any]:
    return {"type": kind, "price": price, "step_size": step} | ({} if vat is None else {"vat": vat})


def element(*parts: dict[str, Any], **when: Any) -> dict[str, Any]:
    return {"price_components": list(parts)} | ({"restrictions": when} if when else {})


def body(version: OcpiVersion, *elements: dict[str, Any], tax: str = "NO", **more: Any) -> dict[str, Any]:
    """Return a Tariff object as the version's text describes it; limits are given as (before, after) tax."""
    names = ("excl_vat", "incl_vat") if version is V221 else ("before_taxes", "after_taxes")
    limits = {n: dict(zip(names, more.pop(n), strict=True)) for n in ("min_price", "max_price") if n in more}
    base = {"country_code": "DE", "party_id": "CPO", "id": "20", "currency": "EUR"}
    taxes = {} if version is V221 else {"tax_included": tax}
    return base | {"elements": list(elements), "last_updated": "2026-01-02T03:04:05Z"} | taxes | limits | more


FREE = [element(part("FLAT", 0.00))]
KWH = [element(part("ENERGY", 0.25, 10.0))]
START = [element(part("FLAT", 0.50, 20.0), part("ENERGY", 0.25, 10.0))]
PARKING = [element(part("FLAT", 0.50, 20.0), part("ENERGY", 0.25, 10.0), part("PARKING_TIME", 2.00, 20.0, 900))]
HOURS = [element(part("TIME", 3.00, 10.0, 60), part("PARKING_TIME", 5.00, 20.0, 300))]
BY_CURRENT = [
    element(part("FLAT", 2.50, 15.0)),
    element(part("TIME", 1.00, 20.0, 900), max_current=32.00),
    element(part("TIME", 2.00, 20.0, 600), min_current=32.00, day_of_week=WORKDAYS),
    element(part("TIME", 1.25, 20.0, 600), min_current=32.00, day_of_week=["SATURDAY", "SUNDAY"]),
    element(part("PARKING_TIME", 5.00, 10.0, 300), start_time="09:00", end_time="18:00", day_of_week=WORKDAYS),
    element(part("PARKING_TIME", 6.00, 10.0, 300), start_time="10:00", end_time="17:00", day_of_week=["SATURDAY"]),
]
RESERVED = [
    element(part("TIME", 5.00, 20.0, 60), reservation="RESERVATION"),
    element(part("FLAT", 4.00, 20.0), reservation="RESERVATION_EXPIRES"),
    *START,
]
BY_POWER = [element(part("TIME", 2.0, 10.0), max_power=16.00), element(part("TIME", 4.0, 10.0), max_duration=3600)]
DATED = [element(part("ENERGY", 0.1), start_date="2026-01-01", end_date="2027-01-01", min_kwh=1.5, max_kwh=20)]
EXAMPLES = [FREE, KWH, START, PARKING, HOURS, BY_CURRENT, RESERVED, BY_POWER, DATED]


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("elements", EXAMPLES)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"min_price": (0.50, 0.55)},
        {"max_price": (10.00, 11.00), "end_date_time": "2026-06-30T23:59:59Z", "type": "REGULAR"},
        {"start_date_time": "2026-06-30T23:59:59Z", "type": "A_TYPE_OF_TOMORROW"},
    ],
)
def test_what_the_texts_describe_comes_back_as_it_was_said(
    version: OcpiVersion, elements: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    said = body(version, *elements, **more)
    raw, _ = encode_tariff(decode_tariff(json.dumps(said).encode(), version), version)
    assert raw is not None
    assert json.loads(raw) == said


@pytest.mark.parametrize("tax", ["YES", "NO", "N/A"])
def test_2_3_0_says_whether_taxes_are_in_the_prices(tax: str) -> None:
    said = body(V230, element(part("TIME", 2.10, None, 60)), tax=tax, currency="CAD", country_code="CA")
    tariff = decode_tariff(json.dumps(said).encode(), V230)
    assert tariff.tax_included is TaxIncluded(tax)
    raw, _ = encode_tariff(tariff, V230)
    assert raw is not None
    assert json.loads(raw) == said


@pytest.mark.parametrize("change", [{"tax_included": "MAYBE"}, {"tax_included": None}, {"elements": []}])
def test_prices_of_unknown_meaning_are_no_prices(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        decode_tariff(json.dumps(body(V230, *KWH) | change).encode(), V230)
    missing = body(V230, *KWH)
    del missing["tax_included"]
    with pytest.raises(InputError):
        decode_tariff(json.dumps(missing).encode(), V230)


def test_what_a_version_cannot_say_is_a_finding_and_no_price_is_bent() -> None:
    tariff = decode_tariff(json.dumps(body(V230, *KWH, tax="YES")).encode(), V230)
    raw, findings = encode_tariff(tariff, V221)
    assert (raw, [f.code for f in findings]) == (None, ["taxes_included"])
    assert encode_tariff(tariff, V230)[1] == ()
    night = replace(tariff, elements=(), tax_included=TaxIncluded.NO, idle_grace_s=600, time_zone="Europe/Vienna")
    night = replace(night, elements=(TariffElement((), Restrictions(start_time=time(22))),))
    for version in BOTH:
        raw, findings = encode_tariff(night, version)
        assert raw is not None
        assert [(f.code, f.detail) for f in findings] == [
            ("time_zone_of_location", "Europe/Vienna"),
            ("idle_grace", "600"),
        ]
    unknown = replace(night, elements=(TariffElement((), Restrictions(unknown=("moon",))),))
    for version in BOTH:
        raw, findings = encode_tariff(unknown, version)
        assert (raw, findings[0].code) == (None, "restriction_unknown")


AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=4)
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
DATES = st.dates(date(1000, 1, 1), date(2999, 12, 31))
MOMENTS = (
    st.integers(0, 2**45)
    .map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))
    .map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))
)
PRICES = st.builds(Price, AMOUNTS, st.none() | AMOUNTS)
PARTS = st.builds(
    PriceComponent,
    st.sampled_from(["ENERGY", "FLAT", "TIME", "PARKING_TIME"]),
    AMOUNTS,
    st.none() | st.decimals(0, 100, places=2),
    st.integers(1, 10_000),
)
LIMITS = st.builds(
    Restrictions,
    st.none() | TIMES,
    st.none() | TIMES,
    st.none() | DATES,
    st.none() | DATES,
    *(st.none() | AMOUNTS for _ in range(6)),
    st.none() | st.integers(0, 10**6),
    st.none() | st.integers(0, 10**6),
    st.lists(st.sampled_from([*WORKDAYS, "SUNDAY"]), unique=True).map(tuple),
    st.none() | st.sampled_from(["RESERVATION", "RESERVATION_EXPIRES"]),
).filter(lambda when: when != Restrictions())
TARIFFS = st.builds(
    Tariff,
    country_code=st.just("DE"),
    party_id=st.just("CPO"),
    id=st.text(min_size=1, max_size=36, alphabet="abcXYZ0123456789-_ é"),
    currency=st.sampled_from(["EUR", "CHF", "JPY"]),
    elements=st.lists(
        st.builds(TariffElement, st.lists(PARTS, min_size=1, max_size=3).map(tuple), st.none() | LIMITS),
        min_size=1,
        max_size=4,
    ).map(tuple),
    last_updated=MOMENTS,
    type=st.none() | st.sampled_from(["REGULAR", "AD_HOC_PAYMENT"]),
    tax_included=st.sampled_from(list(TaxIncluded)),
    min_price=st.none() | PRICES,
    max_price=st.none() | PRICES,
    start_at=st.none() | MOMENTS,
    end_at=st.none() | MOMENTS,
)


@given(TARIFFS)
def test_every_tariff_comes_back_from_2_3_0(tariff: Tariff) -> None:
    raw, _ = encode_tariff(tariff, V230)
    assert raw is not None
    assert decode_tariff(raw, V230) == tariff


@given(TARIFFS)
def test_every_tariff_that_2_2_1_can_say_comes_back_from_it_and_from_there_by_2_3_0(tariff: Tariff) -> None:
    raw, findings = encode_tariff(tariff, V221)
    if tariff.tax_included is TaxIncluded.YES:
        assert (raw, findings[0].code) == (None, "taxes_included")
        return
    assert raw is not None
    back = decode_tariff(raw, V221)
    assert back == replace(tariff, tax_included=TaxIncluded.NO)
    again, _ = encode_tariff(back, V230)
    assert again is not None
    assert decode_tariff(again, V230) == back


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_either_version_fall_over(raw: bytes) -> None:
    for version in BOTH:
        with pytest.raises(InputError):
            decode_tariff(raw, version)


def test_decimals_are_written_without_an_exponent() -> None:
    tariff = decode_tariff(json.dumps(body(V230, *DATED)).encode(), V230)
    (one,) = tariff.elements
    when = replace(one.restrictions or Restrictions(), min_kwh=Decimal("1E+1"), max_kwh=Decimal("2E+1"))
    raw, _ = encode_tariff(replace(tariff, elements=(replace(one, restrictions=when),)), V221)
    assert raw is not None
    assert b'"min_kwh":10,"max_kwh":20' in raw
