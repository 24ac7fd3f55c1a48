"""What is kept of a station's charging limits: profiles by reference, limits from outside, and what they apply to.

Profiles have ids of their own at a station; the one of the same id is replaced. What is cleared or has ended stays, not
active, as history.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wattseal.base.ids import StationId
from wattseal.flow.alarms import alarm
from wattseal.flow.documents import put, read, removal
from wattseal.flow.live import Live
from wattseal.flow.memory import Memory
from wattseal.flow.ports import Put
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.charging import Profile, ProfileKind, Purpose, Schedule
from wattseal.model.charging_orders import ClearProfiles
from wattseal.rules.charging import Charging, Circumstances, Installed
from wattseal.rules.charging_checks import MAX_STATION_PROFILES

PROFILE, LIMIT, PRIORITY = "charging_profile", "charging_limit", "priority_charging"
CSO = "CSO"
"""Source of profiles that come from a CSMS (ChargingLimitSourceEnumType)."""
MAX_KEPT = 2 * MAX_STATION_PROFILES
"""Profiles in force kept of one station, with those it says others have set."""
START_WAITS_MS = 3_600_000
"""How long a remote start's profile waits for its transaction."""
MAX_LIMITS = 100
"""Limits from outside kept of one station, and transactions with priority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptProfile:
    """Document: a profile at an EVSE (0: the station). `source` is CSO, or who else the station says set it.

    `asked_by` is who had it sent, "" where only the station told of it.
    """

    station_id: str
    evse_id: int
    profile: Profile
    since_ms: int
    source: str = CSO
    asked_by: str = ""

    def installed(self) -> Installed:
        """Return it as rules take it."""
        return Installed(self.evse_id, self.profile, datetime.fromtimestamp(self.since_ms / 1000, UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLimit:
    """Document: a limit from outside (2.x K11 to K14), in force while the document is active."""

    station_id: str
    evse_id: int
    source: str
    since_ms: int
    schedules: tuple[Schedule, ...] = ()
    grid_critical: bool | None = None
    local_generation: bool = False

    def installed(self) -> tuple[Installed, ...]:
        """Return it as profiles, of ids that no station has."""
        purpose = Purpose.LOCAL_GENERATION if self.local_generation else Purpose.EXTERNAL
        since = datetime.fromtimestamp(self.since_ms / 1000, UTC)
        return tuple(
            Installed(
                self.evse_id,
                Profile(
                    id=-1 - place,
                    stack_level=0,
                    purpose=purpose,
                    kind=ProfileKind.DYNAMIC if schedule.start is None else ProfileKind.ABSOLUTE,
                    schedules=(schedule,),
                ),
                since,
            )
            for place, schedule in enumerate(self.schedules)
        )


@dataclass(frozen=True, slots=True)
class Priority:
    """Document: that a transaction charges with priority (2.1 K21, K22)."""

    station_id: str
    transaction_id: str


def put_profile(kept: KeptProfile, now_ms: int, *, active: bool = True) -> Put:
    """Return a profile's document."""
    key = f"{kept.station_id.casefold()}/{kept.profile.id:020d}"
    return put(PROFILE, key, kept, now_ms, station_id=kept.station_id, active=active)


def changed(world: World, station_id: str) -> None:
    """Have the fallbacks of a station looked at, as its limits have changed."""
    if world.limited is not None:
        world.limited[StationId(station_id)] = 0


def matches(command: ClearProfiles, kept: KeptProfile) -> bool:
    """Return whether a profile is one of those to clear."""
    profile = kept.profile
    if command.profile_id is not None:
        return profile.id == command.profile_id
    return (
        command.evse_id in {None, kept.evse_id}
        and command.purpose in {None, profile.purpose}
        and command.stack_level in {None, profile.stack_level}
    )


def limit_key(kept: KeptLimit) -> str:
    """Return the key of a limit's document: one for an EVSE, a source and a kind."""
    kind = "generation" if kept.local_generation else "limit"
    return f"{kept.station_id.casefold()}/{kept.evse_id:04d}/{kept.source}/{kind}"


def put_limit(kept: KeptLimit, now_ms: int, *, active: bool = True) -> Put:
    """Return the document of a limit from outside."""
    return put(LIMIT, limit_key(kept), kept, now_ms, station_id=kept.station_id, active=active)


async def keep_priority(step: Step, memory: Memory, transaction_id: str, *, on: bool) -> None:
    """Keep whether a transaction has priority; those of transactions that are over go."""
    for known in await _urgent(step.world, memory):
        if known not in memory.live or known == transaction_id:
            step.puts.append(removal(PRIORITY, _priority_key(step.station_id, known), step.now_ms))
    if on and transaction_id in memory.live:
        body = Priority(step.station_id, transaction_id)
        key = _priority_key(step.station_id, transaction_id)
        step.puts.append(put(PRIORITY, key, body, step.now_ms, station_id=step.station_id))


