"""A code that an app shows: verified, spent once in the commit of the decision on it, and then the station is asked.

Where the CPO itself has issued it, the charge goes to the token its alias stands for. Where an eMSP has, the station is
given a token drawn for this one charge, and the eMSP decides on the code, which it is sent as it was shown.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.commands import Outcome, find_station
from wattseal.flow.documents import put, put_token
from wattseal.flow.drivers.app_code_issue import token_of_alias
from wattseal.flow.drivers.shown import Shown
from wattseal.flow.memory import Memory
from wattseal.flow.ports import Put
from wattseal.flow.ramp import Passing
from wattseal.flow.verbs import Ask, Start, TokenRefusedError, remote_start
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.model.token import AllowedAt, IdToken, TokenRecord, TokenStatus
from wattseal.rules.app_codes import KIND, Fault, Verifier, fault_of
from wattseal.rules.identity_level import TRUSTED
from wattseal.seal.app_code import AppCode, ShownCode, read_text

USED_CODE = "used_code"
"""Document kind: that a code was used, by its end and reference, so that the oldest go first."""
BY = "app code"
TOKEN_TYPE = "Central"  # noqa: S105 - a type of token, no secret
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
TOKEN_LENGTH = 20
"""What fits a 1.6 idTag: 100 random bits."""


@dataclass(frozen=True, slots=True)
class UsedCode:
    """Document: the charge that a code has begun (its subject in hex), and the token that was drawn for it, if any."""

    subject: str
    at_ms: int
    token: str | None = None


@dataclass(frozen=True, slots=True)
class NotStarted:
    """Why a code began nothing. `status` is the token's where that may not charge."""

    reason: str
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """The station was asked to begin; `subject` is the id that the charge will have."""

    outcome: Outcome
    remote_start_id: int
    subject: str


async def redeem(world: World, text: str, station_id: str, evse_id: int) -> Begun | NotStarted:
    """Have a code begin a charge at the EVSE where its owner is; `AppCodeError` where the text is none.

    `NotStarted` is a `rules.app_codes.Fault`, or one of `no_such_place`, `station_offline`, `evse_in_use`,
    `token_refused`. Only a decision that lets it charge uses a code up.
    """
    shown = read_text(text)
    fault = fault_of(shown, Verifier(world.party, world.registry, world.now_ms()), station_id, evse_id)
    if fault is None and not _is_issuer_here(world, shown.code.issuer):
        fault = Fault.ISSUER_NOT_ENTITLED
    if fault is not None:
        return _refused(world, fault.value)
    key = _used_key(shown.code)
    if key in world.deciding or await world.journal.document(world.tenant, USED_CODE, key) is not None:
        return _refused(world, Fault.USED.value)
    world.deciding.add(key)
    try:
        return await _begin(world, shown, key)
    finally:
        world.deciding.discard(key)


def _is_issuer_here(world: World, issuer: str) -> bool:
    return issuer == world.party or world.partners.known(issuer)


def _refused(world: World, reason: str, status: str | None = None) -> NotStarted:
    world.count("app_codes_refused")
    return NotStarted(reason, status)


def _used_key(code: AppCode) -> str:
    return f"{code.expires_s:013d}-{code.reference.hex()}"


async def _begin(world: World, shown: ShownCode, key: str) -> Begun | NotStarted:
    code = shown.code
    try:
        memory = await find_station(world, StationId(code.station_id))
    except InputError:
        return _refused(world, "no_such_place")
    if code.evse_id not in {evse.id for evse in memory.station.evses} | memory.statuses.keys() - {0}:
        return _refused(world, "no_such_place")
    if world.lines.version(StationId(memory.station.id)) is None:
        return _refused(world, "station_offline")
    if any(live.transaction.place in {0, code.evse_id} for live in memory.live.values()):
        return _refused(world, "evse_in_use")
    token = await _token(world, memory, code)
    if token is None:
        return _refused(world, "token_refused", TokenStatus.UNKNOWN.value)
    subjects: list[bytes] = []

    def spent(subject: bytes) -> tuple[Put, ...]:
        subjects.append(subject)
        return _spent(world, token, key, subject)

    proof = Shown(token, KIND, shown.data, TRUSTED, code.reference, spent)
    start = Start(token.id_token.value, token.id_token.type, code.evse_id, shown=proof)
    who = Principal(world.tenant, BY, frozenset(), frozenset({"*"}))
    try:
        ask = Ask(world, who, StationId(memory.station.id), passing=Passing.AT_ONCE)
        outcome, remote_start_id = await remote_start(ask, start)
    except TokenRefusedError as error:
        return _refused(world, "token_refused", error.status)
    if not subjects:
        return _refused(world, "station_offline")
    world.count("app_codes_used")
    return Begun(outcome, remote_start_id, subjects[0].hex())


async def _token(world: World, memory: Memory, code: AppCode) -> TokenRecord | None:
    """Return the token to charge to: the CPO's own by the alias, else one drawn for this charge of the eMSP's."""
    if code.issuer == world.party:
        token = await token_of_alias(world, code.alias)
        return None if token is None or token.party is not None else token
    drawn = "".join(ALPHABET[byte % len(ALPHABET)] for byte in world.random.bytes(TOKEN_LENGTH))
    expires_at = datetime.fromtimestamp(world.now_ms() / 1000, UTC) + timedelta(seconds=world.settings.grant_s)
    places = (AllowedAt(memory.station.id, (code.evse_id,)),)
    return TokenRecord(
        IdToken(drawn, TOKEN_TYPE), TokenStatus.ACCEPTED, code.issuer, expires_at=expires_at, evses=places
    )


def _spent(world: World, token: TokenRecord, key: str, subject: bytes) -> tuple[Put, ...]:
    """Return what is durable together with the decision: that the code is used, and the token that was drawn."""
    now_ms = world.now_ms()
    if token.party is None:
        return (put(USED_CODE, key, UsedCode(subject.hex(), now_ms), now_ms),)
    drawn = token.id_token.key()
    world.tokens.pop(drawn, None)
    return put(USED_CODE, key, UsedCode(subject.hex(), now_ms, drawn), now_ms), put_token(token, now_ms)
