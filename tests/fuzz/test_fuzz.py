"""A short run of every fuzz target, and what parsers have choked on before (`make fuzz` is the long run)."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from tests.fuzz.samples import FRAMES, TARIFF
from tests.fuzz.targets import _TRUST, TARGETS, check_frame

from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.rpc import Call, Connection, Violation
from wattseal.wire.ocpp.version import Refusal, Version

EXAMPLES = 150
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_comes_the_promises_hold(name: str) -> None:
    target = TARGETS[name]
    run = given(target.strategy)(target.check)
    settings(max_examples=EXAMPLES // target.weight, suppress_health_check=list(HealthCheck))(run)()


FOUND: tuple[tuple[str, bytes], ...] = (
    ("trust", _TRUST.to_json().replace(b'"public_key":"', '"public_key":"\u00e9'.encode(), 1)),
    ("trust", _TRUST.to_json().replace(b'"public_key": "', '"public_key": "\u00e9'.encode(), 1)),
    ("ocpi", json.dumps(TARIFF | {"last_updated": "0001-01-01T00:00:00+23:59"}).encode()),
)


@pytest.mark.parametrize(("name", "data"), FOUND)
def test_what_was_found_once_is_not_found_again(name: str, data: bytes) -> None:
    TARGETS[name].check(data)


START = b'[2,"1","StartTransaction",{"connectorId":1,"idTag":"%b","meterStart":%b,"timestamp":"%b"}]'
STOP = b'[2,"1","StopTransaction",{"transactionId":%b,"meterStop":%b,"timestamp":"2026-03-01T12:00:00Z"}]'
TIME = b"2026-03-01T12:00:00Z"
CRASHERS: dict[str, tuple[bytes, bool]] = {
    "100 000 levels": (b"[" * 100_000, False),
    "20 000 levels in a payload": (b'[2,"1","Heartbeat",' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"]", False),
    "an integer of 5000 digits": (START % (b"C", b"9" * 5000, TIME), False),
    "an exponent of a thousand million": (START % (b"C", b"1e999999999", TIME), False),
    "a list for an action": (b'[2,"1",["Heartbeat"],{}]', False),
    "an object for an action": (b'[2,"1",{},{}]', False),
    "a negative meterStop": (STOP % (b"1", b"-5"), True),
    "the transaction -1": (STOP % (b"-1", b"5"), True),
    "a time that is none": (START % (b"C", b"0", b"not a date"), False),
    "a time of the year 0": (START % (b"C", b"0", b"0000-01-01T00:00:00Z"), False),
    "a zone that leads out of the calendar": (START % (b"C", b"0", b"9999-12-31T23:59:59-23:59"), True),
    "a key twice": (b'[2,"1","Heartbeat",{"customData":{"vendorId":"a","vendorId":"b"}}]', False),
    "an id of 100 kB": (b'[2,"' + b"x" * 100_000 + b'","Heartbeat",{}]', False),
    "half a surrogate pair": (START % (rb"\ud800", b"0", TIME), False),
    "the halves the wrong way round": (START % (rb"\udc00\ud800", b"0", TIME), False),
    "NaN": (START % (b"C", b"NaN", TIME), False),
    "NUL": (START % (rb"\u0000", b"0", TIME), False),
    "a BOM": (b"\xef\xbb\xbf" + START % (b"C", b"0", TIME), False),
    "overlong UTF-8": (START % (b"\xc0\x80", b"0", TIME), False),
    "a surrogate in UTF-8": (START % (b"\xed\xa0\x80", b"0", TIME), False),
    "numbers as texts": (START % (b"C", b'"0"', TIME), False),
    "true for a number": (START % (b"C", b"true", TIME), False),
    "0 spelled -0": (START % (b"C", b"-0", TIME), True),
    "16.0 for 16": (START % (b"C", b"16.0", TIME), True),
    "nothing": (b"", False),
    "two messages in one frame": (b'[2,"1","Heartbeat",{}][2,"2","Heartbeat",{}]', False),
}


@pytest.mark.parametrize("name", CRASHERS)
def test_what_others_choked_on_is_answered_with_an_error_or_is_a_fact(name: str) -> None:
    data, good = CRASHERS[name]
    check_frame(data)
    event = Connection(Version.V16).receive(data, AT)
    told = isinstance(event, Call) and not isinstance(catalog.lift(Version.V16, event), Refusal)
    assert told is good
    assert told or isinstance(event, Call | Violation), "it is answered"


def test_the_good_frames_are_good_which_gives_the_bad_ones_their_meaning() -> None:
    for frame in FRAMES[:4]:
        version = Version.V201 if frame[2] == "TransactionEvent" else Version.V16
        event = Connection(version).receive(json.dumps(frame).encode(), AT)
        assert isinstance(event, Call)
        assert not isinstance(catalog.lift(version, event), Refusal), frame
