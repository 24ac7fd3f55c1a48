"""Local lists: a station ends up with the tokens it should have, in messages it takes, whatever it held before."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.answering import OPERATOR, Answering, Reply, refusal
from tests.support.cpo_world import AT, TestClock, enrol, make_world
from tests.support.examples import examples
from tests.support.memory_journal import MemoryJournal

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.commands import Declined, Done, Unanswered, send_payload
from wattseal.flow.drivers.known_tokens import LOCAL_LIST, find_list
from wattseal.flow.drivers.list_keeper import AT_ONCE, ListKeeper
from wattseal.flow.drivers.list_sync import set_policy, sync
from wattseal.flow.fleet.enrol import put_a_token
from wattseal.flow.ports import Batch, Committed, Silence
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.local_list import ListPolicy, ListStatus, LocalList
from wattseal.model.token import AllowedAt, IdToken, TokenRecord, TokenStatus
from wattseal.wire.ocpp.version import Version

V16, V201, V21 = Version
STATION = StationId("ST1")


@dataclass
class Holder:
    """A station that keeps a local list as the specification says."""

    spoken: Version
    items: int = 2
    bytes: int = 100_000
    version: int = 0
    held: dict[str, Any] = field(default_factory=dict)
    spoil: list[str] = field(default_factory=list)

    def lines(self) -> Answering:
        replies: dict[str, Any] = {
            "GetLocalListVersion": lambda _: {self.number: self.version},
            "SendLocalList": self.take,
            "GetConfiguration": {
                "configurationKey": [
                    {"key": "SendLocalListMaxLength", "readonly": True, "value": str(self.items)},
                    {"key": "LocalAuthListMaxLength", "readonly": True, "value": "6"},
                ]
            },
            "GetVariables": {
                "getVariableResult": [
                    self.variable("ItemsPerMessage", self.items),
                    self.variable("BytesPerMessage", self.bytes),
                ]
            },
        }
        return Answering(self.spoken, replies)

    @property
    def number(self) -> str:
        return "listVersion" if self.spoken is V16 else "versionNumber"

    @staticmethod
    def variable(name: str, value: int) -> dict[str, Any]:
        component = {"name": "LocalAuthListCtrlr"}
        named = {"component": component, "variable": {"name": name}}
        return {"attributeStatus": "Accepted", "attributeValue": str(value), **named}

    def take(self, told: dict[str, Any]) -> Reply:
        if self.spoil:
            return {"status": self.spoil.pop(0)}
        entries = told.get("localAuthorizationList", [])
        if len(entries) > self.items or len(json.dumps(told, separators=(",", ":"))) > self.bytes:
            return refusal("SendLocalList", "OccurrenceConstraintViolation")
        if told["updateType"] == "Differential" and told[self.number] <= self.version:
            return {"status": "VersionMismatch"}
        if told["updateType"] == "Full":
            self.held = {}
        self.version = told[self.number]
        for entry in entries:
            key = entry["idTag"] if self.spoken is V16 else entry["idToken"]["idToken"]
            info = entry.get("idTagInfo" if self.spoken is V16 else "idTokenInfo")
            if info is None:
                self.held.pop(key, None)
            else:
                self.held[key] = info
        return {"status": "Accepted"}


async def add(world: World, *cards: str, **more: Any) -> None:
    for card in cards:
        await put_a_token(
            world, TokenRecord(IdToken(card, "ISO14443"), more.get("status", TokenStatus.ACCEPTED), **strip(more))
        )


def strip(more: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in more.items() if name != "status"}


@pytest.fixture
async def world() -> World:
    made = make_world(settings=Settings(master_group="police", list_parties=frozenset({"MSP"})))
    await enrol(made, "ST1")
    return made


async def synced(world: World, holder: Holder, policy: ListPolicy = ListPolicy.OWN, **options: Any) -> LocalList:
    world.lines = holder.lines()
    await set_policy(world, STATION, policy)
    return (await sync(world, OPERATOR, STATION, **options))[1]


def sent(world: World) -> list[tuple[str, int]]:
    assert isinstance(world.lines, Answering)
    told = [payload for action, payload in world.lines.asked if action == "SendLocalList"]
    return [(p["updateType"], len(p.get("localAuthorizationList", []))) for p in told]


@pytest.mark.parametrize("version", Version)
async def test_a_list_is_sent_whole_in_messages_the_station_takes_then_in_changes(
    world: World, version: Version
) -> None:
    await add(world, "A", "B", "C", "D", "E")
    holder = Holder(version)
    known = await synced(world, holder)
    assert set(holder.held) == set("ABCDE")
    assert sent(world) == [("Full", 2), ("Differential", 2), ("Differential", 1)]
    assert (known.status, known.version, len(known.held)) == (ListStatus.CURRENT, holder.version, 5)
    await add(world, "B", status=TokenStatus.BLOCKED)
    await add(world, "F")
    known = await synced(world, holder)
    assert set(holder.held) == set("ACDEF")
    assert sent(world) == [("Differential", 2)]
    await synced(world, holder)
    assert sent(world) == []


@pytest.mark.parametrize("version", Version)
async def test_what_is_known_of_a_token_goes_along(world: World, version: Version) -> None:
    await add(world, "A", group=IdToken("FAMILY", "Central"), expires_at=AT + timedelta(days=9))
    holder = Holder(version)
    await synced(world, holder)
    info = holder.held["A"]
    group = info["parentIdTag"] if version is V16 else info["groupIdToken"]["idToken"]
    until = info["expiryDate" if version is V16 else "cacheExpiryDateTime"]
    assert (info["status"], group, until) == ("Accepted", "FAMILY", "2027-01-24T08:00:00Z")


@pytest.mark.parametrize(
    ("policy", "version", "on_it"),
    [
        (ListPolicy.NONE, V201, set()),
        (ListPolicy.OWN, V201, {"OWN", "HERE", "BADGE"}),
        (ListPolicy.OWN, V16, {"OWN", "HERE"}),
        (ListPolicy.ALL, V201, {"OWN", "HERE", "BADGE", "GUEST"}),
    ],
)
async def test_a_list_has_the_tokens_that_belong_there_and_no_others(
    world: World, policy: ListPolicy, version: Version, on_it: set[str]
) -> None:
    await add(world, "OWN")
    await add(world, "HERE", evses=(AllowedAt("ST1"),))
    await add(world, "THERE", evses=(AllowedAt("ST2"),))
    await add(world, "OLD", expires_at=AT - timedelta(days=1))
    await add(world, "LOST", status=TokenStatus.BLOCKED)
    await add(world, "BADGE", group=IdToken("POLICE", "Central"))
    await add(world, "GUEST", party="MSP")
    await add(world, "SECRET", party="SHY")
    await add(world, "X" * 40)
    holder = Holder(version, items=10)
    await synced(world, holder, policy)
    assert set(holder.held) == on_it


async def test_there_is_room_for_so_many(world: World) -> None:
    await add(world, *"ABCDEFGH")
    holder = Holder(V16, items=10)
    known = await synced(world, holder)
    assert (set(holder.held), known.left_out) == (set("ABCDEF"), 2)


async def test_messages_keep_to_the_bytes_a_station_takes(world: World) -> None:
    await add(world, *(f"TOKEN-{n:04}" for n in range(30)))
    holder = Holder(V201, items=100, bytes=600)
    await synced(world, holder)
    assert len(holder.held) == 30
    assert len(sent(world)) > 4


async def test_a_list_somebody_else_changed_is_sent_whole(world: World) -> None:
    await add(world, "A")
    holder = Holder(V201)
    await synced(world, holder)
    holder.version, holder.held = 70, {"STRANGER": {}}
    await add(world, "B")
    known = await synced(world, holder)
    assert (set(holder.held), known.version, known.drifted) == ({"A", "B"}, 71, False)


@pytest.mark.parametrize("refused", ["Failed", "VersionMismatch"])
async def test_a_refused_change_is_followed_by_the_whole_list(world: World, refused: str) -> None:
    await add(world, "A")
    holder = Holder(V201)
    await synced(world, holder)
    await add(world, "B")
    holder.spoil = [refused]
    known = await synced(world, holder)
    assert [kind for kind, _ in sent(world)] == ["Differential", "Full"]
    assert (set(holder.held), known.status) == ({"A", "B"}, ListStatus.CURRENT)


async def test_a_list_that_fails_twice_is_incomplete(world: World) -> None:
    await add(world, "A")
    known = await synced(world, Holder(V201, spoil=["Failed", "Failed"]))
    assert (known.status, known.version, len(sent(world))) == (ListStatus.INCOMPLETE, 0, 1)


@pytest.mark.parametrize("spoiled", ["version", "send", "error"])
async def test_a_station_without_lists_is_left_alone(world: World, spoiled: str) -> None:
    await add(world, "A")
    holder = Holder(V16, version=-1 if spoiled == "version" else 0)
    holder.spoil = ["NotSupported"] if spoiled == "send" else []
    world.lines = holder.lines()
    if spoiled == "error":
        world.lines.replies["GetLocalListVersion"] = refusal("GetLocalListVersion")
    await set_policy(world, STATION, ListPolicy.OWN)
    outcome, known = await sync(world, OPERATOR, STATION)
    assert known.status is ListStatus.UNSUPPORTED
    assert isinstance(outcome, Declined if spoiled == "error" else Done)


async def test_a_station_that_tells_no_limits_is_sent_what_is_usual(world: World) -> None:
    await add(world, *"ABC")
    holder = Holder(V201, items=50)
    world.lines = holder.lines()
    world.lines.replies["GetVariables"] = refusal("GetVariables")
    await set_policy(world, STATION, ListPolicy.OWN)
    await sync(world, OPERATOR, STATION)
    assert sent(world) == [("Full", 3)]


@pytest.mark.parametrize("silence", [Silence.TIMED_OUT, Silence.OFFLINE])
async def test_a_silent_station_keeps_what_it_had(world: World, silence: Silence) -> None:
    await add(world, "A")
    holder = Holder(V201)
    await synced(world, holder)
    await add(world, "B")
    world.lines = holder.lines()
    world.lines.replies["SendLocalList"] = silence
    outcome, known = await sync(world, OPERATOR, STATION)
    assert isinstance(outcome, Unanswered)
    assert (set(known.held), known.status) == ({"a"}, ListStatus.INCOMPLETE)


async def test_a_list_is_written_down_once_however_many_messages_it_takes(world: World) -> None:
    await add(world, *(f"TOKEN-{n:04}" for n in range(40)))
    holder = Holder(V201, items=1)
    world.lines = holder.lines()
    await set_policy(world, STATION, ListPolicy.OWN)
    journal = world.journal
    assert isinstance(journal, MemoryJournal)
    written: list[str] = []
    commit = journal.commit

    async def counting(batch: Batch) -> Committed:
        written.extend(put.key for put in batch.puts if put.kind == LOCAL_LIST)
        return await commit(batch)

    journal.commit = counting  # type: ignore[method-assign]
    await sync(world, OPERATOR, STATION)
    assert (len(sent(world)), written) == (40, ["st1"])


async def test_a_list_whose_sending_was_cut_short_is_sent_whole(world: World) -> None:
    await add(world, "A", "B", "C")
    holder = Holder(V201, items=1)
    world.lines = holder.lines()
    await set_policy(world, STATION, ListPolicy.OWN)
    take = world.lines.replies["SendLocalList"]

    def crash(told: dict[str, Any]) -> Reply:
        world.forget()
        assert callable(take)
        return take(told)

    world.lines.replies["SendLocalList"] = crash
    await sync(world, OPERATOR, STATION)
    world.lines.replies["SendLocalList"] = take
    await ListKeeper(world, OPERATOR).round()
    known = await find_list(world, "ST1")
    assert (set(holder.held), known.version, known.drifted) == ({"A", "B", "C"}, holder.version, False)


async def test_a_list_is_brought_up_to_date_by_one_at_a_time_and_a_policy_chosen_meanwhile_holds(world: World) -> None:
    await add(world, "A", "B")
    holder = Holder(V201, items=1)
    world.lines = holder.lines()
    await set_policy(world, STATION, ListPolicy.OWN)
    started, go = asyncio.Event(), asyncio.Event()
    lines = world.lines
    call = lines.call

    async def slow(station_id: StationId, action: str, payload: bytes, timeout_s: float) -> Any:
        started.set()
        await go.wait()
        return await call(station_id, action, payload, timeout_s)

    lines.call = slow  # type: ignore[method-assign]
    running = asyncio.create_task(sync(world, OPERATOR, STATION))
    await started.wait()
    with pytest.raises(InputError, match="synchronised"):
        await sync(world, OPERATOR, STATION)
    await set_policy(world, STATION, ListPolicy.ALL)
    go.set()
    await running
    assert (await find_list(world, "ST1")).policy is ListPolicy.ALL
    assert world.syncing == {}


async def test_a_raw_list_counts_as_well(world: World) -> None:
    holder = Holder(V201)
    world.lines = holder.lines()
    entry = {"idToken": {"idToken": "RAW", "type": "Central"}, "idTokenInfo": {"status": "Accepted"}}
    body = {"versionNumber": 5, "updateType": "Full", "localAuthorizationList": [entry]}
    await send_payload(world, OPERATOR, STATION, "SendLocalList", json.dumps(body).encode())
    known = await find_list(world, "ST1")
    assert (known.version, set(known.held)) == (5, {"raw"})
    await send_payload(world, OPERATOR, STATION, "SendLocalList", b'{"versionNumber":6,"updateType":"Full"}')
    assert (await find_list(world, "ST1")).held == {}


async def test_lists_follow_the_tokens_a_few_stations_at_a_time(world: World) -> None:
    await add(world, "A")
    names = [f"CP{n}" for n in range(AT_ONCE + 1)]
    holder = Holder(V201)
    world.lines = holder.lines()
    for name in names:
        await enrol(world, name)
        await set_policy(world, StationId(name), ListPolicy.OWN)
    keeper = ListKeeper(world, OPERATOR)
    assert [await keeper.round() for _ in range(3)] == [AT_ONCE, 1, 0]
    await add(world, "B")
    assert [await keeper.round() for _ in range(3)] == [AT_ONCE, 1, 0]
    world.lines.speaks = None
    assert await keeper.round() == 0
    world.lines.speaks = V201
    assert [await keeper.round() for _ in range(3)] == [AT_ONCE, 1, 0]


async def test_a_station_that_did_not_answer_is_tried_again_after_a_while(world: World) -> None:
    await add(world, "A")
    holder = Holder(V201)
    world.lines = holder.lines()
    reply = world.lines.replies["SendLocalList"]
    world.lines.replies["SendLocalList"] = Silence.TIMED_OUT
    await set_policy(world, STATION, ListPolicy.OWN)
    keeper = ListKeeper(world, OPERATOR)
    assert [await keeper.round(), await keeper.round()] == [1, 0]
    world.lines.replies["SendLocalList"] = reply
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(minutes=6)
    assert [await keeper.round(), await keeper.round()] == [1, 0]
    assert set(holder.held) == {"A"}


async def test_a_list_nobody_wants_any_more_is_emptied_after_a_restart_too(world: World) -> None:
    await add(world, "A")
    holder = Holder(V201)
    await synced(world, holder)
    await set_policy(world, STATION, ListPolicy.NONE)
    world.forget()
    assert await ListKeeper(world, OPERATOR).round() == 1
    assert holder.held == {}
    assert holder.version > 1


CHANGES = st.lists(st.tuples(st.sampled_from("ABCDEF"), st.booleans()), max_size=6)


@settings(max_examples=examples(25))
@given(rounds=st.lists(CHANGES, min_size=1, max_size=5), version=st.sampled_from(list(Version)), data=st.data())
async def test_whatever_changes_the_station_ends_with_the_list_it_should_have(
    rounds: Sequence[Sequence[tuple[str, bool]]], version: Version, data: st.DataObject
) -> None:
    world = make_world()
    await enrol(world, "ST1")
    holder = Holder(version)
    good: set[str] = set()
    for batch in rounds:
        for card, accepted in batch:
            await add(world, card, status=TokenStatus.ACCEPTED if accepted else TokenStatus.BLOCKED)
            good = good | {card} if accepted else good - {card}
        if data.draw(st.booleans()):
            holder.version += data.draw(st.integers(1, 3))
        known = await synced(world, holder)
        assert (set(holder.held), known.version, known.drifted) == (good, holder.version, False)
