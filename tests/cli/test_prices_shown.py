"""A driver recomputes a price from the bundle: `verify` says what it comes to, `bundle show` each step, and why."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from tests.pricing.prices import element, energy, flat, hourly, parking
from tests.support.worlds import sealed_charge, trust

from wattseal.bundle.cdr import CdrSummary
from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import Bundle
from wattseal.cli import bundle as bundle_cli
from wattseal.cli import verify as verify_cli
from wattseal.model.tariff import Price, Tariff

BY_TIME = Tariff(
    "ZZ",
    "CPO",
    "T1",
    "EUR",
    (
        element(energy("0.30", "20"), hourly("60", "20"), max_duration_s=60),
        element(energy("0.90", "20"), parking("12", "10")),
        element(flat("0.50")),
    ),
    datetime(2026, 1, 1, tzinfo=UTC),
    min_price=Price(Decimal(3), None),
    idle_grace_s=10,
    time_zone="Europe/Berlin",
)
HALF_MINUTES = (1000, 1500, 1500, 2000, 2000, 2000)


def told(folder: Path, bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Return what `verify` and `bundle show` print."""
    (folder / "trust.json").write_bytes(trust().to_json())
    (folder / "charge.wsb").write_bytes(bundle.encode())
    verify_cli.verify([folder / "charge.wsb"], trust=folder / "trust.json")
    checked = capsys.readouterr().out
    bundle_cli.show(folder / "charge.wsb", trust=folder / "trust.json")
    return checked, capsys.readouterr().out


def test_each_step_of_a_price_is_said_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0.50 flat, 1.10 of energy and time at 20 %, 80 s of standing at 12 an hour and 10 %: 1.87, with tax 2.11.

    The minimum of 3.00 before tax bears tax in the same proportion: 3.00 x 2.1133 / 1.8667 is 3.40.
    """
    made = sealed_charge(terms=BY_TIME, registers=HALF_MINUTES)
    checked, shown = told(tmp_path, made.bundle, capsys)
    total = "3.00 EUR, 3.40 with tax"
    assert f"price recomputed: {total}" in checked
    lines = [line.strip() for line in shown.splitlines()]
    begin = lines.index("Priced by tariff T1, recomputed here") + 1
    priced = lines[begin : lines.index("Signed by")]
    assert priced[0].endswith("flat         0.50 = 0.50  (element 3, once a session)")
    assert priced[1].startswith("2027-01-15 09:00"), "Berlin's time"
    assert any(
        "energy       0.5 kWh x 0.30/kWh = 0.15 + 20 % tax  (element 1, the first that" in line for line in priced
    )
    assert any("0.5 min x 60/h = 0.50 + 20 % tax" in line for line in priced)
    assert any("up to the minimum price" in line for line in priced)
    assert priced[-2].startswith(f"total: {total} (no rate: ")
    assert priced[-1] == f"asked: {total}"


def test_a_cent_too_much_is_shown_beside_what_it_comes_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = sealed_charge(terms=BY_TIME, registers=HALF_MINUTES).bundle
    asked = CdrSummary.read(made.cdr)
    dearer = replace(asked, total_incl_vat=asked.total_incl_vat + Decimal("0.01"))
    checked, shown = told(tmp_path, replace(made, cdr=dearer.to_value()), capsys)
    assert "INVALID" in checked
    assert "step 11 failed: cdr_differs (cdr total_incl_vat" in checked
    assert "price recomputed: 3.00 EUR, 3.40 with tax" in checked
    assert "asked: 3.00 EUR, 3.41 with tax" in shown


def test_where_a_reading_is_kept_back_no_price_is_made_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = sealed_charge(terms=BY_TIME, registers=HALF_MINUTES).bundle
    reading = made.items[2].hash
    kept = tuple(opening for opening in made.openings if opening.payload_hash != reading)
    checked, shown = told(tmp_path, replace(made, openings=kept), capsys)
    assert "INCOMPLETE" in checked
    assert "price recomputed" not in checked
    assert "Priced by" not in shown


def test_the_report_as_json_has_the_trace() -> None:
    report = check_bundle(sealed_charge(terms=BY_TIME, registers=HALF_MINUTES).bundle.encode(), trust()).to_json()
    price = report["price"]
    assert (price["tariff"], price["currency"], price["total_incl_vat"]) == ("T1", "EUR", "3.40")
    total = sum(Decimal(line["before_tax"]) for line in price["lines"])
    assert total == Decimal(price["total_excl_vat"])
    assert check_bundle(sealed_charge(opened=False).bundle.encode(), trust()).to_json()["price"] is None
