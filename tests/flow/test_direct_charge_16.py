"""A direct OCPP 1.6 station: every message one record, durable before the answer, whatever the station sends."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.support.cpo_world import AT, LOG, Talker, add_token, enrol, make_world, signing_key, transactions
from tests.support.memory_journal import MemoryJournal

from wattseal.base.errors import StoreError
from wattseal.flow.world import World
from wattseal.model.token import TokenStatus
from wattseal.model.transaction import Billing
from wattseal.seal.chain import check_chain
from wattseal.seal.groups import Content
from wattseal.seal.item import Group, Item, Kind, parse_item


def journal(world: World) -> MemoryJournal:
    assert isinstance(world.journal, MemoryJournal)
    return world.journal


def chain(world: World, origin: str, stream: int) -> list[Item]:
    kept = [k for k in journal(world).kept if (k.item.origin, k.item.stream) == (origin, stream)]
    return [parse_item(k.item.item) for k in kept]


@pytest.fixture
async def world() -> World:
    made = make_world()
    await enrol(made, "ST1")
    await add_token(made, "CARD")
    return made


async def test_a_charge_is_billed_with_its_exact_energy(world: World) -> None:
    station = Talker(world, "ST1")
    number = await station.start(wh=1000)
    for minute in range(1, 13):
        await station.meter(number, 1000 + minute * 100, minute)
    await station.stop(number, 2500)
    (found,) = await transactions(world)
    assert (found.energy_wh, found.billing, found.reason) == (Decimal(1500), Billing.BILLED, None)
    assert found.transaction_id == str(number)
    assert found.authorization is TokenStatus.ACCEPTED


async def test_the_chain_is_unbroken_and_signed_by_the_csms(world: World) -> None:
    station = Talker(world, "ST1")
    number = await station.start()
    for minute in range(1, 25):
        await station.meter(number, 1000 + minute, minute)
    await station.stop(number, 1025)
    items = chain(world, "CPO/ST1", 1)
    assert check_chain(items) == []
    assert [i.payload.kind for i in items[:2]] == [Kind.BOOT, Kind.STARTED]
    key = signing_key("csms").public
    assert all(i.verify(key, LOG) for i in items if i.signature is not None)
    assert sum(i.signature is not None for i in items) == 7


async def test_the_start_refers_to_the_decision_and_that_to_the_request(world: World) -> None:
    station = Talker(world, "ST1")
    assert (await station.call("Authorize", {"idTag": "card"}))["idTagInfo"]["status"] == "Accepted"
    await station.start()
    request = next(i for i in chain(world, "CPO/ST1", 0) if i.payload.kind == Kind.REQUEST)
    decision = next(i for i in chain(world, "CPO/billing", 0) if i.payload.kind == Kind.DECISION)
    started = next(i for i in chain(world, "CPO/ST1", 1) if i.payload.kind == Kind.STARTED)
    assert decision.payload.refs == (request.hash,)
    assert started.payload.refs == (decision.hash,)
    assert len({i.payload.subject for i in (request, decision, started)}) == 1


async def test_an_unknown_token_is_invalid_and_its_charge_is_not_billed(world: World) -> None:
    station = Talker(world, "ST1")
    assert (await station.call("Authorize", {"idTag": "NOBODY"}))["idTagInfo"]["status"] == "Invalid"
    number = await station.start(card="NOBODY")
    await station.stop(number, 2000)
    (found,) = await transactions(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "not_authorised")


@pytest.mark.parametrize("status", [TokenStatus.BLOCKED, TokenStatus.EXPIRED, TokenStatus.INVALID])
async def test_a_token_is_answered_with_its_status(world: World, status: TokenStatus) -> None:
    await add_token(world, "CARD", status)
    told = await Talker(world, "ST1").call("Authorize", {"idTag": "CARD"})
    assert told["idTagInfo"]["status"] == status


async def test_a_retried_start_under_a_new_message_id_gets_the_same_transaction(world: World) -> None:
    station = Talker(world, "ST1")
    first = await station.start()
    before = len(journal(world).kept)
    assert await station.start() == first
    assert await Talker(make_restarted(world), "ST1").start() == first
    assert len(journal(world).kept) == before


def make_restarted(world: World) -> World:
    """Return a process that knows only what is in the journal."""
    return make_world(world.journal, seed="second life")


async def test_a_retried_stop_or_reading_is_one_record_even_after_a_restart(world: World) -> None:
    station = Talker(world, "ST1")
    number = await station.start()
    await station.meter(number, 1500)
    before = len(journal(world).kept)
    again = Talker(make_restarted(world), "ST1")
    await again.meter(number, 1500)
    assert len(journal(world).kept) == before
    await again.stop(number, 2000)
    before = len(journal(world).kept)
    await again.stop(number, 2000)
    await Talker(make_restarted(world), "ST1").stop(number, 2000)
    assert len(journal(world).kept) == before


async def test_a_second_stop_with_another_value_changes_nothing_and_raises_an_alarm(world: World) -> None:
    station = Talker(world, "ST1")
    number = await station.start()
    await station.stop(number, 2000)
    assert await station.stop(number, 1100) == {}
    (found,) = await transactions(world)
    assert (found.energy_wh, found.billing) == (Decimal(1000), Billing.BILLED)
    assert [a.code for a in found.alarms] == ["conflicting_end"]


async def test_the_chain_goes_on_across_a_restart(world: World) -> None:
    number = await Talker(world, "ST1").start()
    for life in range(4):
        again = Talker(make_world(world.journal, seed=f"life {life}"), "ST1")
        for minute in range(1, 8):
            await again.meter(number, 1000 + 10 * life + minute, 10 * life + minute)
    await Talker(make_restarted(world), "ST1").stop(number, 3000)
    assert check_chain(chain(world, "CPO/ST1", 1)) == []


async def test_a_start_without_a_card_is_kept_and_told_invalid(world: World) -> None:
    start = {"connectorId": 1, "idTag": "", "meterStart": 1000, "timestamp": AT.isoformat()}
    station = Talker(world, "ST1")
    told = await station.call("StartTransaction", start)
    assert told["idTagInfo"] == {"status": "Invalid"}
    assert (await station.call("StartTransaction", start))["transactionId"] == told["transactionId"]
    (found,) = await transactions(world)
    assert found.transaction_id == str(told["transactionId"])
    await station.stop(told["transactionId"], 2000)
    (found,) = await transactions(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "not_authorised")


async def test_a_station_cannot_stop_another_stations_transaction(world: World) -> None:
    await enrol(world, "ST2")
    number = await Talker(world, "ST1").start()
    assert await Talker(world, "ST2").stop(number, 9000) == {}
    mine = (await transactions(world, "ST1"))[0]
    other = (await transactions(world, "ST2"))[0]
    assert mine.active
    assert (other.billing, other.reason) == (Billing.QUARANTINED, "end_without_start")


@pytest.mark.parametrize("number", [-1, 0])
async def test_stops_of_transactions_without_an_id_are_all_kept_and_quarantined(world: World, number: int) -> None:
    station = Talker(world, "ST1")
    await station.stop(number, 100, 1)
    await station.stop(number, 200, 2)
    await station.stop(number, 200, 2)
    found = await transactions(world)
    assert [(t.billing, t.reason) for t in found] == [(Billing.QUARANTINED, "unusable_transaction_id")] * 2


@pytest.mark.parametrize("number", [-1, 0])
async def test_a_stop_without_an_id_ends_the_one_transaction_it_can_be_of_and_is_not_billed(
    world: World, number: int
) -> None:
    station = Talker(world, "ST1")
    first = await station.start(wh=1000, connector=1)
    second = await station.start(wh=900_000, connector=2)
    await station.meter(first, 5000, 10)
    assert await station.meter(number, 6000, 20, connector=1) == {}
    for _ in range(2):
        assert await station.stop(number, 7000, 60) == {}
        world.forget()
    await station.stop(first, 7000, 60)
    ended, going_on = sorted(await transactions(world), key=lambda found: found.evse_id)
    assert (ended.transaction_id, ended.energy_wh) == (str(first), Decimal(6000))
    assert (ended.billing, ended.reason) == (Billing.QUARANTINED, "unusable_transaction_id")
    assert {alarm.code for alarm in ended.alarms} == {"unusable_transaction_id"}
    assert [n.detail for n in ended.findings if n.code == "matched_by_evidence"] == [str(first)]
    assert going_on.active
    assert going_on.transaction_id == str(second)


async def test_a_stop_without_an_id_that_may_be_of_two_is_of_none(world: World) -> None:
    station = Talker(world, "ST1")
    await station.start(wh=1000, connector=1)
    await station.start(wh=1100, connector=2)
    await station.stop(-1, 2000, 60)
    one, two, kept = sorted(await transactions(world), key=lambda found: not found.active)
    assert one.active
    assert two.active
    assert (kept.billing, kept.reason) == (Billing.QUARANTINED, "unusable_transaction_id")


@pytest.mark.parametrize(
    ("start", "stop", "reason"),
    [
        (1000, 900, "register_decreased"),
        (-5, 900, "negative_register"),
        (1000, -900, "negative_register"),
    ],
)
async def test_impossible_registers_are_kept_and_quarantined(world: World, start: int, stop: int, reason: str) -> None:
    station = Talker(world, "ST1")
    number = await station.start(wh=start)
    await station.stop(number, stop)
    (found,) = await transactions(world)
    assert (found.start_wh, found.end_wh) == (Decimal(start), Decimal(stop))
    assert (found.billing, found.reason) == (Billing.QUARANTINED, reason)


async def test_a_register_that_falls_on_the_way_quarantines_the_charge(world: World) -> None:
    station = Talker(world, "ST1")
    number = await station.start(wh=1000)
    await station.meter(number, 1800, 1)
    await station.meter(number, 1200, 2)
    await station.stop(number, 2000)
    (found,) = await transactions(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "register_decreased")


async def test_a_register_rolled_back_between_sessions_names_both_values(world: World) -> None:
    station = Talker(world, "ST1")
    await station.stop(await station.start(wh=1000), 5000)
    await station.stop(await station.start(wh=1000, minutes=70), 2000, 90)
    alarms = [a for t in await transactions(world) for a in t.alarms]
    assert [(a.code, a.detail) for a in alarms] == [("register_rolled_back", "5000 to 1000")]


async def test_no_energy_is_free(world: World) -> None:
    station = Talker(world, "ST1")
    await station.stop(await station.start(wh=0), 0)
    (found,) = await transactions(world)
    assert found.billing is Billing.FREE


async def test_readings_of_unknown_transactions_are_recorded_and_nothing_is_posted(world: World) -> None:
    station = Talker(world, "ST1")
    assert await station.meter(4711, 5) == {}
    assert await transactions(world) == []
    assert chain(world, "CPO/ST1", 1)[-1].payload.kind == Kind.READING
    assert [p.kind for p in journal(world).documents_by_key.values() if p.kind == "alarm"] == ["alarm"]


async def test_readings_after_the_stop_do_not_change_it(world: World) -> None:
    station = Talker(world, "ST1")
    number = await station.start()
    await station.stop(number, 2000)
    await station.meter(number, 99999, 70)
    (found,) = await transactions(world)
    assert (found.energy_wh, [a.code for a in found.alarms]) == (Decimal(1000), ["event_after_end"])


async def test_nothing_is_answered_when_the_disk_is_full_and_the_retry_is_recorded_once(world: World) -> None:
    station = Talker(world, "ST1")
    number = await station.start()
    journal(world).broken = True
    with pytest.raises(StoreError):
        await station.stop(number, 2000)
    journal(world).broken = False
    await station.stop(number, 2000)
    (found,) = await transactions(world)
    assert found.energy_wh == Decimal(1000)
    assert check_chain(chain(world, "CPO/ST1", 1)) == []


async def test_a_station_unknown_to_the_tenant_says_nothing(world: World) -> None:
    answer = await Talker(world, "GHOST").raw("Heartbeat", {})
    assert not isinstance(answer, bytes)
    assert journal(world).commits == 2


def long_stop(number: int, wh: int) -> dict[str, Any]:
    """Return a stop with more transaction data than one record holds."""
    sample = {"value": "1", "measurand": "Voltage", "unit": "V", "context": "Sample.Periodic"}
    data = [{"timestamp": f"2027-01-15T08:{n % 60:02}:00Z", "sampledValue": [sample] * 4} for n in range(250)]
    return {
        "transactionId": number,
        "meterStop": wh,
        "timestamp": "2027-01-15T09:00:00Z",
        "reason": "Local",
        "transactionData": data,
    }


async def test_a_long_message_is_kept_whole_in_parts_and_its_retry_recognised(world: World) -> None:
    station = Talker(world, "ST1")
    number = await station.start()
    await station.call("StopTransaction", long_stop(number, 2000))
    items = chain(world, "CPO/ST1", 1)
    kept = [i for i in items if i.payload.kind in {Kind.ENDED, Kind.READING}]
    parts = [Content.decode(i.boxes[Group.RAW][2]).fields for i in kept]
    told = json.loads(b"".join(part[1] for part in parts))
    assert told[3] == long_stop(number, 2000)
    assert len(parts) > 2
    assert all(len(i.encode()) < 64 * 1024 for i in items)
    ended = next(n for n, i in enumerate(items) if i.payload.kind == Kind.ENDED)
    assert check_chain(items[: ended + 1]) == []
    before = len(journal(world).kept)
    await Talker(make_restarted(world), "ST1").call("StopTransaction", long_stop(number, 2000))
    assert len(journal(world).kept) == before
    (found,) = await transactions(world)
    assert (found.energy_wh, found.billing) == (Decimal(1000), Billing.BILLED)


async def test_a_flood_of_impossible_readings_is_kept_and_shown_in_few_words(world: World) -> None:
    station = Talker(world, "ST1")
    number = await station.start(wh=100_000)
    for wh in range(300):
        await station.meter(number, wh, wh)
    (found,) = await transactions(world)
    assert len(found.alarms) <= 8
    assert sum(k.item.kind == Kind.READING for k in journal(world).kept) == 300
