"""Firmware campaigns: a rollout whose turn is one update, over when the station says what came of it."""

from wattseal.app.rollouts import Turn, Work
from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.commands import Declined, Done, Queued, Unanswered, find_station
from wattseal.flow.fleet.rollouts import Member, Rollout
from wattseal.flow.stations import jobs
from wattseal.flow.stations.firmware import INSTALLED
from wattseal.flow.stations.maintenance_verbs import spelled, update_firmware
from wattseal.flow.verbs import Ask
from wattseal.flow.world import World
from wattseal.model.firmware import Firmware
from wattseal.model.job import Job
from wattseal.model.message import Replied
from wattseal.rules.rollout import MemberState
from wattseal.wire.ocpp.version import Version

FIRMWARE = "firmware"
DEADLINE_H = 24
"""Hours after which an update that nobody has told the end of has failed."""
HOUR_MS = 3_600_000


async def _begin(world: World, rollout: Rollout, station_id: StationId) -> Turn:
    ask = Ask(world, rollout.principal(world), station_id)
    firmware = _firmware(world, rollout, ocpp16=world.lines.version(station_id) is Version.V16)
    outcome, request_id = await update_firmware(ask, firmware, None, None)
    match outcome:
        case Done(answer=Replied(status=status)) if status in jobs.REFUSED:
            return Turn(MemberState.FAILED, str(status))
        case Done():
            return Turn(MemberState.UNDER_WAY, "", str(request_id))
        case Declined():
            return Turn(MemberState.FAILED, outcome.code)
        case Unanswered():
            return Turn(MemberState.FAILED, outcome.reason)
        case Queued():
            return Turn(MemberState.UNDER_WAY, "waits for the ramp", str(request_id))


def _firmware(world: World, rollout: Rollout, *, ocpp16: bool) -> Firmware:
    """Return what a station is told; a plain update of 1.6 has no time of installation and is installed at once."""
    told = {name: value for name, value in rollout.parameters.items() if isinstance(value, str)}
    if "location" not in told:
        raise InputError("a campaign names where its firmware is", code="no_location", subject="location")
    now = str(spelled(world.clock.now().replace(microsecond=0)))
    if ocpp16 and "signature" not in told:
        return Firmware(told["location"], now)
    return Firmware(told["location"], now, *(told.get(n) for n in ("install_at", "signing_certificate", "signature")))


async def _look(world: World, rollout: Rollout, member: Member) -> Turn | None:
    memory = await find_station(world, StationId(member.station_id))
    known = tuple((await jobs.all_of(world, memory, jobs.FIRMWARE)).values())
    job = _job(known, rollout.principal(world).name, member.job)
    if job is not None and job.done:
        done = job.status == INSTALLED
        return Turn(MemberState.DONE if done else MemberState.FAILED, "" if done else job.status, member.job)
    if world.now_ms() - member.since_ms > DEADLINE_H * HOUR_MS:
        return Turn(MemberState.FAILED, f"no end was told within {DEADLINE_H} hours", member.job)
    return None


def _job(known: tuple[Job, ...], asked_by: str, number: str | None) -> Job | None:
    """Return the station's job of this rollout: by its number or, in 1.6 without one, by who asked."""
    for job in reversed(known):
        if job.asked_by == asked_by and (job.request_id is None or str(job.request_id) == number):
            return job
    return None


WORK = Work(_begin, _look)
