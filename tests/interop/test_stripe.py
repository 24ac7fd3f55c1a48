"""The Stripe adapter against `localstripe`, a program that is not ours, and the library's own check of signatures."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import stripe
from aiohttp import ClientSession, web
from tests.interop.localstripe import localstripe

from wattseal.dial.payments.stripe import HEADER, OURS, StripeAccess, StripeProvider
from wattseal.model.payment import (
    Authorised,
    Cancelled,
    Captured,
    ChangeKind,
    Declined,
    NotKnown,
    Order,
    Pending,
    Refused,
    Unreachable,
    WebhookEvent,
)
from wattseal.rules.webhook_signatures import sign, verify

KEY, SECRET = "sk_test_wattseal", "whsec_wattseal"
GOOD, DECLINED = "4242424242424242", "4000000000000341"


@pytest.fixture(scope="module")
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with localstripe(request.config, tmp_path_factory.mktemp("localstripe")) as found:
        yield found


@pytest.fixture
async def provider(address: str) -> AsyncIterator[StripeProvider]:
    async with ClientSession() as session:
        yield StripeProvider(session, StripeAccess(KEY, SECRET, address))


def card(address: str, number: str) -> str:
    """Make a PaymentMethod as an app's own code would: the number never comes by us."""
    data = {
        "type": "card",
        "card[number]": number,
        "card[exp_month]": "12",
        "card[exp_year]": "2040",
        "card[cvc]": "123",
    }
    made = httpx.post(f"{address}/v1/payment_methods", data=data, auth=(KEY, ""), trust_env=False)
    assert made.status_code == 200, made.text
    return str(made.json()["id"])


def order(name: str, method: str | None, reference: str | None = None, capture: int | None = None) -> Order:
    return Order(name, f"key-{name}", "EUR", 5000, "http://127.0.0.1/pay/status/x", "EV", reference, method, capture)


async def authorised(provider: StripeProvider, address: str, name: str) -> Order:
    method = card(address, GOOD)
    made = await provider.preauthorise(order(name, method))
    assert isinstance(made, Authorised), made
    assert made.amount == 5000
    return order(name, method, made.reference)


async def test_what_is_authorised_is_captured_in_part_and_refunded_in_parts(
    provider: StripeProvider, address: str
) -> None:
    begun = await authorised(provider, address, "a")
    assert await provider.look_up(begun) == Authorised(str(begun.reference), 5000)
    taken = await provider.capture(begun, 3142)
    assert taken == Captured(str(begun.reference), 3142)
    known = order("a", begun.method, begun.reference, 3142)
    assert await provider.look_up(known) == Captured(str(begun.reference), 3142)
    assert await provider.refund(known, 1000) == Captured(str(begun.reference), 3142, 1000)
    assert await provider.refund(known, 1000) == Captured(str(begun.reference), 3142, 1000), (
        "the same key is one refund"
    )


async def test_what_is_cancelled_is_released(provider: StripeProvider, address: str) -> None:
    begun = await authorised(provider, address, "b")
    assert await provider.cancel(begun) == Cancelled(str(begun.reference))
    assert await provider.look_up(begun) == Cancelled(str(begun.reference))
    assert isinstance(await provider.capture(begun, 100), Unreachable | Cancelled), "nothing is taken any more"
    assert await provider.look_up(begun) == Cancelled(str(begun.reference))


async def test_a_bank_that_says_no_is_an_answer(provider: StripeProvider, address: str) -> None:
    assert await provider.preauthorise(order("c", card(address, DECLINED))) == Declined("card_declined")


async def test_what_stripe_does_not_know_is_an_answer_and_so_is_silence(provider: StripeProvider) -> None:
    assert await provider.look_up(order("d", None, "pi_nothing")) == NotKnown()
    assert isinstance(await provider.preauthorise(order("d", "pm_nothing")), NotKnown | Declined)
    async with ClientSession() as session:
        nobody = StripeProvider(session, StripeAccess(KEY, SECRET, "http://127.0.0.1:9"))
        assert isinstance(await nobody.look_up(order("d", None, "pi_1")), Unreachable)
        assert isinstance(await nobody.balance(0, 1), Unreachable)


async def test_the_balance_names_what_each_line_was_for(provider: StripeProvider, address: str) -> None:
    begun = await authorised(provider, address, "e")
    await provider.capture(begun, 5000)
    await provider.refund(order("e", begun.method, begun.reference, 5000), 700)
    lines = await provider.balance(0, 2**53)
    assert not isinstance(lines, Unreachable)
    mine = sorted((line.kind, line.amount, line.currency) for line in lines if line.reference == begun.reference)
    assert mine == [(ChangeKind.CAPTURE, 5000, "EUR"), (ChangeKind.REFUND, -700, "EUR")]


