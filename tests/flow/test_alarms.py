"""Alarms: one of a subject stands, each step is a signed record, and rows taken out of the database come back."""

from dataclasses import replace

import pytest
from tests.support.cpo_world import make_world
from tests.support.memory_journal import MemoryJournal

from wattseal.base.errors import StoreError
from wattseal.flow.alarm_book import MAX_STANDING, AlarmBook
from wattseal.flow.alarm_keeper import STREAM, AlarmError, AlarmKeeper
from wattseal.flow.alarms import alarm, over, raised
from wattseal.flow.chains import Chains
from wattseal.flow.documents import ALARM, put, read
from wattseal.flow.ports import Batch
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm, AlarmState, Severity
from wattseal.rules.alarms import REMOVED, shown_to
from wattseal.seal.alarm import AlarmEvent, AlarmSaid
from wattseal.seal.chain import check_chain
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind, parse_item

SESSION = "ab" * 16


async def tell(world: World, code: str, station: str = "ST1", field: str = "signature", detail: str = "") -> str:
    step = Step(world, station, world.now_ms())
    key = alarm(step, code, field, detail)
    await step.commit()
    return key


async def alarms(world: World) -> list[Alarm]:
    return [read(document, Alarm) for document in await world.journal.documents(world.tenant, ALARM)]


def items(world: World) -> list[Item]:
    assert isinstance(world.journal, MemoryJournal)
    kept = [k for k in world.journal.kept if k.item.stream == STREAM and k.item.origin == world.billing_origin]
    return [parse_item(each.item.item) for each in kept]


def said(world: World) -> list[AlarmSaid]:
    found = []
    for item in items(world):
        if item.payload.kind == Kind.ALARM:
            opened = open_box(item, int(Group.OPS), None)
            assert isinstance(opened, Opening)
            found.append(AlarmSaid.read(Content.decode(opened.content).fields))
    return found


async def started_again(world: World) -> AlarmKeeper:
    """Start the process again on the same journal: nothing is remembered."""
    world.alarms = AlarmBook()
    world.chains = Chains(world.journal, world.tenant, world.log_origin, world.random)
    keeper = await AlarmKeeper.load(world)
    await keeper.round()
    return keeper


async def test_the_same_alarm_of_the_same_station_is_counted_while_it_stands() -> None:
    world = make_world()
    first = await tell(world, "clock_drift", field="80 s")
    for seconds in range(81, 92):
        assert await tell(world, "clock_drift", field=f"{seconds} s") == first
    assert await tell(world, "clock_drift", station="ST2") != first
    assert await tell(world, "device_event", field="a") != await tell(world, "device_event", field="b")
    drift = (await alarms(world))[0]
    assert (drift.count, drift.field, drift.state, drift.id) == (12, "91 s", AlarmState.OPEN, first)
    assert drift.last_ms > drift.at_ms
    keeper = AlarmKeeper(world)
    await keeper.round()
    await keeper.act(first, AlarmEvent.CLOSED, "person/1")
    assert await tell(world, "clock_drift") != first


async def test_each_step_of_an_alarm_is_a_signed_record_in_an_unbroken_chain() -> None:
    world = make_world()
    keeper = AlarmKeeper(world)
    evidence = b"\x07" * 32
    told = Alarm("chain_gap", "ST1", world.now_ms(), "chain", "seq 7, 04A2B3 by 192.0.2.7", evidence.hex(), SESSION)
    key, document = raised(world, told)
    await world.journal.commit(Batch(world.tenant, puts=(document,)))
    await keeper.round()
    acknowledged = await keeper.act(key, AlarmEvent.ACKNOWLEDGED, "person/1")
    assert (acknowledged.state, acknowledged.by, acknowledged.severity) == (
        AlarmState.ACKNOWLEDGED,
        "person/1",
        Severity.CRITICAL,
    )
    await keeper.act(key, AlarmEvent.CLOSED, "person/2")
    records = said(world)
    assert [record.event.name for record in records] == ["OPENED", "ACKNOWLEDGED", "CLOSED"]
    assert {record.session for record in records} == {bytes.fromhex(SESSION)}
    assert [record.by for record in records] == [None, "person/1", "person/2"]
    chain = items(world)
    assert check_chain(chain) == []
    assert all(item.payload.refs == (evidence,) for item in chain if item.payload.kind == Kind.ALARM)
    (kept,) = await alarms(world)
    assert kept.said == chain[-1].hash.hex()
    everything = b"".join(item.encode() for item in chain)
    assert b"04A2B3" not in everything
    assert b"192.0.2.7" not in everything


async def test_what_is_over_by_itself_is_cleared_and_what_a_person_closed_stays_closed() -> None:
    world = make_world()
    keeper = AlarmKeeper(world)
    one, two = await tell(world, "silence"), await tell(world, "silence", station="ST2")
    await keeper.round()
    await keeper.act(two, AlarmEvent.CLOSED, "person/1")
    for key in (one, two):
        puts = await over(world, key, world.now_ms(), world.now_ms())
        await world.journal.commit(Batch(world.tenant, puts=puts))
    await keeper.round()
    assert [(each.state, each.over_ms is not None) for each in await alarms(world)] == [
        (AlarmState.CLEARED, True),
        (AlarmState.CLOSED, True),
    ]
    assert [record.event.name for record in said(world)][-1] == "CLEARED"
    assert world.alarms.standing == {}


