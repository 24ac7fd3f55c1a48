"""A hold while its charge runs: extended, stopped, given back, and still there after a crash or a jump of the clock."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.flow.test_holds_at_charge import V16, V201, authorise, postings, started
from tests.flow.test_own_risk import event, silent_emsp
from tests.flow.test_stopping import codes, lines, only, turn
from tests.support.cpo_world import Talker, enrol, transactions
from tests.support.memory_journal import MemoryJournal
from tests.support.paying import account, bill, held, money, pay_in, paying_world, wait
from tests.support.proving import troubles

from wattseal.base.errors import InputError
from wattseal.flow.documents import put
from wattseal.flow.money.accounts import ACCOUNT, change_account, open_account, paying
from wattseal.flow.money.held import holds_of, put_held
from wattseal.flow.money.holds import extend, release_by_hand, tidy
from wattseal.flow.money.watching import Watch
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind, AccountStatus
from wattseal.model.ledger import PostingKind
from wattseal.model.station import Station
from wattseal.model.transaction import Billing
from wattseal.model.verdict import EvidencePin, Grade, Source
from wattseal.rules.hold_policy import DEFAULT_HOLDS, HoldPolicy, OwnRisk
from wattseal.seal.item import Kind, parse_item
from wattseal.wire.ocpp.version import Version


async def charging(world: World, version: Version = V16, replies: Any = None) -> tuple[Any, Watch, int]:
    line = lines(world, version, replies)
    number, status = await started(world)
    assert status == "Accepted"
    return line, Watch(), number


async def drawn(world: World, watch: Watch, number: int, wh: int) -> None:
    wait(world, 60)
    await Talker(world, "ST1").meter(number, wh)
    await turn(world, watch)


async def test_a_running_charge_is_extended_while_the_account_allows_and_then_ended_gracefully() -> None:
    world = await paying_world()
    made = await account(world, 70)
    line, watch, number = await charging(world)
    for wh in (10_000, 20_000, 30_000):
        await drawn(world, watch, number, wh)
    assert (await money(world, made), line.asked) == ((2000, 5000), [])
    await drawn(world, watch, number, 40_000)
    assert (await money(world, made), line.asked) == ((0, 7000), [])
    await drawn(world, watch, number, 50_000)
    assert line.asked == []
    await drawn(world, watch, number, 60_000)
    assert line.asked == [("RemoteStopTransaction", {"transactionId": number})]
    assert "hold_used_up" in codes(await only(world))
    await Talker(world, "ST1").stop(number, 69_000)
    await turn(world, watch)
    assert len(line.asked) == 1
    found = await only(world)
    assert (found.billing, found.reason) == (Billing.BILLED, None)
    await bill(world)
    assert await money(world, made) == (100, 0)
    (charged,) = await postings(world, PostingKind.CHARGE)
    assert (charged.transfers[0].debit, charged.transfers[0].amount) == (f"held/{made.id}", 7000)
    assert await postings(world, PostingKind.RELEASE) == []
    assert await troubles(world) == []


async def test_a_station_that_does_not_obey_is_billed_for_what_it_delivered() -> None:
    world = await paying_world()
    made = await account(world, 10)
    _, watch, number = await charging(world, replies={"RemoteStopTransaction": {"status": "Rejected"}})
    for wh in (5000, 10_000, 20_000):
        await drawn(world, watch, number, wh)
    await Talker(world, "ST1").stop(number, 25_000)
    await bill(world)
    assert await money(world, made) == (-1500, 0)


async def test_an_account_blocked_meanwhile_begins_nothing_and_ends_what_runs_with_its_hold() -> None:
    world = await paying_world()
    made = await account(world, 500)
    line, watch, number = await charging(world)
    await change_account(world, made.id, "test", status=AccountStatus.BLOCKED)
    assert await authorise(world, "ST2") == "Blocked"
    await drawn(world, watch, number, 20_000)
    assert line.asked == []
    await drawn(world, watch, number, 40_000)
    assert len(line.asked) == 1
    assert await money(world, made) == (45_000, 5000)


async def test_a_restart_goes_on_where_it_was() -> None:
    world = await paying_world()
    made = await account(world, 500)
    _, watch, number = await charging(world)
    await drawn(world, watch, number, 41_000)
    assert await money(world, made) == (40_000, 10_000)
    world.forget()
    await drawn(world, Watch(), number, 60_000)
    assert await money(world, made) == (40_000, 10_000)
    await drawn(world, Watch(), number, 81_000)
    assert await money(world, made) == (35_000, 15_000)
    assert [p.key.rpartition("/")[2] for p in await postings(world, PostingKind.HOLD)] == ["1", "2", "3"]
    await Talker(world, "ST1").stop(number, 82_000)
    await bill(world)
    assert await money(world, made) == (41_800, 0)


async def test_no_energy_gives_everything_back() -> None:
    world = await paying_world()
    made = await account(world, 80)
    _, _, number = await charging(world)
    await Talker(world, "ST1").stop(number, 0)
    assert (await only(world)).billing is Billing.FREE
    await bill(world)
    assert await money(world, made) == (8000, 0)


async def test_what_is_billed_by_somebody_who_forgot_the_hold_is_given_back_all_the_same() -> None:
    world = await paying_world()
    made = await account(world, 80)
    _, _, number = await charging(world)
    await Talker(world, "ST1").stop(number, 5000)
    assert await tidy(world) == 0
    journal = world.journal
    assert isinstance(journal, MemoryJournal)
    del journal.documents_by_key["unbilled", (await only(world)).id]
    assert await tidy(world) == 1
    assert await money(world, made) == (8000, 0)


async def test_a_quarantined_session_keeps_its_hold_for_a_week() -> None:
    world = await paying_world()
    made = await account(world, 80)
    _, _, number = await charging(world)
    await Talker(world, "ST1").stop(number, -5)
    assert (await only(world)).billing is Billing.QUARANTINED
    wait(world, 6 * 86_400)
    assert await tidy(world) == 0
    world.deciding.add((await only(world)).id)
    wait(world, 2 * 86_400)
    assert await tidy(world) == 0
    world.deciding.clear()
    assert await tidy(world) == 1
    assert await money(world, made) == (8000, 0)


async def test_so_does_one_whose_evidence_is_not_what_was_agreed_upon() -> None:
    world = await paying_world()
    made = await account(world, 80)
    await enrol(world, Station(id="ST1", pin=EvidencePin(Grade.G1, Source.CSMS)))
    world.stations.clear()
    _, _, number = await charging(world)
    await Talker(world, "ST1").stop(number, 5000)
    wait(world, 2 * 86_400)
    await bill(world)
    assert (await only(world)).billing is Billing.BILLED, "for all that the session itself tells"
    assert await money(world, made) == (3000, 5000)
    wait(world, 6 * 86_400)
    assert await tidy(world) == 0
    wait(world, 2 * 86_400)
    assert await tidy(world) == 1
    assert await money(world, made) == (8000, 0)


@pytest.mark.parametrize("jump_s", [-7200, 7200, 3 * 86_400])
async def test_a_clock_that_jumps_gives_back_no_hold_of_a_running_charge(jump_s: int) -> None:
    world = await paying_world()
    made = await account(world, 80)
    _, watch, number = await charging(world)
    wait(world, jump_s)
    assert await tidy(world) == 0
    await drawn(world, watch, number, 1000)
    assert await money(world, made) == (3000, 5000)


async def test_a_charge_begun_offline_is_accepted_with_nothing_on_the_account_and_only_what_is_there_is_held() -> None:
    world = await paying_world(replace(DEFAULT_HOLDS, offline_cap=Decimal(8)))
    made = await account(world, 3)
    wait(world, 5400)
    number, status = await started(world)
    assert status == "Accepted"
    assert await money(world, made) == (0, 300)
    await Talker(world, "ST1").stop(number, 8000)
    await bill(world)
    assert await money(world, made) == (-500, 0)
    empty = await account(world, 0, card="EMPTY")
    assert (await started(world, "ST2", "EMPTY"))[1] == "Accepted"
    assert await money(world, empty) == (0, 0)
    assert await troubles(world) == []


async def test_the_second_card_pays_where_the_first_one_has_no_credit() -> None:
    world = await paying_world()
    await account(world, 0, card="POOR")
    rich = await account(world, 80, card="RICH")
    station = Talker(world, "ST1", V201)
    card = {"type": "ISO14443"}
    told = await station.call("TransactionEvent", event("Started", 0, 0, idToken=card | {"idToken": "POOR"}))
    assert told["idTokenInfo"]["status"] == "NoCredit"
    told = await station.call("TransactionEvent", event("Updated", 1, 10, idToken=card | {"idToken": "RICH"}))
    assert told["idTokenInfo"]["status"] == "Accepted"
    assert await money(world, rich) == (3000, 5000)
    assert await paying(world, await only(world)) == rich.id
    assert await troubles(world) == []


async def test_a_driver_who_is_authorised_after_plugging_in_is_held_once() -> None:
    world = await paying_world()
    made = await account(world, 80)
    station = Talker(world, "ST1", V201)
    await station.call("TransactionEvent", event("Started", 0, 0))
    await station.call("Authorize", {"idToken": {"idToken": "CARD", "type": "ISO14443"}})
    card = {"idToken": "CARD", "type": "ISO14443"}
    await station.call("TransactionEvent", event("Updated", 1, 10, idToken=card))
    assert await money(world, made) == (3000, 5000)
    await station.call("TransactionEvent", event("Ended", 2, 10_000))
    await bill(world)
    assert await money(world, made) == (7000, 0)
    assert await troubles(world) == []


async def test_what_is_held_for_a_session_that_waits_for_its_car_is_held_until_that_is_over() -> None:
    world = await paying_world()
    made = await account(world, 80)
    station = Talker(world, "ST1", V201)
    card = {"idToken": "CARD", "type": "ISO14443"}
    await station.call("TransactionEvent", event("Started", 0, 0))
    await station.call("Authorize", {"idToken": card})
    wait(world, 700)
    assert await tidy(world) == 0
    assert await money(world, made) == (3000, 5000)
    await station.call("TransactionEvent", event("Updated", 1, 10, idToken=card))
    assert await money(world, made) == (3000, 5000)
    found = await holds_of(world, (await only(world)).id)
    assert found is not None
    assert (found.count, found.open) == (1, True)


async def test_a_charge_that_has_ended_meanwhile_is_extended_no_more() -> None:
    world = await paying_world()
    made = await account(world, 500)
    await charging(world)
    (hold,) = await held(world)
    assert await extend(world, hold, lambda: False) is None
    assert await money(world, made) == (45_000, 5000)
    assert await extend(world, hold, lambda: True) is not None
    assert await money(world, made) == (40_000, 10_000)


async def test_a_limit_raised_or_a_hold_lowered_behind_our_back_is_found() -> None:
    world = await paying_world()
    made = await account(world, 20, limit=100)
    await started(world)
    assert await troubles(world) == []
    (hold,) = await held(world)
    lower = msgspec.structs.replace(hold, amount=hold.amount - 1)
    puts = (*put_held(lower, 0), put(ACCOUNT, made.id, replace(made, limit=Decimal(9000)), 0))
    await world.journal.commit(Batch(world.tenant, puts=puts))
    found = [(finding.code, finding.field) for finding in await troubles(world)]
    assert found == [
        ("account_differs", f"account {made.id} field limit"),
        ("held_differs", f"balance held/{made.id} EUR"),
    ]


async def test_a_person_may_give_back_what_is_held_for_a_station_that_is_gone_for_good() -> None:
    world = await paying_world()
    made = await account(world, 80)
    line, watch, number = await charging(world)
    found = await only(world)
    assert await release_by_hand(world, "another", found.id, "Jo") is None
    assert await release_by_hand(world, made.id, found.id, "Jo") is not None
    assert await release_by_hand(world, made.id, found.id, "Jo") is None
    assert await money(world, made) == (8000, 0)
    await drawn(world, watch, number, 40_000)
    assert (await money(world, made), line.asked) == ((8000, 0), [])
    await Talker(world, "ST1").stop(number, 41_000)
    await bill(world)
    assert await money(world, made) == (3900, 0)
    assert await troubles(world) == []


async def test_nobody_of_a_blocked_partner_begins_a_charge() -> None:
    world = await silent_emsp(HoldPolicy(unreachable=OwnRisk.CAPPED))
    assert await authorise(world) == "Accepted"
    partner = await open_account(world, Account("MSP", AccountKind.PARTNER, "EUR", None), "test")
    await change_account(world, partner.id, "test", status=AccountStatus.BLOCKED)
    assert await authorise(world) == "Blocked"
    await change_account(world, partner.id, "test", status=AccountStatus.OPEN)
    assert await authorise(world) == "Accepted"


async def test_an_account_with_money_on_it_is_not_closed() -> None:
    world = await paying_world()
    made = await account(world, 10)
    with pytest.raises(InputError) as told:
        await change_account(world, made.id, "test", status=AccountStatus.CLOSED)
    assert told.value.code == "account_not_empty"


async def test_money_paid_in_meanwhile_keeps_the_charge_going() -> None:
    world = await paying_world()
    made = await account(world, 10)
    line, watch, number = await charging(world)
    await drawn(world, watch, number, 1000)
    await pay_in(world, made, 100)
    for wh in (9000, 18_000, 27_000):
        await drawn(world, watch, number, wh)
    assert line.asked == []
    assert (await money(world, made))[1] == 6000


async def test_every_session_refers_to_a_signed_decision_accepted_or_not() -> None:
    world = await paying_world()
    await account(world, 80)
    for station, card in (("ST1", "CARD"), ("ST2", "STRANGER")):
        await started(world, station, card)
    kept = await world.journal.replay(world.tenant)
    signed = {k.item.payload_hash.hex() for k in kept if k.item.kind == Kind.DECISION}
    found = await transactions(world)
    assert len(found) == 2
    assert {t.decision for t in found} == signed
    starts = [parse_item(k.item.item) for k in kept if k.item.kind == Kind.STARTED]
    assert {item.payload.refs[0].hex() for item in starts} == signed
