"""A 2.1 station is told how long a limit holds without its CSMS, and goes by its fallback then: never by more."""

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.flow.test_fallback import ID, JUST_AFTER, STATION, Scene, a_scene
from tests.support.cpo_world import AT

from wattseal.app.config import load_settings
from wattseal.app.policy import policy_of
from wattseal.base.errors import ConfigError
from wattseal.flow.limits.fallback import Standing
from wattseal.flow.limits.sent import Limit, clear_limit, set_limit
from wattseal.model.charging import RateUnit
from wattseal.rules.charging_policy import ChargingPolicy
from wattseal.wire.ocpp.version import Version

HELD = ChargingPolicy(fallback_a=Decimal(10), offline_hold_s=600)


async def limited(version: Version, policy: ChargingPolicy, **limit: object) -> Scene:
    scene = await a_scene(version, policy)
    await scene.limit(**{"until": None, "amperes": 24} | limit)  # type: ignore[arg-type] # words of a Limit
    await scene.rounds()
    return scene


def told(scene: Scene) -> list[int | None]:
    """Return for each profile that was sent how long it holds offline, in the station's words."""
    sent = [payload for _, action, payload in scene.fleet.asked if action == "SetChargingProfile"]
    return [(one.get("chargingProfile") or one["csChargingProfiles"]).get("maxOfflineDuration") for one in sent]


async def test_a_limit_without_an_end_leaves_an_offline_station_at_its_fallback() -> None:
    scene = await limited(Version.V21, HELD)
    assert told(scene) == [600, None], "the limit, and the fallback beneath it"
    assert scene.fleet.allows_a(STATION) == 24
    assert scene.fleet.allows_a(STATION, offline_s=599) == 24
    assert scene.fleet.allows_a(STATION, AT + timedelta(days=30), offline_s=600) == 10
    assert await scene.standing() == [Standing.INSTALLED]


async def test_without_the_time_it_would_go_by_a_limit_nobody_renews_for_ever() -> None:
    scene = await limited(Version.V21, ChargingPolicy(fallback_a=Decimal(10)))
    assert told(scene) == [None]
    assert scene.fleet.allows_a(STATION, AT + timedelta(days=30), offline_s=30 * 86_400) == 24


@pytest.mark.parametrize(
    ("version", "policy", "amperes"),
    [
        (Version.V201, HELD, 24),
        (Version.V16, HELD, 24),
        (Version.V21, ChargingPolicy(offline_hold_s=600), 24),
        (Version.V21, HELD, 10),
        (Version.V21, HELD, 8),
    ],
    ids=["2.0.1 has no word for it", "nor has 1.6", "nothing is beneath", "no more than the fallback", "less than it"],
)
async def test_no_station_is_told_what_would_have_it_take_more(
    version: Version, policy: ChargingPolicy, amperes: int
) -> None:
    scene = await limited(version, policy, amperes=amperes)
    assert set(told(scene)) == {None}
    assert scene.fleet.allows_a(STATION, offline_s=86_400) == amperes


async def test_a_limit_that_ends_and_holds_falls_back_at_whichever_comes_first() -> None:
    scene = await limited(Version.V21, HELD, until=AT + timedelta(hours=1))
    assert scene.fleet.allows_a(STATION, offline_s=600) == 10
    assert scene.fleet.allows_a(STATION, JUST_AFTER) == 10
    assert await scene.standing() == [Standing.HOLDS]


async def test_the_fallback_goes_with_the_limit_it_was_beneath() -> None:
    scene = await limited(Version.V21, HELD)
    await clear_limit(scene.world, scene.keeper.principal, ID, 0)
    await scene.lift()
    assert scene.fleet.allows_a(STATION) is None
    assert await scene.standing() == [Standing.LIFTED]


async def test_a_station_that_lost_its_limits_gets_them_again_in_words_of_the_version_it_speaks_now() -> None:
    scene = await limited(Version.V21, HELD)
    scene.fleet.online = False
    await scene.rounds()
    scene.fleet.forget(STATION)
    scene.fleet.online, scene.fleet.spoken = True, Version.V201
    await scene.rounds()
    assert scene.fleet.allows_a(STATION) == 24
    assert "fallback_missing" not in scene.alarms()


async def test_watts_are_held_against_the_fallback_of_all_phases() -> None:
    for watts, holds in ((6_899, None), (6_900, None), (7_000, 600)):
        scene = await a_scene(Version.V21, HELD)
        await set_limit(scene.world, scene.keeper.principal, ID, Limit(Decimal(watts), RateUnit.W))
        assert told(scene) == [holds]


def test_without_a_fallback_the_time_is_refused_at_start() -> None:
    with pytest.raises(ConfigError, match=r"set charging\.fallback_a as well"):
        policy_of(load_settings(None, {"WATTSEAL_CHARGING__OFFLINE_HOLD_S": "600"}))
