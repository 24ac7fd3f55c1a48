"""A bundle's price depends on every reading where its tariff does; nobody can move it by a unit or a reading."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from tests.pricing.prices import element, energy, flat, hourly, parking
from tests.support.charges import START_MS
from tests.support.worlds import Finished, sealed_charge, trust

from wattseal.base.errors import InputError
from wattseal.bundle.cdr import price_charge
from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import Bundle
from wattseal.bundle.report import Outcome, Report
from wattseal.bundle.tariff import tariff_from_value, tariff_to_value
from wattseal.model.tariff import Price, Restrictions, Tariff, TariffElement, TaxIncluded
from wattseal.pricing.periods import Point
from wattseal.pricing.price import Priced
from wattseal.seal.dcbor import CborError, decode, encode
from wattseal.seal.item import Group


def first(per_kwh: str, for_s: int) -> TariffElement:
    """Return what applies at first: a price of energy and one of time, for so long."""
    return element(energy(per_kwh, "20"), hourly("60", "20"), max_duration_s=for_s)


BY_TIME = Tariff(
    "ZZ",
    "CPO",
    "T1",
    "EUR",
    (
        first("0.30", 60),
        element(energy("0.90", "20"), hourly("6", "20"), parking("12", "10")),
        element(flat("0.50", None)),
    ),
    datetime(2026, 1, 1, tzinfo=UTC),
    type="REGULAR",
    time_zone="Europe/Vienna",
    idle_grace_s=10,
)
REGISTERS = (1000, 1500, 1500, 2000, 2000, 2000)


def standing() -> Finished:
    """Half a minute of charging, another of standing, a third of charging, then standing until the end."""
    return sealed_charge(terms=BY_TIME, registers=REGISTERS)


HONEST = standing()
LINES = HONEST.bundle.price_trace


def checked(bundle: Bundle) -> Report:
    return check_bundle(bundle.encode(), trust())


def failure(bundle: Bundle) -> tuple[str, int, str, str]:
    report = checked(bundle)
    assert report.failure is not None, report
    return report.verdict.value, report.failure.number, report.failure.reason, report.failure.field


def test_a_charge_priced_by_time_is_valid_and_shows_what_it_was_priced_from() -> None:
    report = checked(HONEST.bundle)
    assert report.verdict is Outcome.VALID
    assert report.points == tuple(Point(START_MS + n * 30_000, Decimal(wh)) for n, wh in enumerate(REGISTERS))


def test_the_price_is_by_hand_what_the_bundle_says() -> None:
    """30 s charging and 10 of grace and 20 of standing within a minute, 30 s charging, 60 s standing."""
    priced = price_charge(BY_TIME, checked(HONEST.bundle).points)
    assert isinstance(priced, Priced)
    told = [(line.why, line.dimension, line.element, str(line.quantity)) for line in priced.trace]
    assert told == [
        ("flat_once", "FLAT", 2, "1"),
        ("first_match", "ENERGY", 0, "0.5"),
        ("first_match", "TIME", 0, "30.000"),
        ("only_component", "PARKING_TIME", 1, "20.000"),
        ("first_match", "ENERGY", 1, "0.5"),
        ("first_match", "TIME", 1, "30.000"),
        ("only_component", "PARKING_TIME", 1, "60.000"),
    ]
    net = Decimal("0.15") + Decimal("0.5") + Decimal("0.45") + Decimal("0.05")
    parked = Decimal(80) / 300
    assert priced.total.before_tax == round(net + Decimal("0.5") + parked, 2)
    assert priced.total.after_tax == round(net * Decimal("1.2") + Decimal("0.5") + parked * Decimal("1.1"), 2)


FIELDS: dict[int, tuple[str, Callable[[Any], Any]]] = {
    3: ("end_ms", lambda told: told + 1),
    2: ("start_ms", lambda told: told - 1),
    4: ("energy_wh", lambda told: [told[0], told[1] + 1]),
    5: ("currency", lambda told: told[:2] + "S"),
    6: ("total_excl_vat", lambda told: [told[0], told[1] + 1]),
    7: ("total_incl_vat", lambda told: [told[0], told[1] - 1]),
}


@pytest.mark.parametrize("number", sorted(FIELDS))
def test_a_cdr_off_by_one_unit_fails_the_price_with_its_field(number: int) -> None:
    honest = HONEST.bundle
    name, spoil = FIELDS[number]
    altered = replace(honest, cdr=honest.cdr | {number: spoil(honest.cdr[number])})
    assert failure(altered) == ("INVALID", 11, "cdr_differs", f"cdr {name}")


def _spoilt(value: Any) -> Any:
    match value:
        case str():
            return value + "s"
        case int():
            return value + 1
        case [*parts]:
            return [*parts[:-1], parts[-1] + 1]
        case _:
            return 0


@pytest.mark.parametrize("place", [(line, field) for line, told in enumerate(LINES) for field in range(len(told))])
def test_a_trace_off_by_one_anywhere_fails_the_price(place: tuple[int, int]) -> None:
    honest = HONEST.bundle
    line, number = place
    trace = [list(told) for told in honest.price_trace]
    trace[line][number] = _spoilt(trace[line][number])
    assert failure(replace(honest, price_trace=trace)) == ("INVALID", 11, "price_trace_differs", "price_trace")


@pytest.mark.parametrize(
    "change",
    [
        lambda trace: trace[:-1],
        lambda trace: [*trace, trace[-1]],
        lambda trace: [trace[1], trace[0], *trace[2:]],
        lambda trace: [trace[0][:-1], *trace[1:]],
    ],
)
def test_a_trace_with_a_line_more_or_less_or_elsewhere_fails_the_price(change: Callable[[Any], Any]) -> None:
    honest = HONEST.bundle
    assert failure(replace(honest, price_trace=change(honest.price_trace)))[1:3] == (11, "price_trace_differs")


@pytest.mark.parametrize(
    "terms",
    [
        replace(BY_TIME, idle_grace_s=11),
        replace(BY_TIME, min_price=Price(Decimal(3))),
        replace(BY_TIME, tax_included=TaxIncluded.YES),
        replace(
            BY_TIME,
            elements=(element(energy("0.31", "20"), hourly("60", "20"), max_duration_s=60), *BY_TIME.elements[1:]),
        ),
        replace(
            BY_TIME,
            elements=(element(energy("0.30", "20"), hourly("60", "20"), max_duration_s=61), *BY_TIME.elements[1:]),
        ),
        replace(BY_TIME, elements=(*BY_TIME.elements[:2], element(flat("0.51", None)))),
    ],
)
def test_a_price_of_another_tariff_by_one_unit_fails(terms: Tariff) -> None:
    """The CDR is true to `terms`; the record that the decision names says `BY_TIME`."""
    honest, other = HONEST.bundle, sealed_charge(terms=terms, registers=REGISTERS).bundle
    altered = replace(honest, cdr=other.cdr | {8: honest.cdr[8]}, price_trace=other.price_trace)
    assert failure(altered)[:2] == ("INVALID", 11)


def test_a_reading_that_is_kept_back_makes_the_price_incomplete_and_names_what_is_missing() -> None:
    honest = HONEST
    for number, item in enumerate(honest.items[1:-1], start=1):
        openings = tuple(o for o in honest.bundle.openings if o.payload_hash != item.hash or o.gid != Group.METER)
        assert len(openings) == len(honest.bundle.openings) - 1
        report = checked(replace(honest.bundle, openings=openings))
        assert (report.verdict, report.failure and report.failure.reason) == (Outcome.INCOMPLETE, "opening")
        assert report.failure is not None
        assert report.failure.field == "meter"
        assert report.failure.record.endswith(f"seq {number + 1}")


def test_readings_kept_back_change_nothing_where_the_price_does_not_depend_on_them() -> None:
    honest = sealed_charge(readings=3)
    hidden = {item.hash for item in honest.items[1:-1]}
    openings = tuple(o for o in honest.bundle.openings if o.payload_hash not in hidden)
    assert checked(replace(honest.bundle, openings=openings)).verdict is Outcome.VALID


WHOLE = replace(
    BY_TIME,
    min_price=Price(Decimal("0.50"), Decimal("0.60")),
    max_price=Price(Decimal(100)),
    tax_included=TaxIncluded.YES,
    start_at=datetime(2026, 2, 1, tzinfo=UTC),
    end_at=datetime(2027, 2, 1, tzinfo=UTC),
    elements=(
        element(
            energy("0.1"), start_time="22:00", end_time="06:30", days=("FRIDAY", "SUNDAY"), start_date="2026-03-01"
        ),
        element(
            energy("0.2"), end_date="2026-12-24", min_kwh="1.50", max_kwh="20", min_power_kw="3.7", max_power_kw="11"
        ),
        element(hourly("2", "20", 60), min_current_a="6", max_current_a="32", min_duration_s=0, max_duration_s=3600),
        element(flat("1"), hourly("3"), reservation="RESERVATION"),
        element(flat("4"), reservation="RESERVATION_EXPIRES"),
        element(energy("0.4", "7.70", 100), parking("1", "0")),
    ),
)


def test_a_record_carries_the_whole_tariff() -> None:
    assert tariff_from_value(decode(encode(tariff_to_value(WHOLE)))) == WHOLE


def test_a_record_of_old_is_read_as_it_was_meant() -> None:
    old = {
        1: "ZZ",
        2: "CPO",
        3: "T1",
        4: "EUR",
        5: [[["ENERGY", [-2, 42], [0, 20], 1]], [["FLAT", [-2, 50], None, 1]]],
        6: 1,
    }
    read = tariff_from_value(old)
    assert (read.time_zone, read.idle_grace_s, read.tax_included) == ("UTC", 0, TaxIncluded.NO)
    assert [e.restrictions for e in read.elements] == [None, None]
    assert tariff_to_value(read) == old


@pytest.mark.parametrize(
    ("change", "code", "subject"),
    [
        ({"elements": (element(energy("1"), unknown=("min_soc",)),)}, "tariff_not_priceable", "elements[0].min_soc"),
        ({"elements": (element(energy("1"), days=("CARNIVAL",)),)}, "tariff_not_priceable", "elements[0].day_of_week"),
        ({"elements": (element(energy("1"), start_time="08:00:30"),)}, "tariff_not_priceable", "start_time"),
        ({"time_zone": "Moon/Base"}, "bad_time_zone", "time_zone"),
        ({"idle_grace_s": -1}, "tariff_not_priceable", "idle_grace_s"),
    ],
)
def test_what_nobody_could_price_is_not_signed(change: dict[str, Any], code: str, subject: str) -> None:
    with pytest.raises(InputError) as refused:
        tariff_to_value(replace(WHOLE, **change))
    assert (refused.value.code, refused.value.subject) == (code, subject)


RESTRICTED = {1: [["ENERGY", [0, 1], None, 1]], 2: {1: 60}}


@pytest.mark.parametrize(
    "spoilt",
    [
        {15: 1},
        {9: 5},
        {10: 3},
        {11: [[0, 1]]},
        {13: 7},
        {14: "10"},
        {5: [RESTRICTED | {3: 1}]},
        {5: [{1: RESTRICTED[1]}]},
        {5: [RESTRICTED | {2: {15: 1}}]},
        {5: [RESTRICTED | {2: {1: 1440}}]},
        {5: [RESTRICTED | {2: {3: "2026-2-1"}}]},
        {5: [RESTRICTED | {2: {3: "20260201"}}]},
        {5: [RESTRICTED | {2: {5: 1}}]},
        {5: [RESTRICTED | {2: {13: [7]}}]},
        {5: [RESTRICTED | {2: {14: 2}}]},
        {5: ["ENERGY"]},
    ],
    ids=str,
)
def test_a_record_that_says_more_or_otherwise_is_refused(spoilt: dict[int, Any]) -> None:
    value = tariff_to_value(WHOLE)
    assert tariff_from_value(value | {5: [RESTRICTED]}).elements[0].restrictions == Restrictions(start_time=time(1))
    with pytest.raises(CborError):
        tariff_from_value(value | spoilt)
