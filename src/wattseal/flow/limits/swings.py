"""By how much a command may change a station's power, as far as is known here: ratings, running charges, limits."""

from dataclasses import dataclass, replace

from wattseal.base.errors import LimitError
from wattseal.flow.limits.after import installed_after
from wattseal.flow.limits.store import circumstances, in_force, running_at
from wattseal.flow.memory import Memory
from wattseal.flow.orders import Asking
from wattseal.flow.world import World
from wattseal.model.charging import ProfileKind, RateUnit
from wattseal.model.charging_orders import SetProfile
from wattseal.model.message import Command
from wattseal.rules.charging import Circumstances, Installed, composite, window_of
from wattseal.rules.charging_spans import DAY_S
from wattseal.rules.ramp import Step, Swing
from wattseal.rules.swing import Limits, Outlet, Outlook, later_steps, limits_swing, swing_of

AHEAD_S = 7 * DAY_S
"""So far ahead steps of schedules are looked for."""
_IDLE = frozenset({"Available", "Reserved", "Unavailable", "Faulted"})
_TIMED = frozenset({ProfileKind.ABSOLUTE, ProfileKind.RECURRING})
"""Kinds of profiles whose steps come at a time of day, at many stations together."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a command changes at once, and which steps come later by themselves."""

    swing: Swing
    later: tuple[Step, ...] = ()


def outlook_of(world: World, memory: Memory) -> Outlook:
    """Return a station's EVSEs; one of which no state was told counts as charging, none at all as one EVSE."""
    enrolled = {evse.id: evse.rated_power_w for evse in memory.station.evses}
    numbers = sorted({*enrolled, *memory.statuses} - {0}) or [1]
    whole = memory.statuses.get(0)
    outlets = {}
    for evse_id in numbers:
        status = memory.statuses.get(evse_id)
        outlets[evse_id] = Outlet(
            rated_w=enrolled.get(evse_id) or world.ramp.policy.evse_w,
            charging=status not in _IDLE or running_at(memory, evse_id) is not None,
            closed=status in {None, "Unavailable"} or whole == "Unavailable",
        )
    evse_of = {key: live.transaction.evse_id for key, live in memory.live.items() if live.transaction.evse_id}
    return Outlook(outlets, evse_of)


async def change_of(asking: Asking, command: Command) -> Change:
    """Return what a command may change at worst; what cannot be computed counts in full."""
    world, memory = asking.world, asking.memory
    outlook = outlook_of(world, memory)
    installed = await in_force(world, memory)
    after = await installed_after(asking, command, installed)
    if after is None:
        return Change(swing_of(command, outlook))
    where = await circumstances(world, memory)
    where = replace(where, evse_ids=tuple(sorted({*where.evse_ids, *outlook.outlets})))
    try:
        was, becomes = _limits(world, installed, where), _limits(world, after, where)
    except LimitError:
        world.count("ramp_not_computed")
        running_w = outlook.running_w()
        return Change(Swing(running_w, running_w))
    later = later_steps(was, becomes, outlook, world.now_ms()) if _timed(command) else ()
    return Change(limits_swing(was, becomes, outlook), later)


def _timed(command: Command) -> bool:
    return not isinstance(command, SetProfile) or command.profile.kind in _TIMED


def _limits(world: World, installed: tuple[Installed, ...], where: Circumstances) -> Limits:
    window = window_of(world.clock.now(), AHEAD_S)
    return Limits(
        composite(installed, 0, window, RateUnit.W, where),
        {evse_id: composite(installed, evse_id, window, RateUnit.W, where) for evse_id in where.evse_ids},
    )
