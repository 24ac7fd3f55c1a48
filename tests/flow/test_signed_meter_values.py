"""Signed meter values in every carrier of every version: verified under the enrolled key, whatever key comes along."""

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from tests.support.charges import signing_key
from tests.support.cpo_world import Talker, add_token, enrol, make_world, transactions
from tests.support.memory_journal import MemoryJournal
from tests.support.meters import METER_SPKI, NOON, single, transaction
from tests.support.other_meters import K192, SERVER, edl, edl_sml

from wattseal.evidence.ocmf_build import MeterState
from wattseal.flow.world import World
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.transaction import Billing
from wattseal.model.verdict import EvidencePin, Grade, Source, Verdict
from wattseal.rules.recorded import read_item
from wattseal.seal.item import parse_item
from wattseal.wire.ocpp.version import Version

RECORD = transaction(begin_wh="1000.0", end_wh="13345.6")
AT = NOON.isoformat().replace("+00:00", "Z")
B64 = base64.b64encode(RECORD).decode()


def spelled_key(spki: bytes) -> str:
    return base64.b64encode(f"oca:base16:asn1:{spki.hex()}".encode()).decode()


OURS, ANOTHERS = spelled_key(METER_SPKI), spelled_key(signing_key("another meter").public.spki)


def signed_value(data: str = B64, **more: str) -> dict[str, str]:
    return {"signedMeterData": data, "signingMethod": "", "encodingMethod": "OCMF", "publicKey": ""} | more


@pytest.fixture
async def world() -> World:
    made = make_world()
    evse = EvseEnrolment(id=1, meter_serial="METER-1", meter_public_key=METER_SPKI)
    await enrol(made, Station(id="ST1", pin=EvidencePin(Grade.G2, Source.METER), evses=(evse,)))
    await add_token(made, "CARD")
    return made


async def charge_16(world: World, value: str) -> None:
    station = Talker(world, "ST1")
    start = {"connectorId": 1, "idTag": "CARD", "meterStart": 1000, "timestamp": AT}
    number = (await station.call("StartTransaction", start))["transactionId"]
    sample = {"value": value, "format": "SignedData", "context": "Transaction.End"}
    stop = {"transactionId": number, "meterStop": 13346, "timestamp": AT}
    stop["transactionData"] = [{"timestamp": AT, "sampledValue": [sample]}]
    assert await station.call("StopTransaction", stop) == {}


async def charge_2(world: World, version: Version, signed: dict[str, str] | None) -> None:
    station = Talker(world, "ST1", version)
    for number, (kind, wh, context) in enumerate(
        (("Started", 1000.0, "Transaction.Begin"), ("Ended", 13345.6, "Transaction.End"))
    ):
        sample: dict[str, Any] = {"value": wh, "context": context}
        if signed is not None and kind == "Ended":
            sample["signedMeterValue"] = signed
        event = {
            "eventType": kind,
            "timestamp": AT,
            "triggerReason": "Authorized",
            "seqNo": number,
            "transactionInfo": {"transactionId": "T-1"},
            "evse": {"id": 1},
            "idToken": {"idToken": "CARD", "type": "ISO14443"},
            "meterValue": [{"timestamp": AT, "sampledValue": [sample]}],
        }
        await station.call("TransactionEvent", event)


async def judged(world: World) -> tuple[set[Verdict], Billing, Source, set[str]]:
    (found,) = await transactions(world)
    return {v.verdict for v in found.verdicts}, found.billing, found.source, {a.code for a in found.alarms}


GOOD = ({Verdict.VALID}, Billing.BILLED, Source.METER, set[str]())
IN_16: dict[str, Callable[[], str]] = {
    "the object as JSON text": lambda: json.dumps(signed_value()),
    "the object with the key once": lambda: json.dumps(signed_value(publicKey=OURS)),
    "the object without a key": lambda: json.dumps({"signedMeterData": B64, "encodingMethod": "OCMF"}),
    "the object with nothing but data": lambda: json.dumps({"signedMeterData": B64}),
    "the object as a string once more": lambda: json.dumps(json.dumps(signed_value())),
    "the record itself": RECORD.decode,
    "hex": RECORD.hex,
    "hex in capitals": lambda: RECORD.hex().upper(),
    "base64": lambda: B64,
    "the record inside the object": lambda: json.dumps(signed_value(RECORD.decode())),
    "hex inside the object": lambda: json.dumps(signed_value(RECORD.hex())),
}


