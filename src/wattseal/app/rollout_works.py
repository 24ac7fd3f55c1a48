"""What rollouts do to a station, by kind."""

from wattseal.app import firmware_work
from wattseal.app.firmware_work import FIRMWARE
from wattseal.app.rollouts import Turn, Work
from wattseal.base.ids import StationId
from wattseal.flow import ramp
from wattseal.flow.commands import Declined, Done, Outcome, Queued, Unanswered
from wattseal.flow.documents import STATION, read
from wattseal.flow.fleet import orders
from wattseal.flow.fleet.rollouts import Member, Rollout
from wattseal.flow.fleet.templates import Drift, Standing, differs, standings
from wattseal.flow.limits.charging import ACCEPTED
from wattseal.flow.limits.sent import set_limit
from wattseal.flow.ramp import WaitingState
from wattseal.flow.stations.variable_verbs import read_variables, write_variables
from wattseal.flow.verbs import Ask
from wattseal.flow.world import World
from wattseal.model.device import VariableAsked, VariableWrite
from wattseal.model.station import Station
from wattseal.rules.rollout import MemberState
from wattseal.rules.two_persons import LIMIT, TEMPLATE, OrderState

SENDING_MS = 600_000
"""After so long a command on its way is one whose process was stopped."""
_DONE = frozenset({"Accepted", "answered", "RebootRequired"})
_TAKEN = frozenset({"Accepted", "RebootRequired"})


async def _begin_template(world: World, rollout: Rollout, station_id: StationId) -> Turn:
    """Read what is not known, write what differs."""
    document = await world.journal.document(world.tenant, STATION, station_id.casefold())
    if document is None:
        return Turn(MemberState.FAILED, "not_enrolled")
    if await differs(world, rollout.subject, rollout.parameters):
        return Turn(MemberState.FAILED, "template_changed")
    station = read(document, Station)
    ask = Ask(world, rollout.principal(world), station_id)
    told = await standings(world, station, rollout.subject)
    unknown = [s for s in told if s.drift is Drift.UNKNOWN]
    if unknown:
        found = await read_variables(ask, [VariableAsked(s.wanted.component, s.wanted.variable) for s in unknown])
        if found.failed is not None:
            return Turn(MemberState.FAILED, _why(found.failed))
        told = await standings(world, station, rollout.subject)
    return await _write(ask, [standing for standing in told if standing.drift is not Drift.SAME])


async def _write(ask: Ask, differing: list[Standing]) -> Turn:
    if not differing:
        return Turn(MemberState.DONE, "nothing differed")
    writes = [VariableWrite(s.wanted.value, s.wanted.component, s.wanted.variable) for s in differing]
    written = await write_variables(ask, writes)
    if isinstance(written.failed, Queued):
        return _waits(written.failed)
    if written.failed is not None:
        return Turn(MemberState.FAILED, _why(written.failed))
    refused = [
        f"{write.variable.name}: {result.attribute_status}"
        for write, result in written.results
        if result.attribute_status not in _TAKEN
    ]
    if refused:
        return Turn(MemberState.FAILED, "; ".join(refused)[:255])
    reboot = any(result.attribute_status == "RebootRequired" for _, result in written.results)
    return Turn(MemberState.DONE, "restart required" if reboot else "")


def _why(outcome: Outcome) -> str:
    match outcome:
        case Unanswered():
            return outcome.reason
        case Declined():
            return outcome.code
        case _:
            return "unreadable"


async def _begin_limit(world: World, rollout: Rollout, station_id: StationId) -> Turn:
    """Send the limit that two persons agreed on."""
    order = await orders.find(world, str(rollout.parameters.get("order", "")))
    if order is None or order.state is not OrderState.APPROVED:
        return Turn(MemberState.FAILED, "not_approved")
    _, outcome = await set_limit(world, orders.sender(world, order), station_id, orders.limit_of(order))
    if isinstance(outcome, Queued):
        return _waits(outcome)
    if not isinstance(outcome, Done):
        return Turn(MemberState.FAILED, _why(outcome))
    status = str(getattr(outcome.answer, "status", ""))
    return Turn(MemberState.DONE if status == ACCEPTED else MemberState.FAILED, status)


def _waits(queued: Queued) -> Turn:
    return Turn(MemberState.UNDER_WAY, "waits for the ramp", queued.id)


async def _look(world: World, _rollout: Rollout, member: Member) -> Turn | None:
    """Look what has become of a command that waited for the ramp; without one there is no news."""
    waiting = None if member.job is None else await ramp.find(world, member.job)
    if waiting is None:
        return None
    match waiting.state:
        case WaitingState.WAITING:
            return None
        case WaitingState.SENDING:
            stopped = waiting.at_ms + SENDING_MS < world.now_ms()
            return Turn(MemberState.FAILED, "not_known_whether_sent", member.job) if stopped else None
        case WaitingState.SENT:
            done = waiting.outcome in _DONE
            return Turn(MemberState.DONE if done else MemberState.FAILED, waiting.outcome or "", member.job)
        case WaitingState.CANCELLED | WaitingState.REFUSED:
            return Turn(MemberState.FAILED, waiting.outcome or str(waiting.state), member.job)


WORKS = {
    TEMPLATE: Work(_begin_template, _look),
    FIRMWARE: firmware_work.WORK,
    LIMIT: Work(_begin_limit, _look),
}
