"""A vehicle confirms the register with its contract key: checked, compared, and never more than what it is."""

import base64
import json
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.support.cpo_world import Talker, TestClock, add_token, enrol, make_world, transactions
from tests.support.pki import DAY, NOW, Ca, subject
from tests.support.receipts import EMAID, Vehicle, vehicle

from wattseal.base.ids import Subject
from wattseal.evidence import iso15118_receipt
from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.model.transaction import VEHICLE, Billing, Transaction
from wattseal.model.verdict import EvidencePin, Grade, Source, Verdict
from wattseal.rules.recorded import read_item
from wattseal.rules.vehicle import word_of_vehicle
from wattseal.seal.item import parse_item
from wattseal.wire.ocpp.version import Version

AT = NOW.isoformat().replace("+00:00", "Z")
Receipts = list[bytes]


@pytest.fixture
async def world() -> World:
    made = make_world()
    assert isinstance(made.clock, TestClock)
    made.clock.at = NOW
    made.contract_roots = vehicle().roots
    await enrol(made, Station(id="ST1", pin=EvidencePin(Grade.G0, Source.CSMS)))
    await add_token(made, EMAID)
    await add_token(made, "CARD")
    return made


async def event(
    station: Talker, number: int, wh: float | None, receipts: Receipts, *, kind: str = "Updated", token: str = EMAID
) -> None:
    """One message of a charge, its receipts in customData."""
    told: dict[str, Any] = {
        "eventType": kind,
        "timestamp": AT,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": number,
        "transactionInfo": {"transactionId": "T-1"},
        "evse": {"id": 1},
        "idToken": {"idToken": token, "type": "eMAID" if token == EMAID else "ISO14443"},
    }
    if wh is not None:
        told["meterValue"] = [{"timestamp": AT, "sampledValue": [{"value": wh, "context": "Sample.Periodic"}]}]
    if receipts:
        texts = [base64.b64encode(raw).decode() for raw in receipts]
        told["customData"] = {"vendorId": "wattseal", "receipts": texts}
    await station.call("TransactionEvent", told)


async def charge(
    world: World,
    in_reading: Receipts,
    in_end: Sequence[bytes] = (),
    *,
    token: str = EMAID,
    version: Version = Version.V201,
) -> Transaction:
    station = Talker(world, "ST1", version)
    await event(station, 0, 1000, [], kind="Started", token=token)
    await event(station, 1, 3000, in_reading, token=token)
    await event(station, 2, 5000, list(in_end), kind="Ended", token=token)
    (found,) = await transactions(world)
    return found


def codes(found: Transaction) -> set[str]:
    return {note.code for note in (*found.findings, *found.alarms)}


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
async def test_a_register_that_the_vehicle_signed_is_confirmed_by_it(world: World, version: Version) -> None:
    found = await charge(world, [vehicle().receipt(3000)], [vehicle().receipt(5000)], version=version)
    assert word_of_vehicle(found) == "confirmed"
    assert [(v.record, v.verdict) for v in found.verdicts] == [(VEHICLE, Verdict.VALID)] * 2
    assert found.billing is Billing.BILLED
    assert not found.alarms


async def test_the_receipt_is_in_the_record_byte_for_byte(world: World) -> None:
    raw = vehicle().receipt(3000)
    found = await charge(world, [raw])
    stored = await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(found.id)))
    meters = [read_item(parse_item(each.item.item)).meter for each in stored]
    assert [m.evidence for m in meters if m is not None and m.evidence] == [((iso15118_receipt.NAME, raw),)]


async def test_without_receipts_nobody_says_so(world: World) -> None:
    assert word_of_vehicle(await charge(world, [])) is None


async def test_a_receipt_raises_no_grade_and_gives_no_register(world: World) -> None:
    found = await charge(world, [vehicle().receipt(3000)], [vehicle().receipt(4999)])
    assert found.source is Source.CSMS
    assert found.energy_wh == Decimal(4000)


@pytest.mark.parametrize("shown_wh", [999, 2998, 2999, 3001, 9000])
async def test_a_vehicle_that_was_shown_another_register_stops_the_bill(world: World, shown_wh: int) -> None:
    """The receipt comes with 3000 Wh, after 2999.5 Wh: to the whole Wh below and the one above it fits."""
    station = Talker(world, "ST1", Version.V201)
    await event(station, 0, 1000, [], kind="Started")
    await event(station, 1, 2999.5, [])
    await event(station, 2, 3000, [vehicle().receipt(shown_wh)])
    await event(station, 3, 5000, [], kind="Ended")
    (found,) = await transactions(world)
    fits = shown_wh == 2999
    assert word_of_vehicle(found) == ("confirmed" if fits else "differs")
    assert (found.billing is Billing.QUARANTINED) == (not fits)
    assert fits or found.reason == "vehicle_differs"


async def test_the_register_lowered_on_the_way_is_not_what_the_vehicle_signed(world: World) -> None:
    """The control: the same receipt with the true register confirms it."""
    lied = await charge(world, [], [vehicle().receipt(9000)])
    assert (word_of_vehicle(lied), lied.billing) == ("differs", Billing.QUARANTINED)
    (alarm,) = [a for a in lied.alarms if a.code == "vehicle_differs"]
    assert alarm.detail == "5000 told, 9000 signed by the vehicle"


