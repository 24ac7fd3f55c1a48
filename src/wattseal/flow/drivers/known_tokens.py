"""Tokens as this CPO knows them, from memory or the journal, and as stations hold them on their local lists."""

from wattseal.base.ids import StationId
from wattseal.flow.documents import TOKEN, read
from wattseal.flow.world import MAX_TOKENS, World
from wattseal.model.local_list import LocalList
from wattseal.model.token import NO_AUTHORIZATION, IdToken, TokenRecord, TokenStatus

LOCAL_LIST = "local_list"
"""Document kind, by station; active where tokens are or are to be on it."""


async def find_token(world: World, id_token: IdToken) -> TokenRecord | None:
    """Return a token by its canonical form; a start button's is always good."""
    if id_token.type == NO_AUTHORIZATION:
        return TokenRecord(id_token, TokenStatus.ACCEPTED)
    return await token_of(world, id_token.key())


async def token_of(world: World, key: str) -> TokenRecord | None:
    """Return the token of a canonical form; it is kept in memory unless tokens changed while it was read."""
    if key in world.tokens:
        return world.tokens[key]
    era = world.era
    document = await world.journal.document(world.tenant, TOKEN, key)
    token = None if document is None else read(document, TokenRecord)
    if era == world.era:
        world.tokens[key] = token
        if len(world.tokens) > MAX_TOKENS:
            world.tokens.popitem(last=False)
    return token


def forget_token(world: World, key: str) -> None:
    """Drop a token from memory, now that its change is durable."""
    world.tokens.pop(key, None)
    world.era += 1


async def find_list(world: World, station_id: str) -> LocalList:
    """Return what is known of a station's list, with what it has taken of a synchronisation under way."""
    known = world.syncing.get(StationId(station_id))
    if known is not None:
        return known
    document = await world.journal.document(world.tenant, LOCAL_LIST, station_id.casefold())
    return LocalList(station_id=station_id) if document is None else read(document, LocalList)
