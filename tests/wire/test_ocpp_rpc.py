"""Frames: what a connection makes of bytes, good and hostile."""

import json
from datetime import UTC, datetime

import pytest

from wattseal.base.errors import InputError, LimitError
from wattseal.wire.ocpp import catalog, guard
from wattseal.wire.ocpp.rpc import Call, CallError, CallResult, Connection, Ignored, ResultError, Send, Violation
from wattseal.wire.ocpp.version import Fault, Refusal, Version

NOW = datetime(2024, 5, 1, 10, 0, tzinfo=UTC)
DEEP = b"[" * 200_000

GOLDEN_CALL = b'[2,"19223201","BootNotification",{"chargePointVendor":"VendorX","chargePointModel":"M1"}]'


@pytest.mark.parametrize("version", Version)
def test_a_call_keeps_its_bytes_and_is_answered_under_its_id(version: Version) -> None:
    connection = Connection(version)
    call = connection.receive(GOLDEN_CALL, NOW)
    assert isinstance(call, Call)
    assert (call.message_id, call.action, call.received_at) == ("19223201", "BootNotification", NOW)
    assert call.raw == GOLDEN_CALL
    assert bytes(call.payload) == b'{"chargePointVendor":"VendorX","chargePointModel":"M1"}'
    assert connection.reply(call.message_id, b'{"status":"Accepted"}') == b'[3,"19223201",{"status":"Accepted"}]'


def test_a_message_id_is_escaped_in_the_answer() -> None:
    connection = Connection(Version.V16)
    call = connection.receive(rb'[2,"a\"b","Heartbeat",{}]', NOW)
    assert isinstance(call, Call)
    assert connection.reply(call.message_id, b"{}") == rb'[3,"a\"b",{}]'


def test_our_call_is_matched_with_its_result_and_only_one_waits() -> None:
    station = Connection(Version.V16)
    assert station.call("1", "Heartbeat", b"{}") == b'[2,"1","Heartbeat",{}]'
    with pytest.raises(InputError, match="Heartbeat has not been answered"):
        station.call("2", "Heartbeat", b"{}")
    result = station.receive(b'[3,"1",{"currentTime":"2024-05-01T10:00:00Z"}]', NOW)
    assert isinstance(result, CallResult)
    assert (result.message_id, result.action) == ("1", "Heartbeat")
    assert station.outstanding is None
    station.call("2", "Heartbeat", b"{}")
    error = station.receive(b'[4,"2","InternalError","no luck",{"a":1}]', NOW)
    assert isinstance(error, CallError)
    assert (error.action, error.code, error.text, bytes(error.details)) == (
        "Heartbeat",
        "InternalError",
        "no luck",
        b'{"a":1}',
    )


def test_an_answer_nobody_asked_for_is_ignored_and_counted() -> None:
    station = Connection(Version.V201)
    assert station.receive(b'[3,"7",{}]', NOW) == Ignored("unmatched", b'[3,"7",{}]')
    station.call("1", "Heartbeat", b"{}")
    assert isinstance(station.receive(b'[3,"7",{}]', NOW), Ignored)
    assert isinstance(station.receive(b'[4,"7","GenericError","",{}]', NOW), Ignored)
    assert station.outstanding is not None, "the answer to another call must not settle ours"
    assert station.give_up() is not None
    assert isinstance(station.receive(b'[3,"1",{}]', NOW), Ignored), "late answers are unmatched"
    assert station.ignored["unmatched"] == 4


def test_only_21_has_send_and_result_errors() -> None:
    connection = Connection(Version.V21)
    event = connection.receive(b'[6,"1","NotifyPeriodicEventStream",{"id":1}]', NOW)
    assert isinstance(event, Send)
    assert event.action == "NotifyPeriodicEventStream"
    assert isinstance(connection.receive(b'[5,"1","FormatViolation","bad",{}]', NOW), ResultError)
    assert connection.send("2", "X", b"{}") == b'[6,"2","X",{}]'
    older = Connection(Version.V201)
    assert isinstance(older.receive(b'[6,"1","NotifyPeriodicEventStream",{"id":1}]', NOW), Ignored)
    with pytest.raises(InputError):
        older.send("2", "X", b"{}")


def test_a_frame_over_the_limit_is_a_limit_error() -> None:
    connection = Connection(Version.V16)
    with pytest.raises(LimitError):
        connection.receive(b'[2,"1","DataTransfer",{"vendorId":"x","data":"' + b"a" * guard.MAX_FRAME_BYTES, NOW)
    assert isinstance(Connection(Version.V16, max_frame_bytes=10**6).receive(GOLDEN_CALL, NOW), Call)