@pytest.mark.parametrize("carrier", IN_16)
async def test_every_carrier_of_16_is_verified(world: World, carrier: str) -> None:
    await charge_16(world, IN_16[carrier]())
    assert await judged(world) == GOOD


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
@pytest.mark.parametrize(
    "signed",
    [
        signed_value(),
        signed_value(publicKey=OURS),
        signed_value(publicKey=METER_SPKI.hex()),
        signed_value(signingMethod="ECDSA-secp256r1-SHA256"),
        signed_value(encodingMethod="OCMF 1.0"),
        signed_value(RECORD.decode()),
        signed_value(RECORD.hex()),
    ],
)
async def test_every_carrier_of_2_is_verified(world: World, version: Version, signed: dict[str, str]) -> None:
    await charge_2(world, version, signed)
    assert await judged(world) == GOOD


async def test_21_may_leave_out_key_and_method(world: World) -> None:
    await charge_2(world, Version.V21, {"signedMeterData": B64, "encodingMethod": "OCMF"})
    assert await judged(world) == GOOD


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
async def test_another_key_sent_along_is_an_alarm_and_changes_no_verdict(world: World, version: Version) -> None:
    await charge_2(world, version, signed_value(publicKey=ANOTHERS))
    assert await judged(world) == ({Verdict.VALID}, Billing.BILLED, Source.METER, {"evidence_key_differs"})


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
async def test_a_format_nobody_knows_is_kept_and_grades_nothing(world: World, version: Version) -> None:
    await charge_2(world, version, signed_value(base64.b64encode(b"<xml/>").decode(), encodingMethod="EDL"))
    (found,) = await transactions(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "evidence_below_pin")
    assert [n.detail for n in found.findings if n.code == "evidence_format_unknown"] == ["EDL"]
    assert found.alarms == ()


async def test_without_a_signature_the_pin_is_missed(world: World) -> None:
    await charge_2(world, Version.V21, None)
    (found,) = await transactions(world)
    assert (found.billing, found.reason, found.source) == (Billing.QUARANTINED, "evidence_below_pin", Source.CSMS)


@pytest.mark.parametrize(("forge", "told"), [(False, Verdict.VALID), (True, Verdict.INVALID)])
async def test_signed_values_outside_transactions_have_their_verdict_too(
    world: World, *, forge: bool, told: Verdict
) -> None:
    record = single(MeterState("METER-1", page=3), "B", "77.5")
    if forge:
        record = record.replace(b"77.5", b"11.5")
    value = signed_value(base64.b64encode(record).decode())
    sample = {"value": 77.5, "signedMeterValue": value}
    station = Talker(world, "ST1", Version.V201)
    await station.call("MeterValues", {"evseId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [sample]}]})
    assert isinstance(world.journal, MemoryJournal)
    kept = read_item(parse_item(world.journal.kept[-1].item.item))
    assert [v.verdict for v in kept.observed.verdicts] == [told]
    assert kept.meter is not None
    assert kept.meter.evidence == (("OCMF", record),)
    assert await transactions(world) == []


def p192_spki() -> bytes:
    return K192.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


async def edl_charge(end_value: int, told_wh: float) -> World:
    """A charge whose meter signs its registers in SML: each reading by itself, saying not which it is."""
    made = make_world()
    evse = EvseEnrolment(id=1, meter_serial=SERVER.hex().upper(), meter_public_key=p192_spki())
    await enrol(made, Station(id="ST1", pin=EvidencePin(Grade.G2, Source.METER), evses=(evse,)))
    await add_token(made, "CARD")
    station = Talker(made, "ST1", Version.V201)
    signed = (edl_sml(), edl_sml(edl(end_value, 600, 8)))
    contexts = (("Started", 12_345.0, "Transaction.Begin"), ("Ended", told_wh, "Transaction.End"))
    for number, ((kind, wh, context), raw) in enumerate(zip(contexts, signed, strict=True)):
        value = signed_value(raw.hex(), encodingMethod="EDL40")
        event = {
            "eventType": kind,
            "timestamp": AT,
            "triggerReason": "Authorized",
            "seqNo": number,
            "transactionInfo": {"transactionId": "T-1"},
            "evse": {"id": 1},
            "idToken": {"idToken": "CARD", "type": "ISO14443"},
            "meterValue": [
                {"timestamp": AT, "sampledValue": [{"value": wh, "context": context, "signedMeterValue": value}]}
            ],
        }
        await station.call("TransactionEvent", event)
    return made


async def test_a_meter_that_signs_in_sml_is_the_source_of_its_charge() -> None:
    world = await edl_charge(124_450, 12_445.0)
    assert await judged(world) == GOOD
    (found,) = await transactions(world)
    assert found.energy_wh == Decimal(100)
    assert [v.format for v in found.verdicts] == ["EDL_40_P", "EDL_40_P"]
    assert "meter_complete" not in {n.code for n in found.findings}, "what the format leaves open keeps it at G2"


async def test_a_register_other_than_the_one_signed_in_sml_is_quarantined() -> None:
    _, billing, _, alarms = await judged(await edl_charge(124_450, 12_500.0))
    assert (billing, alarms) == (Billing.QUARANTINED, {"evidence_differs"})
