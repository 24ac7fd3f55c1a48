"""The eMSP over HTTP. CPOs bring records, bundles and CDRs; its own people keep customers and look at charges.

Partners send `Authorization: Token <base64 of the token>` (or the token bare, as some OCPI peers do), administrators
`Authorization: Bearer <admin token>`. Trouble is an RFC 9457 problem whose `code` is stable.
"""

import asyncio
import base64
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

import msgspec
from aiohttp import web

from wattseal.base.errors import InputError, LimitError, StoreError, WattsealError
from wattseal.crypto.spki import read_spki
from wattseal.flow.ports import Clock
from wattseal.model.provider import Account, Customer
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.emsp.codes import apps
from wattseal.parties.emsp.service import Emsp, charge_to_json
from wattseal.parties.emsp.tariffs import DistrustError
from wattseal.rules.settlement import Contract
from wattseal.seal import dcbor
from wattseal.serve import emsp_codes
from wattseal.wire.ocpi.v2_2_1.cdrs import decode_cdr
from wattseal.wire.ocpi.v2_2_1.envelope import StatusCode, encode_response

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
CBOR: Final = "application/cbor"
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_STATUSES: Final = frozenset({TokenStatus.ACCEPTED, TokenStatus.BLOCKED, TokenStatus.EXPIRED, TokenStatus.INVALID})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class EmspService:
    """One eMSP behind HTTP. What changes its books happens one at a time; looking does not wait."""

    def __init__(self, emsp: Emsp, clock: Clock, *, tokens: Mapping[str, str], admin_token: str) -> None:
        """Serve partners by `tokens` (party to token) and administrators by one token."""
        self._emsp = emsp
        self._clock = clock
        self._partners = {_digest(token.encode()): party for party, token in tokens.items()}
        self._admin = _digest(admin_token.encode())
        self._turn = asyncio.Lock()

    @property
    def turn(self) -> asyncio.Lock:
        """Held while the books change; timers take it too."""
        return self._turn

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        application = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_problems])
        add = application.router
        add.add_post("/wattseal/v1/items", self.items)
        add.add_post("/wattseal/v1/bundles", self.bundles)
        add.add_get("/wattseal/v1/bundles/{subject}", self.bundle)
        add.add_get("/wattseal/v1/sessions", self.sessions)
        add.add_get("/wattseal/v1/sessions/{subject}", self.session)
        add.add_post("/wattseal/v1/sessions/{subject}/release", self.release)
        add.add_post("/wattseal/v1/customers", self.put_customer)
        add.add_get("/wattseal/v1/customers", self.customers)
        add.add_post("/wattseal/v1/apps", self.put_app)
        add.add_get("/wattseal/v1/apps", self.apps)
        add.add_post("/wattseal/v1/codes", self.issue_code)
        add.add_put("/wattseal/v1/customers/card-key", self.put_card_key)
        add.add_post("/wattseal/v1/directories", self.directories)
        add.add_post("/ocpi/emsp/2.2.1/cdrs", self.cdrs)
        add.add_get("/ocpi/emsp/2.2.1/cdrs/{id}", self.cdr)
        add.add_get("/healthz", self.health)
        add.add_get("/readyz", self.ready)
        return application

    async def items(self, request: web.Request) -> web.Response:
        """Take records in; answer the decisions on the requests among them."""
        contract = self._partner(request)
        body = dcbor.decode(await request.read(), MAX_BODY_BYTES)
        if type(body) is not list or not all(type(item) is bytes for item in body):
            raise InputError("the body is a CBOR array of byte strings", code="bad_cbor", subject="body")
        async with self._turn:
            answers = await self._emsp.receive_items(contract, body)
        return _cbor(dcbor.encode(answers))

    async def bundles(self, request: web.Request) -> web.Response:
        """Answer a bundle with its settlement, accepted or disputed."""
        contract = self._partner(request)
        body = await request.read()
        async with self._turn:
            return _cbor(await self._emsp.receive_bundle(contract, body))

    async def bundle(self, request: web.Request) -> web.Response:
        """Hand out the bundle a charge's verdict rests on, opened for the archive."""
        self._administrator(request)
        data = await self._emsp.opened_bundle(_subject(request))
        if data is None:
            raise web.HTTPNotFound
        return _cbor(data)

    async def sessions(self, request: web.Request) -> web.Response:
        """List charges as this side sees them; `?active=true` those under way, `?active=false` the others."""
        self._administrator(request)
        active = {"true": True, "false": False}.get(request.query.get("active", ""))
        return _json([charge_to_json(charge) for charge in await self._emsp.charges(active=active)])

    async def session(self, request: web.Request) -> web.Response:
        """Show one charge."""
        self._administrator(request)
        charge = await self._emsp.desk.books.charge(_subject(request))
        if charge is None:
            raise web.HTTPNotFound
        return _json(charge_to_json(charge))

    async def release(self, request: web.Request) -> web.Response:
        """Give the hold of a disputed charge back."""
        self._administrator(request)
        async with self._turn:
            charge = await self._emsp.release_hold(_subject(request))
        if charge is None:
            raise web.HTTPNotFound
        return _json(charge_to_json(charge))

    async def put_customer(self, request: web.Request) -> web.Response:
        """Make or change a customer: `{id_token, type, status, limit, currency, card?}`; `balance` also means `limit`.

        `card` is the status of the token's number alone: a copied one is blocked, and the customer's apps go on.
        """
        self._administrator(request)
        body = await _json_object(request)
        token, status, account = _customer(body)
        card = None if "card" not in body else _status(body, "card")
        async with self._turn:
            customer = await self._emsp.put_customer(token, status, account, card)
        return _json(_customer_json(customer), status=201)

    async def customers(self, request: web.Request) -> web.Response:
        """List customers with their accounts."""
        self._administrator(request)
        return _json([_customer_json(customer) for customer in await self._emsp.customers()])

    async def put_app(self, request: web.Request) -> web.Response:
        """Give a customer's app an alias, or block or unblock one."""
        self._administrator(request)
        body = await _json_object(request)
        async with self._turn:
            return _json(await emsp_codes.put_app(self._emsp.desk, body), status=201)

    async def apps(self, request: web.Request) -> web.Response:
        """List apps."""
        self._administrator(request)
        return _json([emsp_codes.view(alias, app) for alias, app in await apps(self._emsp.desk)])

    async def issue_code(self, request: web.Request) -> web.Response:
        """Sign a code by which an app begins one charge at one EVSE within minutes."""
        self._administrator(request)
        body = await _json_object(request)
        async with self._turn:
            return _json(await emsp_codes.issue(self._emsp.desk, body), status=201)

    async def put_card_key(self, request: web.Request) -> web.Response:
        """Enrol the public key of a customer's card: `{id_token, card_key}`, as PEM, base64 or hex of its SPKI.

        With one the card must answer a challenge; its number alone charges nothing. null takes the key away.
        """
        self._administrator(request)
        body = await _json_object(request)
        token = IdToken(_text(body, "id_token"), "")
        spki = read_spki(_text(body, "card_key").encode()) if body.get("card_key", "") is not None else None
        async with self._turn:
            customer = await self._emsp.put_card_key(token, spki)
        if customer is None:
            raise web.HTTPNotFound
        return _json(_customer_json(customer))

    async def directories(self, request: web.Request) -> web.Response:
        """Issue the directory of customers for an edge: `{edge_key (base64 SPKI), days?, cap_wh?}`."""
        self._administrator(request)
        body = await _json_object(request)
        try:
            spki = base64.b64decode(_text(body, "edge_key"), validate=True)
        except ValueError as error:
            raise InputError("edge_key is base64", code="bad_key", subject="edge_key") from error
        days, cap_wh = _whole(body, "days", 30, 366), _whole(body, "cap_wh", 30_000, 1_000_000)
        async with self._turn:
            return _cbor(await self._emsp.make_directory(spki, days=days, cap_wh=cap_wh))

    async def cdrs(self, request: web.Request) -> web.Response:
        """Take a CDR in (OCPI 2.2.1, module cdrs, receiver interface)."""
        contract, raw = self._partner(request), await request.read()
        try:
            cdr = decode_cdr(raw)
            async with self._turn:
                await self._emsp.receive_cdr(contract, cdr, raw)
        except InputError as error:
            message = f"{error.code}: {error.subject}"[:255]
            body = encode_response(StatusCode.INVALID_PARAMETERS, self._clock.now(), message=message)
            return _ocpi(400, body)
        response = _ocpi(201, encode_response(StatusCode.SUCCESS, self._clock.now()))
        response.headers["Location"] = f"{request.url.origin()}/ocpi/emsp/2.2.1/cdrs/{quote(cdr.id, safe='')}"
        return response

    async def cdr(self, request: web.Request) -> web.Response:
        """Give a CDR back as it was received (OCPI 2.2.1, module cdrs)."""
        contract = self._partner(request)
        raw = await self._emsp.cdr(contract, request.match_info["id"])
        if raw is None:
            body = encode_response(StatusCode.CLIENT_ERROR, self._clock.now(), message="no such CDR")
            return _ocpi(404, body)
        return _ocpi(200, encode_response(StatusCode.SUCCESS, self._clock.now(), data=msgspec.Raw(raw)))

    async def health(self, _request: web.Request) -> web.Response:
        """Tell that the process answers."""
        return _json({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """Tell whether decisions can be given: 503 while the books cannot be written."""
        healthy = self._emsp.desk.books.healthy
        return _json({"status": "ok" if healthy else "journal_failed"}, status=200 if healthy else 503)

    def _partner(self, request: web.Request) -> Contract:
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        party = None
        if scheme == "Token":
            for token in _spellings(credentials.strip()):
                party = party or self._partners.get(_digest(token))
        contract = None if party is None else self._emsp.desk.contracts.get(party)
        if contract is None:
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Token"})
        return contract

    def _administrator(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not hmac.compare_digest(_digest(token.strip().encode()), self._admin):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = _problem(error.status, error.reason.lower().replace(" ", "_"), error.reason)
        response.headers.update({k: v for k, v in error.headers.items() if k in {"WWW-Authenticate", "Allow"}})
    except DistrustError as error:
        response = _problem(403, error.code, str(error), error.subject)
    except LimitError as error:
        response = _problem(413, error.code, str(error), error.subject)
    except InputError as error:
        response = _problem(400, error.code, str(error), error.subject)
    except StoreError as error:
        response = _problem(503, error.code, "the books cannot be written at present; try again")
        response.headers["Retry-After"] = "5"
    except WattsealError as error:
        response = _problem(500, error.code, "an internal check failed; the operator's log tells more")
    if (request_id := request.headers.get("X-Request-ID", ""))[:64].isprintable() and request_id:
        response.headers["X-Request-ID"] = request_id[:64]
    return response


def _problem(status: int, code: str, detail: str, subject: str = "") -> web.Response:
    body = {"type": "about:blank", "title": code, "status": status, "code": code, "detail": detail}
    if subject:
        body["subject"] = subject[:200]
    return web.Response(status=status, text=json.dumps(body), content_type="application/problem+json", headers=_HEADERS)


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, text=json.dumps(value), content_type="application/json", headers=_HEADERS)


def _ocpi(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, headers={**_HEADERS, "Content-Type": "application/json"})


def _cbor(data: bytes) -> web.Response:
    return web.Response(body=data, headers={**_HEADERS, "Content-Type": CBOR})


def _digest(secret: bytes) -> bytes:
    return sha256(secret).digest()


def _spellings(credentials: str) -> list[bytes]:
    spelt = [credentials.encode()]
    try:
        spelt.append(base64.b64decode(credentials, validate=True))
    except ValueError:
        return spelt
    return spelt


def _subject(request: web.Request) -> bytes:
    try:
        return bytes.fromhex(request.match_info["subject"])
    except ValueError as error:
        raise web.HTTPNotFound from error


async def _json_object(request: web.Request) -> dict[str, Any]:
    try:
        value = json.loads(await request.read(), parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise InputError("the body is not JSON", code="bad_json", subject="body") from error
    if not isinstance(value, dict):
        raise InputError("the body is a JSON object", code="bad_json", subject="body")
    return value


def _text(body: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or not 0 < len(value) <= 4096:
        raise InputError(f"{name} is missing or not text", code="bad_field", subject=name)
    return value


def _whole(body: Mapping[str, Any], name: str, default: int, most: int) -> int:
    value = body.get(name, default)
    if type(value) is not int or not 1 <= value <= most:
        raise InputError(f"{name} is a whole number from 1 to {most}", code="bad_field", subject=name)
    return value


def _customer(body: Mapping[str, Any]) -> tuple[IdToken, TokenStatus, Account]:
    token = IdToken(_text(body, "id_token"), _text(body, "type", "ISO14443"))
    if len(token.value) > 255 or not token.key():
        raise InputError("an id_token has 1 to 255 characters", code="bad_field", subject="id_token")
    status = _status(body, "status")
    currency = _text(body, "currency", "EUR")
    if len(currency) != 3 or not (currency.isascii() and currency.isupper()):
        raise InputError("currency is three capital letters (ISO 4217)", code="bad_field", subject="currency")
    return token, status, Account(currency, _amount(body))


def _status(body: Mapping[str, Any], name: str) -> TokenStatus:
    status = _text(body, name, "Accepted")
    if status not in _STATUSES:
        raise InputError(f"{name} is Accepted, Blocked, Expired or Invalid", code="bad_field", subject=name)
    return TokenStatus(status)


def _amount(body: Mapping[str, Any]) -> Decimal:
    name = "limit" if "limit" in body else "balance"
    stated = body.get(name)
    try:
        amount = Decimal(str(stated)) if type(stated) in {int, str, Decimal} else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    exponent = amount.as_tuple().exponent
    if not amount.is_finite() or not 0 <= amount <= 10**9 or not isinstance(exponent, int) or exponent < -4:
        raise InputError(
            f"{name} is an amount from 0 to 10^9 with at most four decimals", code="bad_field", subject=name
        )
    return amount


def _customer_json(customer: Customer) -> dict[str, Any]:
    account = customer.account
    return {
        "id_token": customer.id_token.value,
        "type": customer.id_token.type,
        "status": customer.status.value,
        "card": customer.card.value,
        "currency": account.currency,
        "limit": format(account.limit, "f"),
        "held": format(account.held, "f"),
        "captured": format(account.captured, "f"),
        "available": format(account.available, "f"),
        "card_key": None if customer.card_key is None else base64.b64encode(customer.card_key).decode(),
    }
