"""A car goes on until its station obeys: what an eMSP pays for above the cap of a charge that it has stopped itself."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from tests.emsp.emsp_world import bundled, open_world
from tests.support.charges import charge
from tests.support.worlds import tariff_record

from wattseal.model.provider import ChargeStatus
from wattseal.seal.fields import Settlement, SettlementVerdict
from wattseal.seal.item import Kind, parse_item

BEGIN = 1000
KWH = 1000
AT_80 = (20, 40, 60, 80)
"""Half a minute apart. A hold of 50 EUR buys 98 kWh: after the fourth one more would use it up, and it is stopped."""


async def settled(path: Path, *drawn: int, relayed: int | None = None, late: bool = False) -> tuple[Settlement, bool]:
    """Charge to so many kWh at each record; return the settlement, and whether a stop was signed.

    Only `relayed` of the records reach the eMSP before the end, all but the last where that is not said; `late`: just
    before it.
    """
    async with open_world(path) as world:
        await world.customer(limit="50")
        request, decision = await world.authorised()
        registers: Sequence[int] = [BEGIN, *(BEGIN + kwh * KWH for kwh in drawn)]
        items = charge(world.charge_pen, refs=(decision.hash,), registers=registers)
        world.clock.ms = items[-1].payload.ms if late else world.clock.ms
        answers = []
        for item in items[: len(items) - 1 if relayed is None else relayed]:
            answers += await world.emsp.receive_items(world.contract, [item.encode()])
        said = await world.billed(bundled(items, [request, decision, tariff_record()], energy_wh=drawn[-1] * KWH))
        charged = await world.charge_of()
        paid = charged.status is ChargeStatus.SETTLED
        assert paid is (said.verdict is SettlementVerdict.ACCEPTED)
        assert (await world.account()).captured == (said.total_incl_vat if paid else 0)
        await world.emsp.desk.books.check_sums()
        return said, any(parse_item(answer).payload.kind == Kind.COMMAND for answer in answers)


@pytest.mark.parametrize(
    ("then", "paid"),
    [
        ((98,), True),
        ((99,), True),
        ((117,), True),
        ((118,), False),
        ((90, 117), True),
        ((90, 118), False),
        ((90, 95, 102), True),
        ((90, 95, 103), False),
        ((90, 95, 98, 99, 100, 101, 102), True),
        ((90, 95, 98, 100, 105, 117), False),
    ],
)
async def test_who_obeys_at_once_is_paid_a_fifth_more_and_who_does_not_a_twentieth(
    tmp_path: Path, then: tuple[int, ...], *, paid: bool
) -> None:
    said, stopped = await settled(tmp_path, *AT_80, *then)
    assert stopped
    assert (said.verdict is SettlementVerdict.ACCEPTED) is paid
    if paid:
        assert said.energy_wh == Decimal(then[-1] * KWH)
    else:
        assert (said.step, said.reason) == (10, "cap_exceeded")


@pytest.mark.parametrize("relayed", [0, 1, 4])
async def test_control_nothing_above_the_cap_is_paid_where_nobody_could_stop_it(tmp_path: Path, relayed: int) -> None:
    said, stopped = await settled(tmp_path, *AT_80, 99, relayed=relayed)
    assert not stopped
    assert (said.step, said.reason) == (10, "cap_exceeded")


async def test_a_cpo_that_hands_on_late_what_was_drawn_long_ago_gains_nothing(tmp_path: Path) -> None:
    """All is relayed in the last moment: the stop is signed after it all, and counts from the record it answers."""
    said, stopped = await settled(tmp_path, *AT_80, 90, 100, 110, 117, 117, late=True)
    assert stopped
    assert (said.step, said.reason) == (10, "cap_exceeded")
