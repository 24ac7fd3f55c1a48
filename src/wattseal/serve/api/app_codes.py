"""Codes by which an app begins one charge: the CPO's own are issued here, and everybody's redeemed."""

from typing import Annotated, Any

from litestar import post
from litestar.params import JSONBody
from msgspec import Meta

from wattseal.flow.drivers.app_code_issue import issue
from wattseal.flow.drivers.app_codes import NotStarted, redeem
from wattseal.rules.app_codes import LIFE_S, MAX_LIFE_S, UNSIGNED, Fault
from wattseal.seal.app_code import MAX_TEXT, read_text
from wattseal.serve.api.bodies import Body, ShortText
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import What, Who
from wattseal.serve.api.verbs import EvseNumber, view
from wattseal.serve.pay.code_page import address_of
from wattseal.serve.qr import svg

ISSUE = "codes:write"
RETRY_S = 60


class IssueBody(Body, frozen=True, kw_only=True):
    """The token that is charged to, which no eMSP decides on, and the EVSE where it is to charge."""

    id_token: ShortText
    station_id: ShortText
    evse_id: EvseNumber
    valid_s: Annotated[int, Meta(ge=1, le=MAX_LIFE_S)] = LIFE_S


class RedeemBody(Body, frozen=True, kw_only=True):
    """The code, and the EVSE at which its owner is."""

    code: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    station_id: ShortText
    evse_id: EvseNumber


class IssuedView(Body, frozen=True, kw_only=True):
    """A code: its text, the reference by which records call it, its last moment, and a QR code as SVG.

    `url` is a page on which its holder begins the charge, where the service has an address; the QR code leads there, or
    else holds the text.
    """

    code: str
    reference: str
    expires_at_ms: int
    qr_svg: str
    url: str | None = None


class RedeemedView(Body, frozen=True, kw_only=True):
    """What the station answered, and the id of the session that begins."""

    status: str | None
    session: str
    remote_start_id: int


_TOLD: dict[str, tuple[int, str]] = {
    Fault.UNKNOWN_KEY: (403, "the key that signed this code is not enrolled here"),
    Fault.ISSUER_NOT_ENTITLED: (403, "this key may not issue codes for that party here"),
    Fault.KEY_REVOKED: (403, "the key that signed this code was revoked"),
    Fault.SIGNATURE_INVALID: (403, "the code was changed, or is for another operator"),
    Fault.LIVES_TOO_LONG: (403, f"a code is good for at most {MAX_LIFE_S} seconds"),
    Fault.NOT_YET_VALID: (403, "the code is from the future; set the issuer's clock"),
    Fault.EXPIRED: (403, "the code's time is over; make a new one"),
    Fault.OTHER_PLACE: (403, "the code is for another charging point"),
    Fault.USED: (409, "the code was used already; make a new one"),
    "no_such_place": (404, "there is no such charging point"),
    "station_offline": (409, "the station cannot be reached at present"),
    "evse_in_use": (409, "somebody is charging here"),
    "token_refused": (409, "this code's owner may not charge here"),
}


@post("/codes", status_code=201)
async def post_code(principal: Who, service: What, data: JSONBody[IssueBody]) -> IssuedView:
    """Sign a code by which one of the operator's own tokens begins one charge at one EVSE, within minutes.

    409 where the token is refused, 422 for one that is not known or is an eMSP's to issue codes for.
    """
    demand(principal, ISSUE)
    place = (data.station_id, data.evse_id)
    code, text = await issue(service.world, data.id_token, place, data.valid_s)
    url, reference = address_of(service.world.pay_base, text), code.reference.hex()
    expires_at_ms, picture = code.expires_s * 1000, svg(url or text)
    return IssuedView(code=text, reference=reference, expires_at_ms=expires_at_ms, qr_svg=picture, url=url)


@post("/c", security=[{}], status_code=200)
async def redeem_code(service: What, request: Req, data: JSONBody[RedeemBody]) -> RedeemedView:
    """Begin the charge that a code is for. It is its own leave: no token is needed, and it is good once.

    403, 404 and 409 say why nothing was begun, 429 that too much was tried from this address, or with this code.
    """
    desk, now_s = service.pay, service.world.now_ms() / 1000
    address = desk.address(request)
    reference = read_text(data.code).code.reference.hex()
    if not (desk.code_tries.left(address, now_s) and desk.code_tries.left(reference, now_s)):
        service.world.count("app_codes_too_often")
        raise ProblemError(429, "too_often", "too many codes were refused; try again later", retry_after_s=RETRY_S)
    begun = await redeem(service.world, data.code, data.station_id, data.evse_id)
    if isinstance(begun, NotStarted):
        desk.code_tries.take(address if begun.reason in UNSIGNED else reference, now_s)
        raise _problem(begun)
    told = view(begun.outcome)
    return RedeemedView(status=told.status, session=begun.subject, remote_start_id=begun.remote_start_id)


def _problem(refused: NotStarted) -> ProblemError:
    status, title = _TOLD[refused.reason]
    code = f"code_{refused.reason}" if refused.reason in set(Fault) else refused.reason
    more: dict[str, Any] = {} if refused.status is None else {"token_status": refused.status}
    return ProblemError(status, code, title, more=more)


ROUTES = (post_code,)
OPEN_ROUTES = (redeem_code,)
"""For whoever has a code."""
