"""Money is held before the relay closes: once for a charge, never twice the same, and given back when that is over."""

import asyncio
from typing import Any

import pytest
from tests.flow.test_stopping import only
from tests.support.cpo_world import Talker
from tests.support.memory_journal import MemoryJournal
from tests.support.paying import account, bill, card_of, held, money, paying_world, wait
from tests.support.proving import troubles

from wattseal.base.errors import StoreError
from wattseal.flow.money.accounts import change_account, paying
from wattseal.flow.money.held import open_holds
from wattseal.flow.money.holds import tidy
from wattseal.flow.world import World
from wattseal.model.account import AccountStatus
from wattseal.model.ledger import PostingKind
from wattseal.model.transaction import Billing
from wattseal.rules.hold_policy import HoldPolicy, Homeless
from wattseal.seal.fields import Decision
from wattseal.seal.item import parse_item
from wattseal.wire.ocpp.version import Version

V16, V201, _ = Version


async def authorise(world: World, station: str = "ST1", card: str = "CARD") -> str:
    told = await Talker(world, station).call("Authorize", {"idTag": card})
    status: str = told["idTagInfo"]["status"]
    return status


async def started(world: World, station: str = "ST1", card: str = "CARD", minutes: int = 0) -> tuple[int, str]:
    payload = {"connectorId": 1, "idTag": card, "meterStart": 0, "timestamp": Talker(world, station).at(minutes)}
    told = await Talker(world, station).call("StartTransaction", payload)
    return told["transactionId"], told["idTagInfo"]["status"]


async def postings(world: World, kind: PostingKind) -> list[Any]:
    return [k.posting for k in await world.journal.postings(world.tenant) if k.posting.kind is kind]


async def test_the_hold_is_in_one_step_with_the_decision_that_says_what_it_buys() -> None:
    world = await paying_world()
    made = await account(world, 80)
    assert (await started(world))[1] == "Accepted"
    assert await money(world, made) == (3000, 5000)
    (posting,) = await postings(world, PostingKind.HOLD)
    transaction = await only(world)
    assert (posting.subject, posting.refs) == (transaction.id, (transaction.decision,))
    kept = await world.journal.replay(world.tenant)
    (decision,) = [parse_item(k.item.item) for k in kept if k.item.payload_hash.hex() == transaction.decision]
    assert Decision.read(decision.payload.public).cap_wh == 50_004  # 50.004 kWh cost 50.00
    (hold,) = await held(world)
    assert (hold.amount, hold.decision, bytes.fromhex(hold.tariff or "")) == (
        5000,
        transaction.decision,
        decision.payload.refs[1],
    )
    assert await paying(world, transaction) == made.id
    assert await open_holds(world, made.id) == (hold,)
    assert await troubles(world) == []


async def test_a_hold_larger_than_the_balance_takes_what_there_is() -> None:
    world = await paying_world()
    made = await account(world, 12)
    assert (await started(world))[1] == "Accepted"
    assert await money(world, made) == (0, 1200)


@pytest.mark.parametrize("units", [0, 4])
async def test_with_too_little_the_token_is_told_so_and_nothing_is_held(units: int) -> None:
    world = await paying_world()
    made = await account(world, units)
    assert await authorise(world) == "Blocked"  # 1.6 has no word for NoCredit
    number, status = await started(world)
    assert status == "Blocked"
    assert await money(world, made) == (100 * units, 0)
    await Talker(world, "ST1").stop(number, 9000)
    found = await only(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "not_authorised")
    assert found.authorization is not None
    assert found.authorization.value == "NoCredit"


async def test_a_credit_limit_is_room_below_zero() -> None:
    world = await paying_world()
    made = await account(world, limit=70)
    assert [(await started(world, s))[1] for s in ("ST1", "ST2", "ST3")] == ["Accepted", "Accepted", "Blocked"]
    assert await money(world, made) == (-7000, 7000)


async def test_starts_at_the_same_moment_share_what_there_is() -> None:
    world = await paying_world()
    made = await account(world, 60)
    told = await asyncio.gather(*(started(world, station) for station in ("ST1", "ST2", "ST3")))
    assert sorted(status for _, status in told) == ["Accepted", "Accepted", "Blocked"]
    assert sorted(hold.amount for hold in await held(world)) == [1000, 5000]
    assert await money(world, made) == (0, 6000)


async def test_however_often_a_station_asks_there_is_one_hold() -> None:
    world = await paying_world()
    made = await account(world, 500)
    for _ in range(3):
        assert await authorise(world) == "Accepted"
    first = await started(world)
    assert await started(world) == first
    assert await money(world, made) == (45_000, 5000)
    assert len(await held(world)) == 1


@pytest.mark.parametrize(("status", "told"), [(AccountStatus.BLOCKED, "Blocked"), (AccountStatus.CLOSED, "Invalid")])
async def test_an_account_that_is_not_open_charges_nothing(status: AccountStatus, told: str) -> None:
    world = await paying_world()
    made = await account(world, limit=100)
    await change_account(world, made.id, "test", status=status)
    assert await authorise(world) == told


async def test_a_tariff_in_another_currency_is_not_paid_from_it() -> None:
    world = await paying_world(currency="CHF")
    await account(world, 500)
    assert await authorise(world) == "Blocked"
    assert await held(world) == []


async def test_tokens_without_account_charge_for_the_house_or_not_at_all() -> None:
    world = await paying_world()
    await card_of(world, None, "BARE")
    assert await authorise(world, card="BARE") == "Accepted"
    assert await held(world) == []
    world = await paying_world(HoldPolicy(without_account=Homeless.REFUSE))
    await card_of(world, None, "BARE")
    assert await authorise(world, card="BARE") == "Invalid"


async def test_a_grant_that_nobody_uses_is_given_back() -> None:
    world = await paying_world()
    made = await account(world, 80)
    await authorise(world)
    wait(world, 600)
    assert await tidy(world) == 0
    wait(world, 61)
    assert await tidy(world) == 1
    assert await money(world, made) == (8000, 0)
    assert await tidy(world) == 0
    assert await open_holds(world, made.id) == ()
    assert (await postings(world, PostingKind.RELEASE))[0].memo == "not begun"


async def test_a_crash_between_hold_and_start_costs_nobody_anything() -> None:
    world = await paying_world()
    made = await account(world, 120)
    await authorise(world)
    world.forget()
    number, status = await started(world)
    assert status == "Accepted"
    assert await money(world, made) == (2000, 10_000)
    wait(world, 700)
    assert await tidy(world) == 1
    assert await money(world, made) == (7000, 5000)
    await Talker(world, "ST1").stop(number, 3000)
    await bill(world)
    assert await money(world, made) == (11_700, 0)


async def test_what_was_not_durable_holds_nothing() -> None:
    world = await paying_world()
    made = await account(world, 80)
    assert isinstance(world.journal, MemoryJournal)
    world.journal.broken = True
    with pytest.raises(StoreError):
        await authorise(world)
    world.journal.broken = False
    assert await money(world, made) == (8000, 0)
    assert await authorise(world) == "Accepted"
    assert await money(world, made) == (3000, 5000)
