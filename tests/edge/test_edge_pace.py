"""What somebody sees of an edge's link who can read none of it: while a car charges a message a step, of one length."""

import asyncio
from pathlib import Path

import pytest
from tests.edge.edge_bench import Bench, bench, call_of
from tests.edge.edge_world import CARD, site
from tests.edge.test_edge_sides import AT, START, charge_16, event, meter_values

from wattseal.app.cpo_endpoint import answer_alike
from wattseal.parties.edge_pace import BACKLOG, is_hurried
from wattseal.parties.edge_upstream import Upward
from wattseal.wire.ocpp.blanks import ANSWER_STEP, CALL_STEP, fill_call
from wattseal.wire.ocpp.rpc import Connection
from wattseal.wire.ocpp.version import Fault, Refusal, Version

PACE_S = 0.03


async def test_a_car_that_says_nothing_looks_like_one_that_says_much(tmp_path: Path) -> None:
    async with bench(tmp_path, site(), pace_s=PACE_S) as b:
        started = await b.say("StartTransaction", START)
        await b.until(lambda: len(b.csms.frames) > 5)
        silent = len(b.csms.frames)
        await b.say("MeterValues", meter_values(started["transactionId"], 2000))
        await b.until(lambda: len(b.csms.frames) > silent + 3)
        assert set(b.csms.lengths) == {CALL_STEP}
        empty = [told for action, told in b.csms.frames if action == "DataTransfer" and told["data"] == '{"items":[]}']
        assert len(empty) >= 5
        await b.say("StopTransaction", {"transactionId": started["transactionId"], "meterStop": 3000, "timestamp": AT})
        await b.settle()
        said = len(b.csms.frames)
        await asyncio.sleep(4 * PACE_S)
        assert len(b.csms.frames) == said
        assert b.memory.state.charges == {}


async def test_without_pace_each_message_goes_when_it_is_said_as_long_as_it_is(tmp_path: Path) -> None:
    async with bench(tmp_path, site()) as b:
        await charge_16(b)
        await b.settle()
        assert len(set(b.csms.lengths)) > 3


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_events_of_2x_are_as_long_as_covers_and_keep_their_order(tmp_path: Path, version: str) -> None:
    async with bench(tmp_path, site(version=version), pace_s=PACE_S) as b:
        await b.say("TransactionEvent", event("Started", 0, "1000.5"))
        for number in range(1, 4):
            await b.say("TransactionEvent", event("Updated", number, f"{1000 + number}.5"))
        await b.until(lambda: "Heartbeat" in [action for action, _ in b.csms.frames])
        await b.say("TransactionEvent", event("Ended", 4, "17345.5"))
        await b.settle()
        assert [told["seqNo"] for action, told in b.csms.frames if action == "TransactionEvent"] == [0, 1, 2, 3, 4]
        assert set(b.csms.lengths) == {CALL_STEP}


async def test_a_driver_waits_for_no_step(tmp_path: Path) -> None:
    async with bench(tmp_path, site(), pace_s=3600) as b:
        assert await b.say("Authorize", {"idTag": CARD.value}) == {"idTagInfo": {"status": "Accepted"}}


async def test_what_was_said_while_offline_waits_for_no_step_either(tmp_path: Path) -> None:
    async with bench(tmp_path, site(), pace_s=3600) as b:
        b.csms.connected = False
        await _say_much(b)
        b.csms.connected = True
        b.down.came()
        await b.until(lambda: len(b.csms.items) >= BACKLOG)


async def _say_much(b: Bench) -> None:
    for number in range(BACKLOG + 3):
        await b.say("StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": str(number)})
    await b.say("StartTransaction", START)
    for number in range(BACKLOG):
        await b.say("MeterValues", meter_values(1, 2000 + number))


def test_a_few_messages_of_a_charge_are_not_hurried() -> None:
    assert not is_hurried([Upward(action="StatusNotification", payload={})] * (BACKLOG - 1))
    assert is_hurried([Upward()] * BACKLOG)


def test_a_call_that_is_filled_up_is_answered_alike_and_others_as_ever() -> None:
    called = call_of("Heartbeat", fill_call(b"{}", "Heartbeat", 3), "abc")
    plain = call_of("Heartbeat", b"{}", "abc")
    rpc = Connection(Version.V16)
    for payload in (b"{}", b'{"currentTime":"2027-01-15T08:00:00Z"}', b'{"data":"' + b"x" * 1500 + b'"}'):
        answered = answer_alike(called, payload)
        assert isinstance(answered, bytes)
        assert len(rpc.reply("abc", answered)) == ANSWER_STEP
        assert answer_alike(plain, payload) == payload
    refused = Refusal(Fault.INTERNAL, "")
    assert answer_alike(called, refused) is refused
