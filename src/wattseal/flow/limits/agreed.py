"""A maximum that two people agreed on holds until its end: no single caller's profile hides, replaces or clears it."""

from collections.abc import Iterable
from dataclasses import replace

from wattseal.base.errors import InputError, LimitError
from wattseal.flow.limits.after import installed_after
from wattseal.flow.limits.store import KeptProfile, circumstances, in_force, profiles_of
from wattseal.flow.orders import Asking
from wattseal.model.charging import Purpose, RateUnit
from wattseal.model.message import Command
from wattseal.rules.charging import composite, window_of
from wattseal.rules.charging_checks import check_agreed
from wattseal.rules.charging_spans import MAX_WINDOW_S
from wattseal.rules.fallback import is_fallback
from wattseal.rules.two_persons import is_agreed

LIFT = "charging:lift"
"""Scope of limits against a maximum that two people agreed on."""


def keep_fallbacks(asking: Asking, profile_id: int | None, gone: Iterable[KeptProfile]) -> None:
    """Refuse (`fallback_kept`) what would change, replace or clear what a station falls back to."""
    touched = profile_id is not None and is_fallback(profile_id)
    if asking.principal.may(LIFT) or not (touched or any(is_fallback(kept.profile.id) for kept in gone)):
        return
    text = "that is what the station falls back to when its limit ends; set `fallback_a` of the station or site instead"
    raise InputError(text, code="fallback_kept", subject="chargingProfile")


async def keep_agreed(asking: Asking, command: Command) -> None:
    """Refuse what would let a station charge with more than two people agreed on (`agreed_limit`).

    A limit that two others agreed on comes with the scope, and so does an owner.
    """
    world, memory = asking.world, asking.memory
    if asking.principal.may(LIFT):
        return
    known = [kept for kept in await profiles_of(world, memory) if kept.profile.purpose is Purpose.STATION_MAX]
    agreed = tuple(kept.installed() for kept in known if is_agreed(kept.asked_by))
    if not agreed:
        return
    after = await installed_after(asking, command, await in_force(world, memory))
    if after is None:
        return
    where = replace(await circumstances(world, memory), evse_ids=())
    window = window_of(world.clock.now(), MAX_WINDOW_S)
    ours = tuple(one for one in after if one.profile.purpose is Purpose.STATION_MAX)
    try:
        was = composite(agreed, 0, window, RateUnit.W, where)
        becomes = composite(ours, 0, window, RateUnit.W, where)
    except LimitError as error:
        text = "with so many periods it cannot be told whether the agreed maximum holds; send fewer"
        raise InputError(text, code="agreed_limit", subject="chargingSchedule") from error
    check_agreed(was, becomes)
