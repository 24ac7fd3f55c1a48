"""Commands to stations as OCPP payloads, in the words of the station's version."""

from typing import Annotated, Any, assert_never

from litestar import Response, post
from litestar.enums import MediaType
from litestar.params import FromPath, QueryParameter

from wattseal.base.ids import StationId
from wattseal.flow import commands
from wattseal.flow.commands import DEADLINE_S, MAX_DEADLINE_S, Declined, Done, Outcome, Queued, Unanswered
from wattseal.model.principal import Principal
from wattseal.serve.api.operations import takes_json
from wattseal.serve.api.problems import ProblemError, Req, WaitsError, demand
from wattseal.serve.api.service import What, Who

SEND = "commands:write"
"""Scope of sending any command."""
CHARGE, OPERATE = "commands:charging", "commands:operation"
POWER, MAINTAIN = "commands:power", "commands:maintenance"
"""Scopes of some: start and stop; restart, unlock, availability; charging limits; firmware, logs, variables."""
Deadline = Annotated[float, QueryParameter(ge=0.1, le=MAX_DEADLINE_S)]
RECORD = "Wattseal-Record"
"""Response header: the payload hash, in hex, of the signed record of the command."""


@post("/stations/{station_id:str}/commands/{action:str}", status_code=200, operation_class=takes_json("OCPP payload"))
async def post_command(
    principal: Who,
    service: What,
    request: Req,
    station_id: FromPath[str],
    action: FromPath[str],
    *,
    deadline_s: Deadline = DEADLINE_S,
) -> Response[bytes]:
    """Send an OCPP request to a station and return the payload of its answer.

    The body is the payload in the station's OCPP version. It is checked against that version's schema before it is
    sent. `deadline_s` includes waiting for earlier commands to the same station. One that changes power may have to
    wait for the fleet's ramp: then the status is 202, and what becomes of it stands under `ramp/{id}`.
    """
    demand(principal, SEND)
    payload = await request.body() or b"{}"
    outcome = await commands.send_payload(
        service.world, principal, StationId(station_id), action, payload, deadline_s=deadline_s
    )
    done = answered(outcome)
    headers = {RECORD: done.record.hex()}
    return Response(done.payload, media_type=MediaType.JSON, headers=headers)


def demand_command(principal: Principal, scope: str) -> None:
    """Go on only if the caller may send any command, or those of `scope`."""
    if not principal.may(SEND):
        demand(principal, scope)


def answered(outcome: Outcome) -> Done:
    """Return the station's answer; whatever else came of a command is a problem."""
    match outcome:
        case Done():
            return outcome
        case Declined():
            more = {"ocpp_code": outcome.code, "ocpp_text": outcome.text, "record": outcome.record.hex()}
            raise ProblemError(502, "call_error", "the station answered with an error", more=more)
        case Unanswered():
            raise _unanswered(outcome)
        case Queued():
            raise WaitsError(outcome)
        case _:
            assert_never(outcome)


_UNANSWERED: dict[str, tuple[int, str, str]] = {
    "offline": (409, "station_offline", "the station is not connected; send the command when it is"),
    "timed_out": (504, "station_timeout", "the station has not answered in time; whether it acted is not known"),
    "busy": (429, "queue_full", "too many commands wait for this station; try again when they are answered"),
    "ramp": (
        409,
        "ramp_full",
        "nothing was sent: its turn went by while the journal stood still; send it again",
    ),
    "unreadable": (502, "answer_unreadable", "the station's answer does not fit its schema; it is in the record"),
}


def _unanswered(outcome: Unanswered) -> ProblemError:
    status, code, title = _UNANSWERED[outcome.reason]
    more: dict[str, Any] = {} if outcome.record is None else {"record": outcome.record.hex()}
    return ProblemError(status, code, title, more=more, retry_after_s=5 if status == 429 else None)


ROUTES = (post_command,)
