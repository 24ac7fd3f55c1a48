"""Payments over the API: on the spot for kiosks and apps, onto accounts, back to the payer, and what came of them."""

import re
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from wattseal.base.errors import InputError
from wattseal.flow.money import payments
from wattseal.flow.money.ad_hoc import pay_here
from wattseal.flow.money.wallets import give_back, top_up
from wattseal.model.payment import Payment
from wattseal.rules.holding import in_units
from wattseal.serve.api.accounts import Amount
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who

READ, WRITE = "payments:read", "payments:write"
Method = Annotated[str, Meta(pattern=r"\A[A-Za-z]{1,12}_[A-Za-z0-9_]{1,100}\Z")]
"""A provider's own handle of a means of payment, such as Stripe's `pm_...`; the number of a card is none."""


_LONG_NUMBER = re.compile(r"[0-9]{12}")


def method_of(told: str | None) -> str | None:
    """Return a provider's handle; what could hold the number of a card is an `InputError`, and is repeated nowhere."""
    if told is not None and _LONG_NUMBER.search(told):
        text = "give the provider's handle of a means of payment; the number of a card is taken nowhere here"
        raise InputError(text, code="card_number", subject="method")
    return told


class AdHocBody(Body, frozen=True, kw_only=True):
    """A payment for one charge. Without `method` the driver pays at the `url` answered."""

    station_id: Annotated[str, Meta(min_length=1, max_length=48)]
    evse_id: Annotated[int, Meta(ge=1, le=65_535)]
    method: Method | None = None


class TopUpBody(Body, frozen=True, kw_only=True):
    """Money for an account, in its currency."""

    amount: Amount
    method: Method | None = None


class RefundBody(Body, frozen=True, kw_only=True):
    """What is to go back to whoever paid it in; all that is left where no amount is given."""

    amount: Amount | None = None


@post("/ad-hoc-payments", status_code=201)
async def post_ad_hoc(principal: Who, service: What, data: JSONBody[AdHocBody]) -> dict[str, Any]:
    """Begin a payment for a charge at an EVSE. Once it is authorised the station is started; only the bill is taken."""
    demand(principal, WRITE)
    made = await pay_here(service.world, data.station_id, data.evse_id, method=method_of(data.method))
    return view(made)


@post("/accounts/{account_id:str}/top-ups", status_code=201)
async def post_top_up(
    principal: Who, service: What, account_id: FromPath[str], data: JSONBody[TopUpBody]
) -> dict[str, Any]:
    """Begin a payment onto a prepaid account; it is on the account once it was captured."""
    demand(principal, WRITE)
    return view(await top_up(service.world, account_id, data.amount, method_of(data.method)))


@post("/accounts/{account_id:str}/refunds", status_code=200)
async def post_refund(
    principal: Who, service: What, account_id: FromPath[str], data: JSONBody[RefundBody]
) -> list[dict[str, Any]]:
    """Give what is left on a prepaid account back by the payments it came by, the latest first."""
    demand(principal, WRITE)
    return [view(payment) for payment in await give_back(service.world, account_id, data.amount)]


@get("/payments")
async def get_payments(
    principal: Who, service: What, request: Req, *, limit: Limit = 100, after: ShortQuery = None
) -> Response[list[dict[str, Any]]]:
    """List payments in the order they were begun."""
    demand(principal, READ)
    page, cursor = await payments.list_payments(service.world, after or "", limit)
    return paged(request, [view(payment) for payment in page], cursor)


@get("/payments/{payment_id:str}")
async def get_payment(principal: Who, service: What, payment_id: FromPath[str]) -> dict[str, Any]:
    """Show a payment."""
    demand(principal, READ)
    found = await payments.payment_of(service.world, payment_id)
    if found is None:
        raise ProblemError(404, "not_found", "there is no such payment")
    return view(found)


def view(payment: Payment) -> dict[str, Any]:
    """Return a payment as the API shows it; amounts are text in units of the currency."""
    spot = payment.spot
    return {
        "id": payment.id,
        "provider": payment.provider,
        "purpose": payment.purpose.value,
        "state": payment.state.value,
        "account": payment.account,
        "currency": payment.currency,
        "amount": _money(payment, payment.amount),
        "authorised": _money(payment, payment.authorised),
        "captured": _money(payment, payment.captured),
        "refunded": _money(payment, payment.refunded),
        "fee": _money(payment, payment.fee),
        "url": payment.url,
        "reference": payment.reference,
        "code": payment.code or None,
        "created_at_ms": payment.created_ms,
        "changed_at_ms": payment.changed_ms,
        "record": payment.record,
        "station_id": None if spot is None else spot.station_id,
        "evse_id": None if spot is None else spot.evse_id,
        "transaction": None if spot is None else spot.transaction,
        "start": None if spot is None else spot.start or None,
    }


def _money(payment: Payment, amount: int) -> str:
    return format(in_units(amount, payment.currency), "f")


ROUTES = (post_ad_hoc, post_top_up, post_refund, get_payments, get_payment)
