"""Transactions that may be over without our knowing: asked for after an absence, marked after a silent restart."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.answering import OPERATOR, Answering, Reply, refusal
from tests.support.cpo_world import Talker, TestClock, add_token, enrol, make_world, transactions
from tests.support.proving import troubles

from wattseal.base.ids import StationId
from wattseal.flow.charges.open_transactions import AT_ONCE, OpenKeeper
from wattseal.flow.commands import send
from wattseal.flow.ports import Silence
from wattseal.flow.world import World
from wattseal.model.remote import TransactionStatusRequested
from wattseal.model.transaction import Billing
from wattseal.wire.ocpp.version import Version

V16, V201, V21 = Version
BOOT2 = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
BOOT16 = {"chargePointVendor": "V", "chargePointModel": "M"}


@pytest.fixture
async def world() -> World:
    made = make_world()
    await enrol(made, "ST1")
    await add_token(made, "CARD")
    return made


def event(kind: str, seq: int, wh: int, tx: str = "T1") -> dict[str, Any]:
    sample = {"value": wh, "context": "Transaction.End" if kind == "Ended" else "Transaction.Begin"}
    payload = {
        "eventType": kind,
        "timestamp": "2027-01-15T08:00:00Z",
        "triggerReason": "Authorized",
        "seqNo": seq,
        "transactionInfo": {"transactionId": tx},
        "evse": {"id": 1},
        "meterValue": [{"timestamp": "2027-01-15T08:00:00Z", "sampledValue": [sample]}],
    }
    return payload | ({"idToken": {"idToken": "CARD", "type": "ISO14443"}} if kind == "Started" else {})


async def begun(world: World, version: Version = V201, name: str = "ST1") -> Talker:
    station = Talker(world, name, version)
    if version is V16:
        await station.start()
    else:
        await station.call("TransactionEvent", event("Started", 0, 1000))
    return station


def status(*, queue: bool, ongoing: bool | None) -> dict[str, Any]:
    return {"messagesInQueue": queue} | ({} if ongoing is None else {"ongoingIndicator": ongoing})


async def alarms(world: World) -> set[str]:
    return {a.code for t in await transactions(world) for a in t.alarms}


async def gone_and_back(world: World, reply: Reply, version: Version = V201) -> Answering:
    keeper = OpenKeeper(world, OPERATOR)
    lines = Answering(version, {"GetTransactionStatus": reply})
    world.lines = lines
    await keeper.round()
    assert lines.asked == []
    lines.speaks = None
    await keeper.round()
    lines.speaks = version
    await keeper.round()
    await keeper.round()
    return lines


@pytest.mark.parametrize(
    ("queue", "ongoing", "code"),
    [
        (False, True, set()),
        (True, True, set()),
        (True, False, set()),
        (False, False, {"ended_unseen"}),
        (False, None, set()),
    ],
)
async def test_a_station_that_comes_back_is_asked_what_became_of_its_charge(
    world: World, *, queue: bool, ongoing: bool | None, code: set[str]
) -> None:
    await begun(world)
    lines = await gone_and_back(world, status(queue=queue, ongoing=ongoing))
    assert lines.asked == [("GetTransactionStatus", {"transactionId": "T1"})]
    assert await alarms(world) == code
    assert await troubles(world) == []


async def test_a_charge_believed_over_may_still_end(world: World) -> None:
    station = await begun(world)
    await gone_and_back(world, status(queue=False, ongoing=False))
    await send(world, OPERATOR, StationId("ST1"), TransactionStatusRequested())
    world.forget()
    await station.call("TransactionEvent", event("Ended", 1, 3000))
    (found,) = await transactions(world)
    assert (found.billing, found.active) == (Billing.BILLED, False)
    assert {f.code for f in found.findings} == set()
    assert await troubles(world) == []


@pytest.mark.parametrize("reply", [Silence.TIMED_OUT, refusal("GetTransactionStatus")])
async def test_a_station_that_does_not_answer_is_left_alone(world: World, reply: Reply) -> None:
    station = await begun(world)
    await station.call("TransactionEvent", event("Started", 0, 1000, "T2"))
    lines = await gone_and_back(world, reply)
    assert len(lines.asked) == 1
    assert await alarms(world) == set()


async def test_1_6_stations_are_not_asked_for_they_know_no_answer(world: World) -> None:
    await begun(world, V16)
    assert (await gone_and_back(world, {}, V16)).asked == []


async def test_a_herd_is_asked_a_few_at_a_time(world: World) -> None:
    for n in range(AT_ONCE + 2):
        await enrol(world, f"CP{n}")
        await begun(world, V201, f"CP{n}")
    lines = await gone_and_back(world, status(queue=False, ongoing=True))
    assert len(lines.asked) == AT_ONCE + 2


@pytest.mark.parametrize(("version", "boot"), [(V16, BOOT16), (V201, BOOT2)])
async def test_what_a_restarted_station_never_mentions_again_is_marked_interrupted(
    world: World, version: Version, boot: dict[str, Any]
) -> None:
    station = await begun(world, version)
    await station.call("BootNotification", boot)
    world.lines = Answering(version)
    keeper = OpenKeeper(world, OPERATOR)
    await keeper.round()
    assert await alarms(world) == set()
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(hours=2)
    await keeper.round()
    await keeper.round()
    (found,) = await transactions(world)
    assert ([a.code for a in found.alarms], found.active) == (["interrupted"], True)
    assert await troubles(world) == []


async def test_a_charge_that_goes_on_after_a_restart_is_not_interrupted(world: World) -> None:
    station = await begun(world)
    await station.call("BootNotification", BOOT2)
    await station.call("TransactionEvent", event("Updated", 1, 2000))
    world.lines = Answering(V201)
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(hours=2)
    await OpenKeeper(world, OPERATOR).round()
    assert await alarms(world) == set()


async def test_a_power_loss_told_after_the_restart_ends_the_charge(world: World) -> None:
    station = Talker(world, "ST1")
    number = await station.start()
    await station.call("BootNotification", BOOT16)
    payload = {"transactionId": number, "meterStop": 1500, "timestamp": station.at(10), "reason": "PowerLoss"}
    assert await station.call("StopTransaction", payload) == {}
    (found,) = await transactions(world)
    assert (found.stop_reason, found.billing) == ("PowerLoss", Billing.BILLED)
