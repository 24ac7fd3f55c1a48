"""Signed OCPP messages on their way through the CSMS: taken always, judged, answered signed."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from tests.support.charges import signing_key
from tests.support.cpo_world import AT, Talker, add_token, enrol, make_world, transactions
from tests.support.memory_journal import MemoryJournal

from wattseal.base.ids import StationId
from wattseal.crypto.message_keys import read_message_certificate, self_signed
from wattseal.evidence.ocpp_jws import NAME, check_message, encode, read
from wattseal.evidence.ocpp_jws_build import MessageSigner
from wattseal.flow import commands
from wattseal.flow.commands import Done
from wattseal.flow.documents import ALARM
from wattseal.flow.documents import read as read_document
from wattseal.flow.ports import Silence
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.message import Asked
from wattseal.model.principal import Principal
from wattseal.model.station import Station
from wattseal.model.transaction import Billing, EvidenceVerdict
from wattseal.model.verdict import Verdict
from wattseal.rules.recorded import Recorded, read_item
from wattseal.seal.item import Kind, parse_item
from wattseal.wire.ocpp.rpc import CallError, CallResult
from wattseal.wire.ocpp.version import Fault, Refusal, Version

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STATION_KEY, CSMS_KEY = signing_key("signing station"), signing_key("signing csms")
STATION_CERTIFICATE = read_message_certificate(self_signed(STATION_KEY, "ST1", 7, NOW))
CSMS_PEM = self_signed(CSMS_KEY, "CPO messages", 8, NOW)
CSMS_CERTIFICATE = read_message_certificate(CSMS_PEM)
STATION = MessageSigner(STATION_KEY, STATION_CERTIFICATE.thumbprint)
STRANGER = MessageSigner(signing_key("stranger"), bytes(32))
THIEF = MessageSigner(signing_key("thief"), STATION_CERTIFICATE.thumbprint)
ENROLLED = Station(id="ST1", message_certificates=(STATION_CERTIFICATE,), signed_messages=True)


@dataclass
class Signing(Talker):
    """A station that signs what it says."""

    signer: MessageSigner | None = STATION
    version: Version = Version.V201
    seq_no: int = 0
    frames: list[bytes] = field(default_factory=list)

    async def say(self, action: str, payload: dict[str, Any], *, signed_as: str | None = None) -> Any:
        """Return the answer: the payload inside a signed one, checked, or whatever else it is."""
        if self.signer is None:
            told = await self.raw(action, payload)
            return json.loads(told) if isinstance(told, bytes) else told
        jws = self.signer.sign(json.dumps(payload).encode(), signed_as or action, 2)
        told = await self.raw(action + "-Signed", json.loads(jws))
        if isinstance(told, Refusal) or not told:
            return told
        message = read(told)
        found = check_message(message, (CSMS_CERTIFICATE,), action, 3)
        assert found.verdict is Verdict.VALID, found.reason
        return json.loads(message.payload)

    async def event(self, kind: str, wh: str, **more: Any) -> Any:
        context = "Transaction.Begin" if kind == "Started" else "Transaction.End"
        values = [{"timestamp": AT.isoformat(), "sampledValue": [{"value": float(wh), "context": context}]}]
        payload = {
            "eventType": kind,
            "timestamp": AT.isoformat(),
            "triggerReason": "Authorized",
            "seqNo": self.seq_no,
            "transactionInfo": {"transactionId": "T-1"},
            "evse": {"id": 1},
            "meterValue": values,
        }
        self.seq_no += 1
        return await self.say("TransactionEvent", payload | more)


@pytest.fixture
async def world() -> World:
    made = make_world()
    made.message_signer = MessageSigner(CSMS_KEY, CSMS_CERTIFICATE.thumbprint, CSMS_PEM)
    await enrol(made, ENROLLED)
    await add_token(made, "CARD")
    return made


CARD = {"idToken": {"idToken": "CARD", "type": "ISO14443"}}


async def charge(station: Signing) -> None:
    assert (await station.event("Started", "1000", **CARD))["idTokenInfo"]["status"] == "Accepted"
    assert await station.event("Ended", "3000") == {}


async def records(world: World, *kinds: Kind) -> list[Recorded]:
    assert isinstance(world.journal, MemoryJournal)
    found = [read_item(parse_item(kept.item.item)) for kept in world.journal.kept]
    return [record for record in found if not kinds or record.kind in kinds]


async def test_a_signed_charge_is_billed_and_its_records_say_who_signed(world: World) -> None:
    await charge(Signing(world, "ST1"))
    (found,) = await transactions(world)
    assert found.billing is Billing.BILLED
    assert found.energy_wh == 2000
    assert found.verdicts == (EvidenceVerdict("message", NAME, Verdict.VALID, "signature_valid"),) * 2
    assert found.alarms == ()
    for record in await records(world, Kind.STARTED, Kind.ENDED):
        assert record.frame is not None
        assert b'"TransactionEvent-Signed"' in record.frame, "the bytes that were signed are kept"


@pytest.mark.parametrize(
    ("signer", "told", "alarms"),
    [
        (THIEF, (Verdict.INVALID, "signature_mismatch"), {"message_signature_invalid"}),
        (STRANGER, (Verdict.UNKNOWN_KEY, "key_not_enrolled"), {"message_signature_missing"}),
        (None, None, {"message_signature_missing"}),
    ],
)
async def test_a_charge_that_its_station_did_not_sign_is_kept_and_not_billed(
    world: World, signer: MessageSigner | None, told: tuple[Verdict, str] | None, alarms: set[str]
) -> None:
    await charge(Signing(world, "ST1", signer=signer))
    (found,) = await transactions(world)
    assert found.energy_wh == 2000, "electricity first: nothing is refused"
    assert found.billing is Billing.QUARANTINED
    assert found.reason in alarms
    assert {alarm.code for alarm in found.alarms} == alarms
    assert {(v.verdict, v.reason) for v in found.verdicts} == ({told} if told else set())


async def test_a_station_that_need_not_sign_may(world: World) -> None:
    await enrol(world, Station(id="ST2"))
    await charge(Signing(world, "ST2"))
    await enrol(world, Station(id="ST3"))
    await charge(Signing(world, "ST3", signer=None))
    assert [t.billing for t in await transactions(world)] == [Billing.BILLED] * 2
    (signed,) = await transactions(world, "ST2")
    assert {note.code for note in signed.findings} == {"message_key_unknown"}
    assert {v.verdict for v in signed.verdicts} == {Verdict.UNKNOWN_KEY}


async def test_a_signature_for_another_action_does_not_count(world: World) -> None:
    station = Signing(world, "ST1")
    with_time = await station.say("Heartbeat", {}, signed_as="StatusNotification")
    assert "currentTime" in with_time
    assert world.counters["message_signature_invalid"] == 1


async def test_trouble_with_what_has_no_record_is_an_alarm_an_hour(world: World) -> None:
    thief = Signing(world, "ST1", signer=THIEF)
    for _ in range(5):
        await thief.say("Heartbeat", {})
    (document,) = await world.journal.documents(world.tenant, ALARM)
    alarm = read_document(document, Alarm)
    assert (alarm.code, alarm.field, alarm.detail) == ("message_signature_invalid", "Heartbeat", "signature_mismatch")
    assert world.counters["message_signature_invalid"] == 5


async def test_a_retry_is_recognised_signed_or_not_also_from_the_journal(world: World) -> None:
    station = Signing(world, "ST1")
    values = [{"timestamp": AT.isoformat(), "sampledValue": [{"value": 5.0}]}]
    await station.event("Started", "1000", **CARD)
    again = {
        "eventType": "Updated",
        "timestamp": AT.isoformat(),
        "triggerReason": "MeterValuePeriodic",
        "seqNo": 9,
        "transactionInfo": {"transactionId": "T-1"},
        "meterValue": [{"timestamp": AT.isoformat(), "sampledValue": [{"value": 1500.0}]}],
    }
    await station.say("TransactionEvent", again)
    world.forget()
    await station.say("TransactionEvent", again)
    station.signer = None
    await station.say("TransactionEvent", again)
    await station.say("MeterValues", {"evseId": 1, "meterValue": values})
    assert len([r for r in await records(world, Kind.READING) if r.subject is not None]) == 1


@pytest.mark.parametrize(
    ("action", "payload", "fault"),
    [
        ("Heartbeat-Signed", {}, Fault.MALFORMED),
        ("Heartbeat-Signed", {"protected": "e30", "payload": "!!", "signature": ""}, Fault.MALFORMED),
        ("Heartbeat-Signed", {"protected": "e30", "payload": encode(b"[]"), "signature": ""}, Fault.STRUCTURE),
        (
            "Heartbeat-Signed",
            {"protected": "e30", "payload": encode(b'{"a":1,"a":2}'), "signature": ""},
            Fault.MALFORMED,
        ),
        ("Nothing-Signed", {"protected": "e30", "payload": encode(b"{}"), "signature": ""}, Fault.UNKNOWN_ACTION),
        (
            "Heartbeat-Signed-Signed",
            {"protected": "e30", "payload": encode(b"{}"), "signature": ""},
            Fault.UNKNOWN_ACTION,
        ),
        ("-Signed", {"protected": "e30", "payload": encode(b"{}"), "signature": ""}, Fault.UNKNOWN_ACTION),
    ],
)
async def test_what_holds_no_message_is_refused_unsigned(
    world: World, action: str, payload: dict[str, Any], fault: Fault
) -> None:
    told = await Talker(world, "ST1", Version.V201).raw(action, payload)
    assert isinstance(told, Refusal)
    assert told.fault is fault


async def test_16_has_no_signed_messages(world: World) -> None:
    jws = json.loads(STATION.sign(b"{}", "Heartbeat", 2))
    told = await Talker(world, "ST1", Version.V16).raw("Heartbeat-Signed", jws)
    assert isinstance(told, Refusal)
    assert told.fault is Fault.UNKNOWN_ACTION


async def test_a_header_that_cannot_be_read_still_leads_to_the_message(world: World) -> None:
    jws = {"protected": "!", "payload": encode(b"{}"), "signature": "AA"}
    told = await Talker(world, "ST1", Version.V201).raw("Heartbeat-Signed", jws)
    assert isinstance(told, bytes)
    assert b"currentTime" in read(told).payload
    assert world.counters["message_signature_unreadable"] == 1


@dataclass
class Lines:
    """A station's end of a call: what it was sent, and how it answers."""

    signer: MessageSigner | None
    version_spoken: Version = Version.V201
    sent: list[tuple[str, bytes]] = field(default_factory=list)

    def version(self, station_id: StationId) -> Version | None:
        return self.version_spoken if station_id == "ST1" else None

    async def call(
        self, station_id: StationId, action: str, payload: bytes, timeout_s: float
    ) -> CallResult | CallError | Silence:
        del station_id, timeout_s
        self.sent.append((action, payload))
        answer = b'{"status":"Accepted"}'
        if self.signer is not None:
            answer = self.signer.sign(answer, action.removesuffix("-Signed"), 3)
        raw = b'[3,"1",%b]' % answer
        return CallResult("1", action, msgspec.Raw(answer), raw, AT)


