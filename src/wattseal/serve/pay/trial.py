"""The embedded test provider over HTTP: its hosted page with two buttons, the API its client speaks, its webhooks."""

import asyncio
import hmac
from html import escape
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Redirect
from msgspec import Meta

from wattseal.model.payment import BalanceChange
from wattseal.model.trial_money import TrialEvent, TrialPayment
from wattseal.rules.webhook_signatures import sign
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, What
from wattseal.serve.pay.desk import Req, Trial
from wattseal.serve.pay.html import page, paragraph, rows
from wattseal.serve.pay.pages import Form
from wattseal.serve.pay.prices import minor_money
from wattseal.serve.pay.texts import language_of

Text = Annotated[str, Meta(max_length=500)]
Minor = Annotated[int, Meta(ge=1, le=10**12)]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A payment to be made."""

    payment: Text
    key: Text
    currency: Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
    amount: Minor
    return_url: Text
    text: Text
    method: Text | None = None


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of a payment."""

    key: Text
    amount: Minor | None = None


@get("/pay/test/{reference:str}", security=[{}], include_in_schema=False)
async def trial_page(service: What, request: Req, reference: FromPath[str]) -> Response[bytes]:
    """Show a payment with its two buttons."""
    payment = _payment(_trial(service), reference)
    amount = minor_money(language_of(""), payment.amount, payment.currency)
    nonce, cookie = service.pay.nonce(request, service.world.random.bytes(16).hex(), reference, secure=False)
    buttons = "".join(
        f'<form method="post"><input type="hidden" name="nonce" value="{escape(nonce)}">'
        f'<button name="press" value="{value}"{kind}>{words}</button></form>'
        for value, kind, words in (("approve", "", "Approve"), ("decline", ' class="quiet"', "Decline"))
    )
    body = (
        '<div class="test"></div><h1>Test payment: no money moves</h1>'
        f"<section>{rows(('For', payment.text), ('Amount', amount), ('State', payment.state.value))}</section>"
        f"<section>{paragraph('This page stands in for the bank. It asks for no card.', 'small')}{buttons}</section>"
    )
    response = page("en", "Test payment", body)
    response.cookies.append(cookie)
    return response


@post("/pay/test/{reference:str}", security=[{}], include_in_schema=False, status_code=303)
async def trial_press(service: What, request: Req, reference: FromPath[str], data: Form) -> Redirect:
    """Press a button; the driver goes back to where he came from."""
    trial = _trial(service)
    payment = _payment(trial, reference)
    if not service.pay.came_from_here(request, data.get("nonce", ""), reference):
        raise ProblemError(403, "not_from_here", "open the page anew and press the button again")
    pressed = trial.bank.press(payment, approve=data.get("press") == "approve")
    await _tell(service, trial, pressed)
    return Redirect(pressed.return_url, status_code=303)


@post("/pay/test/api/payments", security=[{}], include_in_schema=False, status_code=200)
async def trial_make(service: What, request: Req, data: JSONBody[Wanted]) -> TrialPayment:
    """Make a payment."""
    trial = _client(service, request)
    return trial.bank.make(msgspec.structs.asdict(data), service.world.pay_base or "")


@get("/pay/test/api/payments/{reference:str}", security=[{}], include_in_schema=False)
async def trial_find(service: What, request: Req, reference: FromPath[str]) -> TrialPayment:
    """Return a payment."""
    return _payment(_client(service, request), reference)


@post("/pay/test/api/payments/{reference:str}/{step:str}", security=[{}], include_in_schema=False, status_code=200)
async def trial_step(
    service: What, request: Req, reference: FromPath[str], step: FromPath[str], data: JSONBody[Asked]
) -> Response[Any]:
    """Capture, cancel or refund."""
    trial = _client(service, request)
    payment = _payment(trial, reference)
    match step, data.amount:
        case "capture", int(amount):
            done = trial.bank.capture(payment, data.key, amount)
        case "refund", int(amount):
            done = trial.bank.refund(payment, data.key, amount)
        case "cancel", _:
            done = trial.bank.cancel(payment, data.key)
        case _:
            raise ProblemError(404, "not_found", "a payment is captured, cancelled or refunded")
    if isinstance(done, str):
        return Response({"declined": done}, status_code=402)
    await _tell(service, trial, done)
    if step == "capture" and trial.bank.loses_answer(done):
        raise ProblemError(504, "answer_lost", "this amount has the answer to its capture lost")
    return Response(done)


@get("/pay/test/api/balance", security=[{}], include_in_schema=False)
async def trial_balance(service: What, request: Req, begin: FromQuery[int], end: FromQuery[int]) -> list[BalanceChange]:
    """Return the lines of the balance of a time."""
    return list(_client(service, request).bank.balance(begin, end))


@post("/pay/test/api/payouts/{currency:str}", security=[{}], include_in_schema=False, status_code=200)
async def trial_pay_out(service: What, request: Req, currency: FromPath[str]) -> list[BalanceChange]:
    """Pay out what there is."""
    change = _client(service, request).bank.pay_out(currency)
    return [] if change is None else [change]


def _trial(service: Service) -> Trial:
    if service.pay.trial is None:
        raise ProblemError(404, "not_found", "the embedded test provider is not in use")
    return service.pay.trial


def _client(service: Service, request: Req) -> Trial:
    trial = _trial(service)
    told = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(told.encode(), trial.secret.encode()):
        raise ProblemError(401, "not_authenticated", "this is for the process's own client")
    return trial


def _payment(trial: Trial, reference: str) -> TrialPayment:
    found = trial.bank.find(reference)
    if found is None:
        raise ProblemError(404, "not_found", "there is no such test payment")
    return found


async def _tell(service: Service, trial: Trial, payment: TrialPayment) -> None:
    """Send the webhook of a change, in the background: whoever pressed does not wait for it."""
    world = service.world
    event = TrialEvent(world.random.bytes(12).hex(), f"payment.{payment.state.value}", payment)
    body = msgspec.json.encode(event)
    header = sign(trial.secret, body, world.now_ms() // 1000)
    for _ in range(trial.bank.times_told(payment)):
        task = asyncio.create_task(_sent(trial, body, header))
        _SENDING.add(task)
        task.add_done_callback(_SENDING.discard)


async def _sent(trial: Trial, body: bytes, header: str) -> None:
    await trial.tell(body, header)


_SENDING: set[asyncio.Task[None]] = set()

ROUTES = (trial_page, trial_press, trial_make, trial_find, trial_step, trial_balance, trial_pay_out)
