"""General / Revenue at a real CSMS: the address says what is shown, and every figure is the ledger's."""

import csv
import re
import time
from datetime import date, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from tests.web.money_world import Business
from tests.web.support import words

from wattseal.base.errors import InputError
from wattseal.model.revenue import StepSize
from wattseal.serve.web.range import range_of

BERLIN = ZoneInfo("Europe/Berlin")
NOON_MS = 1_793_620_800_000  # 2026-11-02T12:00:00Z


def day(days_ago: int) -> str:
    """Return a day in Berlin."""
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() - days_ago * 86_400))


def net(business: Business, *names: str) -> str:
    bills = [business.bill(business.sessions[name]) for name in names]
    return f"{sum(float(bill['total_excl_vat']) for bill in bills):.2f} EUR"


def test_the_address_chooses_range_station_and_site(earned: Business) -> None:
    finance = earned.browser("finance")
    here = f"/revenue?from={day(3)}&to={day(3)}"
    assert f"Revenue before tax {net(earned, 'signed')} 18.00 EUR with tax" in finance.seen(here)
    assert "30.000 kWh" in finance.seen(f"{here}&site=DEPOT")
    assert "30.000 kWh" in finance.seen(f"{here}&station=m1")
    nothing = finance.seen(f"{here}&station=D1")
    assert "Nothing was billed in this time." in nothing
    assert "No session ended in this time" in nothing
    assert "Nothing was billed in this time." in finance.seen(f"{here}&party=MSP")
    shown = finance.page(f"{here}&step=month&station=D1")
    assert '<option value="month" selected>' in shown
    assert 'value="D1"' in shown


def test_what_is_verified_is_told_apart_and_a_sum_is_as_good_as_its_weakest_part(earned: Business) -> None:
    finance = earned.browser("finance")
    signed = finance.seen(f"/revenue?from={day(3)}&to={day(3)}")
    assert "100 % verified" in signed
    assert "Meter-signed" in signed
    both = finance.seen(f"/revenue?from={day(3)}&to={day(2)}")
    assert re.search(r"G[01] (Logged only|Not proven) \d\d % verified", both.partition("Energy billed")[0])
    assert "100 % verified" not in both
    assert "the meter" in both
    assert "this system alone" in both
    long_ago = finance.seen(f"/revenue?from={day(70)}&to={day(70)}")
    assert "0 % verified" in long_ago


def test_figures_stand_beside_those_of_the_period_before(earned: Business) -> None:
    shown = earned.browser("finance").seen(f"/revenue?from={day(2)}&to={day(2)}&station=M1")
    assert "The period before 15.00 18.00 1 30.000 kWh 30.000 kWh" in shown
    german = earned.browser("auditor", "de").seen(f"/revenue?from={day(3)}&to={day(3)}")
    assert "15,00 EUR" in german
    assert "davor nichts zum Vergleichen" in german


def test_the_table_comes_as_csv_with_the_same_filters(earned: Business) -> None:
    answer = earned.browser("finance").ask("GET", f"/revenue.csv?from={day(3)}&to={day(3)}&site=DEPOT")
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert [row["net"] for row in rows if row["currency"] == "EUR"] == ["15.00"]
    assert sum(int(row["billed"] or 0) for row in rows) == 1


@pytest.mark.parametrize(
    "query", ["from=yesterday", "from=2026-02-01&to=2026-01-01", "from=0001-01-01", "to=9999-12-31"]
)
def test_an_address_that_asks_for_no_time_is_told_so_and_shows_the_usual(earned: Business, query: str) -> None:
    page = earned.browser("finance").page(f"/revenue?{query}", 422)
    assert 'role="alert"' in page
    assert "Sessions" in words(page)


def test_hostile_filters_are_shown_as_text(earned: Business) -> None:
    page = earned.browser("finance").page("/revenue?station=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E&party=%3Cb%3E")
    assert "<script>alert" not in page
    assert "<b>" not in page


@pytest.mark.parametrize("path", ["/revenue", "/revenue.csv"])
def test_whoever_may_not_read_bills_sees_no_revenue(earned: Business, path: str) -> None:
    for role in ("operator", "partner"):
        assert "EUR" not in earned.browser(role).page(path, 403)


def test_a_range_begins_and_ends_at_midnight_where_the_reader_is() -> None:
    found = range_of({"range": "7d"}, BERLIN, NOON_MS)
    assert (found.first, found.last, found.step) == (date(2026, 10, 27), date(2026, 11, 2), StepSize.DAY)
    assert (found.to_ms - found.from_ms) % 86_400_000 == 0
    over_the_change = range_of({"from": "2026-10-25", "to": "2026-10-25"}, BERLIN, NOON_MS)
    assert over_the_change.to_ms - over_the_change.from_ms == 25 * 3_600_000
    year = range_of({"range": "12m"}, BERLIN, NOON_MS)
    assert (year.first, year.step) == (date(2025, 12, 1), StepSize.MONTH)
    assert range_of({}, BERLIN, NOON_MS).first == date(2026, 11, 2) - timedelta(days=89)
    with pytest.raises(InputError):
        range_of({"from": "2000-01-01", "to": "2020-01-01"}, BERLIN, NOON_MS)


def test_each_bar_bears_the_mark_of_the_step_a_period_before(earned: Business) -> None:
    page = earned.browser("finance").page(f"/revenue?from={day(2)}&to={day(2)}")
    assert page.count('class="before" d=') == 2, "of revenue and of energy"
    assert "a period before: 15.00" in page
    assert 'class="before" d=' not in earned.browser("finance").page(f"/revenue?from={day(3)}&to={day(3)}")


def test_the_latest_months_are_whole_ones() -> None:
    this, last = (range_of({"range": name}, BERLIN, NOON_MS) for name in ("month", "last-month"))
    assert (this.first, this.last) == (date(2026, 11, 1), date(2026, 11, 2))
    assert (last.first, last.last) == (date(2026, 10, 1), date(2026, 10, 31))