async def test_what_ends_by_itself_while_its_closing_is_being_written_stays_closed() -> None:
    world = make_world()
    key = await tell(world, "message_signature_invalid")
    await AlarmKeeper(world).round()
    world.alarms.step(key, AlarmEvent.CLOSED, by="Ada")
    (document,) = await over(world, key, world.now_ms(), world.now_ms())
    assert (read(document, Alarm).state, document.active) == (AlarmState.CLOSED, False)
    await AlarmKeeper(world).round()
    assert not world.alarms.leaving


async def test_an_alarm_that_is_over_or_unknown_cannot_be_closed() -> None:
    world = make_world()
    keeper = AlarmKeeper(world)
    key = await tell(world, "silence")
    await keeper.act(key, AlarmEvent.CLOSED, "person/1")
    with pytest.raises(AlarmError, match="closed"):
        await keeper.act(key, AlarmEvent.ACKNOWLEDGED, "person/2")
    with pytest.raises(AlarmError, match="no such alarm"):
        await keeper.act("never", AlarmEvent.CLOSED, "person/2")


async def test_a_step_that_does_not_become_durable_is_taken_back() -> None:
    world = make_world()
    keeper = AlarmKeeper(world)
    key = await tell(world, "silence")
    await keeper.round()
    assert isinstance(world.journal, MemoryJournal)
    world.journal.broken = True
    with pytest.raises(StoreError):
        await keeper.act(key, AlarmEvent.CLOSED, "person/1")
    world.journal.broken = False
    assert world.alarms.standing[key].state is AlarmState.OPEN
    await keeper.round()
    assert [record.event.name for record in said(world)] == ["OPENED"]


async def test_alarms_outlive_a_restart_also_those_that_were_not_on_record_yet() -> None:
    world = make_world()
    recorded = await tell(world, "silence")
    await AlarmKeeper(world).round()
    fresh = await tell(world, "clock_drift")
    await started_again(world)
    assert set(world.alarms.standing) == {recorded, fresh}
    assert await tell(world, "silence") == recorded
    assert [record.code for record in said(world)] == ["silence", "clock_drift"]
    assert world.alarms.restored == 0


async def test_rows_taken_out_of_the_database_are_put_back_and_told() -> None:
    world = make_world()
    keeper = AlarmKeeper(world)
    key = await tell(world, "evidence_invalid")
    await keeper.round()
    assert isinstance(world.journal, MemoryJournal)
    del world.journal.documents_by_key[ALARM, key]
    await keeper.look()
    assert [each.code for each in await alarms(world)] == ["evidence_invalid", REMOVED]
    assert world.alarms.restored == 1


async def test_rows_taken_out_or_closed_by_hand_while_the_process_is_down_come_back_from_the_records() -> None:
    world = make_world()
    gone, forged = await tell(world, "evidence_invalid"), await tell(world, "chain_fork")
    await AlarmKeeper(world).round()
    assert isinstance(world.journal, MemoryJournal)
    del world.journal.documents_by_key[ALARM, gone]
    closed = replace(world.alarms.standing[forged], state=AlarmState.CLOSED)
    await world.journal.commit(Batch(world.tenant, puts=(put(ALARM, forged, closed, 0, active=False),)))
    await started_again(world)
    assert {gone, forged} <= set(world.alarms.standing)
    assert {each.code for each in await alarms(world) if each.stands} == {"evidence_invalid", "chain_fork", REMOVED}


async def test_an_alarm_whose_record_is_gone_is_told() -> None:
    world = make_world()
    await tell(world, "evidence_invalid")
    await AlarmKeeper(world).round()
    assert isinstance(world.journal, MemoryJournal)
    world.journal.kept = [k for k in world.journal.kept if k.item.stream != STREAM]
    await started_again(world)
    (told,) = [each for each in await alarms(world) if each.code == REMOVED]
    assert told.field == "records"


async def test_a_storm_of_alarms_writes_few_records_and_takes_bounded_room() -> None:
    world = make_world()
    for _ in range(150):
        await tell(world, "clock_drift")
    await AlarmKeeper(world).round()
    assert [(record.event.name, record.count) for record in said(world)] == [
        ("OPENED", 1),
        ("COUNTED", 10),
        ("COUNTED", 100),
    ]
    book = AlarmBook()
    for number in range(MAX_STANDING + 50):
        book.take(Alarm("silence", f"ST{number}", number), str(number))
    assert len(book.standing) == MAX_STANDING
    assert book.standing["0"].count == 51


async def test_a_row_that_a_late_step_wrote_as_open_does_not_open_a_closed_alarm_again() -> None:
    world = make_world()
    keeper = AlarmKeeper(world)
    key = await tell(world, "silence")
    await keeper.round()
    late = Step(world, "ST1", world.now_ms())
    alarm(late, "silence", "signature")
    await keeper.act(key, AlarmEvent.CLOSED, "person/1")
    await late.commit()
    assert [each.state for each in await alarms(world)] == [AlarmState.OPEN]
    with pytest.raises(AlarmError, match="closed"):
        await keeper.act(key, AlarmEvent.CLOSED, "person/1")
    await keeper.look()
    assert [each.state for each in await alarms(world)] == [AlarmState.CLOSED]
    assert [record.event.name for record in said(world)] == ["OPENED", "CLOSED"]
    assert world.alarms.restored == 0


def test_registers_in_an_alarm_are_for_those_who_may_read_energy() -> None:
    told = Alarm("register_rolled_back", "ST1", 1, "register_wh", "5000 to 733", "ab" * 32, SESSION)
    silence = Alarm("silence", "ST1", 1, "heartbeat", "660 s")
    assert shown_to(told, reads_energy=True) == told
    assert shown_to(told, reads_energy=False) == replace(told, detail="")
    assert shown_to(silence, reads_energy=False) == silence
