"""What stations tell about charging limits: reports, limits from outside, priority, and pulls of dynamic profiles."""

from typing import Any

from wattseal.flow.command_signing import signed_answer
from wattseal.flow.limits import reports as charging_reports
from wattseal.flow.limits.store import (
    MAX_LIMITS,
    KeptLimit,
    keep_priority,
    limit_key,
    limits_of,
    profiles_of,
    put_limit,
)
from wattseal.flow.turn import Handlers, Turn
from wattseal.model.charging import Period, ProfileKind
from wattseal.model.charging_facts import LimitReported, ProfilesReported, UpdateAnswer, UpdateWanted
from wattseal.model.message import Replied, Told
from wattseal.wire.ocpp.signed_commands import answer_to


async def _limit(turn: Turn, fact: LimitReported) -> Replied:
    """Keep a limit from outside, in place of the one the same source set for the same EVSE (K11 to K14).

    Of a station that has told `MAX_LIMITS` of them no other one is kept until some are cleared.
    """
    step = turn.step()
    kept = KeptLimit(
        station_id=turn.station.id,
        evse_id=fact.evse_id,
        source=fact.source,
        since_ms=turn.now_ms,
        schedules=fact.schedules,
        grid_critical=fact.grid_critical,
        local_generation=fact.local_generation,
    )
    known = await limits_of(turn.world, turn.memory)
    if len(known) >= MAX_LIMITS and limit_key(kept) not in {limit_key(one) for one in known}:
        turn.world.count("too_many_charging_limits")
        return Replied({})
    step.puts.append(put_limit(kept, turn.now_ms))
    await step.commit()
    return Replied({})


async def _cleared(turn: Turn, fact: Told) -> Replied:
    """Keep that a source's limits are no longer in force (K13); without an EVSE, at all of them."""
    step = turn.step()
    source, evse_id = fact.content["chargingLimitSource"], fact.content.get("evseId")
    for kept in await limits_of(turn.world, turn.memory):
        if kept.source == source and evse_id in {None, kept.evse_id}:
            step.puts.append(put_limit(kept, turn.now_ms, active=False))
    await step.commit()
    return Replied({})


async def _priority(turn: Turn, fact: Told) -> Replied:
    """Keep that a driver switched priority charging at the station (2.1 K22)."""
    step = turn.step()
    transaction_id, on = str(fact.content["transactionId"]), bool(fact.content["activated"])
    await keep_priority(step, turn.memory, transaction_id, on=on)
    await step.commit()
    return Replied({})


async def _reported(turn: Turn, fact: ProfilesReported) -> Replied:
    return await charging_reports.part(turn, fact)


async def _pulled(turn: Turn, fact: UpdateWanted) -> UpdateAnswer:
    """Answer with the values kept of a dynamic profile (K28.FR.07); any other is refused (K28.FR.12)."""
    for kept in await profiles_of(turn.world, turn.memory):
        if kept.profile.id == fact.profile_id and kept.profile.kind is ProfileKind.DYNAMIC:
            values = _values(kept.profile.schedules[0].periods[0])
            named = answer_to("PullDynamicScheduleUpdate", fact.profile_id)
            said = {"status": "Accepted", "scheduleUpdate": values}
            return UpdateAnswer("Accepted", values, signed_answer(turn.world, turn.station, named, said))
    return UpdateAnswer("Rejected")


_MORE = ("dischargeLimit_L2", "dischargeLimit_L3", "setpoint_L2", "setpoint_L3")
_REACTIVE = ("setpointReactive", "setpointReactive_L2", "setpointReactive_L3")


def _values(period: Period) -> dict[str, object]:
    """Return a period as ChargingScheduleUpdateType."""
    told: dict[str, Any] = {
        "limit": period.limit,
        "limit_L2": period.limit_l2,
        "limit_L3": period.limit_l3,
        "dischargeLimit": period.discharge_limit,
        "setpoint": period.setpoint,
    }
    told |= {name: period.more[name] for name in (*_MORE, *_REACTIVE) if name in period.more}
    return {name: value for name, value in told.items() if value is not None}


HANDLERS: Handlers = {
    LimitReported: _limit,
    ProfilesReported: _reported,
    UpdateWanted: _pulled,
    "ClearedChargingLimit": _cleared,
    "NotifyPriorityCharging": _priority,
}
