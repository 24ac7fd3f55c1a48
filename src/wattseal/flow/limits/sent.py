"""Limits sent on our own account: the schedule an EV waits for, and the limit an operator sets."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow import commands
from wattseal.flow.commands import Outcome, Unanswered
from wattseal.flow.documents import read
from wattseal.flow.limits.abilities import abilities_of
from wattseal.flow.limits.fallback import fallback_a
from wattseal.flow.limits.needs import NEEDS, KeptNeeds, Wanted
from wattseal.flow.limits.store import circumstances, in_force, profiles_of, running_at
from wattseal.flow.memory import Memory
from wattseal.flow.ramp import Passing
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.charging import Period, Profile, ProfileKind, Purpose, RateUnit, Schedule
from wattseal.model.charging_orders import ClearProfiles, SetProfile
from wattseal.model.principal import Principal
from wattseal.rules.charging import composite, window_of
from wattseal.rules.charging_checks import BELOW_FLOOR, below_floor, check_floor
from wattseal.rules.charging_needs import AHEAD_S, NEEDS_PROFILE_ID, Needs, plan, profile_for, read_needs
from wattseal.rules.charging_rates import convert
from wattseal.rules.fallback import LEVEL, amount
from wattseal.wire.ocpp.version import Version

LIMIT_PROFILE_ID = 1_000_000
"""Profiles of an operator's limits have ids from here on: 3 an EVSE, one a purpose."""
_PLACE = {Purpose.STATION_MAX: 0, Purpose.TX_DEFAULT: 1, Purpose.TX: 2}
_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit in amperes of each phase or watts; `evse_id` 0 is the station as a whole.

    With `transaction` it is for the EVSE's present transaction only. `until` None keeps it until it is replaced or
    cleared. `below_floor` says that stopping is meant.
    """

    amount: Decimal
    unit: RateUnit
    evse_id: int = 0
    transaction: bool = False
    until: datetime | None = None
    below_floor: bool = False


async def set_limit(world: World, principal: Principal, station_id: StationId, limit: Limit) -> tuple[Profile, Outcome]:
    """Set a limit; return the profile it became and what came of sending it.

    `InputError` where the limit is below the floor without saying so, or its transaction or time is not to come.
    """
    memory = await commands.find_station(world, station_id)
    floor, stopping = world.settings.charging.floor, limit.below_floor and principal.may(BELOW_FLOOR)
    if limit.amount < floor.of(limit.unit) and not stopping:
        raise below_floor(floor.of(limit.unit), limit.unit)
    profile = await _profile(world, memory, limit)
    if not stopping:
        check_floor(profile, floor)
    return profile, await commands.send(world, principal, station_id, SetProfile(limit.evse_id, profile))


async def _profile(world: World, memory: Memory, limit: Limit) -> Profile:
    now = world.clock.now().replace(microsecond=0)
    if limit.until is not None and limit.until <= now:
        raise InputError("the limit would be over before it began", subject="until")
    purpose, transaction_id = _purpose(memory, limit)
    number = limit_profile_id(limit.evse_id, purpose)
    able = await abilities_of(world, memory)
    unit = able.unit_for(limit.unit)
    schedule = Schedule(
        unit=unit,
        periods=(
            Period(start_s=0, limit=convert(limit.amount, limit.unit, unit, world.settings.charging.electrics, None)),
        ),
        start=now,
        duration_s=None if limit.until is None else max(1, int((limit.until - now) / timedelta(seconds=1))),
    )
    return Profile(
        id=number,
        stack_level=able.check_level(await _level(world, memory, purpose, number, able.max_level)),
        purpose=purpose,
        kind=ProfileKind.ABSOLUTE,
        schedules=(schedule,),
        valid_to=limit.until,
        transaction_id=transaction_id,
        offline_hold_s=await _offline_hold_s(world, memory, limit),
    )


async def _offline_hold_s(world: World, memory: Memory, limit: Limit) -> int | None:
    """Return how long a limit holds at a station that is offline; None for as long as otherwise.

    2.1 alone can be told (ChargingProfileType, maxOfflineDuration). It then goes by what is beneath: never told where
    that is nothing, or more than the limit.
    """
    hold_s, wanted_a = world.settings.charging.offline_hold_s, await fallback_a(world, memory)
    if hold_s is None or wanted_a is None or world.lines.version(StationId(memory.station.id)) is not Version.V21:
        return None
    evses = len(memory.station.evses) if limit.evse_id == 0 else 1
    amperes = convert(limit.amount, limit.unit, RateUnit.A, world.settings.charging.electrics, None)
    return hold_s if amperes > amount(wanted_a, evses, world.settings.charging.floor_a, None) else None


def _purpose(memory: Memory, limit: Limit) -> tuple[Purpose, str | None]:
    if not limit.transaction:
        return (Purpose.STATION_MAX if limit.evse_id == 0 else Purpose.TX_DEFAULT), None
    running = running_at(memory, limit.evse_id)
    if running is None:
        raise InputError("no transaction runs at this EVSE", code="no_transaction", subject="evse_id")
    return Purpose.TX, running[0]


async def _level(world: World, memory: Memory, purpose: Purpose, number: int, most: int | None) -> int:
    """Return a stack level above all others of the purpose, so that the limit leads, with room for a fallback."""
    others = [kept.profile for kept in await profiles_of(world, memory) if kept.profile.id != number]
    lowest = 0 if most == LEVEL or await fallback_a(world, memory) is None else LEVEL + 1
    return max((profile.stack_level + 1 for profile in others if profile.purpose is purpose), default=lowest)


async def clear_limit(
    world: World, principal: Principal, station_id: StationId, evse_id: int, *, transaction: bool = False
) -> Outcome:
    """Clear the limit that `set_limit` set for a place; the station says Unknown where there is none."""
    purpose = Purpose.TX if transaction else Purpose.TX_DEFAULT if evse_id else Purpose.STATION_MAX
    command = ClearProfiles(limit_profile_id(evse_id, purpose))
    return await commands.send(world, principal, station_id, command)


def limit_profile_id(evse_id: int, purpose: Purpose) -> int:
    """Return the id of the profile that an operator's limit becomes."""
    return LIMIT_PROFILE_ID + 3 * evse_id + _PLACE[purpose]


