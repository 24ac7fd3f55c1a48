"""`Idempotency-Key`: a request that acts is worked on once, however often it is sent within a day.

The same key with the same content is answered as before; with other content it is refused. What changed nothing (not
allowed, offline, queue full) is not kept: it may be sent again under its key.
"""

import hmac
import re
from collections.abc import Mapping

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, Message, Receive, Scope, Send

from wattseal.crypto.hashes import sha256
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import MAX_BODY_BYTES, Service, principal_of
from wattseal.stores.requests import Answered, KeptRequests, Standing

_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEY = re.compile(r"[!-~]{1,255}")
_FINAL = frozenset({200, 201, 202, 204, 422, 502, 504})
"""Answers after which something may have changed, or that would be the same again."""
_HEADERS = frozenset({"content-type", "wattseal-record", "location", "etag"})
_REFUSALS: Mapping[Standing, tuple[int, str, str]] = {
    Standing.RUNNING: (409, "in_progress", "a request with this Idempotency-Key is being worked on"),
    Standing.UNKNOWN: (409, "outcome_unknown", "the first request was cut off; look what it did, then use a new key"),
    Standing.ANOTHER: (422, "idempotency_key_reused", "this Idempotency-Key came with another request; use a new one"),
}


class Idempotency:
    """ASGI middleware in front of the API's routes."""

    def __init__(self, app: ASGIApp) -> None:
        """Pass on to `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that was answered before; else pass it on and keep the answer."""
        key = Headers.from_scope(scope).get("idempotency-key")
        if key is None or scope["type"] != ScopeType.HTTP or scope["method"] not in _METHODS:
            await self._app(scope, receive, send)
            return
        service: Service = scope["litestar_app"].state["service"]
        who = principal_of(service, Headers.from_scope(scope).get("authorization", ""))
        if who is None:  # the route refuses, before anything is read
            await self._app(scope, receive, send)
            return
        body, whole = await _read(receive)
        if not whole:  # too long: the route refuses
            await self._app(scope, _replayed(body, receive), send)
            return
        if not _KEY.fullmatch(key):
            text = "an Idempotency-Key has 1 to 255 printable ASCII characters"
            raise ProblemError(422, "bad_idempotency_key", text)
        target = f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}"
        place = sha256(f"{who.name}\n{target}\n{key}".encode()).hex()
        fingerprint = hmac.digest(key.encode(), body, "sha256")
        begun = await service.requests.begin(place, fingerprint, service.world.now_ms())
        match begun:
            case Answered():
                await _repeat(begun, send)
            case Standing.NEW:
                await _Kept(service.requests, place, send).run(self._app, scope, _replayed(body, receive))
            case _:
                raise ProblemError(*_REFUSALS[begun])


class _Kept:
    """Holds an answer back until it is kept."""

    def __init__(self, requests: KeptRequests, place: str, send: Send) -> None:
        self._requests = requests
        self._place = place
        self._send = send
        self._messages: list[Message] = []

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive) -> None:
        answered: Answered | None = None
        try:
            await app(scope, receive, self._hold)
            answered = self._answered()
        finally:
            if answered is not None and answered.status in _FINAL:
                await self._requests.finish(self._place, answered)
            else:
                await self._requests.release(self._place)
        for message in self._messages:
            await self._send(message)

    async def _hold(self, message: Message) -> None:
        self._messages.append(message)

    def _answered(self) -> Answered:
        status, body = 500, b""
        headers: tuple[tuple[str, str], ...] = ()
        for message in self._messages:
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"])
            elif message["type"] == "http.response.body":
                body += message["body"]
        private = ("cache-control", "no-store") in headers
        kept = tuple((name, value) for name, value in headers if name in _HEADERS)
        return Answered(status, kept, None if private else body)


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """Return the body and True; False beside what has come where it is longer than any request may be."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body, False
        body += message["body"]
        if len(body) > MAX_BODY_BYTES:
            return body, False
        if not message.get("more_body", False):
            return body, True


def _replayed(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> HTTPReceiveMessage:
        nonlocal sent
        if sent:
            return await receive()  # type: ignore[return-value] # of a request, what comes next is its end
        sent = True
        more = len(body) > MAX_BODY_BYTES
        return {"type": "http.request", "body": body, "more_body": more}

    return replay


async def _repeat(answered: Answered, send: Send) -> None:
    if answered.body is None:
        text = "this was done; its answer held a secret and is shown once only"
        raise ProblemError(409, "already_done", text)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answered.headers]
    headers += [(b"idempotency-replayed", b"true"), (b"content-length", str(len(answered.body)).encode())]
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    await send({"type": "http.response.body", "body": answered.body, "more_body": False})
