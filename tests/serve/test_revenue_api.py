"""Revenue over HTTP: what a charge comes to by steps, for those who may see bills and energy."""

import asyncio
import csv
import io
from collections.abc import Iterator

import pytest
from tests.support.cpo_process import Caller, Cpo, Nursery

WHEN = "since=2026-01-01T00:00:00Z&until=2026-01-03T00:00:00Z&zone=Europe/Berlin"


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    started = nursery.start(tmp_path_factory.mktemp("revenue") / "cpo")
    started.enrol("ST1")
    started.add_token()
    asyncio.run(_charge(started))
    yield started
    nursery.close()


async def _charge(cpo: Cpo) -> None:
    async with cpo.dial("ST1") as socket:
        station = Caller(socket)
        start = {"connectorId": 1, "idTag": "CARD", "meterStart": 1000, "timestamp": "2026-01-01T22:30:00Z"}
        number = (await station.call("StartTransaction", start))["transactionId"]
        stop = {"transactionId": number, "meterStop": 1500, "timestamp": "2026-01-01T23:30:00Z"}
        await station.call("StopTransaction", stop)


def test_a_session_counts_on_the_day_it_ended_in_the_zone_asked_for(cpo: Cpo) -> None:
    told = cpo.ask("GET", f"/api/v1/revenue?{WHEN}").json()
    assert sum(told["total"]["sessions"].values()) == 1
    assert told["total"]["energy_wh"] == "500.000"
    assert [step["seconds"] for step in told["steps"]] == [0, 3600, 0]
    utc = cpo.ask("GET", f"/api/v1/revenue?{WHEN.replace('Europe/Berlin', 'UTC')}").json()
    assert [step["seconds"] for step in utc["steps"]] == [3600, 0]
    assert sum(cpo.ask("GET", f"/api/v1/revenue?{WHEN}&station_id=st1").json()["total"]["sessions"].values()) == 1
    assert sum(cpo.ask("GET", f"/api/v1/revenue?{WHEN}&site=none").json()["total"]["sessions"].values()) == 0


def test_the_table_is_the_same_in_lines(cpo: Cpo) -> None:
    answer = cpo.ask("GET", f"/api/v1/revenue/table.csv?{WHEN}")
    assert answer.status == 200
    lines = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [line["energy_wh"] for line in lines] == ["0.000", "500.000", "0.000"]


@pytest.mark.parametrize(
    "wrong", ["zone=Mars", "step=year", "since=2026-01-01T00:01:00Z", "until=1970-01-01T00:00:00Z"]
)
def test_what_cannot_be_asked_for_is_told(cpo: Cpo, wrong: str) -> None:
    answer = cpo.ask("GET", f"/api/v1/revenue?{wrong}")
    assert answer.status in {400, 422}
    assert answer.json()["code"]


@pytest.mark.parametrize("scopes", [["bills:read"], ["energy:read"]])
def test_who_may_not_see_bills_and_energy_sees_no_revenue(cpo: Cpo, scopes: list[str]) -> None:
    made = cpo.ask("POST", "/api/v1/api-tokens", {"name": "half", "scopes": scopes}).json()
    for path in ("revenue", "revenue/table.csv"):
        assert cpo.ask("GET", f"/api/v1/{path}", Authorization=f"Bearer {made['secret']}").status == 403
