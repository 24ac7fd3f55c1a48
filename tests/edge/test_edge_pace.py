"""What somebody sees of an edge's link who can read none of it: while a car charges a message a step, of one length."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.edge.edge_bench import Bench, bench, call_of
from tests.edge.edge_world import CARD, site
from tests.edge.test_edge_sides import AT, START, charge_16, event, meter_values

from wattseal.app.cpo.endpoint import answer_alike
from wattseal.flow.ports import Unflushed
from wattseal.parties.edge.pace import BACKLOG, is_hurried
from wattseal.parties.edge.upstream import Upward
from wattseal.rules.evenly import rest_of_step
from wattseal.wire.ocpp.blanks import ANSWER_STEP, CALL_STEP, fill_call, is_filled
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


async def test_a_call_that_is_filled_up_is_answered_alike() -> None:
    called = call_of("Heartbeat", fill_call(b"{}", "Heartbeat", 3), "abc")
    assert is_filled(called.raw)
    assert not is_filled(call_of("Heartbeat", b"{}", "abc").raw)
    rpc, loop = Connection(Version.V16), asyncio.get_running_loop()
    flush: Any = loop.create_future()
    flush.set_result(None)
    told = (b"{}", b'{"currentTime":"2027-01-15T08:00:00Z"}', b'{"data":"' + b"x" * 1500 + b'"}')
    for payload in (*told, Unflushed(b"{}", flush)):
        answered = await answer_alike(called, payload, loop.time(), 0.01)
        assert isinstance(answered, bytes)
        assert len(rpc.reply("abc", answered)) == ANSWER_STEP
    refused = Refusal(Fault.INTERNAL, "")
    assert await answer_alike(called, refused, loop.time(), 0.01) is refused


def test_an_answer_is_kept_back_to_the_next_whole_step() -> None:
    assert rest_of_step(0.2, 0.5) == pytest.approx(0.3)
    assert rest_of_step(0.7, 0.5) == pytest.approx(0.3)
    assert rest_of_step(0.0, 0.5) == 0
