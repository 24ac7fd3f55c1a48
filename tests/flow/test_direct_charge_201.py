"""A direct OCPP 2.0.1 station: events in any order, retried, with and without a meter that signs."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.support.cpo_world import Talker, add_token, enrol, make_world, transactions
from tests.support.memory_journal import MemoryJournal

from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build
from wattseal.flow.world import World
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.transaction import Billing
from wattseal.model.verdict import EvidencePin, Grade, Source, Verdict
from wattseal.wire.ocpp.version import Version

KEY = SigningKey.from_seed(Algorithm.ESP256, b"m" * 32)
OTHER = SigningKey.from_seed(Algorithm.ESP256, b"o" * 32)
NOON = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def signed(reason: str, wh: str, minute: int, page: int, key: SigningKey = KEY) -> bytes:
    meter = replace(MeterState("METER-1", page=page))
    return build(meter, [ReadingToSign(NOON + timedelta(minutes=minute), reason, Decimal(wh))], key, "k5zq7")


def event(  # noqa: PLR0917 - a table of events reads best so
    kind: str,
    seq: int,
    wh: str,
    minute: int,
    context: str,
    evidence: bytes | None = None,
    *,
    token: bool = False,
) -> dict[str, Any]:
    sample: dict[str, Any] = {"value": float(wh), "context": context, "unitOfMeasure": {"unit": "Wh"}}
    if evidence is not None:
        sample["signedMeterValue"] = {
            "signedMeterData": base64.b64encode(evidence).decode(),
            "signingMethod": "",
            "encodingMethod": "OCMF",
            "publicKey": "",
        }
    at = (NOON + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")
    return {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": {"Started": "Authorized", "Updated": "MeterValuePeriodic", "Ended": "StopAuthorized"}[kind],
        "seqNo": seq,
        "transactionInfo": {"transactionId": "TX-1"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": at, "sampledValue": [sample]}],
        **(TOKEN if token else {}),
    }


TOKEN = {"idToken": {"idToken": "CARD", "type": "ISO14443"}}
BEGIN, PERIODIC, END = "Transaction.Begin", "Sample.Periodic", "Transaction.End"


@pytest.fixture
async def world() -> World:
    made = make_world()
    pin = EvidencePin(Grade.G2, Source.METER)
    evse = EvseEnrolment(id=1, meter_serial="METER-1", meter_public_key=KEY.public.spki)
    await enrol(made, Station(id="SIGNING", pin=pin, evses=(evse,)))
    await enrol(made, Station(id="ST1"))
    await add_token(made, "CARD")
    return made


def kept(world: World) -> int:
    assert isinstance(world.journal, MemoryJournal)
    return len(world.journal.kept)


async def test_a_meters_own_signatures_make_the_source_meter(world: World) -> None:
    station = Talker(world, "SIGNING", Version.V201)
    told = await station.call(
        "TransactionEvent", event("Started", 0, "1000.0", 0, BEGIN, signed("B", "1000.0", 0, 7), token=True)
    )
    assert told["idTokenInfo"]["status"] == "Accepted"
    await station.call("TransactionEvent", event("Updated", 1, "1500.0", 10, PERIODIC))
    await station.call("TransactionEvent", event("Ended", 2, "2234.5", 30, END, signed("E", "2234.5", 30, 8)))
    (found,) = await transactions(world)
    assert (found.energy_wh, found.source, found.billing) == (Decimal("1234.5"), Source.METER, Billing.BILLED)
    assert [v.verdict for v in found.verdicts] == [Verdict.VALID, Verdict.VALID]
    assert "meter_complete" in {f.code for f in found.findings}


async def test_a_missing_event_is_told_and_keeps_the_meter_from_being_complete(world: World) -> None:
    station = Talker(world, "SIGNING", Version.V201)
    await station.call(
        "TransactionEvent", event("Started", 0, "1000.0", 0, BEGIN, signed("B", "1000.0", 0, 7), token=True)
    )
    await station.call("TransactionEvent", event("Ended", 2, "2234.5", 30, END, signed("E", "2234.5", 30, 8)))
    (found,) = await transactions(world)
    codes = {f.code for f in found.findings}
    assert "sequence_gap" in codes
    assert "meter_complete" not in codes


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (signed("E", "2234.5", 30, 8, OTHER), "evidence_invalid"),
        (signed("E", "9999.5", 30, 8), "evidence_differs"),
        (None, "evidence_below_pin"),
    ],
)
async def test_what_the_meter_did_not_sign_is_kept_and_not_billed(
    world: World, evidence: bytes | None, reason: str
) -> None:
    station = Talker(world, "SIGNING", Version.V201)
    await station.call(
        "TransactionEvent", event("Started", 0, "1000.0", 0, BEGIN, signed("B", "1000.0", 0, 7), token=True)
    )
    await station.call("TransactionEvent", event("Ended", 1, "2234.5", 30, END, evidence))
    (found,) = await transactions(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, reason)
    assert found.energy_wh == Decimal("1234.5")


async def test_a_key_sent_along_is_compared_and_never_trusted(world: World) -> None:
    station = Talker(world, "SIGNING", Version.V201)
    forged = signed("B", "1000.0", 0, 7, OTHER)
    started = event("Started", 0, "1000.0", 0, BEGIN, forged, token=True)
    marker = f"oca:base16:asn1:{OTHER.public.spki.hex()}"
    sample = started["meterValue"][0]["sampledValue"][0]
    sample["signedMeterValue"]["publicKey"] = base64.b64encode(marker.encode()).decode()
    await station.call("TransactionEvent", started)
    (found,) = await transactions(world)
    assert {"evidence_invalid", "evidence_key_differs"} <= {a.code for a in found.alarms}


async def test_an_event_sent_again_is_one_record(world: World) -> None:
    station = Talker(world, "ST1", Version.V201)
    sent = [
        event("Started", 0, "1000", 0, BEGIN, token=True),
        event("Updated", 1, "1500", 10, PERIODIC),
        event("Ended", 2, "2000", 30, END),
    ]
    first = [await station.call("TransactionEvent", one) for one in sent]
    before = kept(world)
    again = Talker(make_world(world.journal, seed="again"), "ST1", Version.V201)
    assert [await again.call("TransactionEvent", one) for one in sent] == first
    assert kept(world) == before
    (found,) = await transactions(world)
    assert found.energy_wh == Decimal(1000)


async def test_a_driver_who_comes_after_the_cable_is_authorised_within_the_transaction(world: World) -> None:
    station = Talker(world, "ST1", Version.V201)
    await station.call("TransactionEvent", event("Started", 0, "1000", 0, BEGIN))
    await station.call("Authorize", TOKEN)
    told = await station.call("TransactionEvent", event("Updated", 1, "1000", 1, PERIODIC, token=True))
    assert told["idTokenInfo"]["status"] == "Accepted"
    await station.call("TransactionEvent", event("Ended", 2, "2000", 30, END))
    (found,) = await transactions(world)
    assert (found.billing, found.party) == (Billing.BILLED, "CPO")
    assert found.decision is not None


async def test_energy_nobody_was_authorised_for_is_not_billed(world: World) -> None:
    station = Talker(world, "ST1", Version.V201)
    await station.call("TransactionEvent", event("Started", 0, "1000", 0, BEGIN))
    await station.call("TransactionEvent", event("Ended", 1, "2000", 30, END))
    (found,) = await transactions(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "not_authorised")


async def test_an_end_without_a_start_is_answered_kept_and_quarantined(world: World) -> None:
    station = Talker(world, "ST1", Version.V201)
    assert await station.call("TransactionEvent", event("Ended", 5, "2000", 30, END)) == {}
    (found,) = await transactions(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "end_without_start")


async def test_a_time_from_another_century_is_quarantined(world: World) -> None:
    station = Talker(world, "ST1", Version.V201)
    await station.call("TransactionEvent", event("Started", 0, "1000", 0, BEGIN, token=True))
    late = event("Ended", 1, "2000", 30, END)
    late["timestamp"] = "2099-01-01T00:00:00Z"
    await station.call("TransactionEvent", late)
    (found,) = await transactions(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "time_implausible")
