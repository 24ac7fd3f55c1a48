"""Errors of the HTTP API as RFC 9457 problems: a stable code, a sentence that says what to do, the field at fault."""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, ValidationException

from wattseal.base.errors import InputError, LimitError, StoreError, WattsealError
from wattseal.flow.commands import Queued, UnknownStationError, UnusablePayloadError
from wattseal.flow.verbs import TokenRefusedError, TransactionEndedError, UnknownTransactionError
from wattseal.model.principal import Principal

MEDIA_TYPE = "application/problem+json"
Req = Request[Any, Any, State]
_LOGGER = logging.getLogger("wattseal.api")
_CODES = {
    400: "bad_request",
    401: "not_authenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "media_type",
}
_TITLES = {
    404: "nothing is served at this path; /api/docs lists what is",
    405: "this path takes other methods; /api/docs lists them",
    413: "a request body has at most 1 MiB",
}
"""What the framework says in a word only."""
_STATUS = {
    "no_stranger": 404,
    "unknown_station": 409,
    "own_successor": 409,
    "replaced_already": 409,
    "profile_not_higher": 409,
    "duplicate_profile": 409,
    "too_many_profiles": 409,
    "no_stack_level_left": 409,
    "no_transaction": 409,
    "no_tariff": 409,
    "tariff_in_use": 409,
    "tariff_spelled_otherwise": 409,
    "tariffs_being_changed": 409,
    "unknown_tariff": 404,
    "unknown_token": 404,
    "not_quarantined": 409,
    "not_settled": 409,
    "plan_differs": 409,
    "already_decided": 409,
    "not_the_ruling": 409,
    "billed_already": 409,
    "nothing_to_bill": 409,
    "ended_already": 409,
    "still_told_of": 409,
    "sealed": 409,
    "being_decided": 409,
    "no_session": 404,
    "tariff_not_expressible": 409,
    "too_many_disputes": 409,
    "nothing_billed": 409,
    "being_issued": 409,
    "nothing_to_issue": 409,
    "no_payer": 409,
    "awaiting_checkpoint": 409,
    "no_entity": 409,
    "not_yet_invoiced": 409,
    "not_offered": 409,
    "no_provider": 409,
    "no_such_place": 404,
    "token_refused": 409,
    "no_payment": 404,
    "offline": 409,
    "charging": 409,
    "being_paid": 409,
    "not_refundable": 409,
    "not_prepaid": 409,
    "no_such_person": 404,
    "person_left": 409,
    "not_left": 409,
    "last_owner": 409,
    "email_taken": 409,
    "role_not_held": 403,
    "no_order": 404,
    "order_over": 409,
    "own_order": 403,
    "not_own_order": 403,
    "not_a_person": 403,
    "no_such_account": 404,
    "no_such_token": 404,
    "account_exists": 409,
    "no_such_posting": 404,
    "posted_differently": 409,
    "wrong_currency": 409,
    "not_by_hand": 409,
    "not_enough": 409,
    "not_owed": 409,
    "account_closed": 409,
    "account_not_empty": 409,
    "not_a_driver": 409,
    "agreed_limit": 409,
    "alone_too_far": 409,
    "ramp_full": 409,
    "ramp_synchronised": 409,
    "no_waiting_command": 404,
    "not_waiting": 409,
}
"""Input of the right shape that does not fit what is there: by its code; 422 for all other input."""
_UNKNOWN_ACTION = frozenset({"NotImplemented", "NotSupported"})
_PLACE = re.compile(r"at `\$\.?([^`]*)`$")
"""Where in a payload the trouble is, as schema validation says it."""
_NAMED = re.compile(r"(?:required|unknown) field `([^`]{1,64})`")
_NO_BODY = "'data'"
"""What the framework says of a body that is missing."""
_QUOTED = re.compile(r" '.*'", re.DOTALL)


class ProblemError(Exception):
    """Ends a handler with a problem."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        *,
        field: str = "",
        retry_after_s: int | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Say what is wrong; `retry_after_s` when trying again later helps, `more` are further members."""
        super().__init__(title)
        self.status = status
        self.code = code
        self.field = field
        self.retry_after_s = retry_after_s
        self.more = more or {}


class WaitsError(Exception):
    """Ends a handler whose command waits for the fleet's ramp."""

    def __init__(self, queued: Queued) -> None:
        """Take what waits."""
        super().__init__(queued.id)
        self.queued = queued


