"""Messages of a transaction in any order, any number of times, over any restart: one transaction, one bill."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.cpo_world import AT, Talker, add_token, enrol, make_world, transactions
from tests.support.examples import examples
from tests.support.memory_journal import MemoryJournal
from tests.support.proving import troubles
from tests.support.sound import audited

from wattseal.base.ids import Subject
from wattseal.flow.charges.bundling import stretch_of
from wattseal.flow.charges.charge_details import Counts, counts
from wattseal.flow.world import World
from wattseal.model.transaction import Billing, Transaction
from wattseal.seal.chain import check_chain
from wattseal.seal.item import Kind, parse_item
from wattseal.wire.ocpp.version import Version

V16, V201, V21 = Version
ARRIVAL = {"update_without_start", "start_late", "event_late", "sequence_healed"}
"""Notes on when a message arrived, which say nothing about the charge."""


async def a_world() -> World:
    made = make_world()
    await enrol(made, "ST1")
    await add_token(made, "CARD")
    return made


def at(minute: int) -> str:
    return (AT + timedelta(minutes=minute)).isoformat()


def event(kind: str, seq: int, wh: int | None, *, card: bool = False, **info: Any) -> dict[str, Any]:
    """Return an event at minute `seq`, or at the last of a day."""
    context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
    sample = {"value": wh, "context": context, "measurand": "Energy.Active.Import.Register"}
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": at(min(seq, 1439)),
        "triggerReason": "ChargingStateChanged",
        "seqNo": seq,
        "transactionInfo": {"transactionId": "T1", **info},
        "evse": {"id": 1, "connectorId": 1},
    }
    if wh is not None:
        payload["meterValue"] = [{"timestamp": at(min(seq, 1439)), "sampledValue": [sample]}]
    return payload | ({"idToken": {"idToken": "CARD", "type": "ISO14443"}} if card else {})


def charge(readings: Sequence[int], *, token_at: int) -> list[dict[str, Any]]:
    """Return a charge's events; its token comes with event `token_at`."""
    events = [event("Started", 0, 1000, card=token_at == 0)]
    for seq, wh in enumerate(readings, 1):
        events.append(event("Updated", seq, wh, card=token_at == seq, chargingState="Charging"))
    last = len(events)
    events.append(
        event("Ended", last, 5000, card=token_at == last, stoppedReason="EVDisconnected", chargingState="Idle")
    )
    return events


def told(transaction: Transaction) -> dict[str, Any]:
    """Return what a transaction is, whenever its messages arrived."""
    names = ["station_id", "transaction_id", "evse_id", "started_ms", "ended_ms", "start_wh", "end_wh", "stop_reason"]
    names += ["charging_state", "authorization", "billing", "reason", "energy_wh", "active", "sealed", "source"]
    view = {name: getattr(transaction, name) for name in names}
    return view | {"findings": {f.code for f in transaction.findings} - ARRIVAL}


async def tell(world: World, events: Sequence[dict[str, Any]], restarts: Sequence[bool] = ()) -> Transaction:
    station = Talker(world, "ST1", V201)
    for number, payload in enumerate(events):
        await station.call("TransactionEvent", payload)
        if number < len(restarts) and restarts[number]:
            world.forget()
    (found,) = await transactions(world)
    return found


@settings(max_examples=examples(60))
@given(data=st.data(), count=st.integers(0, 3))
async def test_events_in_any_order_make_one_transaction_and_one_bill(data: st.DataObject, count: int) -> None:
    readings = sorted(data.draw(st.lists(st.integers(1000, 5000), min_size=count, max_size=count)))
    events = charge(readings, token_at=data.draw(st.integers(0, count)))
    straight = await tell(await a_world(), events)
    assert straight.billing is Billing.BILLED
    again = data.draw(st.lists(st.sampled_from(events), max_size=4))
    mixed = data.draw(st.permutations([*events, *again]))
    restarts = data.draw(st.lists(st.booleans(), min_size=len(mixed), max_size=len(mixed)))
    world = await a_world()
    found = await tell(world, mixed, restarts)
    assert told(found) == told(straight)
    assert await troubles(world) == []
    stretch = await stretch_of(world, found)
    items = [parse_item(kept.item.item) for kept in stretch]
    assert (items[0].payload.kind, items[-1].payload.kind) == (Kind.STARTED, Kind.ENDED)
    assert check_chain(items) == []


