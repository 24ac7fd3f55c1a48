"""The browser comes to the price that Python comes to, line by line of the trace and digit by digit."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.doc_tree import ROOT
from tests.support.examples import SHARE, examples
from tests.web import pricing_spelling as say
from tests.web.peer import Peer, modules, peer

from wattseal.model.cdr import ChargingPeriod, Dimension
from wattseal.model.tariff import Price, PriceComponent, Restrictions, Tariff, TariffElement, TaxIncluded
from wattseal.pricing import Incomplete, Priced, price
from wattseal.pricing.clock import milliseconds, zone_of
from wattseal.pricing.periods import Point, hours, periods
from wattseal.pricing.terms import WEEKDAYS

SEED = 20261129
TARIFFS = examples(2500, usual=40)
ZONES = ("Europe/Berlin", "UTC", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
STARTS = (
    datetime(2026, 3, 28, 19, tzinfo=UTC),  # in Berlin a night without its third hour
    datetime(2026, 10, 24, 18, tzinfo=UTC),  # in Berlin a night that has it twice
    datetime(2026, 4, 4, 13, tzinfo=UTC),  # on Lord Howe half an hour comes twice
    datetime(2026, 11, 1, 2, tzinfo=UTC),  # in St. John's an hour comes twice
    datetime(2026, 12, 31, 20, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def browser(pytestconfig: pytest.Config) -> Iterator[Peer]:
    with peer("peer_pricing.mjs", modules(pytestconfig) / "pricing.mjs") as running:
        yield running


def agree(browser: Peer, lines: list[dict[str, Any]]) -> None:
    for line, theirs in zip(lines, browser.ask(line["question"] for line in lines), strict=True):
        assert theirs == line["answer"], line["question"]


def test_whatever_the_tests_of_the_pricing_ask_is_answered_alike(browser: Peer, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "tests.web.pricing_recorder", "tests/pricing"]
    ran = subprocess.run(  # noqa: S603 - our own interpreter
        [*command, "--hypothesis-seed=0", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={SHARE: "20", **os.environ, "PRICING_CALLS": str(calls)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    lines = [json.loads(line) for line in calls.read_text().splitlines()]
    assert len(lines) > 500
    agree(browser, lines)


def test_seeded_tariffs_over_seeded_sessions_come_to_the_same_price(browser: Peer) -> None:
    chance = random.Random(SEED)  # noqa: S311 - repeatable, and no secret
    lines = [line for _ in range(TARIFFS) for line in session(chance)]
    agree(browser, lines)
    told = [line["answer"] for line in lines]
    reasons = {trace[0] for one in told if isinstance(one, dict) for trace in one.get("trace", ())}
    codes = {code.partition(":")[0] for one in told if isinstance(one, list) for code in one}
    assert reasons >= {"flat_once", "first_match", "step_size_once", "no_match", "min_price", "max_price"}
    assert codes >= {"power_unknown", "current_unknown", "limits_contradict", "precision", "second_component"}


def session(chance: random.Random) -> Iterator[dict[str, Any]]:
    """Yield a tariff's periods of a session, their price, and that of other periods a partner might send."""
    by = tariff(chance)
    zone = zone_of(by.time_zone)
    assert zone is not None
    read = points(chance)
    found = periods(read, by)
    asked = say.question(by, zone)
    yield {"question": asked | {"points": say.points(read)}, "answer": say.answer(found)}
    for stretches in (*(() if isinstance(found, Incomplete) else (found,)), foreign(chance, by)):
        made: Priced | Incomplete = price(by, stretches, zone)
        yield {"question": asked | {"periods": say.periods(stretches)}, "answer": say.answer(made)}


def tariff(chance: random.Random) -> Tariff:
    currency = chance.choice([*["EUR"] * 30, "JPY", "KWD", "eur"])
    return Tariff(
        "DE",
        "ALL",
        "17",
        currency,
        tuple(element(chance) for _ in range(chance.choice([1, 1, 2, 3, 4]))),
        STARTS[0],
        tax_included=chance.choice([*[TaxIncluded.NO, TaxIncluded.YES] * 10, TaxIncluded.NOT_APPLICABLE]),
        min_price=limit(chance),
        max_price=limit(chance),
        end_at=STARTS[1] if chance.random() < 0.03 else None,
        time_zone=chance.choice(ZONES),
        idle_grace_s=chance.choice([0, 0, 60, 1000]),
    )


