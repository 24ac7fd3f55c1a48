"""A code that an app shows begins one charge, once, there and then; whoever photographs it gets nothing by it."""

import asyncio

import pytest
from tests.support.app_codes import StartLines, app_token, app_world, later
from tests.support.cpo_world import Talker, add_token, transactions
from tests.support.proving import troubles

from wattseal.flow.drivers.app_code_issue import NoCodeError, issue
from wattseal.flow.drivers.app_codes import Begun, NotStarted, redeem
from wattseal.flow.world import World
from wattseal.model.token import TokenStatus
from wattseal.model.transaction import Billing
from wattseal.wire.ocpp.version import Version

HERE = ("ST1", 1)


async def code_of(world: World, whose: str = "APP", life_s: int = 300) -> str:
    return (await issue(world, whose, HERE, life_s))[1]


async def refusal(world: World, code: str, station: str = "ST1", evse_id: int = 1) -> str:
    told = await redeem(world, code, station, evse_id)
    assert isinstance(told, NotStarted)
    return told.reason


async def test_a_code_begins_a_charge_which_is_trusted_and_names_the_code_by_its_hash() -> None:
    lines = StartLines()
    world = await app_world(lines)
    code, text = await issue(world, "APP", HERE)
    begun = await redeem(world, text, *HERE)
    assert isinstance(begun, Begun)
    assert lines.sent == [{"idTag": "APP", "connectorId": 1}]
    station = Talker(world, "ST1")
    await station.stop(await station.start("APP", wh=0), 7_000)
    (found,) = await transactions(world)
    assert (found.id, found.identity_level, found.billing) == (begun.subject, "TRUSTED", Billing.BILLED)
    assert found.identified == code.reference.hex()


async def test_a_code_shows_an_alias_and_never_the_number_of_the_token() -> None:
    world = await app_world(StartLines())
    code, _ = await issue(world, "APP", HERE)
    assert b"APP" not in code.sign(world.billing_key, "CPO").encode()
    assert (await issue(world, "APP", HERE))[0].alias == code.alias, "and it stays the same for this token"


async def test_a_code_is_good_once_also_over_a_restart_and_however_many_try_at_once() -> None:
    lines = StartLines()
    world = await app_world(lines)
    text = await code_of(world)
    told = await asyncio.gather(*(redeem(world, text, *HERE) for _ in range(4)))
    assert [type(one) for one in told].count(Begun) == 1
    world.forget()
    assert await refusal(world, text) == "used"
    assert len(lines.sent) == 1


@pytest.mark.parametrize(
    ("station", "evse_id", "after_s", "reason"),
    [
        ("ST2", 1, 0, "other_place"),
        ("ST1", 2, 0, "other_place"),
        ("ST1", 1, 331, "expired"),
        ("ST1", 1, -31, "not_yet_valid"),
    ],
)
async def test_a_code_is_good_there_and_then_only(station: str, evse_id: int, after_s: int, reason: str) -> None:
    lines = StartLines()
    world = await app_world(lines)
    text = await code_of(world)
    later(world, after_s)
    assert await refusal(world, text, station, evse_id) == reason
    assert lines.sent == []


async def test_clocks_may_be_half_a_minute_apart() -> None:
    world = await app_world(StartLines())
    text = await code_of(world)
    later(world, 325)
    assert isinstance(await redeem(world, text, *HERE), Begun)


async def test_what_is_refused_for_the_stations_sake_leaves_the_code_good() -> None:
    lines = StartLines(version_spoken=None)
    world = await app_world(lines)
    await add_token(world, "CARD")
    text = await code_of(world)
    assert await refusal(world, text) == "station_offline"
    lines.version_spoken = Version.V16
    station = Talker(world, "ST1")
    number = await station.start("CARD", wh=0)
    assert await refusal(world, text) == "evse_in_use"
    await station.stop(number, 1_000, minutes=1)
    assert isinstance(await redeem(world, text, *HERE), Begun)


async def test_the_clones_number_is_blocked_and_its_owner_goes_on_by_app_each_token_for_itself() -> None:
    world = await app_world(StartLines())
    await add_token(world, "CARD")
    await app_token(world, "OTHER-PHONE")
    lost, kept = await code_of(world, "APP"), await code_of(world, "OTHER-PHONE")
    await add_token(world, "CARD", TokenStatus.BLOCKED)
    await app_token(world, "APP", TokenStatus.BLOCKED)
    told = await redeem(world, lost, *HERE)
    assert told == NotStarted("token_refused", "Blocked")
    assert isinstance(await redeem(world, kept, *HERE), Begun)


async def test_no_code_is_issued_for_what_others_decide_on_or_for_longer_than_allowed() -> None:
    world = await app_world(StartLines())
    await add_token(world, "THEIRS", party="MSP")
    await app_token(world, "GONE", TokenStatus.BLOCKED)
    await add_token(world, "CARD")
    for token, life_s, code in (
        ("THEIRS", 300, "token_of_a_party"),
        ("GONE", 300, "token_refused"),
        ("CARD", 300, "not_an_apps_token"),
        ("NOBODY", 300, "unknown_token"),
        ("APP", 901, "life_not_allowed"),
    ):
        with pytest.raises(NoCodeError) as told:
            await code_of(world, token, life_s)
        assert told.value.code == code


async def test_the_session_replays_from_its_records() -> None:
    world = await app_world(StartLines())
    assert isinstance(await redeem(world, await code_of(world), *HERE), Begun)
    station = Talker(world, "ST1")
    await station.stop(await station.start("APP", wh=0), 7_000)
    (found,) = await transactions(world)
    assert found.identified is not None
    assert await troubles(world) == []
