"""Verbs: what people ask of a station whatever its version."""

from typing import Annotated, Any, Literal

from litestar import post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from wattseal.base.ids import EvseId, StationId, TransactionId
from wattseal.flow import verbs
from wattseal.flow.commands import DEADLINE_S, Outcome, send
from wattseal.flow.verbs import Ask, Start
from wattseal.model.message import Command
from wattseal.model.principal import Principal
from wattseal.model.remote import (
    STATION,
    AvailabilityRequested,
    CacheClearRequested,
    ResetKind,
    ResetRequested,
    Responded,
    StartResponded,
    TransactionStatusRequested,
    TransactionStatusResponded,
    TriggerRequested,
    UnlockRequested,
)
from wattseal.rules.charging_policy import StartLimit
from wattseal.serve.api.amounts import Amount, amount_of
from wattseal.serve.api.bodies import Body, ShortText
from wattseal.serve.api.commands import CHARGE, OPERATE, Deadline, answered, demand_command
from wattseal.serve.api.service import Service, What, Who

EvseNumber = Annotated[int, Meta(ge=1, le=9999)]
TransactionText = Annotated[str, Meta(min_length=1, max_length=36)]


class RemoteStartBody(Body, frozen=True, kw_only=True):
    """The token to charge to; without `type` that of its enrolment. Without `evse_id` the station chooses.

    `limit_a` (amperes of each phase) or `limit_w` (watts) is the most the transaction is charged with.
    """

    id_token: ShortText
    type: Annotated[str, Meta(min_length=1, max_length=20)] | None = None
    evse_id: EvseNumber | None = None
    limit_a: Amount | None = None
    limit_w: Amount | None = None

    def limit(self) -> StartLimit | None:
        """Return the limit; both units at once are an `InputError`."""
        if self.limit_a is None and self.limit_w is None:
            return None
        return StartLimit(*amount_of(self.limit_a, self.limit_w))


class RemoteStopBody(Body, frozen=True, kw_only=True):
    """A running transaction of the station: our id, or the station's own."""

    transaction_id: TransactionText


class ResetBody(Body, frozen=True, kw_only=True):
    """How to restart; Immediate ends transactions in order first (1.6: Soft), Hard need not."""

    kind: Literal["Immediate", "OnIdle", "ImmediateAndResume", "Hard"] = "Immediate"
    evse_id: EvseNumber | None = None


class UnlockBody(Body, frozen=True, kw_only=True):
    """The plug to let go; 1.6 has one at each EVSE."""

    evse_id: EvseNumber
    connector_id: EvseNumber = 1


class AvailabilityBody(Body, frozen=True, kw_only=True):
    """In or out of service: the station, one EVSE, or one connector of it (2.x)."""

    operational: bool
    evse_id: EvseNumber | None = None
    connector_id: EvseNumber | None = None


class TriggerBody(Body, frozen=True, kw_only=True):
    """The message to be sent now, in 2.x words; `custom` names the vendor's for CustomTrigger (2.1)."""

    message: Literal[
        "BootNotification",
        "CustomTrigger",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "PublishFirmwareStatusNotification",
        "SignChargingStationCertificate",
        "SignCombinedCertificate",
        "SignV2G20Certificate",
        "SignV2GCertificate",
        "StatusNotification",
        "TransactionEvent",
    ]
    evse_id: EvseNumber | None = None
    connector_id: EvseNumber | None = None
    custom: Annotated[str, Meta(min_length=1, max_length=50)] | None = None


class TransactionStatusBody(Body, frozen=True, kw_only=True):
    """Without a transaction: whether any message waits to be delivered."""

    transaction_id: TransactionText | None = None


class CommandView(Body, frozen=True, kw_only=True, omit_defaults=True):
    """A station's answer: its status word and reasons, the OCPP action sent, and the record of the command in hex."""

    action: str
    record: str
    status: str | None = None
    reason: str | None = None
    detail: str | None = None
    transaction_id: str | None = None
    remote_start_id: int | None = None
    ongoing: bool | None = None
    messages_in_queue: bool | None = None


@post("/stations/{station_id:str}/remote-start", status_code=200)
async def post_remote_start(
    principal: Who,
    service: What,
    station_id: FromPath[str],
    data: JSONBody[RemoteStartBody],
    *,
    deadline_s: Deadline = DEADLINE_S,
) -> CommandView:
    """Start a transaction for a token, which is authorised first and charged by the transaction that follows."""
    ask = _ask(principal, service, station_id, CHARGE, deadline_s)
    outcome, number = await verbs.remote_start(ask, Start(data.id_token, data.type, data.evse_id, data.limit()))
    return view(outcome, remote_start_id=number)


