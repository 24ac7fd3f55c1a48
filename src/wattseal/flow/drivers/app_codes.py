"""A code that an app shows: verified, spent once in the commit of the decision on it, and then the station is asked.

Where the CPO itself has issued it, the charge goes to the token its alias stands for. Where an eMSP has, the station is
given a token drawn for this one charge, and the eMSP decides on the code, which it is sent as it was shown.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.alarms import alarm
from wattseal.flow.commands import Outcome, find_station
from wattseal.flow.documents import TOKEN, TRANSACTION, put, put_token, read, removal
from wattseal.flow.drivers.app_code_issue import token_of_alias
from wattseal.flow.drivers.code_starts import CODE_START, put_start
from wattseal.flow.drivers.shown import Shown
from wattseal.flow.memory import Memory
from wattseal.flow.ports import Batch, Put
from wattseal.flow.ramp import Passing
from wattseal.flow.step import Step
from wattseal.flow.verbs import Ask, Start, TokenRefusedError, remote_start
from wattseal.flow.world import World
from wattseal.model.identity_level import TRUSTED
from wattseal.model.principal import Principal
from wattseal.model.token import APPS, AllowedAt, IdToken, TokenRecord, TokenStatus
from wattseal.rules.app_codes import KEPT_S, KIND, Fault, Verifier, fault_of
from wattseal.seal.app_code import AppCode, ShownCode, read_text

USED_CODE = "used_code"
"""Document kind: that a code was used, by its end and reference, so that the oldest go first."""
REPLAYED = "app_code_replayed"
"""Alarm: a code that was used is shown again, not at once."""
RETRIED_MS = 60_000
PAGE = 500
BY = "app code"
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
TOKEN_LENGTH = 20
"""What fits a 1.6 idTag: 100 random bits."""


@dataclass(frozen=True, slots=True)
class UsedCode:
    """Document: the charge that a code has begun (its subject in hex), and the token that was drawn for it, if any.

    `again` is how often it was shown after that.
    """

    subject: str
    at_ms: int
    token: str | None = None
    again: int = 0


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
    if key in world.deciding:
        return _refused(world, Fault.USED.value)
    world.deciding.add(key)
    try:
        document = await world.journal.document(world.tenant, USED_CODE, key)
        if document is None:
            return await _begin(world, shown, key)
        await _note_again(world, shown.code, key, read(document, UsedCode))
        return _refused(world, Fault.USED.value)
    finally:
        world.deciding.discard(key)


def _is_issuer_here(world: World, issuer: str) -> bool:
    return issuer == world.party or world.partners.known(issuer)


def _refused(world: World, reason: str, status: str | None = None) -> NotStarted:
    world.count("app_codes_refused")
    return NotStarted(reason, status)


def _used_key(code: AppCode) -> str:
    return f"{code.expires_s:013d}-{code.reference.hex()}"


async def _note_again(world: World, code: AppCode, key: str, used: UsedCode) -> None:
    """Keep that a used code was shown again; an alarm unless it is right after, as apps do that heard no answer."""
    now_ms = world.now_ms()
    step = Step(world, code.station_id, now_ms)
    step.puts.append(put(USED_CODE, key, replace(used, again=used.again + 1), now_ms))
    if now_ms - used.at_ms > RETRIED_MS:
        what = f"a code that began session {used.subject} was shown again"
        alarm(step, REPLAYED, code.reference.hex()[:16], what)
    await step.commit()


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
        return await token_of_alias(world, code.alias)
    drawn = "".join(ALPHABET[byte % len(ALPHABET)] for byte in world.random.bytes(TOKEN_LENGTH))
    expires_at = datetime.fromtimestamp(world.now_ms() / 1000, UTC) + timedelta(seconds=world.settings.grant_s)
    places = (AllowedAt(memory.station.id, (code.evse_id,)),)
    return TokenRecord(IdToken(drawn, APPS), TokenStatus.ACCEPTED, code.issuer, expires_at=expires_at, evses=places)


def _spent(world: World, token: TokenRecord, key: str, subject: bytes) -> tuple[Put, ...]:
    """Return what is durable together with the decision: that the code is used, and the token that was drawn."""
    now_ms, name = world.now_ms(), token.id_token.key()
    start = put_start(name, subject, now_ms)
    if token.party is None:
        return put(USED_CODE, key, UsedCode(subject.hex(), now_ms), now_ms), start
    world.tokens.pop(name, None)
    return put(USED_CODE, key, UsedCode(subject.hex(), now_ms, name), now_ms), put_token(token, now_ms), start


async def forget_old(world: World) -> int:
    """Forget codes that nobody could use any more, and the tokens drawn for them; return how many codes."""
    now_ms, gone, after = world.now_ms(), 0, ""
    limit = f"{now_ms // 1000 - KEPT_S:013d}"
    while page := await world.journal.documents(world.tenant, USED_CODE, after=after, limit=PAGE):
        after = page[-1].key
        puts: list[Put] = []
        for document in page:
            if document.key < limit and (used := read(document, UsedCode)) is not None:
                puts += await _forgotten(world, document.key, used, now_ms)
        if puts:
            await world.journal.commit(Batch(world.tenant, puts=tuple(puts)))
            gone += sum(one.kind == USED_CODE for one in puts)
        if after >= limit:
            break
    return gone


async def _forgotten(world: World, key: str, used: UsedCode, now_ms: int) -> list[Put]:
    """Return what removes a code; nothing while its charge runs."""
    charge = await world.journal.document(world.tenant, TRANSACTION, used.subject)
    if charge is not None and charge.active:
        return []
    puts = [removal(USED_CODE, key, now_ms)]
    if used.token is not None:
        world.tokens.pop(used.token, None)
        puts += [removal(TOKEN, used.token, now_ms), removal(CODE_START, used.token, now_ms)]
    return puts
