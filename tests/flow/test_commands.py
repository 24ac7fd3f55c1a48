"""Commands in the flow: a signed record before anything is sent, one of what came of it, and no secret in either."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.support.cpo_world import AT, TENANT, enrol, make_world

from wattseal.base.errors import StoreError
from wattseal.base.ids import Origin, StationId
from wattseal.flow import commands
from wattseal.flow.command_log import COMMAND, CommandKept
from wattseal.flow.commands import Declined, Done, Unanswered, send_payload
from wattseal.flow.documents import read
from wattseal.flow.ports import Batch, Committed, Silence
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.rules.recorded import _content
from wattseal.seal.fields import Ordered
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.wire.ocpp.rpc import CallError, CallResult, Connection
from wattseal.wire.ocpp.version import Version

ST1 = StationId("ST1")
WHO = Principal(TENANT, "till 4", frozenset(), frozenset({"*"}))


@dataclass
class TestLines:
    """One station's line: answers with `answer`; `versions` are told one after the other, the last one for good."""

    __test__ = False
    answer: Any
    versions: list[Version | None] = field(default_factory=lambda: [Version.V16])
    sent: list[tuple[str, bytes]] = field(default_factory=list)

    def version(self, station_id: StationId) -> Version | None:
        del station_id
        return self.versions.pop(0) if len(self.versions) > 1 else self.versions[0]

    async def call(
        self, station_id: StationId, action: str, payload: bytes, timeout_s: float
    ) -> CallResult | CallError | Silence:
        del station_id, timeout_s
        self.sent.append((action, payload))
        if isinstance(self.answer, Silence):
            return self.answer
        asking = Connection(Version.V16)
        asking.call("1", action, payload)
        kind = 3 if isinstance(self.answer, dict) else 4
        words = [self.answer] if kind == 3 else [*self.answer, {}]
        event = asking.receive(json.dumps([kind, "1", *words]).encode(), AT)
        assert isinstance(event, CallResult | CallError)
        return event


async def world_with(lines: TestLines) -> World:
    world = make_world()
    world.lines = lines
    await enrol(world, "ST1")
    return world


async def records(world: World) -> list[tuple[Ordered, Item, bytes]]:
    """Return the station's command records: what is said, the record, and the payload kept."""
    found = []
    for kept in await world.journal.items(world.tenant, Origin("CPO/ST1"), 0):
        item = parse_item(kept.item.item)
        if item.payload.kind == Kind.COMMAND:
            ops = Ordered.read(_content(item, Group.OPS) or {})
            found.append((ops, item, (_content(item, Group.RAW) or {}).get(1, b"")))
    return found


async def documents(world: World) -> list[CommandKept]:
    found = await world.journal.documents(world.tenant, COMMAND)
    return [read(document, CommandKept) for document in found]


async def test_a_command_is_a_record_before_and_one_after_and_names_who_asked() -> None:
    lines = TestLines({"status": "Accepted"})
    world = await world_with(lines)
    outcome = await send_payload(world, WHO, ST1, "Reset", b'{"type":"Soft"}', deadline_s=5)
    assert isinstance(outcome, Done)
    before, after = await records(world)
    assert (before[0].action, before[0].asked_by, before[0].version, before[0].outcome) == (
        "Reset",
        "till 4",
        "1.6",
        None,
    )
    assert (before[1].hash, before[2]) == (outcome.record, b'{"type":"Soft"}')
    assert (after[0].outcome, after[1].payload.refs, after[2]) == (
        "Accepted",
        (before[1].hash,),
        b'{"status": "Accepted"}',
    )
    (kept,) = await documents(world)
    assert (kept.record, kept.outcome, kept.outcome_record) == (before[1].hash.hex(), "Accepted", after[1].hash.hex())


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Silence.TIMED_OUT, Unanswered, "timed_out"),
        (Silence.BUSY, Unanswered, "busy"),
        (Silence.OFFLINE, Unanswered, "offline"),
        ({"status": "Perhaps"}, Unanswered, "unreadable"),
        (["NotSupported", "no"], Declined, "NotSupported"),
    ],
)
async def test_what_came_of_a_command_is_recorded_whatever_it_is(answer: Any, kind: type[Any], words: str) -> None:
    world = await world_with(TestLines(answer))
    outcome = await send_payload(world, WHO, ST1, "Reset", b'{"type":"Soft"}')
    assert isinstance(outcome, kind)
    assert [ops.outcome for ops, _, _ in await records(world)] == [None, words]
    assert [kept.outcome for kept in await documents(world)] == [words]


async def test_secrets_go_to_the_station_and_nowhere_else() -> None:
    lines = TestLines({"status": "Accepted"})
    world = await world_with(lines)
    secret = b'{"key":"AuthorizationKey","value":"0011223344556677"}'
    await send_payload(world, WHO, ST1, "ChangeConfiguration", secret)
    assert lines.sent == [("ChangeConfiguration", secret)]
    place = b'{"location":"ftp://user:geheim@files.example/","retries":1}'
    await send_payload(world, WHO, ST1, "GetDiagnostics", place)
    assert lines.sent[1] == ("GetDiagnostics", place)
    shown = b"".join(payload for _, _, payload in await records(world))
    shown += b"".join(bytes(kept.payload) for kept in await documents(world))
    assert b"0011223344556677" not in shown
    assert b"geheim" not in shown
    assert shown.count(b"(hidden)") == 4
    assert b"files.example" in shown, "the rest is kept"


async def test_nothing_is_sent_that_could_not_be_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = TestLines({"status": "Accepted"})
    world = await world_with(lines)

    async def full(_batch: Batch) -> Committed:
        raise StoreError("the disk is full")

    monkeypatch.setattr(world.journal, "commit", full)
    with pytest.raises(StoreError):
        await send_payload(world, WHO, ST1, "Reset", b'{"type":"Soft"}')
    assert lines.sent == []


async def test_a_payload_of_one_version_is_not_sent_in_another() -> None:
    lines = TestLines({"status": "Accepted"}, [Version.V16, Version.V201])
    world = await world_with(lines)
    outcome = await send_payload(world, WHO, ST1, "Reset", b'{"type":"Soft"}')
    assert isinstance(outcome, Unanswered)
    assert (outcome.reason, lines.sent) == ("offline", [])


async def test_of_a_long_payload_the_record_keeps_the_beginning() -> None:
    lines = TestLines({"status": "Accepted"})
    world = await world_with(lines)
    entries = ",".join(f'{{"idTag":"{n:020d}"}}' for n in range(2000))
    payload = f'{{"listVersion":1,"updateType":"Full","localAuthorizationList":[{entries}]}}'.encode()
    await send_payload(world, WHO, ST1, "SendLocalList", payload)
    assert lines.sent[0][1] == payload
    kept = (await records(world))[0][2]
    assert payload.startswith(kept)
    assert len(kept) == commands.MAX_KEPT
    assert bytes((await documents(world))[0].payload) == b"null"
