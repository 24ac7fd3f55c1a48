"""Tokens as this CPO knows them, from memory or the journal."""

from wattseal.flow.documents import TOKEN, read
from wattseal.flow.world import MAX_TOKENS, World
from wattseal.model.token import NO_AUTHORIZATION, IdToken, TokenRecord, TokenStatus


async def find_token(world: World, id_token: IdToken) -> TokenRecord | None:
    """Return a token by its canonical form; a start button's is always good."""
    if id_token.type == NO_AUTHORIZATION:
        return TokenRecord(id_token, TokenStatus.ACCEPTED)
    return await token_of(world, id_token.key())


async def token_of(world: World, key: str) -> TokenRecord | None:
    """Return the token of a canonical form."""
    if key in world.tokens:
        return world.tokens[key]
    document = await world.journal.document(world.tenant, TOKEN, key)
    token = None if document is None else read(document, TokenRecord)
    world.tokens[key] = token
    if len(world.tokens) > MAX_TOKENS:
        world.tokens.popitem(last=False)
    return token