async def _urgent(world: World, memory: Memory) -> set[str]:
    documents = await world.journal.documents(
        world.tenant, PRIORITY, station_id=StationId(memory.station.id), limit=MAX_LIMITS
    )
    return {read(document, Priority).transaction_id for document in documents}


def _priority_key(station_id: str, transaction_id: str) -> str:
    return f"{station_id.casefold()}/{transaction_id}"


async def profiles_of(world: World, memory: Memory) -> tuple[KeptProfile, ...]:
    """Return the profiles in force at a station, without those of transactions that are over."""
    found = [_bound(memory, kept) for kept in await _kept(world, memory)]
    return tuple(kept for kept in found if not _over(memory, kept, world.now_ms()))


async def sweep(step: Step, memory: Memory) -> None:
    """Keep profiles of transactions that are over as no longer active, so that they never crowd out others."""
    for kept in await _kept(step.world, memory):
        if _over(memory, _bound(memory, kept), step.now_ms):
            step.puts.append(put_profile(kept, step.now_ms, active=False))


async def _kept(world: World, memory: Memory) -> tuple[KeptProfile, ...]:
    station_id = StationId(memory.station.id)
    documents = await world.journal.documents(world.tenant, PROFILE, station_id=station_id, active=True, limit=MAX_KEPT)
    return tuple(read(document, KeptProfile) for document in documents)


def _bound(memory: Memory, kept: KeptProfile) -> KeptProfile:
    """Return a remote start's profile with its transaction: the first at the EVSE since then."""
    if kept.profile.purpose is not Purpose.TX or kept.profile.transaction_id is not None:
        return kept
    known = (*memory.ended.items(), *memory.live.items())
    since = [
        (live.transaction.recorded_ms, number)
        for number, live in known
        if live.transaction.evse_id == kept.evse_id and live.transaction.recorded_ms >= kept.since_ms
    ]
    if not since:
        return kept
    return replace(kept, profile=replace(kept.profile, transaction_id=min(since)[1]))


def _over(memory: Memory, kept: KeptProfile, now_ms: int) -> bool:
    """Whether a profile went with its transaction (K01; 1.6 section 3.13.1), or waited too long for one."""
    profile = kept.profile
    if profile.purpose is not Purpose.TX:
        return False
    if profile.transaction_id is None:
        return now_ms - kept.since_ms > START_WAITS_MS
    return profile.transaction_id not in memory.live


async def limits_of(world: World, memory: Memory) -> tuple[KeptLimit, ...]:
    """Return the limits from outside that are in force at a station."""
    documents = await world.journal.documents(
        world.tenant, LIMIT, station_id=StationId(memory.station.id), active=True, limit=MAX_LIMITS
    )
    return tuple(read(document, KeptLimit) for document in documents)


async def in_force(world: World, memory: Memory) -> tuple[Installed, ...]:
    """Return all that limits charging at a station: profiles, and limits from outside they do not name yet."""
    kept = await profiles_of(world, memory)
    outside = [one for limit in await limits_of(world, memory) for one in limit.installed()]
    return (*(profile.installed() for profile in kept), *outside)


async def circumstances(world: World, memory: Memory) -> Circumstances:
    """Return what a station's profiles apply to now."""
    urgent = await _urgent(world, memory)
    enrolled = {evse.id for evse in memory.station.evses}
    evse_ids = tuple(sorted(enrolled | {evse_id for evse_id in memory.statuses if evse_id}))
    running = {}
    for evse_id in evse_ids:
        found = running_at(memory, evse_id)
        if found is not None:
            told = found[1].transaction
            began = told.recorded_ms if told.started_ms is None else told.started_ms
            running[evse_id] = Charging(found[0], datetime.fromtimestamp(began / 1000, UTC), found[0] in urgent)
    policy = world.settings.charging
    return Circumstances(running, evse_ids, policy.electrics, policy.zone)


def running_at(memory: Memory, evse_id: int) -> tuple[str, Live] | None:
    """Return the transaction of an EVSE, the latest where a station left several open.

    One that was authorised before it had an EVSE (2.x) may be at any that has none.
    """
    for place in (evse_id, 0):
        found = [(key, live) for key, live in memory.live.items() if live.transaction.evse_id == place]
        if found:
            return found[-1]
    return None


def raise_alarm(step: Step, code: str, *, field: str = "", detail: str = "") -> None:
    """Have somebody look at something that no record of a station is about."""
    alarm(step, code, field, detail)
