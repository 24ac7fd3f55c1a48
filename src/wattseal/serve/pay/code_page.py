"""The page behind a code's QR code: whoever opens it on a phone sees where a charge is to begin, and a button.

GET changes nothing: a preview of the address uses no code up. The form counts only from a browser that got it here.
"""

from html import escape
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from wattseal.flow.commands import Done
from wattseal.flow.drivers.app_codes import Begun, redeem
from wattseal.rules.app_codes import UNSIGNED, Fault
from wattseal.seal.app_code import AppCode, AppCodeError, read_text
from wattseal.serve.api.service import Service, What
from wattseal.serve.pay.desk import Req
from wattseal.serve.pay.html import page, paragraph, rows
from wattseal.serve.pay.pages import Form
from wattseal.serve.pay.texts import language_of, text

PATH = "/pay/code/"
_REASONS = {
    Fault.USED: "code_used",
    Fault.EXPIRED: "code_over",
    "station_offline": "offline",
    "evse_in_use": "charging",
    "no_such_place": "no_such_place",
}
"""What is told of a refusal; all others are told that the code is not good."""


def address_of(base: str | None, code: str) -> str | None:
    """Return where a code's page is; None where drivers reach the pages under no address with TLS."""
    return None if base is None or not base.startswith("https://") else f"{base.rstrip('/')}{PATH}{code}"


@get(PATH + "{code:str}", security=[{}], include_in_schema=False)
async def code_page(service: What, request: Req, code: FromPath[str]) -> Response[bytes]:
    """Show where a code begins a charge, and the button."""
    language = language_of(request.headers.get("accept-language", ""))
    try:
        read = read_text(code).code
    except AppCodeError:
        return _told(language, "code_bad", 404)
    world = service.world
    secure = (world.pay_base or "").startswith("https://")
    nonce, cookie = service.pay.nonce(request, world.random.bytes(16).hex(), read.reference.hex(), secure=secure)
    title = text(language, "code_start")
    place = rows((text(language, "station"), read.station_id), (text(language, "point"), str(read.evse_id)))
    body = (
        f"<h1>{escape(title)}</h1><section>{place}</section><section>{paragraph(text(language, 'code_plug_in'))}"
        f'<form method="post"><input type="hidden" name="nonce" value="{escape(nonce)}">'
        f"<button>{escape(title)}</button></form></section>"
    )
    response = page(language, title, body)
    response.cookies.append(cookie)
    return response


@post(PATH + "{code:str}", security=[{}], include_in_schema=False, status_code=200)
async def begin_by_code(service: What, request: Req, code: FromPath[str], data: Form) -> Response[Any]:
    """Begin the charge, and say what came of it."""
    language = language_of(request.headers.get("accept-language", ""))
    try:
        read = read_text(code).code
    except AppCodeError:
        return _told(language, "code_bad", 404)
    if not service.pay.came_from_here(request, data.get("nonce", ""), read.reference.hex()):
        return _told(language, "not_from_here", 403)
    return _told(language, *await _begun(service, request, code, read))


async def _begun(service: Service, request: Req, code: str, read: AppCode) -> tuple[str, int]:
    tries, now_s = service.pay.code_tries, service.world.now_ms() / 1000
    address, reference = service.pay.address(request), read.reference.hex()
    if not (tries.left(address, now_s) and tries.left(reference, now_s)):
        return "too_often", 429
    told = await redeem(service.world, code, read.station_id, read.evse_id)
    if isinstance(told, Begun):
        answer = told.outcome.answer if isinstance(told.outcome, Done) else None
        good = getattr(answer, "status", None) == "Accepted"
        return ("code_begun", 200) if good else ("code_not_taken", 409)
    tries.take(address if told.reason in UNSIGNED else reference, now_s)
    return _REASONS.get(told.reason, "code_bad"), 409


def _told(language: str, key: str, status: int) -> Response[bytes]:
    title = text(language, "code_start")
    body = f"<h1>{escape(title)}</h1><section>{paragraph(text(language, key))}</section>"
    return page(language, title, body, status=status)


ROUTES = (code_page, begin_by_code)