HOSTILE = [
    (b"", "-1", Fault.UNREADABLE),
    (b"null", "-1", Fault.UNREADABLE),
    (b"{}", "-1", Fault.UNREADABLE),
    (b"[]", "-1", Fault.UNREADABLE),
    (b"[true]", "-1", Fault.UNREADABLE),
    (b"hello", "-1", Fault.UNREADABLE),
    (b"\xff\xfe", "-1", Fault.UNREADABLE),
    (b"\xef\xbb\xbf" + GOLDEN_CALL, "-1", Fault.UNREADABLE),
    (DEEP, "-1", Fault.UNREADABLE),
    (b'[2,"1","A",' + DEEP, "1", Fault.MALFORMED),
    (b'["2","1","Heartbeat",{}]', "-1", Fault.UNREADABLE),
    (b'[2.0,"1","Heartbeat",{}]', "1", Fault.STRUCTURE),
    (b'[2,1,"Heartbeat",{}]', 1, Fault.STRUCTURE),
    (b"[2," + b"9" * 37 + b',"Heartbeat",{}]', "-1", Fault.UNREADABLE),
    (b'[2,true,"Heartbeat",{}]', "-1", Fault.UNREADABLE),
    (b'[2,null,"Heartbeat",{}]', "-1", Fault.UNREADABLE),
    (b'[2,"","Heartbeat",{}]', "-1", Fault.UNREADABLE),
    (b'[2,"' + b"x" * 37 + b'","Heartbeat",{}]', "-1", Fault.UNREADABLE),
    (b'[2,"' + b"x" * 100_000 + b'","Heartbeat",{}]', "-1", Fault.UNREADABLE),
    (rb'[2,"\u0000","Heartbeat",{}]', "-1", Fault.UNREADABLE),
    (rb'[2,"\ud800","Heartbeat",{}]', "-1", Fault.UNREADABLE),
    (b'[2,"1"]', "1", Fault.STRUCTURE),
    (b'[2,"1","Heartbeat"]', "1", Fault.STRUCTURE),
    (b'[2,"1",["Heartbeat"],{}]', "1", Fault.STRUCTURE),
    (b'[2,"1","Heartbeat",{},{}]', "1", Fault.STRUCTURE),
    (b'[2,"1","Heartbeat",{}', "1", Fault.MALFORMED),
    (b'[2,"1","Heartbeat",{}]]', "1", Fault.MALFORMED),
    (b'[2,"1","Heartbeat",{"a":NaN}]', "1", Fault.MALFORMED),
    (b'[2,"1","Heartbeat",{"a":Infinity}]', "1", Fault.MALFORMED),
    (b'[2,"1","Heartbeat",{"a":01}]', "1", Fault.MALFORMED),
    (b"[2,'1','Heartbeat',{}]", "-1", Fault.UNREADABLE),
    (rb'[2,"1","Heartbeat",{"a":"\ud800"}]', "1", Fault.MALFORMED),
    (b'[2,"1","Heartbeat",{"a":"\x01"}]', "1", Fault.MALFORMED),
]


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize(("frame", "message_id", "fault"), HOSTILE)
def test_a_hostile_frame_has_its_answer(frame: bytes, message_id: str | int, fault: Fault, version: Version) -> None:
    connection = Connection(version, max_frame_bytes=10**6)
    event = connection.receive(frame, NOW)
    assert isinstance(event, Violation), event
    assert event.refusal.fault is fault
    assert json.loads(event.reply)[:3] == [4, message_id, fault.code(version)]
    assert event.raw == frame
    assert isinstance(connection.receive(GOLDEN_CALL, NOW), Call), "the connection goes on"


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b'[9,"1",{}]', "unknown_type"),
        (b'[-1,"1",{}]', "unknown_type"),
        (b"[3]", "malformed_answer"),
        (b"[3,1,{}]", "malformed_answer"),
        (b'[4,"1"]', "malformed_answer"),
    ],
)
def test_unknown_types_and_malformed_answers_are_never_answered(frame: bytes, reason: str) -> None:
    connection = Connection(Version.V201)
    assert connection.receive(frame, NOW) == Ignored(reason, frame)
    assert connection.ignored[reason] == 1


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (b'[4,"1","NotSupported"]', ""),
        (b'[4,"1","NotSupported","no way"]', "no way"),
        (b'[4,"1","NotSupported",null,{}]', ""),
        (b'[4,"1","NotSupported","no way",{},{}]', "no way"),
    ],
)
def test_an_error_that_lacks_its_last_parts_answers_its_call(frame: bytes, text: str) -> None:
    connection = Connection(Version.V16)
    connection.call("1", "Reset", b'{"type":"Soft"}')
    event = connection.receive(frame, NOW)
    assert isinstance(event, CallError)
    assert (event.action, event.code, event.text, event.raw) == ("Reset", "NotSupported", text, frame)
    assert connection.outstanding is None
    assert connection.receive(frame, NOW) == Ignored("malformed_answer", frame), "once"


def test_a_result_without_a_payload_answers_its_call_with_nothing_that_can_be_read() -> None:
    connection = Connection(Version.V201)
    connection.call("1", "Reset", b'{"type":"OnIdle"}')
    event = connection.receive(b'[3,"1"]', NOW)
    assert isinstance(event, CallResult)
    assert isinstance(catalog.hear(Version.V201, event), Refusal)


def test_16_keeps_its_misspelt_codes() -> None:
    refusal = Refusal(Fault.COUNT, "x")
    assert Connection(Version.V16).refuse("1", refusal) == b'[4,"1","OccurenceConstraintViolation","x",{}]'
    assert Connection(Version.V201).refuse("1", refusal) == b'[4,"1","OccurrenceConstraintViolation","x",{}]'
    assert Fault.MALFORMED.code(Version.V16) == "FormationViolation"
    assert Fault.MALFORMED.code(Version.V21) == "FormatViolation"
