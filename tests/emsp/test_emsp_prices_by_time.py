"""An eMSP prices by every reading, from its own keys and the tariff it agreed to, and comes to the verifier's cents."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from tests.emsp.emsp_world import bundled, open_world
from tests.pricing.prices import element, energy, flat, hourly, parking
from tests.support.charges import EMSP, START_MS, charge
from tests.support.worlds import tariff_record, trust

from wattseal.bundle.build import openings_of
from wattseal.bundle.cdr import CdrSummary, price_charge
from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome
from wattseal.model.tariff import Tariff
from wattseal.pricing.periods import Point
from wattseal.pricing.price import Priced
from wattseal.rules.affordable import affordable_wh, cost_of
from wattseal.seal.fields import SettlementVerdict
from wattseal.seal.groups import unwrap
from wattseal.seal.item import Group

BY_TIME = Tariff(
    "ZZ",
    "CPO",
    "T1",
    "EUR",
    (
        element(energy("0.30", "20"), hourly("60", "20"), max_duration_s=60),
        element(energy("0.90", "20"), hourly("6", "20"), parking("12", "10")),
        element(flat("0.50")),
    ),
    datetime(2026, 1, 1, tzinfo=UTC),
    idle_grace_s=10,
)
REGISTERS = (1000, 1500, 1500, 2000, 2000, 2000)
POINTS = tuple(Point(START_MS + n * 30_000, Decimal(wh)) for n, wh in enumerate(REGISTERS))


@pytest.mark.parametrize("asked", [None, lambda told: told, lambda told: replace(told, total_incl_vat=Decimal("2.00"))])
async def test_a_sealed_charge_is_settled_by_its_readings(
    tmp_path: Path, asked: Callable[[CdrSummary], CdrSummary] | None
) -> None:
    """The CPO sees none of the readings. What it asks for may be missing, right or wrong: the price is the eMSP's."""
    record = tariff_record(BY_TIME)
    priced = price_charge(BY_TIME, POINTS)
    assert isinstance(priced, Priced)
    assert priced.total.after_tax is not None
    async with open_world(tmp_path) as world:
        await world.send(record)
        request, decision = await world.authorised()
        items = charge(world.charge_pen, refs=(decision.hash,), registers=REGISTERS)
        bundle = bundled(items, [request, decision, record], energy_wh=None)
        told = CdrSummary(
            (items[0].payload.subject or b"").hex(),
            START_MS,
            POINTS[-1].ms,
            Decimal(1000),
            "EUR",
            priced.total.before_tax,
            priced.total.after_tax,
            record.hash,
        )
        said = await world.billed(bundle if asked is None else replace(bundle, cdr=asked(told).to_value()))
        if asked is not None and asked(told) != told:
            assert (said.verdict, said.step, said.reason) == (SettlementVerdict.DISPUTED, 11, "cdr_differs")
            return
        assert said.verdict is SettlementVerdict.ACCEPTED
        assert (said.total_excl_vat, said.total_incl_vat) == (priced.total.before_tax, priced.total.after_tax)
        secrets: dict[int, bytes] = {
            g: s for g in (Group.METER, Group.OPS) if (s := unwrap(items[0], g, EMSP)) is not None
        }
        open_to_all = replace(bundle, cdr=told.to_value(), openings=openings_of(items, secrets, secrets))
        assert check_bundle(open_to_all.encode(), trust()).verdict is Outcome.VALID


def test_what_money_buys_counts_the_time_it_takes() -> None:
    """11 kW is assumed: at 1 EUR an hour and 0.20 a kWh, an hour of it comes to 3.20."""
    by = Tariff("ZZ", "CPO", "T1", "EUR", (element(energy("0.20"), hourly("1")),), datetime(2026, 1, 1, tzinfo=UTC))
    assert cost_of(by, Decimal(11_000), START_MS) == Decimal("3.20")
    assert affordable_wh(by, Decimal("3.20"), 100_000, START_MS) in range(11_000, 11_020)
    assert affordable_wh(by, Decimal(1000), 100_000, START_MS) == 100_000
    only_time = replace(by, elements=(element(hourly("2")),))
    assert affordable_wh(only_time, Decimal(2), 100_000, START_MS) in range(11_000, 11_030)


def test_what_a_charge_has_come_to_counts_the_time_it_took() -> None:
    by = Tariff("ZZ", "CPO", "T1", "EUR", (element(energy("0.20"), hourly("1")),), datetime(2026, 1, 1, tzinfo=UTC))
    assert cost_of(by, Decimal(1_000), START_MS, START_MS + 7_200_000) == Decimal("2.20")


def test_what_money_buys_never_exceeds_it_and_one_wh_more_would() -> None:
    nights = element(energy("0.9"), start_time="22:00", end_time="06:00")
    dear_nights = replace(BY_TIME, elements=(nights, element(energy("0.3"), hourly("2"))))
    for amount in (Decimal("0.01"), Decimal("0.75"), Decimal(3), Decimal(40)):
        most = affordable_wh(dear_nights, amount, 150_000, START_MS)
        cost, more = cost_of(dear_nights, Decimal(most), START_MS), cost_of(dear_nights, Decimal(most + 1), START_MS)
        assert cost is not None
        assert more is not None
        assert cost <= amount < more or most == 150_000
