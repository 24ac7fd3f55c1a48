"""The gate all commands pass that may change power: what must wait for the fleet's ramp waits, durably (rules.ramp)."""

from dataclasses import dataclass, replace
from enum import StrEnum

from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import StationId
from wattseal.flow.claims import claimed
from wattseal.flow.documents import every_document, put, read
from wattseal.flow.limits.swings import change_of
from wattseal.flow.orders import Asking
from wattseal.flow.ports import Batch, Put
from wattseal.flow.world import World
from wattseal.model.charging_orders import SetProfile
from wattseal.model.message import Command
from wattseal.model.principal import Principal
from wattseal.model.station import Station
from wattseal.rules.ramp import Swing
from wattseal.rules.ramp_later import shifted
from wattseal.rules.secrets import without_secrets

WAITING = "waiting_command"
"""Document kind, by id; active while it waits."""
MAX_WAITING = 10_000
"""Commands that wait at a time; of more the next one is refused."""
PATIENCE_MS = 5000
"""A command whose turn is this near is waited for while it is asked for."""
LATE_MS = 1000
"""One that is later than this stands in line anew: after a restart or a stall many would go at once."""
_BYTES = 4


class Passing(StrEnum):
    """How a command passes the gate: in line with others; or at once, and counted."""

    IN_LINE = "in_line"
    AT_ONCE = "at_once"


@dataclass(frozen=True, slots=True)
class Placed:
    """A command passes the gate that has had its place: when that is (Unix ms), and what it was taken for."""

    at_ms: int
    swing: Swing


class WaitingState(StrEnum):
    """What becomes of a command that waits. SENDING ends in SENT, or stays where process or journal were stopped."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    CANCELLED = "cancelled"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Document: a command that waits for the ramp. Times are Unix milliseconds.

    `payload` is kept until it is sent; from then on the command's record and document have it.
    `at_ms` is when it is sent, `up_w` and `down_w` what it may change; `outcome` is what came of it, a status word of
    the station or why there is none; `record` the payload hash of the command's record in hex.
    """

    id: str
    station_id: str
    action: str
    version: str
    payload: bytes
    asked_by: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    asked_ms: int
    at_ms: int
    up_w: int
    down_w: int
    site: str | None
    deadline_s: float
    state: WaitingState = WaitingState.WAITING
    outcome: str | None = None
    record: str | None = None
    cancelled_by: str | None = None

    def principal(self, world: World) -> Principal:
        """Return in whose name it is sent."""
        return Principal(world.tenant, self.asked_by, frozenset(self.roles), frozenset(self.scopes))

    @property
    def swing(self) -> Swing:
        """Return what it may change."""
        return Swing(self.up_w, self.down_w)


@dataclass(frozen=True, slots=True)
class Turn:
    """When a command may be sent, and as which command: its schedule may begin later than asked for.

    `swing` is what it has its place in line for: nothing where it needs none.
    """

    at_ms: int
    command: Command
    swing: Swing