async def send_schedule(world: World, body: bytes) -> bool:
    """Send the schedule an EV waits for; return whether that is done with, sent or too late."""
    wanted = msgspec.json.decode(body, type=Wanted)
    station_id = StationId(wanted.station_id)
    memory = await remember_station(world, station_id)
    document = await world.journal.document(world.tenant, NEEDS, f"{station_id.casefold()}/{wanted.evse_id:04d}")
    if memory is None or world.now_ms() >= wanted.until_ms:
        world.count("charging_schedule_too_late")
        return True
    running = running_at(memory, wanted.evse_id)
    if running is None:
        return True
    kept = None if document is None else read(document, KeptNeeds)
    profile = await _planned(world, memory, wanted.evse_id, running[0], kept)
    principal = Principal(world.tenant, "system", frozenset(), frozenset({"*"}))
    command = SetProfile(wanted.evse_id, profile)
    outcome = await commands.send(world, principal, station_id, command, _DEADLINE_S, passing=Passing.AT_ONCE)
    return not isinstance(outcome, Unanswered)


async def _planned(world: World, memory: Memory, evse_id: int, transaction_id: str, kept: KeptNeeds | None) -> Profile:
    needs = None if kept is None or kept.transaction_id != transaction_id else read_needs(kept.needs)
    now = world.clock.now().replace(microsecond=0)
    number = NEEDS_PROFILE_ID + evse_id
    others = [one for one in await in_force(world, memory) if one.profile.id != number]
    where = await circumstances(world, memory)
    able = await abilities_of(world, memory)
    wanted = RateUnit.A if needs is None else needs.unit
    unit = able.unit_for(wanted)
    ahead_s = AHEAD_S if needs is None else needs.ahead_s(now)
    limits = composite(others, evse_id, window_of(now, ahead_s), unit, where)
    rooms = (able.max_periods, None if kept is None else kept.max_tuples)
    room = min((one for one in rooms if one is not None), default=None)
    schedule = plan((needs or Needs(wanted, None)).within(unit, where.electrics), limits, room)
    levels = [one.profile.stack_level for one in others if one.profile.purpose is Purpose.TX]
    level = able.check_level(max((level + 1 for level in levels), default=0))
    return profile_for(schedule, evse_id, transaction_id, level)
