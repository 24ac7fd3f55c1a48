"""Rollouts: a template's values or a firmware put on many stations, phase by phase (rules.rollout)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.documents import STATION, every_document, put, read
from wattseal.flow.ports import Batch, Put
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.rules.rollout import MemberState, Plan, State, check_plan

ROLLOUT, MEMBER = "rollout", "rollout_member"
"""Document kinds: a rollout by its id (active while it runs), its stations by `id/station` (those that had a turn)."""
COMMAND_SCOPES = frozenset({"commands:maintenance"})


@dataclass(frozen=True, slots=True)
class Rollout:
    """Document. `kind` says what is done (template, firmware), `subject` with what, `parameters` how."""

    id: str
    kind: str
    subject: str
    station_ids: tuple[str, ...]
    plan: Plan
    by: str
    created_ms: int
    parameters: Mapping[str, object]
    state: State = State.RUNNING
    phase: int = 0
    why: str = ""

    def principal(self, world: World) -> Principal:
        """Return in whose name its commands are sent."""
        return Principal(world.tenant, f"{self.by} (rollout {self.id})", frozenset(), COMMAND_SCOPES)


@dataclass(frozen=True, slots=True)
class Member:
    """Document: a station's turn. `job` is the station's own job (firmware) where there is one."""

    rollout: str
    station_id: str
    state: MemberState
    since_ms: int
    why: str = ""
    job: str | None = None


async def begin(
    world: World,
    kind: str,
    subject: str,
    station_ids: tuple[str, ...],
    plan: Plan,
    *,
    by: str,
    parameters: Mapping[str, object] | None = None,
) -> Rollout:
    """Plan a rollout and keep it; its first phase begins with the next look. `InputError` names what cannot be."""
    made = await planned(world, kind, subject, station_ids, plan, by=by, parameters=parameters)
    await keep(world, made)
    return made


async def planned(
    world: World,
    kind: str,
    subject: str,
    station_ids: tuple[str, ...],
    plan: Plan,
    *,
    by: str,
    parameters: Mapping[str, object] | None = None,
) -> Rollout:
    """Return a rollout that can be; whoever commits it (`put_rollout`) lets it begin."""
    check_plan(plan, station_ids)
    for station_id in station_ids:
        if await world.journal.document(world.tenant, STATION, station_id.casefold()) is None:
            raise InputError("one of the stations is not enrolled", code="not_enrolled", subject="station_ids")
    now_ms = world.now_ms()
    name = f"{now_ms:015d}-{world.random.bytes(4).hex()}"
    return Rollout(name, kind, subject, station_ids, plan, by, now_ms, dict(parameters or {}))


async def steer(world: World, rollout_id: str, state: State) -> Rollout:
    """Pause, resume or cancel a rollout; what is under way at a station goes on. `InputError` where it is over."""
    rollout = await find(world, rollout_id)
    if rollout is None:
        raise InputError("there is no such rollout", code="no_rollout", subject="id")
    if rollout.state not in {State.RUNNING, State.PAUSED}:
        raise InputError(f"this rollout is {rollout.state}", code="rollout_over", subject="id")
    changed = replace(rollout, state=state)
    await keep(world, changed)
    return changed


async def find(world: World, rollout_id: str) -> Rollout | None:
    """Return a rollout."""
    document = await world.journal.document(world.tenant, ROLLOUT, rollout_id)
    return None if document is None else read(document, Rollout)


async def running(world: World) -> tuple[Rollout, ...]:
    """Return the rollouts that run."""
    page = await world.journal.documents(world.tenant, ROLLOUT, active=True, limit=1000)
    return tuple(read(document, Rollout) for document in page)


async def members(world: World, rollout_id: str) -> dict[str, Member]:
    """Return the stations of a rollout that had or have their turn."""
    found: dict[str, Member] = {}
    after = f"{rollout_id}/"
    while page := await world.journal.documents(world.tenant, MEMBER, after=after, limit=1000):
        for document in page:
            if not document.key.startswith(f"{rollout_id}/"):
                return found
            member = read(document, Member)
            found[member.station_id] = member
        after = page[-1].key
    return found


async def latest(world: World, kind: str | None) -> list[Rollout]:
    """Return rollouts of a kind, or all, the latest last."""
    found = [read(d, Rollout) async for d in every_document(world.journal, world.tenant, ROLLOUT)]
    return [rollout for rollout in found if kind in {None, rollout.kind}]


async def keep(world: World, rollout: Rollout) -> None:
    """Keep a rollout's new state."""
    await world.journal.commit(Batch(world.tenant, puts=(put_rollout(rollout, world.now_ms()),)))


def put_rollout(rollout: Rollout, now_ms: int) -> Put:
    """Return a rollout's document."""
    return put(ROLLOUT, rollout.id, rollout, now_ms, active=rollout.state is State.RUNNING)


async def keep_member(world: World, member: Member) -> None:
    """Keep a station's turn."""
    key = f"{member.rollout}/{member.station_id.casefold()}"
    kept = put(MEMBER, key, member, world.now_ms(), station_id=StationId(member.station_id))
    await world.journal.commit(Batch(world.tenant, puts=(kept,)))
