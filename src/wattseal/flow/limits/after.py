"""What is in force at a station once it has taken a command about profiles."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from wattseal.flow.limits.store import CSO, matches, profiles_of
from wattseal.flow.orders import Asking
from wattseal.model.charging import Profile, ProfileKind
from wattseal.model.charging_orders import ClearProfiles, SetProfile, UpdateDynamic
from wattseal.model.message import Command
from wattseal.rules.charging import Installed
from wattseal.wire.ocpp.version import Version

AMOUNTS = {
    "limit": "limit",
    "limit_L2": "limit_l2",
    "limit_L3": "limit_l3",
    "dischargeLimit": "discharge_limit",
    "setpoint": "setpoint",
}
"""Figures of ChargingScheduleUpdateType, and what a period calls them."""


async def installed_after(
    asking: Asking, command: Command, installed: tuple[Installed, ...]
) -> tuple[Installed, ...] | None:
    """Return what is in force afterwards; None for a command that is about no profiles.

    A 1.6 station replaces a profile of the same place, purpose and level (5.16).
    """
    match command:
        case SetProfile(evse_id=evse_id, profile=profile):
            new = Installed(evse_id, profile, asking.world.clock.now())
            gone = asking.version is Version.V16
            return (*(one for one in installed if not _replaces(new, one, same_place=gone)), new)
        case ClearProfiles():
            known = await profiles_of(asking.world, asking.memory)
            cleared = {kept.profile.id for kept in known if kept.source == CSO and matches(command, kept)}
            return tuple(one for one in installed if one.profile.id not in cleared)
        case UpdateDynamic():
            return tuple(_updated(one, command) for one in installed)
        case _:
            return None


def updated(profile: Profile, command: UpdateDynamic) -> Profile:
    """Return a dynamic profile with new values."""
    schedule = profile.schedules[0]
    period = schedule.periods[0]
    told: dict[str, Any] = {AMOUNTS[n]: Decimal(str(v)) for n, v in command.values.items() if n in AMOUNTS}
    rest = {name: value for name, value in command.values.items() if name not in AMOUNTS}
    changed = replace(period, **told, more={**period.more, **rest})
    return replace(profile, schedules=(replace(schedule, periods=(changed,)),))


def _replaces(new: Installed, one: Installed, *, same_place: bool) -> bool:
    if one.profile.id == new.profile.id:
        return True
    place = (one.evse_id, one.profile.purpose, one.profile.stack_level)
    return same_place and place == (new.evse_id, new.profile.purpose, new.profile.stack_level)


def _updated(one: Installed, command: UpdateDynamic) -> Installed:
    if one.profile.id != command.profile_id or one.profile.kind is not ProfileKind.DYNAMIC:
        return one
    return replace(one, profile=updated(one.profile, command))
