"""What an operator asks of a station whatever its version: each verb becomes the right call of the version spoken."""

from dataclasses import dataclass

from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId, StationId, TransactionId
from wattseal.flow.commands import DEADLINE_S, Outcome, Unanswered, find_station, send
from wattseal.flow.documents import TRANSACTION, read
from wattseal.flow.drivers.authorise import Asked, Refused, authorise, keep_grant
from wattseal.flow.drivers.known_tokens import find_token
from wattseal.flow.drivers.shown import Shown
from wattseal.flow.ports import Silence
from wattseal.flow.ramp import Passing
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.model.remote import ExtendedTriggerRequested, StartRequested, StopRequested, TriggerRequested
from wattseal.model.token import IdToken
from wattseal.model.transaction import Transaction
from wattseal.rules.charging_policy import StartLimit
from wattseal.rules.retries import transaction_key
from wattseal.wire.ocpp.profiles import lower_profile
from wattseal.wire.ocpp.version import Version

_EXTENDED_ONLY = frozenset({"LogStatusNotification", "SignChargingStationCertificate"})
"""Messages that a 1.6 station sends on ExtendedTriggerMessage only (security whitepaper, section 4.1)."""
DEFAULT_TYPE = "ISO14443"


class TokenRefusedError(InputError):
    """The token may not charge here; `status` says why, in OCPP 2.x words."""

    code = "token_refused"

    def __init__(self, status: str) -> None:
        """Tell the status."""
        super().__init__(f"this token may not charge here: {status}", subject="id_token")
        self.status = status


class UnknownTransactionError(InputError):
    """The station has no such transaction."""

    code = "unknown_transaction"


class TransactionEndedError(InputError):
    """The transaction is over already."""

    code = "transaction_ended"


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks which station, and how long the answer may take, waiting for earlier commands included."""

    world: World
    principal: Principal
    station_id: StationId
    deadline_s: float = DEADLINE_S
    passing: Passing = Passing.IN_LINE


@dataclass(frozen=True, slots=True)
class Start:
    """What a remote start names; `type` None is the type the token is enrolled with.

    With a `limit` the transaction is charged with at most that from its beginning. `shown` is what somebody showed for
    it beyond a number.
    """

    id_token: str
    type: str | None = None
    evse_id: int | None = None
    limit: StartLimit | None = None
    shown: Shown | None = None


async def remote_start(ask: Ask, start: Start) -> tuple[Outcome, int]:
    """Have a token authorised here, then ask the station to start; returns the remote start id beside the outcome.

    The authorisation is kept: the transaction that follows uses it. `TokenRefusedError` where the token may not charge
    at this station; nothing is sent then.
    """
    world = ask.world
    memory = await find_station(world, ask.station_id)
    remote_start_id = int.from_bytes(world.random.bytes(4)) & 0x7FFF_FFFF
    version = world.lines.version(StationId(memory.station.id))
    if version is None:
        return Unanswered("", Silence.OFFLINE, None), remote_start_id
    profile = None
    if start.limit is not None:
        profile = lower_profile(start.limit.profile(start.evse_id or 0, world.settings.charging.floor), version)
    shown = start.shown
    token = await find_token(world, IdToken(start.id_token, DEFAULT_TYPE)) if shown is None else shown.token
    enrolled = DEFAULT_TYPE if token is None else token.id_token.type
    id_token = IdToken(start.id_token, start.type or enrolled)
    step = Step(world, memory.station.id, world.now_ms())
    asked = Asked(memory, step, id_token, start.evse_id or 0, only_starts=True, vouched=True, shown=shown)
    decided = await authorise(asked)
    if shown is not None and not isinstance(decided, Refused):
        step.puts += shown.spent(decided.subject)
    if step.items:
        await step.commit()
    if isinstance(decided, Refused):
        raise TokenRefusedError(decided.authorization.status.value)
    keep_grant(memory, id_token, decided)
    evse_id = None if start.evse_id is None else EvseId(start.evse_id)
    group = None if token is None else token.group
    command = StartRequested(id_token, remote_start_id, evse_id, group, profile)
    outcome = await send(world, ask.principal, ask.station_id, command, ask.deadline_s, passing=ask.passing)
    return outcome, remote_start_id


async def remote_stop(ask: Ask, transaction: str) -> Outcome:
    """Ask a station to stop one of its running transactions, by our id or by the station's own."""
    memory = await find_station(ask.world, ask.station_id)
    found = await transaction_of(ask.world, StationId(memory.station.id), transaction)
    if found is None or found.transaction_id is None:
        raise UnknownTransactionError("this station has no such transaction", subject="transaction_id")
    if not found.active:
        raise TransactionEndedError("this transaction has ended", subject="transaction_id")
    command = StopRequested(TransactionId(found.transaction_id))
    return await send(ask.world, ask.principal, ask.station_id, command, ask.deadline_s)


async def transaction_of(world: World, station_id: StationId, key: str) -> Transaction | None:
    """Return a transaction of this very station, never another's, by our id or by the station's own."""
    subject = await world.journal.answer(world.tenant, station_id, transaction_key(key))
    document = await world.journal.document(world.tenant, TRANSACTION, key if subject is None else subject.hex())
    if document is None or document.station_id != station_id:
        return None
    return read(document, Transaction)


async def trigger(ask: Ask, wanted: TriggerRequested) -> Outcome:
    """Have a message sent now, by the one of the two triggers of 1.6 that knows it."""
    memory = await find_station(ask.world, ask.station_id)
    version = ask.world.lines.version(StationId(memory.station.id))
    if version is Version.V16 and wanted.message in _EXTENDED_ONLY:
        extended = ExtendedTriggerRequested(wanted.message, wanted.evse_id)
        return await send(ask.world, ask.principal, ask.station_id, extended, ask.deadline_s)
    return await send(ask.world, ask.principal, ask.station_id, wanted, ask.deadline_s)
