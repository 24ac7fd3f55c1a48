"""The store of frames: what went over the wire is found again, without secrets; of too much some is dropped."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wattseal.stores import frames
from wattseal.stores.frame_queries import FrameQuery
from wattseal.stores.frames import FrameStore
from wattseal.wire.ocpp.blanks import CALL_STEP, fill_answer, fill_call, without_blanks
from wattseal.wire.ocpp.rpc import Connection, Event
from wattseal.wire.ocpp.version import Version

AT = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
ALL = FrameQuery(limit=1000)


class Clock:
    at = AT

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[FrameStore]:
    made = FrameStore(tmp_path / "frames.sqlite3", clock.now, days=1, max_bytes=10_000_000)
    yield made
    made.close()


def came(frame: bytes) -> Event:
    return Connection(Version.V16).receive(frame, AT)


def call(store: FrameStore, station: str, message: Any, *, out: bool = False) -> bytes:
    frame = json.dumps(message).encode()
    store.take(station, frame, None if out else came(frame))
    return frame


def texts(store: FrameStore, **wanted: Any) -> list[str]:
    found, _ = store.find(FrameQuery(limit=1000, **wanted))
    return [frame.frame for frame in found]


def test_frames_are_found_as_they_went_with_the_action_of_answers(store: FrameStore) -> None:
    heartbeat = call(store, "S1", [2, "1", "Heartbeat", {}])
    answer = call(store, "S1", [3, "1", {"currentTime": "2027-01-15T08:00:00Z"}], out=True)
    found, following = store.find(ALL)
    assert [frame.frame.encode() for frame in found] == [heartbeat, answer]
    assert [(f.outgoing, f.type, f.action, f.message_id) for f in found] == [
        (False, 2, "Heartbeat", "1"),
        (True, 3, "Heartbeat", "1"),
    ]
    assert found[0].at_ms < found[1].at_ms
    assert following is None


def test_blanks_that_fill_a_frame_up_are_not_kept(store: FrameStore) -> None:
    heartbeat = b'[2,"1","Heartbeat",{}]'
    filled = b'[2,"1","Heartbeat",' + fill_call(b"{}", "Heartbeat", 1) + b"]"
    assert len(filled) == CALL_STEP
    store.take("S1", filled, came(filled))
    assert texts(store) == [heartbeat.decode()]
    answer = b'[3,"1",' + fill_answer(b"{}", 1) + b"]"
    assert without_blanks(answer) == b'[3,"1",{}]'


def test_a_blank_that_a_station_wrote_is_kept(store: FrameStore) -> None:
    spaced = b'[2, "1", "Heartbeat", { }]'
    store.take("S1", spaced, came(spaced))
    assert texts(store) == [spaced.decode()]


def test_the_same_message_id_of_two_stations_or_directions_is_two_calls(store: FrameStore) -> None:
    call(store, "S1", [2, "1", "Heartbeat", {}])
    call(store, "S2", [2, "1", "Authorize", {}])
    call(store, "S1", [2, "1", "Reset", {"type": "Soft"}], out=True)
    call(store, "S1", [3, "1", {"status": "Accepted"}])
    call(store, "S2", [3, "1", {}], out=True)
    found, _ = store.find(ALL)
    assert [f.action for f in found] == ["Heartbeat", "Authorize", "Reset", "Reset", "Authorize"]


def test_errors_and_violations_are_noted(store: FrameStore) -> None:
    broken = b'[2,"1","Heartbeat"'
    store.take("S1", broken, came(broken))
    call(store, "S1", [4, "1", "FormationViolation", "what is this", {}], out=True)
    call(store, "S1", [3, "unasked", {}])
    found, _ = store.find(ALL)
    assert [(f.type, f.code) for f in found] == [(None, None), (4, "FormationViolation"), (3, None)]
    assert [f.note for f in found][1:] == ["what is this", "ignored: unmatched"]
    assert found[0].note
    assert texts(store, faulty=True) == texts(store)
    assert texts(store, faulty=False) == []


def test_secrets_are_hidden_in_both_directions(store: FrameStore) -> None:
    call(store, "S1", [2, "1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": "deadbeef"}], out=True)
    call(store, "S1", [2, "2", "GetConfiguration", {}], out=True)
    told = {"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": "deadbeef"}]}
    call(store, "S1", [3, "2", told])
    call(store, "S1", [3, "of a call nobody remembers", told])
    cut = b'[3,"2",{"configurationKey":[{"key":"AuthorizationKey","value":"deadbeef"'
    store.take("S1", cut, came(cut))
    signed = {"protected": "e30", "payload": "ZGVhZGJlZWY", "signature": "x"}
    call(store, "S1", [2, "3", "SetVariables-Signed", signed], out=True)
    shown = "".join(texts(store))
    assert "deadbeef" not in shown
    assert "ZGVhZGJlZWY" not in shown
    assert shown.count("(hidden)") == 5


def test_frames_are_found_by_station_action_time_text_and_direction(store: FrameStore, clock: Clock) -> None:
    first = call(store, "S1", [2, "1", "Authorize", {"idTag": "ABC"}])
    middle = clock.at + timedelta(milliseconds=500)
    second = call(store, "S2", [2, "2", "Heartbeat", {}])
    third = call(store, "S1", [2, "3", "Reset", {"type": "Hard"}], out=True)
    ms = int(middle.timestamp() * 1000)

    def found(**wanted: Any) -> list[bytes]:
        return [text.encode() for text in texts(store, **wanted)]

    assert found(station_id="s1") == [first, third]
    assert found(action="Authorize") == [first]
    assert found(since_ms=ms) == [second, third]
    assert found(until_ms=ms) == [first]
    assert found(since_ms=ms, until_ms=ms) == []
    assert found(text='"ABC"') == [first]
    assert found(text="%") == []
    assert found(outgoing=True) == [third]
    assert found(message_id="2") == [second]
    assert found(station_id="S1", action="Heartbeat") == []


def test_pages_lead_through_all_that_pass_a_filter(store: FrameStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattseal.stores.frame_queries.MAX_SCANNED", 10)
    for number in range(25):
        call(store, "S1", [2, str(number), "Heartbeat" if number % 8 else "Authorize", {}])
    seen, after, pages = [], 0, 0
    while True:
        found, following = store.find(FrameQuery(limit=2, after=after, action="Authorize"))
        seen += [f.message_id for f in found]
        pages += 1
        if following is None:
            break
        after = following
    assert seen == ["0", "8", "16", "24"]
    assert pages < 6


def test_a_full_queue_drops_and_counts(store: FrameStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_QUEUED", 0)
    call(store, "S1", [2, "1", "Heartbeat", {}])
    assert store.dropped == 1
    monkeypatch.undo()
    monkeypatch.setattr(frames, "MAX_QUEUED_BYTES", -1)
    call(store, "S1", [2, "2", "Heartbeat", {}])
    assert store.dropped == 2
    monkeypatch.undo()
    call(store, "S1", [2, "3", "Heartbeat", {}])
    assert len(texts(store)) == 1


def test_old_frames_and_those_beyond_the_size_are_deleted_oldest_first(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "TRIM_INTERVAL_S", 0)
    store = FrameStore(tmp_path / "frames.sqlite3", clock.now, days=1, max_bytes=400_000)
    try:
        call(store, "S1", [2, "old", "Heartbeat", {}])
        store.flush()
        clock.at += timedelta(days=1)
        call(store, "S1", [2, "new", "Heartbeat", {}])
        store.flush()
        call(store, "S1", [2, "newer", "Heartbeat", {}])
        assert [f.message_id for f in store.find(ALL)[0]] in (["new", "newer"], ["new"])
        for number in range(3000):
            call(store, "S1", [2, str(number), "DataTransfer", {"vendorId": "x" * 300}])
        store.flush()
        call(store, "S1", [2, "last", "Heartbeat", {}])
        kept = store.find(FrameQuery(limit=10_000))[0]
        assert kept[-1].message_id == "last"
        assert 0 < len(kept) < 2500
    finally:
        store.close()


def test_what_was_taken_before_the_end_is_there_after_it(tmp_path: Path, clock: Clock) -> None:
    first = FrameStore(tmp_path / "frames.sqlite3", clock.now, days=1, max_bytes=10_000_000)
    frame = call(first, "S1", [2, "1", "Heartbeat", {}])
    first.close()
    again = FrameStore(tmp_path / "frames.sqlite3", clock.now, days=1, max_bytes=10_000_000)
    try:
        assert [f.frame.encode() for f in again.find(ALL)[0]] == [frame]
        assert again.get(again.find(ALL)[0][0].id) is not None
        assert again.get(10_000) is None
    finally:
        again.close()


def test_only_its_owner_may_read_the_file(store: FrameStore, tmp_path: Path) -> None:
    assert store.find(ALL) == ([], None)
    assert (tmp_path / "frames.sqlite3").stat().st_mode & 0o077 == 0
