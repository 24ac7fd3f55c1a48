"""One person commands a few stations alone; the next takes somebody else, by whatever token and after any restart."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.answering import Answering
from tests.support.cpo_world import TestClock, enrol, make_world

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId, TransactionId
from wattseal.flow import commands
from wattseal.flow.commands import Done
from wattseal.flow.documents import ALARM
from wattseal.flow.fleet import api_tokens
from wattseal.flow.fleet.api_tokens import ApiTokens
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.model.remote import AvailabilityRequested, StartRequested, StopRequested
from wattseal.model.token import IdToken
from wattseal.rules.alone import Alone, Reach, reach_of
from wattseal.rules.two_persons import in_both_names
from wattseal.wire.ocpp.version import Version

FLEET = tuple(f"CS{n}" for n in range(6))
STOP = {"connectorId": 0, "type": "Inoperative"}
RESET = {"type": "Soft"}
TAKEN = {"status": "Accepted"}


@pytest.fixture
async def world() -> World:
    made = make_world()
    made.settings = replace(made.settings, alone_power_stations=3, alone_charge_stations=4)
    made.lines = Answering(Version.V16, {"ChangeAvailability": TAKEN, "Reset": TAKEN, "GetConfiguration": {}})
    for name in FLEET:
        await enrol(made, name)
    return made


async def sent(world: World, station: str, by: str = "person/a", action: str = "ChangeAvailability") -> str:
    """Send a command; return "sent", or the code with which it was refused."""
    principal = Principal(world.tenant, by, frozenset(), frozenset({"commands:power", "commands:maintenance"}))
    payload = json.dumps({"ChangeAvailability": STOP, "Reset": RESET, "GetConfiguration": {}}[action]).encode()
    try:
        outcome = await commands.send_payload(world, principal, StationId(station), action, payload)
    except InputError as error:
        return error.code
    assert isinstance(outcome, Done)
    return "sent"


async def reached(world: World, by: str) -> list[str]:
    return [name for name in FLEET if await sent(world, name, by) == "sent"]


def later(world: World, by: timedelta) -> None:
    assert isinstance(world.clock, TestClock)
    world.clock.at += by


async def test_one_by_one_a_person_reaches_as_few_stations_as_at_once(world: World) -> None:
    assert await reached(world, "person/a") == list(FLEET[:3])
    assert await reached(world, "person/a") == list(FLEET[:3]), "those again"
    (alarm,) = [one for one in await world.journal.documents(world.tenant, ALARM) if b"alone_too_far" in one.body]
    assert b"person/a" in alarm.body
    assert await sent(world, FLEET[5], "person/b") == "sent", "somebody else does it"
    later(world, timedelta(days=1, minutes=1))
    assert await sent(world, FLEET[5], "person/a") == "sent"


async def test_tokens_of_a_person_and_a_restart_give_no_second_count(world: World) -> None:
    tokens = ApiTokens(world)
    person = Principal(world.tenant, "person/a", frozenset(), frozenset({"*"}))
    first, _ = await tokens.make(person, "desk", ("commands:power",), 3600)
    by_token = Principal(world.tenant, api_tokens.named(first), frozenset(), frozenset({"*"}))
    second, _ = await tokens.make(by_token, "desk", ("commands:power",), 3600)
    names = ["person/a", api_tokens.named(first), api_tokens.named(second)]
    assert [await sent(world, name, by) for name, by in zip(FLEET[:3], names, strict=True)] == ["sent"] * 3
    world.alone.clear()
    assert [await sent(world, FLEET[4], by) for by in names] == ["alone_too_far"] * 3


async def test_helping_drivers_has_a_count_of_its_own_by_the_hour(world: World) -> None:
    assert await reached(world, "person/a") == list(FLEET[:3])
    resets = [await sent(world, name, action="Reset") for name in FLEET]
    assert resets == ["sent"] * 4 + ["alone_too_far"] * 2
    later(world, timedelta(hours=1, minutes=1))
    assert await sent(world, FLEET[5], action="Reset") == "sent"
    assert await sent(world, FLEET[5]) == "alone_too_far"


@pytest.mark.parametrize(
    "by", [in_both_names("person/a", "person/b"), "person/a (rollout 7)", "system", "admin", "person/a, approved by x"]
)
async def test_what_two_agreed_on_rollouts_and_the_process_itself_are_nobody_s(world: World, by: str) -> None:
    assert await reached(world, by) == list(FLEET)


async def test_a_program_s_token_that_a_person_made_is_told_how_to_get_one_of_its_own(world: World) -> None:
    tokens = ApiTokens(world)
    person = Principal(world.tenant, "person/a", frozenset(), frozenset({"*"}))
    made, _ = await tokens.make(person, "load control", ("commands:power",), 3600)
    assert await reached(world, "person/a") == list(FLEET[:3])
    by = Principal(world.tenant, api_tokens.named(made), frozenset(), frozenset({"commands:power"}))
    with pytest.raises(InputError, match="made with DIR/admin-token"):
        await commands.send_payload(world, by, StationId(FLEET[5]), "ChangeAvailability", json.dumps(STOP).encode())


def test_starts_are_asked_for_any_number_of_drivers() -> None:
    assert reach_of(StartRequested(IdToken("CARD", "ISO14443"), 1)) is Reach.NONE
    assert reach_of(StopRequested(TransactionId("1"))) is Reach.CHARGE
    assert reach_of(AvailabilityRequested(operational=False)) is Reach.LASTING


async def test_what_changes_no_power_is_asked_of_any_number(world: World) -> None:
    assert [await sent(world, name, action="GetConfiguration") for name in FLEET] == ["sent"] * 6


async def test_without_the_count_one_person_reaches_them_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forgetful(_world: World, author: str) -> Alone:
        return Alone(author)

    monkeypatch.setattr("wattseal.flow.fleet.alone._known", forgetful)
    assert await reached(world, "person/a") == list(FLEET)


def test_a_station_counts_until_its_time_is_over() -> None:
    alone = Alone("person/a").with_station(Reach.CHARGE, "A", 0).with_station(Reach.LASTING, "A", 0)
    assert alone.with_station(Reach.CHARGE, "B", 3_599_999).stations(Reach.CHARGE) == 2
    assert alone.with_station(Reach.CHARGE, "B", 3_600_000).stations(Reach.CHARGE) == 1
    assert alone.with_station(Reach.LASTING, "B", 3_600_000).stations(Reach.LASTING) == 2
