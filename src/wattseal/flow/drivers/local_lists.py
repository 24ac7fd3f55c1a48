"""Local lists as documents: what a station was given, what it says it has, and what its list should be."""

from dataclasses import replace

from wattseal.base.ids import StationId
from wattseal.crypto.hashes import sha256
from wattseal.flow.documents import put, read
from wattseal.flow.drivers.authorization import at
from wattseal.flow.drivers.known_tokens import LOCAL_LIST, find_list
from wattseal.flow.fleet.enrol import find_tokens
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.ports import Batch, Put
from wattseal.flow.world import World
from wattseal.model.local_list import (
    ListEntry,
    ListPolicy,
    ListSent,
    ListStatus,
    ListVersionRequested,
    ListVersionResponded,
    LocalList,
)
from wattseal.model.remote import Responded
from wattseal.rules.authorize import is_master
from wattseal.rules.local_lists import applied, entry_for
from wattseal.wire.ocpp import tokens
from wattseal.wire.ocpp.blocks.local_lists.send_local_list import spelled
from wattseal.wire.ocpp.version import Version

MAX_ENTRIES = 10_000
"""Tokens on one list; the first ones in canonical order where there are more."""
PAGE = 100


def put_list(known: LocalList) -> Put:
    """Return a list's document."""
    return put(
        LOCAL_LIST,
        known.station_id.casefold(),
        known,
        known.changed_ms,
        station_id=known.station_id,
        active=known.policy is not ListPolicy.NONE or bool(known.held),
    )


async def keep_list(world: World, known: LocalList) -> LocalList:
    """Make a list's document durable, with the present time; while it is being synchronised, when that is over."""
    known = replace(known, changed_ms=world.now_ms())
    if _is_under_way(world, known):
        return known
    await world.journal.commit(Batch(world.tenant, puts=(put_list(known),)))
    return known


def _is_under_way(world: World, known: LocalList) -> bool:
    """Return whether the list is being synchronised; what is known of it is then kept in memory.

    Should the process end meanwhile, the station has another version than the document, and is sent the whole list.
    """
    station_id = StationId(known.station_id)
    if station_id not in world.syncing:
        return False
    world.syncing[station_id] = known
    return True


async def listed(world: World) -> dict[StationId, ListPolicy]:
    """Return the stations whose lists are to follow the tokens, from memory once they were read."""
    if world.listed is None:
        found: dict[StationId, ListPolicy] = {}
        after = ""
        while page := await world.journal.documents(world.tenant, LOCAL_LIST, active=True, after=after, limit=PAGE):
            lists = [read(document, LocalList) for document in page]
            found.update((StationId(known.station_id), known.policy) for known in lists)
            after = page[-1].key
        world.listed = found
    return world.listed


async def wanted(world: World, known: LocalList, version: Version) -> tuple[dict[str, ListEntry], int]:
    """Return what a station's list should hold, by canonical form, and how many tokens there is no room for.

    A token that the version cannot spell is left to be asked about; a master pass goes to 2.x stations only.
    """
    room = MAX_ENTRIES
    if known.limits is not None and known.limits.entries is not None:
        room = min(room, known.limits.entries)
    found: dict[str, ListEntry] = {}
    left_out, after, now = 0, "", at(world.now_ms())
    while page := await find_tokens(world, after, PAGE):
        for token in page:
            if version is Version.V16 and is_master(token, world.settings.master_group):
                continue
            entry = entry_for(token, known.station_id, known.policy, world.settings.list_parties, now)
            if entry is None or not tokens.can_spell(entry.id_token, version):
                continue
            if len(found) < room:
                found[entry.id_token.key()] = entry
            else:
                left_out += 1
        after = page[-1].id_token.key()
    return found, left_out


def digest(entry: ListEntry, version: Version) -> str:
    """Return a short digest of an entry's spelling."""
    return sha256(spelled(entry, version)).hex()[:16]


async def _sent(answered: Answered, command: ListSent, answer: Responded) -> None:
    """Keep what a station has taken; whatever it refuses leaves its list as it was."""
    if answer.status != "Accepted":
        return
    known = await find_list(answered.world, answered.station_id)
    version = answered.version
    held = {} if known.spoken != str(version) else known.held
    after = applied(held, command, lambda entry: digest(entry, version))
    kept = replace(
        known,
        version=command.version,
        told_version=command.version,
        spoken=str(version),
        held=dict(list(after.items())[:MAX_ENTRIES]),
        changed_ms=answered.step.now_ms,
    )
    if not _is_under_way(answered.world, kept):
        answered.step.puts.append(put_list(kept))


async def _told(answered: Answered, _command: ListVersionRequested, answer: ListVersionResponded) -> None:
    known = await find_list(answered.world, answered.station_id)
    status = ListStatus.UNSUPPORTED if answer.version < 0 else known.status
    kept = replace(known, told_version=answer.version, status=status, changed_ms=answered.step.now_ms)
    if not _is_under_way(answered.world, kept):
        answered.step.puts.append(put_list(kept))


EFFECTS: Effects = {ListSent: _sent, ListVersionRequested: _told}
