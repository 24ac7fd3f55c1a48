"""A stock station at an edge, on a real journal: what it hears, what goes up, what survives."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.edge.edge_bench import Bench, MemoryCsms, bench, call, result
from tests.edge.edge_world import CARD, NOW_MS, ORIGIN, key, seal_key, seeded, site
from tests.support.charges import signing_key

from wattseal.app.edge.memory import LinkDownError
from wattseal.evidence.ocpp_jws_build import MessageSigner
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.edge.state import Mode
from wattseal.parties.edge.upstream import items_in
from wattseal.rules.recorded import read_item
from wattseal.seal.chain import check_chain
from wattseal.seal.directory import Directory, DirectoryTerms, issue_directory, open_directory
from wattseal.seal.item import Kind, parse_item
from wattseal.wire.ocpp.rpc import CallError, CallResult
from wattseal.wire.ocpp.version import Fault, Refusal

AT = "2027-01-15T08:00:00Z"
START = {"connectorId": 1, "idTag": CARD.value, "meterStart": 1000, "timestamp": AT}


def meter_values(transaction_id: int, wh: int) -> dict[str, Any]:
    sampled = [{"value": str(wh)}, {"value": "7400", "measurand": "Power.Active.Import", "unit": "W"}]
    return {
        "connectorId": 1,
        "transactionId": transaction_id,
        "meterValue": [{"timestamp": AT, "sampledValue": sampled}],
    }


async def charge_16(b: Bench) -> int:
    assert await b.say("Authorize", {"idTag": CARD.value}) == {"idTagInfo": {"status": "Accepted"}}
    started = await b.say("StartTransaction", START)
    assert started["idTagInfo"] == {"status": "Accepted"}
    transaction_id: int = started["transactionId"]
    for n in range(12):
        assert await b.say("MeterValues", meter_values(transaction_id, 2000 + n)) == {}
    stop = {"transactionId": transaction_id, "meterStop": 17345, "timestamp": AT, "reason": "Local"}
    assert await b.say("StopTransaction", stop) == {}
    return transaction_id


def event(kind: str, seq: int, wh: str, **more: Any) -> dict[str, Any]:
    return {
        "eventType": kind,
        "timestamp": AT,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq,
        "transactionInfo": {"transactionId": "tx-1", "timeSpentCharging": 77},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": AT, "sampledValue": [{"value": float(wh)}]}],
        **more,
    }


def directory_of(*tokens: IdToken, until_ms: int = NOW_MS + 1000) -> Directory:
    terms = DirectoryTerms("MSP", ORIGIN, NOW_MS, until_ms, 20_000)
    edge = seal_key("edge")
    data = issue_directory(terms, tokens, edge.public, key("emsp"), seeded("directory")).encode()
    opened = open_directory(data, ORIGIN, key("emsp").public, edge)
    assert opened is not None
    return opened


async def test_a_stock_16_station_charges_and_notices_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, site()) as b:
        transaction_id = await charge_16(b)
        assert 0 < transaction_id < 2**31
        await b.settle()
        assert b.memory.state.charges == {}
        assert all(stream.pending == () for stream in b.memory.state.streams.values())
        chain = [item for item in b.csms.items if item.payload.stream == 1]
        assert check_chain(chain) == []
        assert [item.payload.kind for item in chain][1::13] == [Kind.STARTED, Kind.ENDED]
        assert {action for action, _ in b.csms.frames} == {"DataTransfer"}


async def test_each_frame_of_an_answered_call_is_durable_before_the_answer(tmp_path: Path) -> None:
    at = site()
    async with bench(tmp_path, at, csms=MemoryCsms(at, connected=False), directory=directory_of(CARD)) as b:
        await charge_16(b)
        kinds = [item.payload.kind for item in await b.memory.items_from(1, (0, 0), 100)]
        assert kinds == [Kind.BOOT, Kind.STARTED, *[Kind.READING] * 12, Kind.ENDED]


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_stock_2x_station_charges_and_the_csms_sees_events_without_values(tmp_path: Path, version: str) -> None:
    token = {"idToken": CARD.value, "type": "ISO14443"}
    async with bench(tmp_path, site(version=version)) as b:
        told = await b.say("Authorize", {"idToken": token})
        assert told == {"idTokenInfo": {"status": "Accepted"}}
        told = await b.say("TransactionEvent", event("Started", 0, "1000.5", idToken=token))
        assert told == {"idTokenInfo": {"status": "Accepted"}}
        assert await b.say("TransactionEvent", event("Updated", 1, "2000.5")) == {}
        assert await b.say("TransactionEvent", event("Ended", 2, "17345.5")) == {}
        await b.settle()
        seen = [payload for action, payload in b.csms.frames if action == "TransactionEvent"]
        assert [one["eventType"] for one in seen] == ["Started", "Updated", "Ended"]
        assert all("meterValue" not in one and "timeSpentCharging" not in one["transactionInfo"] for one in seen)
        assert seen[0]["idToken"] == {"idToken": "IFAUCQKBIFAUCQKBIFAUCQKBIE", "type": "Central"}
        assert check_chain([item for item in b.csms.items if item.payload.stream == 1]) == []
        assert b.memory.state.charges == {}


async def test_a_station_that_signs_its_messages_charges_and_what_it_signed_is_sealed_whole(tmp_path: Path) -> None:
    signer = MessageSigner(signing_key("station behind an edge"), bytes(32))
    async with bench(tmp_path, site(Mode.SIGNED, version="2.0.1")) as b:
        for number, kind in enumerate(("Started", "Ended")):
            jws = signer.sign(json.dumps(event(kind, number, f"{1000 + number}.5")).encode(), "TransactionEvent", 2)
            assert await b.say("TransactionEvent-Signed", json.loads(jws)) == {}
        await b.settle()
        records = [read_item(item) for item in b.csms.items if item.payload.kind in {Kind.STARTED, Kind.ENDED}]
        assert [record.meter and record.meter.register_wh for record in records] == [
            Decimal("1000.5"),
            Decimal("1001.5"),
        ]
        assert all(record.frame is not None and b'"TransactionEvent-Signed"' in record.frame for record in records)
        refused = await b.up.handle(call("TransactionEvent-Signed", {"payload": 5}))
        assert isinstance(refused, Refusal)


async def test_a_token_presented_after_the_start_is_asked_about_under_the_same_pseudonym(tmp_path: Path) -> None:
    async with bench(tmp_path, site(version="2.0.1")) as b:
        await b.say("TransactionEvent", event("Started", 0, "1000"))
        token = {"idToken": CARD.value, "type": "ISO14443"}
        told = await b.say("TransactionEvent", event("Updated", 1, "1000", idToken=token))
        assert told == {"idTokenInfo": {"status": "Accepted"}}
        await b.say("TransactionEvent", event("Ended", 2, "1500"))
        await b.settle()
        subjects = {i.payload.subject for i in b.csms.items if i.payload.kind in {Kind.REQUEST, Kind.STARTED}}
        assert len(subjects) == 1
        reading = next(i for i in b.csms.items if i.payload.kind == Kind.READING)
        assert len(reading.payload.refs) == 1


async def test_a_start_without_authorize_is_decided_within_the_start(tmp_path: Path) -> None:
    async with bench(tmp_path, site()) as b:
        assert (await b.say("StartTransaction", START))["idTagInfo"] == {"status": "Accepted"}
        await b.settle()
        start = next(i for i in b.csms.items if i.payload.kind == Kind.STARTED)
        assert len(start.payload.refs) == 1


@pytest.mark.parametrize(
    ("status", "told"), [(TokenStatus.BLOCKED, "Blocked"), (TokenStatus.NO_CREDIT, "Blocked"), (None, "Invalid")]
)
async def test_what_the_emsp_says_is_what_the_station_hears(
    tmp_path: Path, status: TokenStatus | None, told: str
) -> None:
    at = site()
    async with bench(tmp_path, at, csms=MemoryCsms(at, status=status), budget_s=0.2) as b:
        assert await b.say("Authorize", {"idTag": CARD.value}) == {"idTagInfo": {"status": told}}


async def test_a_driver_who_comes_while_the_edge_is_still_dialling_waits_for_the_decision(tmp_path: Path) -> None:
    at = site()
    csms = MemoryCsms(at, connected=False, dialling=True)
    async with bench(tmp_path, at, csms=csms) as b:
        asked = asyncio.create_task(b.say("Authorize", {"idTag": CARD.value}))
        await b.until(lambda: bool(b.memory.state.permits))
        await asyncio.sleep(0.1)
        csms.connected = True
        assert await asked == {"idTagInfo": {"status": "Accepted"}}


async def test_offline_the_directory_decides_and_the_charge_goes_up_later(tmp_path: Path) -> None:
    at = site()
    csms = MemoryCsms(at, connected=False)
    async with bench(tmp_path, at, csms=csms, directory=directory_of(CARD)) as b:
        boot = {"chargePointVendor": "v", "chargePointModel": "m"}
        assert (await b.say("BootNotification", boot))["status"] == "Accepted"
        assert "currentTime" in await b.say("Heartbeat", {})
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}
        assert await b.say("StatusNotification", status) == {}
        await charge_16(b)
        assert csms.frames == []
        csms.connected = True
        await b.settle()
        assert b.memory.state.charges == {}
        sent = [action for action, _ in csms.frames]
        assert sent[:3] == ["DataTransfer", "BootNotification", "StatusNotification"]
        assert check_chain([item for item in csms.items if item.payload.stream == 1]) == []


async def test_offline_without_a_directory_nobody_starts(tmp_path: Path) -> None:
    at = site()
    async with bench(tmp_path, at, csms=MemoryCsms(at, connected=False)) as b:
        assert await b.say("Authorize", {"idTag": CARD.value}) == {"idTagInfo": {"status": "Invalid"}}


async def test_an_expired_directory_lets_nobody_start_offline(tmp_path: Path) -> None:
    at = site()
    directory = directory_of(CARD, until_ms=NOW_MS + 1)
    async with bench(tmp_path, at, csms=MemoryCsms(at, connected=False), directory=directory) as b:
        b.clock.ms += 1
        assert await b.say("Authorize", {"idTag": CARD.value}) == {"idTagInfo": {"status": "Invalid"}}


async def test_a_card_that_is_not_in_the_directory_is_told_to_nobody(tmp_path: Path) -> None:
    async with bench(tmp_path, site(), directory=directory_of(CARD)) as b:
        assert await b.say("Authorize", {"idTag": "STRANGER"}) == {"idTagInfo": {"status": "Invalid"}}
        await b.settle()
        assert not [item for item in b.csms.items if item.payload.kind == Kind.REQUEST]


async def test_a_token_that_the_csms_commands_to_start_is_asked_about_though_no_directory_has_it(
    tmp_path: Path,
) -> None:
    drawn = {"idTag": "DRAWN"}
    async with bench(tmp_path, site(), directory=directory_of(CARD, until_ms=NOW_MS + 3_600_000)) as b:
        assert await b.say("Authorize", drawn) == {"idTagInfo": {"status": "Invalid"}}
        await b.raw("RemoteStartTransaction", {"connectorId": 1, **drawn})
        assert await b.say("Authorize", drawn) == {"idTagInfo": {"status": "Invalid"}}, "nobody has signed that"
        b.csms.expires_ms = b.clock.ms + 1_000
        assert await b.command("RemoteStartTransaction", {"connectorId": 1, **drawn}) == {"status": "Accepted"}
        assert await b.say("Authorize", drawn) == {"idTagInfo": {"status": "Accepted"}}
        assert await b.say("Authorize", {"idTag": "STRANGER"}) == {"idTagInfo": {"status": "Invalid"}}
        b.clock.ms += 600_001
        assert await b.say("Authorize", drawn) == {"idTagInfo": {"status": "Invalid"}}, "its time is over"


async def test_retries_get_the_same_answer_and_leave_one_record(tmp_path: Path) -> None:
    async with bench(tmp_path, site()) as b:
        first = await b.say("StartTransaction", START, "1")
        again = await b.say("StartTransaction", START, "2")
        assert first == again
        for message_id in ("3", "4"):
            await b.say("MeterValues", meter_values(first["transactionId"], 2000), message_id)
        kinds = [item.payload.kind for item in await b.memory.items_from(1, (0, 0), 100)]
        assert kinds == [Kind.BOOT, Kind.STARTED, Kind.READING]


async def test_a_restart_in_the_middle_of_a_charge_loses_nothing(tmp_path: Path) -> None:
    at = site()
    csms = MemoryCsms(at, connected=False)
    async with bench(tmp_path, at, csms=csms, directory=directory_of(CARD)) as b:
        transaction_id = (await b.say("StartTransaction", START))["transactionId"]
        await b.say("MeterValues", meter_values(transaction_id, 2000))
        before = b.memory.state
    csms.connected = True
    async with bench(tmp_path, site(seed="second run"), csms=csms) as b:
        assert b.memory.state.charges.keys() == before.charges.keys()
        assert (await b.say("StartTransaction", START))["transactionId"] == transaction_id
        stop = {"transactionId": transaction_id, "meterStop": 17345, "timestamp": AT}
        await b.say("StopTransaction", stop)
        await b.settle()
        for stream in (0, 1):
            assert check_chain([item for item in csms.items if item.payload.stream == stream]) == []
        start, end = (i for i in csms.items if i.payload.kind in {Kind.STARTED, Kind.ENDED})
        assert start.payload.subject == end.payload.subject
        assert b.memory.state.charges == {}


async def test_what_goes_without_a_receipt_is_sent_again(tmp_path: Path) -> None:
    at = site()
    async with bench(tmp_path, at, csms=MemoryCsms(at, receipting=False)) as b:
        await charge_16(b)
        await b.settle()
        assert b.memory.state.stream(1).pending
        b.csms.receipting = True
        for _ in range(3):
            b.clock.ms += at.heartbeat_ms
            await b.down.tick()
            await b.settle()
        assert b.memory.state.stream(1).pending == ()
        assert b.memory.state.charges == {}


async def test_a_stop_spoiled_on_its_way_is_sent_again_at_once_in_its_place(tmp_path: Path) -> None:
    at = site()
    async with bench(tmp_path, at, csms=SpoiledOnce(at)) as b:
        await charge_16(b)
        await b.until(lambda: b.memory.state.charges == {})
        chain = [item for item in b.csms.items if item.payload.stream == 1]
        assert check_chain(chain) == []
        assert chain[-1].payload.kind == Kind.ENDED


class SpoiledOnce(MemoryCsms):
    """A CSMS behind somebody who spoils the first message that carries an end: it accepts nothing of that."""

    spoiled = False

    async def call(self, action: str, payload: bytes) -> CallResult | CallError:
        items = map(parse_item, items_in(self.site.version, json.loads(payload)))
        if not self.spoiled and any(item.payload.kind == Kind.ENDED for item in items):
            self.spoiled = True
            return result(action, {"status": "Accepted"})
        return await super().call(action, payload)


async def test_forged_receipts_and_garbage_from_above_change_nothing(tmp_path: Path) -> None:
    at = site()
    async with bench(tmp_path, at, csms=MemoryCsms(at, receipting=False)) as b:
        await charge_16(b)
        await b.settle()
        before = b.memory.state
        data = '{"items":["","gg==","0oQ=",3,"AAAA","' + "A" * 64 + '"]}'
        told = await b.command("DataTransfer", {"vendorId": "wattseal", "messageId": "items", "data": data})
        assert told == {"status": "Accepted"}
        assert b.memory.state == before
        assert sum(b.down.refused.values()) >= 4


async def test_commands_pass_by_the_table(tmp_path: Path) -> None:
    async with bench(tmp_path, site()) as b:
        assert await b.command("RemoteStopTransaction", {"transactionId": 4}) == {"status": "Accepted"}
        told = await b.command("ChangeConfiguration", {"key": "AuthorizationCacheEnabled", "value": "true"})
        assert told == {"status": "Rejected"}
        told = await b.command("GetDiagnostics", {"location": "ftp://127.0.0.1/"})
        assert isinstance(told, Refusal)
        assert told.fault is Fault.UNSUPPORTED_ACTION
        told = await b.command("DataTransfer", {"vendorId": "other"})
        assert isinstance(told, Refusal)
        assert b.station.asked == [("RemoteStopTransaction", {"transactionId": 4})]
        b.station.connected = False
        assert isinstance(await b.command("Reset", {"type": "Soft"}), Refusal)


async def test_blocked_messages_of_the_station_are_answered_and_go_nowhere(tmp_path: Path) -> None:
    async with bench(tmp_path, site()) as b:
        told = await b.say("DataTransfer", {"vendorId": "acme", "data": "17345 Wh"})
        assert told == {"status": "UnknownVendorId"}
        await b.settle()
        assert b"acme" not in b.csms.wire


async def test_a_malformed_message_is_refused_by_its_own_fault(tmp_path: Path) -> None:

    async with bench(tmp_path, site()) as b:
        answer = await b.up.handle(call("StartTransaction", {"connectorId": 1}))
        assert isinstance(answer, Refusal)
        assert await b.memory.items_from(1, (0, 0), 10) == ()


async def test_a_message_that_makes_the_csms_hang_up_does_not_block_the_others(tmp_path: Path) -> None:
    at = site(version="2.0.1")
    async with bench(tmp_path, at, csms=HangingUp(at)) as b:
        b.down.retry_s = 0
        await b.say("TransactionEvent", event("Started", 0, "1000"))
        await b.say("StatusNotification", {**STATUS, "timestamp": AT})
        await b.settle()
        assert [action for action, _ in b.csms.frames][-1] == "StatusNotification"
        for _ in range(3):
            b.clock.ms += at.heartbeat_ms
            await b.down.tick()
            await b.settle()
        assert b.memory.state.stream(1).pending == ()


STATUS = {"connectorStatus": "Occupied", "evseId": 1, "connectorId": 1}


class HangingUp(MemoryCsms):
    """A CSMS that hangs up on every TransactionEvent."""

    async def call(self, action: str, payload: bytes) -> CallResult | CallError:
        if action == "TransactionEvent":
            raise LinkDownError(action)
        return await super().call(action, payload)


@pytest.mark.parametrize("mode", list(Mode))
async def test_a_frame_as_large_as_frames_may_be_becomes_a_record_that_can_be_read(tmp_path: Path, mode: Mode) -> None:
    sampled = [{"value": "7400.5", "measurand": "Power.Active.Import", "unit": "W"}] * 800
    large = {**meter_values(7, 2000), "meterValue": [{"timestamp": AT, "sampledValue": [{"value": "1"}, *sampled]}]}
    async with bench(tmp_path, site(mode)) as b:
        assert await b.say("MeterValues", large) == {}
        evidence = {"value": "OCMF|" + "x" * 9000, "format": "SignedData", "context": "Transaction.End"}
        data = [{"timestamp": AT, "sampledValue": [{"value": "3"}, *[evidence] * 10]}]
        stop = {"transactionId": 7, "meterStop": 3, "timestamp": AT, "transactionData": data}
        await b.say("StopTransaction", stop)
        await b.settle()
        assert b.memory.state.charges == {}
        assert max(len(item.encode()) for item in b.csms.items) < 64 * 1024
