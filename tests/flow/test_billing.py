"""Billing: one charge is billed once, by its evidence; what is doubtful is not; nothing is lost on the way."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from tests.support.cpo_world import Talker, add_token, enrol, make_world, transactions
from tests.support.memory_journal import MemoryJournal
from tests.support.money import AT_ONCE, balances, bill_all, billing_world, energy_tariff
from tests.support.no_proofs import NoProofs
from tests.support.proving import troubles

from wattseal.base.errors import InputError, StoreError
from wattseal.flow.charges.standing import standing_of
from wattseal.flow.documents import UNBILLED
from wattseal.flow.fleet.sites import put_site
from wattseal.flow.money import billing
from wattseal.flow.money.billing import Biller, Round
from wattseal.flow.money.bills import bill_of
from wattseal.flow.money.rulings import Decided, rule
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.billing import Bill, BillState
from wattseal.model.ruling import RulingVerdict
from wattseal.model.site import Site
from wattseal.model.station import Station
from wattseal.model.transaction import Billing
from wattseal.model.verdict import Grade
from wattseal.rules.billing_policy import BillingPolicy
from wattseal.rules.revenue_split import RevenueShares
from wattseal.wire.ocpp.version import Version

WAIVE = Decided(RulingVerdict.WAIVE, "Jo Doe", "goodwill")
BILL = Decided(RulingVerdict.BILL, "Jo Doe", "the driver confirms it")


async def charge(world: World, start: int = 1000, end: int = 11_000, minutes: int = 0, station: str = "ST1") -> None:
    talker = Talker(world, station)
    await talker.stop(await talker.start(wh=start, minutes=minutes), end, minutes=minutes + 60)


async def only_bill(world: World) -> Bill:
    (found,) = await transactions(world)
    bill = await bill_of(world, found.id)
    assert bill is not None
    return bill


async def test_a_charge_is_billed_once_with_its_posting_and_what_it_rests_on() -> None:
    world = await billing_world()
    await charge(world)
    assert await bill_all(world) == Round(billed=1)
    assert await bill_all(world) == Round()
    bill = await only_bill(world)
    assert (bill.total.before_tax, bill.total.after_tax, bill.currency) == (Decimal("5.00"), Decimal("6.00"), "EUR")
    assert (bill.energy_wh, bill.account, bill.tariff_id) == (Decimal(10_000), "house", "T1")
    assert bill.posting == f"charge/{bill.evidence}"
    assert await balances(world) == {"customer/house": 600, "revenue/charging": -500, "tax/DE/20": -100}
    kept = await world.journal.posting(world.tenant, bill.posting)
    (transaction,) = await transactions(world)
    assert kept is not None
    assert transaction.ended in kept.posting.refs
    assert bill.tariff in kept.posting.refs
    assert await troubles(world) == []


async def test_a_bill_waits_for_witnesses_as_long_as_the_operator_says_and_no_longer() -> None:
    world = await billing_world(Settings(billing=BillingPolicy(wait_ms=50)))
    await charge(world)
    assert await bill_all(world) == Round(pending=1)
    for _ in range(60):
        world.now_ms()
    assert await bill_all(world) == Round(billed=1)


@dataclass
class Witnessed(NoProofs):
    """A log whose checkpoints another party cosigns at `at_ms`, once there are any; `asked` counts who asked."""

    at_ms: int | None = None
    asked: int = 0
    kept: int = 1

    async def cosigners(self, index: int) -> dict[str, int] | None:
        del index
        self.asked += 1
        return None if self.at_ms is None else {"MSP": self.at_ms}

    def state(self) -> int:
        return self.kept


async def test_what_waits_for_the_log_is_looked_at_again_when_a_checkpoint_was_kept_and_not_before() -> None:
    world = await billing_world(Settings(billing=BillingPolicy(wait_ms=30_000)))
    await charge(world)
    log = Witnessed()
    biller = Biller(world, log)
    assert await biller.round() == Round(pending=1)
    asked = log.asked
    assert asked == 1, "the end is not covered, so nothing else of the charge is asked for"
    for _ in range(3000):
        world.now_ms()
    assert await biller.round() == Round(pending=1)
    assert log.asked == asked
    log.kept = 2
    assert await biller.round() == Round(pending=1)
    assert log.asked > asked
    log.kept, log.at_ms = 3, world.now_ms()
    assert await biller.round() == Round(billed=1)
    assert (await only_bill(world)).grade is Grade.G1


async def test_what_witnesses_saw_before_it_was_made_is_kept_for_a_person_as_no_verifier_takes_it() -> None:
    world = await billing_world()
    await charge(world)
    log = Witnessed(at_ms=world.now_ms() - 86_400_000)
    assert await Biller(world, log).round() == Round(quarantined=1)
    assert world.counters["not_billed_evidence_below_pin"] == 1
    (one,) = await transactions(world)
    assert await bill_of(world, one.id) is None


async def test_where_very_many_wait_rounds_rest_between_and_nothing_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(billing, "PAGE", 1)
    world = await billing_world(Settings(billing=BillingPolicy(wait_ms=600)))
    for number in range(billing.FREE_PAGES + 3):
        await enrol(world, f"MANY{number}")
        await charge(world, station=f"MANY{number}")
    biller = Biller(world, NoProofs())
    many = billing.FREE_PAGES + 3
    assert await biller.round() == Round(pending=many)
    assert await biller.round() == Round()
    for _ in range(700):
        world.now_ms()
    assert await biller.round() == Round(billed=many)


async def test_what_is_quarantined_is_not_billed_until_a_person_says_so() -> None:
    world = await billing_world()
    await charge(world)
    await charge(world, start=5000, end=12_000, minutes=100)
    assert await bill_all(world) == Round(billed=1, quarantined=1)
    assert await bill_all(world) == Round()
    (back,) = [t for t in await transactions(world) if t.start_wh == 5000]
    assert await bill_of(world, back.id) is None
    await rule(world, NoProofs(), back.id, BILL)
    assert await bill_all(world) == Round(billed=1)
    bill = await bill_of(world, back.id)
    assert bill is not None
    assert bill.ruling is not None
    assert bill.total.after_tax == Decimal("4.20")


async def test_what_a_person_waives_costs_nothing_and_leaves_the_queue() -> None:
    world = await billing_world()
    await charge(world)
    await charge(world, start=5000, end=12_000, minutes=100)
    await bill_all(world)
    (back,) = [t for t in await transactions(world) if t.start_wh == 5000]
    await rule(world, NoProofs(), back.id, WAIVE)
    assert await bill_all(world) == Round(free=1)
    assert await world.journal.documents(world.tenant, UNBILLED) == ()
    assert (await balances(world))["customer/house"] == 600


async def test_one_charge_told_by_two_versions_is_billed_once() -> None:
    world = await billing_world()
    await enrol(world, Station(id="ST1"))
    await charge(world)
    again = Talker(world, "ST1", Version.V201)
    told = {
        "timestamp": again.at(),
        "seqNo": 0,
        "triggerReason": "Authorized",
        "transactionInfo": {"transactionId": "again"},
        "evse": {"id": 1, "connectorId": 1},
        "idToken": {"idToken": "CARD", "type": "ISO14443"},
    }
    sample = {"measurand": "Energy.Active.Import.Register", "unitOfMeasure": {"unit": "Wh"}}
    begin = [{"timestamp": again.at(), "sampledValue": [sample | {"value": 1000, "context": "Transaction.Begin"}]}]
    await again.call("TransactionEvent", told | {"eventType": "Started", "meterValue": begin})
    end = [{"timestamp": again.at(60), "sampledValue": [sample | {"value": 11_000, "context": "Transaction.End"}]}]
    ended = told | {"eventType": "Ended", "seqNo": 1, "timestamp": again.at(60), "triggerReason": "EVDeparted"}
    await again.call("TransactionEvent", ended | {"meterValue": end})
    first = await bill_all(world)
    assert first.billed == 1
    assert first.quarantined == 1
    assert (await balances(world))["customer/house"] == 600
    reasons = {(await standing_of(world, NoProofs(), t))[0] for t in await transactions(world)}
    assert (Billing.BILLED, None) in reasons
    assert len(reasons) == 2


async def test_without_a_tariff_no_price_was_agreed_and_the_charge_is_free() -> None:
    world = make_world(settings=AT_ONCE)
    await enrol(world, "ST1")
    await add_token(world, "CARD")
    await charge(world)
    assert await bill_all(world) == Round(free=1)
    assert await balances(world) == {}


async def test_a_charge_without_energy_is_free_and_bills_nothing() -> None:
    world = await billing_world()
    await charge(world, start=1000, end=1000)
    assert await bill_all(world) == Round(free=1)
    assert await balances(world) == {}


async def test_the_host_of_the_site_gets_his_share_and_no_cent_is_lost() -> None:
    shares = RevenueShares({"harbour": Decimal("12.5")})
    world = await billing_world(Settings(billing=BillingPolicy(wait_ms=0, shares=shares)))
    site = Site(
        id="S1",
        name="Quay",
        address="Quay 1",
        city="Kiel",
        country="DEU",
        latitude="54.32000",
        longitude="10.13000",
        time_zone="Europe/Berlin",
        host="harbour",
    )
    await put_site(world, site)
    await enrol(world, Station(id="ST1", site="S1"))
    await charge(world)
    await bill_all(world)
    found = await balances(world)
    assert found["payable/host/harbour"] == -62
    assert found["revenue/charging"] == -438
    assert sum(found.values()) == 0


async def test_a_journal_that_breaks_while_billing_bills_nothing_and_once_it_works_again_everything_once() -> None:
    world = await billing_world()
    assert isinstance(world.journal, MemoryJournal)
    await charge(world)
    world.journal.broken = True
    with pytest.raises(StoreError):
        await bill_all(world)
    world.journal.broken = False
    assert await balances(world) == {}
    assert await bill_all(world) == Round(billed=1)
    assert (await balances(world))["customer/house"] == 600


async def test_while_somebody_decides_on_a_session_it_is_left_alone() -> None:
    world = await billing_world()
    await charge(world)
    (transaction,) = await transactions(world)
    world.deciding.add(transaction.id)
    assert await bill_all(world) == Round()
    world.deciding.clear()
    assert await bill_all(world) == Round(billed=1)


async def test_a_billed_session_is_not_decided_again() -> None:
    world = await billing_world()
    await charge(world)
    await bill_all(world)
    (transaction,) = await transactions(world)
    with pytest.raises(InputError, match="billed"):
        await rule(world, NoProofs(), transaction.id, WAIVE)


async def test_currencies_stay_apart() -> None:
    world = await billing_world(AT_ONCE, energy_tariff(price="50", vat=None, currency="JPY"))
    await charge(world)
    bill = await bill_all(world)
    assert bill == Round(billed=1)
    assert (await only_bill(world)).total.after_tax == Decimal(500)
    assert (await only_bill(world)).state is BillState.BILLED
    found = await world.journal.balances(world.tenant)
    assert {(b.account, b.currency, b.debits - b.credits) for b in found} == {
        ("customer/house", "JPY", 500),
        ("revenue/charging", "JPY", -500),
    }
