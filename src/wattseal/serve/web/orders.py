"""What people ask of a station from its page: which fields each order has, what it needs, and how it is sent."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec

from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId
from wattseal.flow import verbs
from wattseal.flow.commands import Outcome, send, send_payload
from wattseal.flow.verbs import Ask, Start
from wattseal.model.message import Command
from wattseal.model.remote import (
    STATION,
    AvailabilityRequested,
    CacheClearRequested,
    ResetKind,
    ResetRequested,
    TriggerRequested,
    UnlockRequested,
)
from wattseal.serve.api.commands import CHARGE, OPERATE, SEND
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.forms import text_of
from wattseal.serve.web.texts import marked as _

MAX_PAYLOAD = 64 * 1024
MESSAGES = (
    "BootNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "SignChargingStationCertificate",
    "StatusNotification",
    "TransactionEvent",
)
"""What a station can be asked to say."""
NAMES: Mapping[str, str] = {
    "id_token": _("Token"),
    "evse": _("EVSE"),
    "transaction": _("Session"),
    "kind": _("How"),
    "connector": _("Connector"),
    "service": _("Service"),
    "message": _("Message"),
    "action": _("Action"),
    "payload": _("Payload (JSON)"),
}
"""Fields in words."""
Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Order:
    """One kind of order: its name, the scope it needs (or `commands:write`), its fields and their most characters.

    `warning` is what somebody should know before it is sent.
    """

    name: str
    scope: str
    fields: Mapping[str, int]
    run: Callable[[Ask, Fields], Awaitable[Outcome]]
    warning: str = ""

    def may_be_sent_by(self, viewer: Viewer) -> bool:
        """Return whether a viewer's roles include it."""
        return viewer.may(SEND) or viewer.may(self.scope)

    def read(self, form: Fields) -> dict[str, str]:
        """Return the fields of a form that it has; `InputError` where one is too long."""
        return {name: text_of(form, name, most) for name, most in self.fields.items()}


async def _start(ask: Ask, fields: Fields) -> Outcome:
    token = text_of(fields, "id_token", 255, least=1)
    outcome, _number = await verbs.remote_start(ask, Start(token, None, _evse(fields)))
    return outcome


async def _stop(ask: Ask, fields: Fields) -> Outcome:
    return await verbs.remote_stop(ask, text_of(fields, "transaction", 64, least=1))


async def _reset(ask: Ask, fields: Fields) -> Outcome:
    try:
        kind = ResetKind(fields["kind"] or ResetKind.IMMEDIATE)
    except ValueError:
        raise InputError(_("choose how it restarts"), code="bad_choice", subject="kind") from None
    return await _sent(ask, ResetRequested(kind, _evse(fields)))


async def _unlock(ask: Ask, fields: Fields) -> Outcome:
    evse = _evse(fields)
    if evse is None:
        raise InputError(_("say which EVSE"), code="field_missing", subject="evse")
    return await _sent(ask, UnlockRequested(evse, _number(fields, "connector") or 1))


async def _availability(ask: Ask, fields: Fields) -> Outcome:
    if fields["service"] not in {"in", "out"}:
        raise InputError(_("choose in or out of service"), code="bad_choice", subject="service")
    evse = _evse(fields)
    return await _sent(ask, AvailabilityRequested(fields["service"] == "in", STATION if evse is None else evse))


async def _trigger(ask: Ask, fields: Fields) -> Outcome:
    if fields["message"] not in MESSAGES:
        raise InputError(_("choose a message"), code="bad_choice", subject="message")
    return await verbs.trigger(ask, TriggerRequested(fields["message"], _evse(fields)))


async def _clear(ask: Ask, _fields: Fields) -> Outcome:
    return await _sent(ask, CacheClearRequested())


async def _any(ask: Ask, fields: Fields) -> Outcome:
    action, payload = text_of(fields, "action", 50, least=1), fields["payload"] or "{}"
    try:
        parsed = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise InputError(_("the payload is a JSON object, like {}"), code="bad_payload", subject="payload")
    return await send_payload(
        ask.world, ask.principal, ask.station_id, action, payload.encode(), deadline_s=ask.deadline_s
    )


async def _sent(ask: Ask, command: Command) -> Outcome:
    return await send(ask.world, ask.principal, ask.station_id, command, ask.deadline_s)


def _number(fields: Fields, name: str) -> int | None:
    text = fields[name]
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 9999):
        raise InputError(_("a number from 1 to 9999"), code="bad_number", subject=name)
    return int(text)


def _evse(fields: Fields) -> EvseId | None:
    found = _number(fields, "evse")
    return None if found is None else EvseId(found)


ORDERS: Mapping[str, Order] = {
    "remote-start": Order(_("Start a session"), CHARGE, {"id_token": 255, "evse": 4}, _start),
    "remote-stop": Order(
        _("Stop a session"), CHARGE, {"transaction": 64}, _stop, _("The driver's charge ends now, and is billed.")
    ),
    "reset": Order(
        _("Restart"),
        OPERATE,
        {"kind": 20, "evse": 4},
        _reset,
        _("Sessions that run here end, unless the station waits for them. It is away for some minutes."),
    ),
    "unlock": Order(
        _("Unlock the plug"), OPERATE, {"evse": 4, "connector": 4}, _unlock, _("A session that runs there ends.")
    ),
    "availability": Order(
        _("Take in or out of service"),
        OPERATE,
        {"service": 3, "evse": 4},
        _availability,
        _("Out of service nobody can begin to charge; a session that runs goes on to its end."),
    ),
    "trigger": Order(_("Ask for a message"), OPERATE, {"message": 50, "evse": 4}, _trigger),
    "clear-cache": Order(
        _("Clear the authorisation cache"),
        OPERATE,
        {},
        _clear,
        _("Drivers whom the station remembers cannot start while it is offline."),
    ),
    "any": Order(
        _("Any OCPP call"),
        SEND,
        {"action": 50, "payload": MAX_PAYLOAD},
        _any,
        _("It is sent as it is, once it fits the schema of the station's version."),
    ),
}
"""By what the form names it."""


def order_of(form: Fields, viewer: Viewer) -> tuple[str, Order]:
    """Return which order a form is; `InputError` where there is none, or the viewer's roles do not include it."""
    key = form.get("what", "")
    order = ORDERS.get(key)
    if order is None:
        raise InputError(_("say what the station is to do"), code="bad_choice", subject="what")
    if not order.may_be_sent_by(viewer):
        raise InputError(_("your roles do not include this command"), code="not_allowed", subject="what")
    return key, order
