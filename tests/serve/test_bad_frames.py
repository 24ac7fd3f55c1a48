"""docs/reference/bad-input.md, what stations send: each row of its tables happens over a real socket."""

import itertools
import json
import socket as sockets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support.bad_input import documented
from tests.support.csms import PASSWORD, Csms
from tests.support.stations import HEARTBEAT, ID, answer_to, basic, call, dialled, upgrade_status
from websockets.exceptions import ConnectionClosed, InvalidStatus

FRAMES = documented("What a frame is answered with")
UPGRADES = documented("Who is let in")
TIME = "2026-03-01T12:00:00Z"
_names = itertools.count(1)

START = {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": TIME}
EVENT = {
    "eventType": "Started",
    "timestamp": TIME,
    "triggerReason": "Authorized",
    "seqNo": 0,
    "transactionInfo": {"transactionId": "T"},
    "evse": {"id": 1},
}


def both(frame: str | bytes) -> tuple[str | bytes, str | bytes]:
    return frame, frame


def charge(v16: dict[str, Any], v2: dict[str, Any]) -> tuple[str, str]:
    return call("StartTransaction", START | v16), call("TransactionEvent", EVENT | v2)


def raw(old: str, new: str) -> tuple[str, str]:
    """Return a start whose idTag or transaction id is written with other bytes than JSON would choose."""
    before = charge({"idTag": old}, {"transactionInfo": {"transactionId": old}})
    return before[0].replace(old, new), before[1].replace(old, new)


def twice() -> tuple[str, str]:
    start, event = charge({}, {})
    return start.replace('"CARD"', '"CARD", "idTag": "DARC"'), event.replace('"T"', '"T", "transactionId": "U"')


def numbered(spelling: str) -> tuple[str, str]:
    """Return a start with a number that is spelled like this."""
    start, event = charge({}, {})
    return start.replace('"meterStart": 0', f'"meterStart": {spelling}'), event.replace(
        '"seqNo": 0', f'"seqNo": {spelling}'
    )


def latin(frames: tuple[str, str]) -> tuple[bytes, bytes]:
    return frames[0].encode("latin-1"), frames[1].encode("latin-1")


DEEP = "[" * 40_000 + "]" * 40_000
LONG = "x" * 300
STIMULI: dict[str, tuple[str | bytes, str | bytes]] = {
    "no JSON at all": both("hello"),
    "JSON that is no array": both('{"a":1}'),
    "an empty array": both("[]"),
    "a call cut off in the middle": both('[2,"7","Heartbeat",{'),
    "a call without payload": both('[2,"7","Heartbeat"]'),
    "a call whose payload is no object": both('[2,"7","Heartbeat",[]]'),
    "an action that is no text": both('[2,"7",["Heartbeat"],{}]'),
    "a message id that is a number": both('[2,7,"Heartbeat",{}]'),
    "a message id of 37 characters": both(call("Heartbeat", {}, "x" * 37)),
    "a message type nobody knows": both('[9,"7","Heartbeat",{}]'),
    "an answer to no call": both('[3,"7",{}]'),
    "an error to no call": both('[4,"7","GenericError","",{}]'),
    "an action nobody knows": both(call("MakeCoffee", {})),
    "an action that is not a station's": both(call("Reset", {"type": "Soft"})),
    "a required field missing": both(call("Authorize", {})),
    "a field nobody knows": both(call("Heartbeat", {"colour": "red"})),
    "a text where a number belongs": charge({"meterStart": "0"}, {"seqNo": "0"}),
    "a number where a text belongs": charge({"idTag": 5}, {"transactionInfo": {"transactionId": 5}}),
    "a fraction where an integer belongs": charge({"meterStart": 0.5}, {"seqNo": 0.5}),
    "a value outside its list": (
        call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Happy"}),
        call("TransactionEvent", EVENT | {"eventType": "Paused"}),
    ),
    "a text longer than its field": charge({"idTag": LONG}, {"transactionInfo": {"transactionId": LONG}}),
    "a time that is none": charge({"timestamp": "yesterday"}, {"timestamp": "yesterday"}),
    "a key twice in one object": twice(),
    "NaN or Infinity": numbered("NaN"),
    "a number of 5000 digits": numbered("9" * 5000),
    "NUL in a text": raw("QQQQ", "Q\\u0000"),
    "half a surrogate pair": raw("QQQQ", "\\ud800"),
    "bytes that are not UTF-8": latin(raw("QQQQ", "\xff\xfe")),
    "arrays nested 40 000 deep": both(f'[2,"7","Heartbeat",{DEEP}]'),
    "a message over 128 KiB": both(call("DataTransfer", {"vendorId": "v", "data": "x" * 140_000})),
    "a binary message": both(b"\x00\x01"),
}


def shown(answers: list[Any]) -> str:
    """Spell answers as the page does: of 1.6 and of 2.0.1, once where they are equal."""
    spelled = [_spelled(answer) for answer in answers]
    return spelled[0] if len(set(spelled)) == 1 else f"{spelled[0]} (1.6), {spelled[1]} (2.x)"


def _spelled(answer: Any) -> str:
    match answer:
        case None:
            return "nothing"
        case int():
            return f"close {answer}"
        case [4, message_id, code, text, {}]:
            assert 0 < len(text) <= 255
            return f"`{code}`" + (f" for id {message_id}" if message_id != ID else "")
        case _:
            return f"unexpected: {answer!r}"


def test_the_page_and_this_file_list_the_same() -> None:
    assert list(FRAMES) == list(STIMULI)
    assert list(UPGRADES) == list(CREDENTIALS)


@pytest.mark.parametrize("said", STIMULI)
def test_a_bad_frame_has_its_answer_and_harms_nobody(csms: Csms, said: str) -> None:
    name = csms.enrol(f"FRAMES-{next(_names)}")
    with dialled(csms, "VICTIM") as bystander:
        answers = []
        for version, frame in zip(("1.6", "2.0.1"), STIMULI[said], strict=True):
            with dialled(csms, name, version) as station:
                utf8 = said == "bytes that are not UTF-8"
                answers.append(answer_to(station, frame, text=True if utf8 else None))
        bystander.send(HEARTBEAT)
        assert json.loads(bystander.recv(10))[:2] == [3, "alive"]
    assert shown(answers) == FRAMES[said]
    assert csms.transactions(name) == []


def to(name: str, headers: dict[str, str]) -> Callable[[Csms], str]:
    def dial(csms: Csms) -> str:
        return f"HTTP {upgrade_status(csms, name, headers)}"

    return dial


def without_a_subprotocol(csms: Csms) -> str:
    with pytest.raises(InvalidStatus) as refused, dialled(csms, "VICTIM", None):
        pass
    return f"HTTP {refused.value.response.status_code}"


def speaking(version: str) -> Callable[[Csms], str]:
    def dial(csms: Csms) -> str:
        with dialled(csms, "VICTIM", version) as station:
            with pytest.raises(ConnectionClosed) as closed:
                station.recv(10)
            assert closed.value.rcvd is not None
            return f"close {closed.value.rcvd.code}"

    return dial


def writing(request: bytes) -> Callable[[Csms], str]:
    def dial(csms: Csms) -> str:
        with sockets.create_connection(("127.0.0.1", urlsplit(csms.ocpp).port or 0), 10) as connection:
            connection.sendall(request)
            return "HTTP " + connection.recv(1000).split()[1].decode()

    return dial


GOOD = basic("VICTIM", PASSWORD)
CREDENTIALS: dict[str, Callable[[Csms], str]] = {
    "a wrong password": to("VICTIM", basic("VICTIM", "wrong")),
    "no password": to("VICTIM", {}),
    "a station that is not enrolled": to("NOBODY", basic("NOBODY", PASSWORD)),
    "the credentials of another station": to("FRAMES-1", GOOD),
    "credentials that cannot be read": to("VICTIM", {"Authorization": "Basic %%%"}),
    "a path without a station": to("", GOOD),
    "a station id with other characters": to("V%C3%8DCTIM", GOOD),
    "a subprotocol nobody speaks": speaking("1.5"),
    "no subprotocol": without_a_subprotocol,
    "bytes that are no HTTP": writing(b"\x16\x03\x01 hello\r\n\r\n"),
    "a header of 9000 bytes": writing(b"GET /ocpp/VICTIM HTTP/1.1\r\nX: " + b"y" * 9000),
}


@pytest.mark.parametrize("said", CREDENTIALS)
def test_who_is_not_let_in_disturbs_nobody(csms: Csms, said: str) -> None:
    if "subprotocol" in said:
        assert CREDENTIALS[said](csms) == UPGRADES[said]
        return
    with dialled(csms, "VICTIM") as connected:
        assert CREDENTIALS[said](csms) == UPGRADES[said]
        connected.send(HEARTBEAT)
        assert json.loads(connected.recv(10))[:2] == [3, "alive"]