async def test_a_spoilt_receipt_is_an_alarm_and_does_not_stop_the_bill(world: World) -> None:
    """Who drives the car may not hinder its own bill with bytes."""
    good = vehicle().receipt(3000)
    found = await charge(world, [good[:200] + bytes([good[200] ^ 1]) + good[201:], b"\x85\x01garbage"])
    assert {a.code for a in found.alarms} == {"receipt_invalid", "receipt_unreadable"}
    assert found.billing is Billing.BILLED
    assert word_of_vehicle(found) is None


async def test_an_unknown_root_confirms_nothing(world: World) -> None:
    world.contract_roots = Vehicle(Ca.make(), vehicle().sub, vehicle().contract).roots
    found = await charge(world, [vehicle().receipt(9000)])
    assert "receipt_root_unknown" in codes(found)
    assert word_of_vehicle(found) is None
    assert found.billing is Billing.BILLED


async def test_another_contracts_receipt_confirms_nothing(world: World) -> None:
    """The CPO's own car cannot confirm its customers' charges."""
    found = await charge(world, [vehicle().receipt(3000)], token="CARD")
    assert {a.code for a in found.alarms} == {"receipt_of_another_contract"}
    assert word_of_vehicle(found) is None


@pytest.mark.parametrize("spelled", [EMAID, f"{EMAID[:2]}-{EMAID[2:5]}-{EMAID[5:]}", EMAID.lower(), EMAID + "7"])
async def test_a_contract_is_known_in_every_spelling(world: World, spelled: str) -> None:
    await add_token(world, spelled)
    found = await charge(world, [vehicle().receipt(3000)], token=spelled)
    assert word_of_vehicle(found) == "confirmed"


async def test_a_contract_that_had_run_out_confirms_nothing(world: World) -> None:
    assert isinstance(world.clock, TestClock)
    car = vehicle()
    ended = Vehicle(car.root, car.sub, car.sub.issue(subject(EMAID), valid=(NOW - 2 * DAY, NOW - DAY)))
    found = await charge(world, [ended.receipt(3000)])
    assert [(v.verdict, v.reason) for v in found.verdicts] == [(Verdict.INVALID, "certificate_not_valid_then")]


async def test_a_receipt_without_a_register_beside_it_says_so(world: World) -> None:
    station = Talker(world, "ST1", Version.V201)
    await event(station, 0, 1000, [], kind="Started")
    await event(station, 1, None, [vehicle().receipt(3000)])
    (found,) = await transactions(world)
    assert "receipt_alone" in codes(found)
    assert word_of_vehicle(found) is None


@pytest.mark.parametrize("carrier", ["1.6", "2.x"])
async def test_a_receipt_may_come_as_a_signed_value_too(world: World, carrier: str) -> None:
    signed = {
        "signedMeterData": base64.b64encode(vehicle().receipt(3000)).decode(),
        "signingMethod": "",
        "encodingMethod": iso15118_receipt.NAME,
        "publicKey": "",
    }
    if carrier == "2.x":
        station = Talker(world, "ST1", Version.V21)
        await event(station, 0, 1000, [], kind="Started")
        sample = {"value": 3000.0, "context": "Sample.Periodic", "signedMeterValue": signed}
        told = {"eventType": "Updated", "timestamp": AT, "triggerReason": "MeterValuePeriodic", "seqNo": 1}
        told |= {
            "transactionInfo": {"transactionId": "T-1"},
            "meterValue": [{"timestamp": AT, "sampledValue": [sample]}],
        }
        await station.call("TransactionEvent", told)
    else:
        station = Talker(world, "ST1")
        start = {"connectorId": 1, "idTag": EMAID, "meterStart": 1000, "timestamp": AT}
        number = (await station.call("StartTransaction", start))["transactionId"]
        samples = [
            {"value": "3000", "context": "Sample.Periodic"},
            {"value": json.dumps(signed), "format": "SignedData", "context": "Sample.Periodic"},
        ]
        values = {"connectorId": 1, "transactionId": number, "meterValue": [{"timestamp": AT, "sampledValue": samples}]}
        await station.call("MeterValues", values)
    (found,) = await transactions(world)
    assert word_of_vehicle(found) == "confirmed"


async def test_a_restart_forgets_no_meter_and_takes_no_receipt_for_one(world: World) -> None:
    station = Talker(world, "ST1", Version.V201)
    await event(station, 0, 1000, [], kind="Started")
    await event(station, 1, 3000, [vehicle().receipt(3000)])
    again = make_world(world.journal, seed="later")
    assert isinstance(again.clock, TestClock)
    again.clock.at = NOW + timedelta(minutes=1)
    again.contract_roots = world.contract_roots
    station = Talker(again, "ST1", Version.V201)
    await event(station, 2, 5000, [vehicle().receipt(4999)], kind="Ended")
    (found,) = await transactions(again)
    assert (word_of_vehicle(found), found.source, found.billing) == ("confirmed", Source.CSMS, Billing.BILLED)


async def test_custom_data_that_holds_no_receipts_is_noted(world: World) -> None:
    station = Talker(world, "ST1", Version.V201)
    await event(station, 0, 1000, [], kind="Started")
    told = {"eventType": "Updated", "timestamp": AT, "triggerReason": "MeterValuePeriodic", "seqNo": 1}
    told |= {"transactionInfo": {"transactionId": "T-1"}, "customData": {"vendorId": "wattseal", "receipts": "no"}}
    await station.call("TransactionEvent", told)
    (found,) = await transactions(world)
    assert "receipts_unreadable" in codes(found)
