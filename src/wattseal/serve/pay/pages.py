"""The pages on which a driver pays who scanned the code on a station: price, payment, and what it came to.

GET changes nothing. A form counts only from a browser that got it from here (a cookie of the same site, and a nonce
made from it). The address of a payment is random and is the driver's receipt; it shows neither card nor name.
"""

from html import escape
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect

from wattseal.base.errors import WattsealError
from wattseal.flow.documents import TRANSACTION, read
from wattseal.flow.money.ad_hoc import NotPayableError, Offer, offer, pay_here
from wattseal.flow.money.bills import bill_of
from wattseal.flow.money.payments import cancel, payment_of
from wattseal.flow.world import World
from wattseal.model.payment import Payment, PaymentState, Purpose, Spot
from wattseal.model.transaction import Transaction
from wattseal.serve.api.service import Service, What
from wattseal.serve.pay.desk import Req
from wattseal.serve.pay.html import STYLE, page, paragraph, rows
from wattseal.serve.pay.prices import lines, minor_money, money, taxed
from wattseal.serve.pay.texts import language_of, text

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
_BUSY = {"charging": 409, "being_paid": 409, "offline": 503, "no_such_place": 404, "not_offered": 404}
_WAITING_S, _CHARGING_S = 3, 15


@get("/pay/style.css", security=[{}], include_in_schema=False, media_type="text/css", sync_to_thread=False)
def style() -> Response[str]:
    """Return the style of the pages."""
    return Response(STYLE, headers={"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"})


@get("/pay/{station_id:str}/{evse_id:int}", security=[{}], include_in_schema=False)
async def offer_page(service: What, request: Req, station_id: FromPath[str], evse_id: FromPath[int]) -> Response[bytes]:
    """Show what charging at an EVSE costs, and the button to pay."""
    language = _language(request)
    try:
        offered = await offer(service.world, station_id, evse_id)
    except NotPayableError as error:
        return _sorry(language, error.code, status=_BUSY.get(error.code, 409))
    world = service.world
    place = _place(offered.station_id, evse_id)
    fresh = world.random.bytes(16).hex()
    nonce, cookie = service.pay.nonce(request, fresh, place, secure=_secure(world))
    title, body = text(language, "pay_and_charge"), _offer(language, offered, nonce)
    response = page(language, title, body, form_action=_pages(world))
    response.cookies.append(cookie)
    return response


