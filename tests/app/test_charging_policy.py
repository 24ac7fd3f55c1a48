"""What an operator chooses about charging limits reaches the rules; what cannot be is named."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from wattseal.app.policy import policy_of
from wattseal.app.settings import ChargingLimits, Settings
from wattseal.base.errors import ConfigError
from wattseal.model.charging import RateUnit


def test_choices_reach_the_rules() -> None:
    chosen = ChargingLimits(floor_a=Decimal(8), voltage_v=Decimal(120), phases=1, time_zone="Europe/Berlin")
    policy = policy_of(Settings(charging=chosen)).charging
    assert policy.zone == ZoneInfo("Europe/Berlin")
    assert policy.electrics.phases == 1
    assert (policy.floor.of(RateUnit.A), policy.floor.of(RateUnit.W)) == (Decimal(8), Decimal(960))


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        (ChargingLimits(time_zone="Nowhere/Land"), "bad_time_zone"),
        (ChargingLimits(time_zone="../etc/passwd"), "bad_time_zone"),
        (ChargingLimits(voltage_v=Decimal(0)), "bad_charging"),
        (ChargingLimits(floor_a=Decimal(-1)), "bad_charging"),
        (ChargingLimits(fallback_a=Decimal(5)), "bad_charging"),
    ],
)
def test_what_cannot_be_is_named(chosen: ChargingLimits, code: str) -> None:
    with pytest.raises(ConfigError) as refused:
        policy_of(Settings(charging=chosen))
    assert refused.value.code == code
