"""Card numbers that are tried out: counted durably, stopped at the limit, told once.

Where a station is stopped, only those may begin who have charged there before, who charge there now, or whom the
operator starts: all others are Invalid, out of memory, and nobody is asked. Where a prefix is, unknown cards of it are
so everywhere, and good ones only where such cards were tried as well. Nothing that has begun is ended by this.
"""

from wattseal.base.ids import StationId
from wattseal.flow.alarms import alarm
from wattseal.flow.charges.charged_token import charged_token
from wattseal.flow.documents import TRANSACTION, TRANSACTION_TIME, put, read
from wattseal.flow.drivers.known_tokens import find_token
from wattseal.flow.memory import Memory
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.token import NO_AUTHORIZATION, IdToken, TokenStatus
from wattseal.model.transaction import Transaction
from wattseal.rules.uid_guessing import CODE, LIMIT, WINDOW_MS, Tries, mark_of, prefix_of

UID_TRIES = "uid_tries"
"""Document kind: the tries of a station or prefix that are not forgotten."""
COUNTED = frozenset({TokenStatus.UNKNOWN, TokenStatus.INVALID, TokenStatus.BLOCKED, TokenStatus.EXPIRED})
MAX_PLACES = 10_000
"""Places whose tries are kept in memory; others are read from the journal."""
REGULARS = 200
"""Sessions that are looked through for who has charged at a station before, the latest."""


async def is_stopped(world: World, memory: Memory, id_token: IdToken, now_ms: int) -> bool:
    """Return whether a token is refused for what was tried at this station or under this prefix."""
    if id_token.type == NO_AUTHORIZATION:
        return False
    key = id_token.key()
    here, prefix = _places(memory.station.id, key)
    at_station = await _tries(world, here)
    if not at_station.stopped(now_ms) and not (await _tries(world, prefix)).stopped(now_ms):
        memory.regulars = None
        return False
    if any(live.token == key for live in memory.live.values()):
        return False
    if not at_station.within(now_ms).tries:
        return await find_token(world, id_token) is None
    return key not in await _regulars(world, memory)


async def note_try(step: Step, id_token: IdToken) -> None:
    """Count a token that is good for nothing, at its station and under its prefix; the step is to be committed."""
    key = id_token.key()
    for place in _places(step.station_id, key):
        before = await _tries(step.world, place)
        after = before.with_try(mark_of(key), step.now_ms)
        if before.stopped(step.now_ms) or after == before:
            continue
        if after.to_be_told(step.now_ms):
            hours = WINDOW_MS // 3_600_000
            alarm(step, CODE, place, f"{LIMIT} cards that are good for nothing within {hours} h: no more are tried")
            after = Tries(after.tries, step.now_ms)
        step.puts.append(put(UID_TRIES, place, after, step.now_ms))
        _keep(step.world, place, after)


def _places(station_id: str, key: str) -> tuple[str, str]:
    return f"station/{station_id.casefold()}", f"prefix/{prefix_of(key)}"


async def _tries(world: World, place: str) -> Tries:
    known = world.uid_tries.get(place)
    if known is None:
        document = await world.journal.document(world.tenant, UID_TRIES, place)
        known = Tries() if document is None else read(document, Tries)
        _keep(world, place, known)
    return known


def _keep(world: World, place: str, tries: Tries) -> None:
    world.uid_tries[place] = tries
    world.uid_tries.move_to_end(place)
    if len(world.uid_tries) > MAX_PLACES:
        world.uid_tries.popitem(last=False)


async def _regulars(world: World, memory: Memory) -> frozenset[str]:
    """Return the canonical forms of the tokens that were let charge at a station; read once while it is stopped."""
    if memory.regulars is None:
        journal, tenant, station_id = world.journal, world.tenant, StationId(memory.station.id)
        latest = await journal.documents(tenant, TRANSACTION_TIME, station_id=station_id, limit=REGULARS, newest=True)
        known: set[str] = set()
        for pointer in latest:
            document = await journal.document(tenant, TRANSACTION, pointer.key.rpartition("-")[2])
            transaction = None if document is None else read(document, Transaction)
            if transaction is not None and transaction.authorization is TokenStatus.ACCEPTED:
                token = await charged_token(world, transaction)
                known |= set() if token is None else {token.key()}
        memory.regulars = frozenset(known)
    return memory.regulars