def on_waiting(_request: Req, error: WaitsError) -> Response[bytes]:
    """Answer that a command is sent later, when, and where to look what becomes of it."""
    queued = error.queued
    until = datetime.fromtimestamp(queued.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    body = {"action": queued.action, "queued_until": until.replace("+00:00", "Z"), "id": queued.id}
    return Response(
        msgspec.json.encode(body),
        status_code=202,
        media_type=MediaType.JSON,
        headers={"Location": f"/api/v1/ramp/{queued.id}"},
    )


def problem(
    status: int,
    code: str,
    title: str,
    *,
    field: str = "",
    retry_after_s: int | None = None,
    more: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """Return a problem document."""
    body: dict[str, Any] = {"type": f"urn:wattseal:problem:{code}", "title": title, "status": status, "code": code}
    if field:
        body["field"] = field
    body.update(more or {})
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def demand(principal: Principal, scope: str) -> None:
    """Go on only if the caller holds `scope`."""
    if not principal.may(scope):
        raise ProblemError(403, "not_allowed", f"this token lacks the scope {scope}")


def on_problem(_request: Req, error: ProblemError) -> Response[bytes]:
    """Answer a handler's own problem."""
    return problem(
        error.status,
        error.code,
        str(error),
        field=error.field,
        retry_after_s=error.retry_after_s,
        more=error.more,
    )


def on_wattseal_error(_request: Req, error: WattsealError) -> Response[bytes]:
    """Answer what the flow refuses: 413 beyond a limit, 422 for input, 503 while nothing can be stored."""
    match error:
        case LimitError():
            return problem(413, error.code, str(error), field=error.subject)
        case UnknownStationError() | UnknownTransactionError():
            return problem(404, "not_found", str(error))
        case TransactionEndedError():
            return problem(409, error.code, str(error))
        case TokenRefusedError():
            return problem(409, error.code, str(error), field=error.subject, more={"token_status": error.status})
        case UnusablePayloadError():
            unknown = error.fault in _UNKNOWN_ACTION
            code = "unknown_action" if unknown else error.code
            field = _PLACE.search(str(error))
            more = {"ocpp_code": error.fault}
            return problem(404 if unknown else 422, code, str(error), field=field[1] if field else "", more=more)
        case InputError():
            return problem(_STATUS.get(error.code, 422), error.code, str(error), field=error.subject)
        case StoreError():
            return problem(503, error.code, "nothing can be stored at present; try again later", retry_after_s=10)
        case _:
            return problem(500, error.code, "this request could not be processed")


def on_http_error(_request: Req, error: HTTPException) -> Response[bytes]:
    """Answer what the framework refuses; validation names fields and repeats no values."""
    status = error.status_code
    if isinstance(error, ValidationException):
        fields = [_field(entry) for entry in error.extra or [] if isinstance(entry, dict)]
        text = "; ".join(str(e.get("message", "")) for e in error.extra or [] if isinstance(e, dict))
        text = "send a body" if text == _NO_BODY else _QUOTED.sub("", text)
        return problem(
            422,
            "bad_input",
            text or "the request does not have the documented shape",
            field=",".join(field for field in fields if field),
        )
    title = _TITLES.get(status, error.detail) or "this request cannot be served"
    response = problem(status, _CODES.get(status, "http_error"), title)
    if status == 405:
        response.headers["Allow"] = dict(error.headers or {}).get("allow", "")
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="wattseal"'
    return response


def _field(entry: dict[str, Any]) -> str:
    """Return the place of the trouble: the framework's key, and the missing or unknown field that its text names."""
    key, named = str(entry.get("key", "")), _NAMED.search(str(entry.get("message", "")))
    if named is None:
        return key
    return named[1] if key in {"", "data"} else f"{key}.{named[1]}"


def on_recursion(_request: Req, error: RecursionError) -> Response[bytes]:
    """Answer a body whose nesting exhausts the parser."""
    _LOGGER.warning("a request nests too deeply", exc_info=error)
    return problem(400, "bad_request", "the body nests too deeply; send the documented shape")


def on_defect(_request: Req, error: Exception) -> Response[bytes]:
    """Answer a defect of ours without telling anything about it; the log has the rest."""
    _LOGGER.error("handling a request failed", exc_info=error)
    return problem(500, "defect", "this request could not be processed")