async def test_webhooks_that_localstripe_signs_are_believed_and_others_are_not(
    provider: StripeProvider, address: str
) -> None:
    heard: asyncio.Queue[tuple[bytes, dict[str, str]]] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        await heard.put((await request.read(), {name.lower(): value for name, value in request.headers.items()}))
        return web.Response()

    application = web.Application()
    application.router.add_post("/", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        told = {"url": f"http://127.0.0.1:{port}/", "secret": SECRET}
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.post(f"{address}/_config/webhooks/ours", json=told)).status_code == 200
        begun = await authorised(provider, address, "f")
        await provider.capture(begun, 5000)
        while True:
            body, headers = await asyncio.wait_for(heard.get(), 20)
            event = provider.verify_webhook(body, headers, int(time.time()))
            assert isinstance(event, WebhookEvent), event
            if event.payment == "f":
                break
    finally:
        await runner.cleanup()
    assert (event.kind, event.reference) == ("payment_intent.succeeded", begun.reference)
    assert provider.verify_webhook(body + b" ", headers, int(time.time())) == Refused("bad_signature")
    assert provider.verify_webhook(body, {}, int(time.time())) == Refused("bad_signature")
    assert provider.verify_webhook(body, headers, int(time.time()) + 301) == Refused("too_old")
    assert provider.verify_webhook(body, headers, int(time.time()) - 330) == Refused("too_old")


@pytest.mark.parametrize("secret", [SECRET, "another"])
def test_our_check_of_a_signature_agrees_with_stripes_library(secret: str) -> None:
    now_s, body = int(time.time()), b'{"id":"evt_1","object":"event"}'
    header = sign(secret, body, now_s)
    believed = True
    try:
        stripe.WebhookSignature.verify_header(body, header, SECRET, 300)
    except stripe.SignatureVerificationError:
        believed = False
    assert believed is (verify(SECRET, header, body, now_s) is None)
    assert believed is (secret == SECRET)


async def test_a_driver_without_an_app_is_sent_to_checkout_and_nothing_is_captured_by_itself() -> None:
    """localstripe has no Checkout: what Stripe is asked for is looked at here, against its documented shape."""
    asked: list[tuple[str, dict[str, str], str]] = []
    session: dict[str, Any] = {"id": "cs_1", "object": "checkout.session", "status": "open", "payment_intent": None}
    session["url"] = "https://checkout.stripe.com/c/pay/cs_1"

    async def answer(request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        asked.append((f"{request.method} {request.path}", form, request.headers.get("Idempotency-Key", "")))
        if request.path.endswith("/expire"):
            session["status"] = "expired"
        return web.json_response(session)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        async with ClientSession() as client:
            provider = StripeProvider(client, StripeAccess(KEY, SECRET, f"http://127.0.0.1:{port}"))
            assert await provider.preauthorise(order("g", None)) == Pending("cs_1", session["url"])
            assert await provider.look_up(order("g", None, "cs_1")) == Pending("cs_1", session["url"])
            assert await provider.cancel(order("g", None, "cs_1")) == Cancelled("cs_1", expired=True)
    finally:
        await runner.cleanup()
    words, form, key = asked[0]
    assert (words, key) == ("POST /v1/checkout/sessions", "key-g")
    assert form["payment_intent_data[capture_method]"] == "manual"
    assert form["line_items[0][price_data][unit_amount]"] == "5000"
    assert form[f"metadata[{OURS}]"] == form[f"payment_intent_data[metadata][{OURS}]"] == "g"
    assert not any("card" in name for name in form)


def test_a_webhook_about_a_card_that_was_refused_on_the_page_ends_nothing() -> None:
    intent = {"id": "pi_1", "object": "payment_intent", "status": "requires_payment_method", "metadata": {OURS: "h"}}
    event = {"id": "evt_1", "type": "payment_intent.payment_failed", "data": {"object": intent}}
    body = json.dumps(event).encode()

    async def told() -> WebhookEvent | Refused:
        async with ClientSession() as session:
            provider = StripeProvider(session, StripeAccess(KEY, SECRET))
            return provider.verify_webhook(body, {HEADER: sign(SECRET, body, 1000)}, 1000)

    assert asyncio.run(told()) == WebhookEvent("evt_1", "payment_intent.payment_failed", "pi_1", "h", None)