async def turn_of(asking: Asking, command: Command, passing: Passing | Placed) -> Turn:
    """Give a command its place; `InputError` where it would wait too long, or its schedule fits in nowhere."""
    world, station = asking.world, asking.memory.station
    now_ms = world.now_ms()
    if isinstance(passing, Placed):
        return Turn(passing.at_ms, command, passing.swing)
    queue = await queue_of(world)
    change = await change_of(asking, command)
    if not change.swing and not change.later:
        return Turn(now_ms, command, Swing())
    ramp = world.ramp
    ramp.forget(now_ms)
    if passing is Passing.AT_ONCE:
        ramp.count(now_ms, change.swing, station.site)
        world.count("ramp_not_waited")
        return Turn(now_ms, command, Swing())
    behind_ms = max((one.at_ms + 1 for one in queue.values() if one.station_id == station.id), default=0)
    at_ms = ramp.enter(now_ms, change.swing, station.site, lambda n: _draw(world, n), behind_ms)
    if at_ms is None:
        text = "too many changes of power wait; try again later, or raise the caps of [ramp]"
        raise InputError(text, code="ramp_full", subject="ramp")
    later_ms = ramp.enter_steps(change.later, station.site)
    if later_ms is None or (later_ms and not isinstance(command, SetProfile)):
        text = "steps of this schedule would come together with those of other stations; take other times"
        raise InputError(text, code="ramp_synchronised", subject="chargingSchedule")
    if later_ms and isinstance(command, SetProfile):
        world.count("ramp_schedule_later")
        command = replace(command, profile=shifted(command.profile, world.clock.now(), later_ms // 1000))
    return Turn(at_ms, command, change.swing)


async def is_still_its_turn(asking: Asking, turn: Turn, until_ms: int) -> bool:
    """Return whether a command may leave, now that its record is durable; one that is late takes another place first.

    Where the journal stood still, others had their turns meanwhile, and all of them would leave together. False where
    no place is near: within `PATIENCE_MS`, and before `until_ms`.
    """
    world, site, at_ms = asking.world, asking.memory.station.site, turn.at_ms
    while turn.swing and (now_ms := world.now_ms()) - at_ms > LATE_MS:
        world.count("ramp_late")
        longest_ms = min(PATIENCE_MS, until_ms - now_ms)
        if world.ramp.now(now_ms, turn.swing, site) - now_ms > (0 if world.pause is None else longest_ms):
            return False
        placed_ms = world.ramp.enter(now_ms, turn.swing, site, lambda n: _draw(world, n))
        at_ms = now_ms if placed_ms is None else placed_ms
        if at_ms > now_ms and world.pause is not None:
            await world.pause((at_ms - now_ms) / 1000)
    return True


async def keep(asking: Asking, turn: Turn, action: str, payload: bytes, deadline_s: float) -> Waiting:
    """Have a command wait; nothing that holds a secret may."""
    world, station = asking.world, asking.memory.station
    queue = await queue_of(world)
    if len(queue) >= MAX_WAITING or without_secrets(action, payload) != payload:
        text = "this command cannot wait for its turn; send it again in a while"
        raise InputError(text, code="ramp_full", subject="ramp")
    now_ms = world.now_ms()
    waiting = Waiting(
        id=f"{now_ms:015d}-{world.random.bytes(_BYTES).hex()}",
        station_id=station.id,
        action=action,
        version=str(asking.version),
        payload=payload,
        asked_by=asking.principal.name,
        roles=tuple(sorted(asking.principal.roles)),
        scopes=tuple(sorted(asking.principal.scopes)),
        asked_ms=now_ms,
        at_ms=turn.at_ms,
        up_w=turn.swing.up_w,
        down_w=turn.swing.down_w,
        site=station.site,
        deadline_s=deadline_s,
    )
    world.ramp.held[waiting.id] = waiting.at_ms
    queue[waiting.id] = waiting
    await _commit(world, waiting)
    world.count("ramp_waits")
    return waiting


async def queue_of(world: World) -> dict[str, Waiting]:
    """Return what waits, by id; read at the first time, when each takes the place it had."""
    if world.waiting is None:
        found = [read(d, Waiting) async for d in every_document(world.journal, world.tenant, WAITING)]
        known = {one.id: one for one in found if one.state is WaitingState.WAITING}
        if world.waiting is None:
            world.waiting = known
            sent_from_ms, held = world.now_ms() - LATE_MS, world.ramp.held
            for one in known.values():
                if one.at_ms >= sent_from_ms and held.get(one.id) != one.at_ms:
                    world.ramp.take(one.at_ms, one.swing, one.site)
            world.ramp.held = {one.id: one.at_ms for one in known.values()}
    return world.waiting


async def change(world: World, waiting: Waiting) -> None:
    """Keep what has become of one that waits; where that fails, what waits is read anew when it is next looked for."""
    queue = await queue_of(world)
    if waiting.state is WaitingState.WAITING:
        queue[waiting.id] = waiting
        world.ramp.held[waiting.id] = waiting.at_ms
    else:
        queue.pop(waiting.id, None)
        world.ramp.held.pop(waiting.id, None)
        waiting = replace(waiting, payload=b"")
    await _commit(world, waiting)


async def _commit(world: World, waiting: Waiting) -> None:
    try:
        await world.journal.commit(Batch(world.tenant, puts=(put_waiting(waiting, world.now_ms()),)))
    except StoreError:
        world.waiting = None
        raise


async def find(world: World, waiting_id: str) -> Waiting | None:
    """Return one, whatever became of it."""
    document = await world.journal.document(world.tenant, WAITING, waiting_id)
    return None if document is None else read(document, Waiting)


async def latest(world: World, limit: int = 100) -> list[Waiting]:
    """Return those asked for last, the newest first."""
    page = await world.journal.documents(world.tenant, WAITING, limit=limit, newest=True)
    return [read(document, Waiting) for document in page]


async def cancel(world: World, principal: Principal, waiting_id: str) -> Waiting:
    """Take back a command that waits; `InputError` where there is none, or it is on its way."""
    waiting = (await queue_of(world)).get(waiting_id)
    if waiting is None or waiting.state is not WaitingState.WAITING:
        known = await find(world, waiting_id)
        text = "there is no such command" if known is None else f"this command is {known.state}"
        code = "no_waiting_command" if known is None else "not_waiting"
        raise InputError(text, code=code, subject="id")
    with claimed(world, (claim_of(waiting),)) as mine:
        if not mine:
            raise InputError("this command is on its way", code="not_waiting", subject="id")
        cancelled = replace(waiting, state=WaitingState.CANCELLED, cancelled_by=principal.name)
        await change(world, cancelled)
    return cancelled


def claim_of(waiting: Waiting) -> str:
    """Return what is claimed by whoever sends one or takes it back: what is read anew may not know of it yet."""
    return f"waiting {waiting.id}"


def again(world: World, waiting: Waiting, station: Station | None) -> Waiting | None:
    """Give one that missed its time a new place; None where there is none."""
    site = waiting.site if station is None else station.site
    at_ms = world.ramp.enter(world.now_ms(), waiting.swing, site, lambda n: _draw(world, n))
    return None if at_ms is None else replace(waiting, at_ms=at_ms)


def put_waiting(waiting: Waiting, now_ms: int) -> Put:
    """Return its document."""
    active = waiting.state is WaitingState.WAITING
    return put(WAITING, waiting.id, waiting, now_ms, station_id=StationId(waiting.station_id), active=active)


def _draw(world: World, n: int) -> int:
    return int.from_bytes(world.random.bytes(_BYTES)) % n