def element(chance: random.Random) -> TariffElement:
    kinds = chance.sample(["ENERGY", "TIME", "PARKING_TIME", "FLAT"], chance.choice([1, 1, 2, 3, 4]))
    if chance.random() < 0.02:
        kinds.append(kinds[0])
    components = tuple(PriceComponent(kind, amount(chance), vat(chance), step(chance)) for kind in kinds)
    return TariffElement(components, restrictions(chance) if chance.random() < 0.7 else None)


def restrictions(chance: random.Random) -> Restrictions:
    told: dict[str, Any] = {}
    for name, draw in (
        ("start_time", lambda: time(chance.randrange(24), chance.choice([0, 15, 30]))),
        ("end_time", lambda: time(chance.randrange(24), chance.choice([0, 15, 30]))),
        ("start_date", lambda: chance.choice(STARTS).date() + timedelta(chance.randrange(-1, 3))),
        ("end_date", lambda: date(2026, 11, 2)),
        ("days_of_week", lambda: tuple(chance.sample(WEEKDAYS, chance.randrange(1, 5)))),
        ("min_kwh", lambda: Decimal(chance.randrange(80)) / 10),
        ("max_kwh", lambda: Decimal(chance.randrange(120)) / 10),
        ("min_power_kw", lambda: Decimal(chance.randrange(30))),
        ("max_power_kw", lambda: Decimal(chance.randrange(30))),
        ("min_current_a", lambda: Decimal(chance.randrange(40))),
        ("min_duration_s", lambda: chance.randrange(400) * 60),
        ("max_duration_s", lambda: chance.randrange(400) * 60),
        ("reservation", lambda: chance.choice(["RESERVATION", "RESERVATION_EXPIRES"])),
    ):
        if chance.random() < (0.03 if name in {"reservation", "min_current_a"} else 0.15):
            told[name] = draw()
    return Restrictions(**told)


def amount(chance: random.Random) -> Decimal:
    if chance.random() < 0.01:
        return Decimal("0.1234567890123456789")
    return Decimal(chance.randrange(5000)).scaleb(-chance.choice([0, 2, 3, 4]))


def vat(chance: random.Random) -> Decimal | None:
    return chance.choice([None, Decimal(0), Decimal("5.5"), Decimal(19), Decimal("19.0"), Decimal(20), Decimal(7)])


def step(chance: random.Random) -> int:
    return chance.choice([1, 1, 60, 500, 900, 7])


def limit(chance: random.Random) -> Price | None:
    if chance.random() < 0.8:
        return None
    net = Decimal(chance.randrange(3000)) / 100
    return Price(net, chance.choice([None, net, net + 2, net * Decimal("1.19")]))


def points(chance: random.Random) -> tuple[Point, ...]:
    at_ms = milliseconds(chance.choice(STARTS)) + chance.randrange(6 * 3_600_000)
    wh = Decimal(chance.randrange(10**6))
    found = [Point(at_ms, wh)]
    for _ in range(chance.randrange(1, 8)):
        at_ms += chance.choice([0, 60_000, 900_000, chance.randrange(4 * 3_600_000)])
        wh += chance.choice([Decimal(0), Decimal(100), Decimal(2500), Decimal(chance.randrange(10**6)) / 1000])
        found.append(Point(at_ms, wh))
    return tuple(found)


def foreign(chance: random.Random, by: Tariff) -> tuple[ChargingPeriod, ...]:
    """Return periods as another system may send them: powers, currents, reserved time, two kinds of time in one."""
    at = chance.choice(STARTS) + timedelta(minutes=chance.randrange(300))
    found = []
    for number in range(chance.randrange(1, 5)):
        ms = chance.randrange(3 * 3_600_000)
        if number == 0 and chance.random() < 0.1:
            told = [Dimension("RESERVATION_TIME", hours(ms))]
        else:
            told = [Dimension("ENERGY", Decimal(chance.randrange(9000)) / 1000)]
            told += [Dimension(kind, hours(ms)) for kind in ("TIME", "PARKING_TIME") if chance.random() < 0.5]
            least = Decimal(chance.randrange(22))
            for quantity in ("POWER", "CURRENT"):
                if chance.random() < 0.3:
                    told += [Dimension(f"MIN_{quantity}", least), Dimension(f"MAX_{quantity}", least * 2)]
                elif chance.random() < 0.3:
                    told.append(Dimension(quantity, least))
        found.append(ChargingPeriod(at, tuple(told), by.id))
        at += timedelta(milliseconds=2 * ms)
    return tuple(found)
