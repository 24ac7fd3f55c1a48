"""Codes for the CPO's own customers: the aliases that stand for tokens in them, and signing one."""

from dataclasses import dataclass

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.commands import find_station
from wattseal.flow.documents import put, read
from wattseal.flow.drivers.known_tokens import token_of
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.model.token import APPS, IdToken, TokenRecord, TokenStatus
from wattseal.rules.app_codes import LIFE_S, MAX_LIFE_S
from wattseal.seal.app_code import ALIAS_BYTES, ID_BYTES, AppCode, text_of

CODE_ALIAS, ALIAS_TOKEN = "code_alias", "alias_token"
"""Document kinds: the alias of a token, by its canonical form; the token of an alias."""


class NoCodeError(InputError):
    """There is no code for this token; the code says why."""


@dataclass(frozen=True, slots=True)
class Alias:
    """Document: what stands in codes for a token, in hex."""

    alias: str


@dataclass(frozen=True, slots=True)
class AliasToken:
    """Document: the canonical form of the token that an alias stands for."""

    token: str


async def issue(world: World, id_token: str, place: tuple[str, int], life_s: int = LIFE_S) -> tuple[AppCode, str]:
    """Sign a code by which one of the CPO's own tokens may begin a charge at an EVSE; returns it and its text.

    Codes of the `NoCodeError`: `unknown_token`, `token_of_a_party` (its eMSP issues codes for it), `not_an_apps_token`
    (a card's number is told to no station without the card), `token_refused`, `life_not_allowed`.
    """
    if not 1 <= life_s <= MAX_LIFE_S:
        text = f"a code is good for 1 to {MAX_LIFE_S} seconds"
        raise NoCodeError(text, code="life_not_allowed", subject="valid_s")
    token = await token_of(world, IdToken(id_token, "").key())
    if token is None:
        raise NoCodeError("there is no such token", code="unknown_token", subject="id_token")
    if token.party is not None:
        text = f"codes for this token are issued by {token.party}"
        raise NoCodeError(text, code="token_of_a_party", subject="id_token")
    if token.id_token.type != APPS:
        text = "codes are for tokens of apps, of type Central; enrol one with the same account"
        raise NoCodeError(text, code="not_an_apps_token", subject="id_token")
    if token.status is not TokenStatus.ACCEPTED:
        text = f"this token may not charge: {token.status}"
        raise NoCodeError(text, code="token_refused", subject="id_token")
    station_id, evse_id = place
    memory = await find_station(world, StationId(station_id))
    alias = await _alias_of(world, token)
    now_s = world.now_ms() // 1000
    number = world.random.bytes(ID_BYTES)
    code = AppCode(world.party, alias, memory.station.id, evse_id, now_s, now_s + life_s, number)
    return code, text_of(code.sign(world.billing_key, world.party))


async def _alias_of(world: World, token: TokenRecord) -> bytes:
    """Return a token's alias; drawn when it is first needed."""
    key = token.id_token.key()
    document = await world.journal.document(world.tenant, CODE_ALIAS, key)
    if document is not None:
        return bytes.fromhex(read(document, Alias).alias)
    alias, now_ms = world.random.bytes(ALIAS_BYTES), world.now_ms()
    puts = (
        put(CODE_ALIAS, key, Alias(alias.hex()), now_ms),
        put(ALIAS_TOKEN, alias.hex(), AliasToken(key), now_ms),
    )
    await world.journal.commit(Batch(world.tenant, puts=puts))
    return alias


async def token_of_alias(world: World, alias: bytes) -> TokenRecord | None:
    """Return the app's token an alias stands for."""
    document = await world.journal.document(world.tenant, ALIAS_TOKEN, alias.hex())
    token = None if document is None else await token_of(world, read(document, AliasToken).token)
    return None if token is None or token.party is not None or token.id_token.type != APPS else token
