"""Apps and their codes at an eMSP, for its administrators and the backend of its apps."""

import re
from collections.abc import Mapping
from typing import Any

from wattseal.base.errors import InputError
from wattseal.model.provider import App
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.emsp import codes
from wattseal.parties.emsp.codes import Place
from wattseal.parties.emsp.desk import Desk
from wattseal.rules.app_codes import LIFE_S
from wattseal.serve.qr import svg

_ALIAS = re.compile(r"[0-9a-f]{32}")


async def put_app(desk: Desk, body: Mapping[str, Any]) -> dict[str, Any]:
    """Take `{id_token, alias?, status?}`: without an alias a new app, with one its status."""
    alias = body.get("alias")
    status = body.get("status", "Accepted")
    if status not in {"Accepted", "Blocked"}:
        raise InputError("status is Accepted or Blocked", code="bad_field", subject="status")
    token = IdToken(_text(body, "id_token", 255), "")
    return view(*await codes.put_app(desk, token, None if alias is None else _alias(body), TokenStatus(status)))


async def issue(desk: Desk, body: Mapping[str, Any]) -> dict[str, Any]:
    """Take `{alias, cpo, station_id, evse_id, valid_s?}` and return a code with its QR code."""
    evse_id, life_s = body.get("evse_id"), body.get("valid_s", LIFE_S)
    if type(evse_id) is not int or not 1 <= evse_id <= 9999:
        raise InputError("evse_id is a whole number from 1 to 9999", code="bad_field", subject="evse_id")
    if type(life_s) is not int:
        raise InputError("valid_s is a whole number of seconds", code="bad_field", subject="valid_s")
    place = Place(_text(body, "cpo"), _text(body, "station_id"), evse_id)
    code, text = await codes.issue(desk, _alias(body), place, life_s)
    told = {"code": text, "reference": code.reference.hex(), "expires_at_ms": code.expires_s * 1000}
    return told | {"qr_svg": svg(text)}


def view(alias: str, app: App) -> dict[str, Any]:
    """Return an app as it is shown."""
    return {"alias": alias, "customer": app.customer, "status": app.status.value}


def _alias(body: Mapping[str, Any]) -> str:
    alias = _text(body, "alias")
    if _ALIAS.fullmatch(alias) is None:
        raise InputError("an alias is 32 hexadecimal digits", code="bad_field", subject="alias")
    return alias


def _text(body: Mapping[str, Any], name: str, most: int = 48) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise InputError(f"{name} is missing or not text of 1 to {most} characters", code="bad_field", subject=name)
    return value