ADMIN = Principal(make_world().tenant, "admin", frozenset({"admin"}), frozenset({"*"}))


@pytest.mark.parametrize(
    ("signer", "told"),
    [
        (STATION, (Verdict.VALID, "signature_valid")),
        (THIEF, (Verdict.INVALID, "signature_mismatch")),
        (None, (Verdict.UNSIGNED, "answer_unsigned")),
    ],
)
async def test_a_command_goes_out_signed_and_the_verdict_on_its_answer_is_recorded(
    world: World, signer: MessageSigner | None, told: tuple[Verdict, str]
) -> None:
    lines = Lines(signer)
    world.lines = lines
    done = await commands.send(world, ADMIN, StationId("ST1"), Asked("ClearCache"))
    assert isinstance(done, Done), done
    assert (done.action, done.payload) == ("ClearCache", b'{"status":"Accepted"}')
    ((action, payload),) = lines.sent
    assert action == "ClearCache-Signed"
    message = read(payload)
    assert message.payload == b"{}"
    assert check_message(message, (CSMS_CERTIFICATE,), "ClearCache", 2).verdict is Verdict.VALID
    asked, answered = await records(world, Kind.COMMAND)
    assert asked.observed.verdicts == ()
    assert [(v.verdict, v.reason) for v in answered.observed.verdicts] == [told]
    assert answered.frame == b'{"status":"Accepted"}'


@pytest.mark.parametrize("version", [Version.V16, Version.V201])
async def test_a_command_to_a_station_that_does_not_sign_goes_out_plain(world: World, version: Version) -> None:
    if version is Version.V201:
        await enrol(world, Station(id="ST1", message_certificates=(STATION_CERTIFICATE,)))
    lines = Lines(None, version)
    world.lines = lines
    assert isinstance(await commands.send(world, ADMIN, StationId("ST1"), Asked("ClearCache")), Done)
    assert lines.sent == [("ClearCache", b"{}")]


async def test_without_a_key_the_answer_is_unsigned(world: World) -> None:
    world.message_signer = None
    jws = json.loads(STATION.sign(b"{}", "Heartbeat", 2))
    told = await Talker(world, "ST1", Version.V201).raw("Heartbeat-Signed", jws)
    assert isinstance(told, bytes)
    assert "currentTime" in json.loads(told)