@post("/stations/{station_id:str}/remote-stop", status_code=200)
async def post_remote_stop(
    principal: Who,
    service: What,
    station_id: FromPath[str],
    data: JSONBody[RemoteStopBody],
    *,
    deadline_s: Deadline = DEADLINE_S,
) -> CommandView:
    """Stop one of the station's running transactions."""
    ask = _ask(principal, service, station_id, CHARGE, deadline_s)
    return view(await verbs.remote_stop(ask, data.transaction_id))


@post("/stations/{station_id:str}/reset", status_code=200)
async def post_reset(
    principal: Who,
    service: What,
    station_id: FromPath[str],
    data: JSONBody[ResetBody],
    *,
    deadline_s: Deadline = DEADLINE_S,
) -> CommandView:
    """Restart the station, or (2.x) one EVSE."""
    evse_id = None if data.evse_id is None else EvseId(data.evse_id)
    ask = _ask(principal, service, station_id, OPERATE, deadline_s)
    return await _sent(ask, ResetRequested(ResetKind(data.kind), evse_id))


@post("/stations/{station_id:str}/unlock", status_code=200)
async def post_unlock(
    principal: Who,
    service: What,
    station_id: FromPath[str],
    data: JSONBody[UnlockBody],
    *,
    deadline_s: Deadline = DEADLINE_S,
) -> CommandView:
    """Let a driver's cable go."""
    ask = _ask(principal, service, station_id, OPERATE, deadline_s)
    return await _sent(ask, UnlockRequested(EvseId(data.evse_id), data.connector_id))


@post("/stations/{station_id:str}/change-availability", status_code=200)
async def post_change_availability(
    principal: Who,
    service: What,
    station_id: FromPath[str],
    data: JSONBody[AvailabilityBody],
    *,
    deadline_s: Deadline = DEADLINE_S,
) -> CommandView:
    """Take the station, an EVSE or a connector in or out of service."""
    evse_id = STATION if data.evse_id is None else EvseId(data.evse_id)
    command = AvailabilityRequested(data.operational, evse_id, data.connector_id)
    return await _sent(_ask(principal, service, station_id, OPERATE, deadline_s), command)


@post("/stations/{station_id:str}/trigger", status_code=200)
async def post_trigger(
    principal: Who,
    service: What,
    station_id: FromPath[str],
    data: JSONBody[TriggerBody],
    *,
    deadline_s: Deadline = DEADLINE_S,
) -> CommandView:
    """Have the station send a message now."""
    evse_id = None if data.evse_id is None else EvseId(data.evse_id)
    wanted = TriggerRequested(data.message, evse_id, data.connector_id, data.custom)
    return view(await verbs.trigger(_ask(principal, service, station_id, OPERATE, deadline_s), wanted))


@post("/stations/{station_id:str}/clear-cache", status_code=200)
async def post_clear_cache(
    principal: Who, service: What, station_id: FromPath[str], *, deadline_s: Deadline = DEADLINE_S
) -> CommandView:
    """Have the station forget the authorisations it remembers."""
    return await _sent(_ask(principal, service, station_id, OPERATE, deadline_s), CacheClearRequested())


@post("/stations/{station_id:str}/transaction-status", status_code=200)
async def post_transaction_status(
    principal: Who,
    service: What,
    station_id: FromPath[str],
    data: JSONBody[TransactionStatusBody],
    *,
    deadline_s: Deadline = DEADLINE_S,
) -> CommandView:
    """Ask the station whether a transaction goes on and whether messages wait (2.x)."""
    told = None if data.transaction_id is None else TransactionId(data.transaction_id)
    ask = _ask(principal, service, station_id, OPERATE, deadline_s)
    return await _sent(ask, TransactionStatusRequested(told))


def _ask(principal: Principal, service: Service, station_id: str, scope: str, deadline_s: float) -> Ask:
    demand_command(principal, scope)
    return Ask(service.world, principal, StationId(station_id), deadline_s)


async def _sent(ask: Ask, command: Command) -> CommandView:
    return view(await send(ask.world, ask.principal, ask.station_id, command, ask.deadline_s))


def view(outcome: Outcome, **more: Any) -> CommandView:
    """Return a station's answer as the API shows it; whatever else came of a command is a problem."""
    done = answered(outcome)
    match done.answer:
        case Responded(status, reason, detail):
            told: dict[str, Any] = {"status": status, "reason": reason, "detail": detail}
        case StartResponded(status, transaction_id, reason, detail):
            told = {"status": status, "transaction_id": transaction_id, "reason": reason, "detail": detail}
        case TransactionStatusResponded(waiting, ongoing):
            told = {"messages_in_queue": waiting, "ongoing": ongoing}
        case _:
            told = {"status": getattr(done.answer, "status", None)}
    return CommandView(action=done.action, record=done.record.hex(), **told, **more)


ROUTES = (
    post_remote_start,
    post_remote_stop,
    post_reset,
    post_unlock,
    post_change_availability,
    post_trigger,
    post_clear_cache,
    post_transaction_status,
)