@settings(max_examples=examples(40))
@given(data=st.data())
async def test_a_1_6_charge_told_twice_over_restarts_is_one(data: st.DataObject) -> None:
    world = await a_world()
    station = Talker(world, "ST1", V16)
    start = {"connectorId": 1, "idTag": "CARD", "meterStart": 1000, "timestamp": at(0)}

    async def say(action: str, payload: dict[str, Any]) -> dict[str, Any]:
        answers = []
        for _ in range(data.draw(st.integers(1, 3))):
            answers.append(await station.call(action, payload))
            if data.draw(st.booleans()):
                world.forget()
        return answers[data.draw(st.integers(0, len(answers) - 1))]

    number = (await say("StartTransaction", start))["transactionId"]
    sample = [{"value": "2000", "measurand": "Energy.Active.Import.Register"}]
    meter = {"connectorId": 1, "transactionId": number, "meterValue": [{"timestamp": at(5), "sampledValue": sample}]}
    stop = {"transactionId": number, "meterStop": 3000, "timestamp": at(10), "idTag": "CARD"}
    rest = [("MeterValues", meter), ("StopTransaction", stop), ("StartTransaction", start)]
    for action, payload in data.draw(st.permutations(rest)):
        await say(action, payload)
    (found,) = await transactions(world)
    assert (found.energy_wh, found.billing, found.alarms) == (Decimal(2000), Billing.BILLED, ())
    assert await troubles(world) == []
    assert isinstance(world.journal, MemoryJournal)
    kinds = [k.item.kind for k in world.journal.kept if k.item.subject == Subject(bytes.fromhex(found.id))]
    assert sorted(kinds) == sorted([Kind.REQUEST, Kind.DECISION, Kind.STARTED, Kind.READING, Kind.ENDED])


async def test_messages_are_counted_and_missing_numbers_named() -> None:
    world = await a_world()
    one, two, three, four = charge([2000, 3000], token_at=0)
    found = await tell(world, [one, one, four])
    assert await counts(world, found) == Counts(records=4, messages=2, readings=2, missing=(1, 2))
    found = await tell(world, [two, three, three])
    assert await counts(world, found) == Counts(records=6, messages=4, readings=4, missing=())


async def test_an_end_recorded_again_counts_once() -> None:
    world = await a_world()
    found = await tell(world, charge([], token_at=0)[::-1])
    assert await counts(world, found) == Counts(records=5, messages=2, readings=2, missing=())


async def test_an_audit_sees_no_gap_where_an_end_came_before_its_start() -> None:
    world = await a_world()
    await tell(world, charge([], token_at=0)[::-1])
    assert "sequence_gap" not in {fault.code for fault in (await audited(world)).faults}
    world = await a_world()
    one, two, _, four = charge([2000, 3000], token_at=0)
    await tell(world, [four, two, one])
    assert "sequence_gap" in {fault.code for fault in (await audited(world)).faults}


async def test_a_number_beyond_all_measure_names_nothing_missing() -> None:
    world = await a_world()
    found = await tell(world, [charge([], token_at=0)[0], event("Updated", 2**31 - 1, 2000)])
    assert (await counts(world, found)).missing == ()


async def test_a_gap_is_noted_and_healed_when_the_missing_event_arrives() -> None:
    world = await a_world()
    one, two, three, four = charge([2000, 3000], token_at=0)
    found = await tell(world, [one, two, four])
    assert "sequence_gap" in {f.code for f in found.findings}
    world.forget()
    found = await tell(world, [three])
    assert {f.code for f in found.findings} == {"event_late", "sequence_healed"}
    assert (found.alarms, found.billing) == ((), Billing.BILLED)
    assert await troubles(world) == []


@pytest.mark.parametrize(("wh", "code"), [(900, "register_decreased"), (6000, "register_decreased")])
async def test_a_late_register_that_does_not_fit_keeps_the_charge_from_being_billed(wh: int, code: str) -> None:
    world = await a_world()
    one, two, _, four = charge([2000, 3000], token_at=0)
    found = await tell(world, [one, two, four, event("Updated", 2, wh)])
    assert (found.billing, found.reason) == (Billing.QUARANTINED, code)


async def test_an_event_after_the_end_by_its_number_raises_an_alarm() -> None:
    world = await a_world()
    found = await tell(world, [*charge([], token_at=0), event("Updated", 9, 5000)])
    assert {a.code for a in found.alarms} == {"event_after_end"}


async def test_a_start_that_never_comes_leaves_the_charge_unbilled() -> None:
    world = await a_world()
    _, two, end = charge([2000], token_at=1)
    found = await tell(world, [two, end])
    assert (found.started, found.opened is not None) == (None, True)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "end_without_start")
    assert await troubles(world) == []


async def test_a_transaction_without_its_start_is_there_and_active() -> None:
    world = await a_world()
    found = await tell(world, [event("Updated", 3, 2000, card=True)])
    assert (found.active, found.transaction_id, found.authorization) == (True, "T1", "Accepted")
    world.forget()
    found = await tell(world, [event("Updated", 4, 2100)])
    assert await troubles(world) == []


@pytest.mark.parametrize("late_ms", [0, 120_000])
async def test_a_1_6_reading_told_after_the_stop_is_no_alarm_unless_it_was_read_after_it(late_ms: int) -> None:
    world = await a_world()
    station = Talker(world, "ST1")
    number = await station.start()
    await station.stop(number, 2000, minutes=10)
    await station.meter(number, 1500, minutes=9 + late_ms // 60_000)
    (found,) = await transactions(world)
    assert {a.code for a in found.alarms} == (set() if not late_ms else {"event_after_end"})
    assert found.energy_wh == Decimal(1000)


async def test_another_start_under_a_used_id_is_an_alarm_as_before() -> None:
    world = await a_world()
    found = await tell(world, [*charge([], token_at=0)[:1], event("Started", 7, 9000, card=True)])
    assert "transaction_id_reused" in {a.code for a in found.alarms}
