"""EVs that talk ISO 15118: what they need is answered with a schedule of their own, what they plan is checked.

The schedule is sent after the answer has gone out, by the courier: within 60 s, or the EV no longer waits (K15.FR.08).
"""

from dataclasses import dataclass

import msgspec

from wattseal.base.errors import LimitError
from wattseal.flow.documents import put
from wattseal.flow.limits.store import circumstances, in_force, running_at
from wattseal.flow.ports import Outgoing
from wattseal.flow.step import Step
from wattseal.flow.turn import Handlers, Turn
from wattseal.model.charging import Composite, Schedule
from wattseal.model.charging_facts import EvScheduleReported, NeedsReported
from wattseal.model.charging_orders import ChargingReply
from wattseal.rules.charging import composite, window_of
from wattseal.rules.charging_needs import AHEAD_S, exceeds, read_needs
from wattseal.rules.charging_spans import MAX_WINDOW_S

NEEDS, EV_SCHEDULE = "ev_needs", "ev_schedule"
SCHEDULE = "charging_schedule"
"""Outbox kind: an EV waits for a schedule."""
WAITS_MS = 60_000
"""How long an EV waits (ISO 15118 ChargeParameterDiscoveryReq, ScheduleExchangeReq)."""


@dataclass(frozen=True, slots=True)
class KeptNeeds:
    """Document: what the EV at an EVSE said it needs, in the words of the version."""

    station_id: str
    evse_id: int
    transaction_id: str
    at_ms: int
    needs: dict[str, object]
    max_tuples: int | None = None


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """Document: what the EV at an EVSE said it will draw, and from which second on it is above its limits."""

    station_id: str
    evse_id: int
    at_ms: int
    schedule: Schedule
    within: bool
    exceeds_from_s: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Outbox: the EVSE whose EV waits for a schedule, until when."""

    station_id: str
    evse_id: int
    until_ms: int


async def _needs(turn: Turn, fact: NeedsReported) -> ChargingReply:
    """Keep the needs and promise a schedule where one can be computed (K15.FR.03, 04; K18.FR.04)."""
    refusal = ChargingReply("NoChargingProfile" if "controlMode" in fact.needs else "Rejected")
    running = running_at(turn.memory, fact.evse_id)
    step = turn.step()
    transaction_id = "" if running is None else running[0]
    kept = KeptNeeds(turn.station.id, fact.evse_id, transaction_id, turn.now_ms, dict(fact.needs), fact.max_tuples)
    step.puts.append(put(NEEDS, _key(turn, fact.evse_id), kept, turn.now_ms, station_id=turn.station.id))
    promised = running is not None and read_needs(fact.needs) is not None and turn.world.settings.charging.answer_needs
    if promised:
        _promise(step, fact.evse_id)
    await step.commit()
    return ChargingReply("Accepted") if promised else refusal


async def _plan(turn: Turn, fact: EvScheduleReported) -> ChargingReply:
    """Check an EV's own plan against its limits (K15.FR.11 to 13).

    One beyond them is refused and gets a new schedule; so is one that cannot be compared with so many periods.
    """
    lasts = max(1, min(fact.schedule.duration_s or AHEAD_S, MAX_WINDOW_S))
    try:
        above = exceeds(fact.schedule, fact.time_base, await _limits(turn, fact, lasts))
    except LimitError:
        above = 0
    step = turn.step()
    kept = KeptPlan(turn.station.id, fact.evse_id, turn.now_ms, fact.schedule, above is None, above)
    step.puts.append(put(EV_SCHEDULE, _key(turn, fact.evse_id), kept, turn.now_ms, station_id=turn.station.id))
    if above is not None:
        turn.world.count("ev_schedule_exceeds")
        if running_at(turn.memory, fact.evse_id) is not None:
            _promise(step, fact.evse_id)
    await step.commit()
    return ChargingReply("Accepted" if above is None else "Rejected")


async def _limits(turn: Turn, fact: EvScheduleReported, lasts_s: int) -> Composite:
    where = await circumstances(turn.world, turn.memory)
    window = window_of(fact.time_base, lasts_s)
    return composite(await in_force(turn.world, turn.memory), fact.evse_id, window, fact.schedule.unit, where)


def _promise(step: Step, evse_id: int) -> None:
    wanted = Wanted(step.station_id, evse_id, step.now_ms + WAITS_MS)
    number = f"{SCHEDULE}-{step.station_id}-{evse_id}-{step.now_ms}-{step.world.random.bytes(4).hex()}"
    step.outbox.append(Outgoing(number, SCHEDULE, msgspec.json.encode(wanted), step.now_ms))


def _key(turn: Turn, evse_id: int) -> str:
    return f"{turn.station.id.casefold()}/{evse_id:04d}"


HANDLERS: Handlers = {NeedsReported: _needs, EvScheduleReported: _plan}
