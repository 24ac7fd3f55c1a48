"""Revenue: what was billed is added up by steps, filters leave out what is others', and nothing is counted twice."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from tests.support.bills import share
from tests.support.cpo_world import Talker, add_token, enrol, transactions
from tests.support.memory_journal import MemoryJournal
from tests.support.money import bill_all, billing_world
from tests.support.no_proofs import NoProofs
from tests.support.proving import troubles

from wattseal.base.errors import InputError
from wattseal.flow.fleet.sites import put_site
from wattseal.flow.money.bills import bill_of
from wattseal.flow.money.credits import prepare, take_back
from wattseal.flow.money.rulings import Decided, rule
from wattseal.flow.ports import Batch, Committed
from wattseal.flow.revenue import COLUMNS, revenue, revenue_rows
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.billing import TaxShare
from wattseal.model.revenue import RevenueQuery, Sessions, StepSize
from wattseal.model.rollup import SessionState
from wattseal.model.ruling import RulingVerdict
from wattseal.model.site import Site
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.verdict import Grade, Source
from wattseal.rules.rollup import listed_bill

DAY_MS = 86_400_000


async def charge(world: World, end: int = 11_000, station: str = "ST1", start: int = 1000, minutes: int = 0) -> None:
    talker = Talker(world, station)
    await talker.stop(await talker.start(wh=start, minutes=minutes), end, minutes=minutes + 60)


def around(world: World, **more: object) -> RevenueQuery:
    today = world.now_ms() // DAY_MS * DAY_MS
    return replace(RevenueQuery(from_ms=today - 3 * DAY_MS, to_ms=today + 4 * DAY_MS), **more)  # type: ignore[arg-type]


async def credit(world: World, transaction_id: str, *amounts: TaxShare) -> None:
    bill = await bill_of(world, transaction_id)
    assert bill is not None
    taken = await prepare(world, bill, ("ab" * 32,), amounts)
    step = Step(world, bill.station_id, world.now_ms())
    take_back(step, taken)
    await step.commit()


async def test_a_charge_counts_in_the_step_in_which_it_ended() -> None:
    world = await billing_world()
    await charge(world)
    pending = await revenue(world, around(world))
    assert pending.total.sessions == Sessions(pending=1, energy_wh=Decimal(10_000), seconds=3600)
    assert pending.total.totals == ()
    await bill_all(world)
    told = await revenue(world, around(world))
    assert told.total.sessions == Sessions(billed=1, energy_wh=Decimal(10_000), seconds=3600)
    (total,) = told.total.totals
    assert (total.currency, total.bills, total.net, total.tax, total.gross) == ("EUR", 1, 500, 100, 600)
    (found,) = await transactions(world)
    assert found.ended_ms is not None
    (step,) = [step for step in told.steps if step.sessions.total]
    assert step.from_ms <= found.ended_ms < step.to_ms
    assert len(told.steps) == 7
    assert await troubles(world) == []


async def test_steps_add_up_to_the_total_and_the_stretch_before_is_beside_it() -> None:
    world = await billing_world()
    for day in range(4):
        await charge(world, start=1000 + day * 10_000, end=11_000 + day * 10_000, minutes=day * 1440)
        world.clock.at = world.clock.at.replace(day=world.clock.at.day + 1)  # type: ignore[attr-defined] # a test's clock
    await bill_all(world)
    now_ms = world.now_ms() // DAY_MS * DAY_MS
    told = await revenue(world, RevenueQuery(from_ms=now_ms - 2 * DAY_MS, to_ms=now_ms, step=StepSize.HOUR))
    assert sum(step.sessions.total for step in told.steps) == told.total.sessions.total == 2
    assert sum(total.net for step in told.steps for total in step.totals) == told.total.totals[0].net
    assert told.before.sessions.billed == 2
    assert (told.before.from_ms, told.before.to_ms) == (now_ms - 4 * DAY_MS, now_ms - 2 * DAY_MS)
    assert all(one.to_ms == other.from_ms for one, other in pairwise(told.steps))
    assert await troubles(world) == []


async def test_what_is_taken_back_is_told_and_what_stands_is_less() -> None:
    world = await billing_world()
    await charge(world)
    await bill_all(world)
    (found,) = await transactions(world)
    await credit(world, found.id, share("2.00", "20"))
    told = (await revenue(world, around(world))).total
    (total,) = told.totals
    assert (total.bills, total.net, total.tax) == (1, 200, 40)
    assert (total.reversed_net, total.reversed_tax) == (500, 100)
    assert sum(line.energy_wh for line in told.earned) == Decimal(10_000)
    assert await troubles(world) == []
    await credit(world, f"{found.id}-1")
    told = (await revenue(world, around(world))).total
    assert (told.totals[0].bills, told.totals[0].gross, told.totals[0].reversed_net) == (0, 0, 700)
    assert told.energy_by_grade == {}
    assert told.sessions.billed == 1
    assert await troubles(world) == []


async def test_quarantined_ruled_on_and_waived_sessions_are_counted_where_they_stand() -> None:
    world = await billing_world()
    await charge(world)
    await charge(world, start=5000, end=12_000)
    await charge(world, start=6000, end=13_000)
    await bill_all(world)
    assert (await revenue(world, around(world))).total.sessions.quarantined == 2
    doubtful = sorted((t for t in await transactions(world) if t.start_wh != 1000), key=lambda t: t.recorded_ms)
    for verdict, transaction in zip((RulingVerdict.BILL, RulingVerdict.WAIVE), doubtful, strict=True):
        await rule(world, NoProofs(), transaction.id, Decided(verdict, "Jo Doe", "goodwill"))
    assert (await revenue(world, around(world))).total.sessions.pending == 2
    await bill_all(world)
    sessions = (await revenue(world, around(world))).total.sessions
    assert (sessions.billed, sessions.free, sessions.quarantined, sessions.pending) == (2, 1, 0, 0)
    assert (await world.journal.session_counts(world.tenant))[SessionState.BILLED] == 2
    assert await troubles(world) == []


async def test_an_open_session_is_listed_and_adds_nothing_and_readings_write_no_row() -> None:
    journal = Watching()
    world = await billing_world(journal=journal)
    talker = Talker(world, "ST1")
    number = await talker.start(wh=1000)
    assert journal.rows == 1
    sample = {"timestamp": talker.at(5), "sampledValue": [{"value": "2000"}]}
    await talker.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [sample]})
    assert journal.rows == 1
    assert (await revenue(world, around(world))).total.sessions.total == 0
    assert (await world.journal.session_counts(world.tenant))[SessionState.OPEN] == 1
    await talker.stop(number, 3000, minutes=60)
    assert journal.rows == 2
    assert await troubles(world) == []


class Watching(MemoryJournal):
    """Counts the commits that write rows of sessions."""

    rows = 0

    async def commit(self, batch: Batch) -> Committed:
        self.rows += bool(batch.sessions)
        return await super().commit(batch)


async def test_filters_leave_out_what_is_others() -> None:
    world = await billing_world()
    place: dict[str, Any] = {
        "address": "a",
        "city": "c",
        "country": "DEU",
        "latitude": "1",
        "longitude": "2",
        "time_zone": "UTC",
    }
    await put_site(world, Site(id="SOUTH", name="South", **place))
    evses = (EvseEnrolment(id=1), EvseEnrolment(id=2))
    await enrol(world, Station(id="ST2", site="SOUTH", evses=evses))
    await add_token(world, "CARD")
    await charge(world)
    await charge(world, station="ST2", end=4000)
    await bill_all(world)

    async def of(**more: object) -> tuple[int, Decimal, int]:
        told = (await revenue(world, around(world, **more))).total
        return told.sessions.billed, told.sessions.energy_wh, told.evses

    assert await of() == (2, Decimal(13_000), 3)
    assert await of(stations=("ST1",)) == (1, Decimal(10_000), 1)
    assert await of(sites=("SOUTH",)) == (1, Decimal(3000), 2)
    assert await of(sites=("SOUTH",), stations=("st1",)) == (2, Decimal(13_000), 3)
    assert await of(sites=("NORTH",)) == (0, Decimal(0), 0)
    assert await of(parties=(world.party,)) == (2, Decimal(13_000), 3)
    assert await of(parties=("DE*AAA",)) == (0, Decimal(0), 3)
    told = await revenue(world, around(world, sites=("SOUTH",)))
    assert told.total.utilisation == pytest.approx(3600 / (2 * 7 * 86_400))
    assert (await revenue(world, around(world, sites=("NORTH",)))).total.utilisation is None


async def test_money_and_energy_are_told_by_who_signed_for_them() -> None:
    world = await billing_world()
    await charge(world)
    await bill_all(world)
    (found,) = await transactions(world)
    bill = await bill_of(world, found.id)
    assert bill is not None
    better = replace(bill, id="00", grade=Grade.G3, source=Source.METER, currency="CHF")
    await world.journal.commit(Batch(world.tenant, bills=(listed_bill(better),)))
    told = (await revenue(world, around(world))).total
    assert [(line.currency, line.grade, line.is_verified) for line in told.earned] == [
        ("CHF", Grade.G3, True),
        ("EUR", Grade.G0, False),
    ]
    assert [(total.currency, total.verified_net, total.unverified_net) for total in told.totals] == [
        ("CHF", 500, 0),
        ("EUR", 0, 500),
    ]
    assert told.verified_wh == Decimal(10_000)
    assert told.energy_by_grade == {Grade.G3: Decimal(10_000), Grade.G0: Decimal(10_000)}


async def test_the_table_has_each_sum_once() -> None:
    world = await billing_world()
    await charge(world)
    await bill_all(world)
    told = await revenue(world, around(world, zone="Europe/Berlin"))
    lines = [dict(zip(COLUMNS, row, strict=True)) for row in revenue_rows(told)]
    assert sum(line["billed"] or 0 for line in lines) == 1  # type: ignore[misc] # a number
    (bill,) = [line for line in lines if line["currency"]]
    assert (bill["net"], bill["vat"], bill["bills"], bill["grade"]) == (Decimal("5.00"), Decimal("1.00"), 1, "G0")
    assert str(lines[0]["from"]).endswith("T01:00:00+01:00")


async def test_a_zone_that_is_none_is_refused() -> None:
    world = await billing_world()
    with pytest.raises(InputError):
        await revenue(world, around(world, zone="Europe/Nowhere"))


@pytest.mark.parametrize(("end", "mwh"), [(999, 0), (2_001_001, 0), (2_001_000, 2_000_000_000)])
async def test_energy_that_cannot_be_does_not_drown_the_rest(end: int, mwh: int) -> None:
    world = await billing_world()
    await charge(world, end=end)
    told = await revenue(world, around(world))
    assert told.total.sessions.total == 1
    assert told.total.sessions.energy_wh * 1000 == mwh
    assert await troubles(world) == []