def _offer(language: str, offered: Offer, nonce: str) -> str:
    tariff = offered.tariff
    amount = money(language, offered.amount, tariff.currency)
    place = rows((text(language, "station"), offered.station_id), (text(language, "point"), str(offered.evse_id)))
    notes = [text(language, "all_taxes" if taxed(tariff) else "no_taxes")]
    if tariff.idle_grace_s:
        notes.append(text(language, "grace", n=tariff.idle_grace_s // 60))
    return (
        f"<h1>{escape(text(language, 'pay_and_charge'))}</h1><section>{place}</section>"
        f"<section><h2>{escape(text(language, 'price'))}</h2>{rows(*lines(language, tariff))}"
        f"{paragraph(' '.join(notes), 'small')}</section>"
        f"<section>{paragraph(text(language, 'plug_in'))}"
        f"{paragraph(text(language, 'set_aside', amount=amount), 'small')}"
        f'<form method="post"><input type="hidden" name="nonce" value="{escape(nonce)}">'
        f"<button>{escape(text(language, 'start'))}</button></form></section>"
    )


@post("/pay/{station_id:str}/{evse_id:int}", security=[{}], include_in_schema=False, status_code=303)
async def start_payment(
    service: What, request: Req, station_id: FromPath[str], evse_id: FromPath[int], data: Form
) -> Response[Any]:
    """Begin a payment and send the driver to the provider's page."""
    language, world = _language(request), service.world
    if not service.pay.came_from_here(request, data.get("nonce", ""), _place(station_id, evse_id)):
        world.count("payments_forms_refused")
        return _sorry(language, "not_from_here", status=403)
    if not service.pay.buckets.take(service.pay.address(request), world.now_ms() / 1000):
        world.count("payments_too_often")
        return _sorry(language, "too_often", status=429)
    try:
        payment = await pay_here(world, station_id, evse_id)
    except NotPayableError as error:
        return _sorry(language, error.code, status=_BUSY.get(error.code, 409))
    except WattsealError:
        return _sorry(language, "trouble", status=503)
    return Redirect(payment.url or f"/pay/status/{payment.id}", status_code=303)


@get("/pay/status/{payment_id:str}", security=[{}], include_in_schema=False)
async def status_page(service: What, request: Req, payment_id: FromPath[str]) -> Response[bytes]:
    """Show what became of a payment: it is where the provider sends the driver back to, and the receipt."""
    language, world = _language(request), service.world
    payment = await payment_of(world, payment_id[:64])
    if payment is None:
        return _sorry(language, "no_payment", status=404)
    fresh = world.random.bytes(16).hex()
    nonce, cookie = service.pay.nonce(request, fresh, payment.id, secure=_secure(world))
    shown, refresh_s = await _status(service, language, payment, nonce)
    title = text(language, "your_charge")
    body = f"<h1>{escape(title)}</h1>{shown}{paragraph(text(language, 'keep'), 'small')}"
    response = page(language, title, body, refresh_s=refresh_s)
    response.cookies.append(cookie)
    return response


@post("/pay/status/{payment_id:str}/cancel", security=[{}], include_in_schema=False, status_code=303)
async def cancel_payment(service: What, request: Req, payment_id: FromPath[str], data: Form) -> Response[Any]:
    """Give a payment up that has not been made, or whose charge has not begun."""
    language, world = _language(request), service.world
    payment = await payment_of(world, payment_id[:64])
    if payment is None:
        return _sorry(language, "no_payment", status=404)
    if not service.pay.came_from_here(request, data.get("nonce", ""), payment.id):
        return _sorry(language, "not_from_here", status=403)
    if payment.purpose is Purpose.AD_HOC and _can_give_up(payment):
        await cancel(world, payment.id)
    return Redirect(f"/pay/status/{payment.id}", status_code=303)


def _can_give_up(payment: Payment) -> bool:
    """Return whether nothing has begun yet; once the station was asked to start, the clock alone ends it."""
    if payment.state is PaymentState.AUTHORISED:
        return payment.spot is not None and not payment.spot.token
    return payment.state is PaymentState.PENDING


async def _status(service: Service, language: str, payment: Payment, nonce: str) -> tuple[str, int | None]:
    """Return what is to be said of a payment, and after how many seconds again."""
    match payment.state:
        case PaymentState.CREATED:
            return _section(paragraph(text(language, "waiting"))), _WAITING_S
        case PaymentState.PENDING:
            link = ""
            if payment.url is not None and payment.url.startswith(("https://", "http://")):
                words = escape(text(language, "go_and_pay"))
                link = f'<p><a class="button" href="{escape(payment.url)}">{words}</a></p>'
            give_up = (
                f'<form method="post" action="/pay/status/{payment.id}/cancel">'
                f'<input type="hidden" name="nonce" value="{escape(nonce)}">'
                f'<button class="quiet">{escape(text(language, "cancel"))}</button></form>'
            )
            return _section(paragraph(text(language, "waiting")) + link + give_up), _WAITING_S
        case PaymentState.AUTHORISED | PaymentState.CAPTURE_UNKNOWN if payment.spot is not None:
            return await _under_way(service.world, language, payment.spot)
        case PaymentState.CAPTURED | PaymentState.REFUNDED:
            return await _receipt(service.world, language, payment), None
        case PaymentState.FAILED:
            return _section(paragraph(text(language, "refused"), "warn") + _again(language, payment)), None
        case _:
            return _section(paragraph(text(language, "nothing_taken")) + _again(language, payment)), None


async def _under_way(world: World, language: str, spot: Spot) -> tuple[str, int]:
    if spot.transaction is None:
        if spot.start in {"", "Accepted"}:
            return _section(paragraph(text(language, "starting"))), _WAITING_S
        minutes = max(1, -(-(spot.until_ms - world.now_ms()) // 60_000))
        words = text(language, "not_starting", why=spot.start, n=minutes)
        return _section(paragraph(words, "warn")), _WAITING_S
    document = await world.journal.document(world.tenant, TRANSACTION, spot.transaction)
    ended = document is not None and not read(document, Transaction).active
    return _section(paragraph(text(language, "settling" if ended else "is_charging"))), _CHARGING_S


async def _receipt(world: World, language: str, payment: Payment) -> str:
    taken = minor_money(language, payment.captured, payment.currency)
    said = paragraph(text(language, "taken", amount=taken))
    if payment.refunded:
        back = minor_money(language, payment.refunded, payment.currency)
        said += paragraph(text(language, "given_back", amount=back))
    transaction = None if payment.spot is None else payment.spot.transaction
    bill = None if transaction is None else await bill_of(world, transaction)
    if bill is None:
        return _section(said)
    total = bill.total.before_tax if bill.total.after_tax is None else bill.total.after_tax
    tax = total - bill.total.before_tax
    kwh = f"{(bill.energy_wh / 1000).normalize():f}"
    detail = rows(
        (text(language, "station"), f"{bill.station_id} / {bill.evse_id}"),
        (text(language, "energy"), f"{kwh.replace('.', ',') if language == 'de' else kwh} kWh"),
        (text(language, "total"), money(language, total, bill.currency)),
        (text(language, "vat"), money(language, tax, bill.currency)),
        (text(language, "session"), bill.id),
    )
    return _section(said) + _section(detail)


def _again(language: str, payment: Payment) -> str:
    spot = payment.spot
    if spot is None:
        return ""
    address = escape(f"/pay/{quote(spot.station_id)}/{spot.evse_id}")
    return f'<p><a class="button" href="{address}">{escape(text(language, "again"))}</a></p>'


def _section(inner: str) -> str:
    return f"<section>{inner}</section>"


def _sorry(language: str, key: str, *, status: int) -> Response[bytes]:
    title = text(language, "pay_and_charge")
    return page(language, title, f"<h1>{escape(title)}</h1>{_section(paragraph(text(language, key)))}", status=status)


def _language(request: Req) -> str:
    return language_of(request.headers.get("accept-language", ""))


def _place(station_id: str, evse_id: int) -> str:
    return f"{station_id.casefold()}/{evse_id}"


def _secure(world: World) -> bool:
    return (world.pay_base or "").startswith("https://")


def _pages(world: World) -> tuple[str, ...]:
    name = world.settings.payments.provider
    provider = None if name is None else world.providers.get(name)
    return () if provider is None else provider.pages


ROUTES = (style, offer_page, start_payment, status_page, cancel_payment)
