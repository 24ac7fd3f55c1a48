"""ETags: whoever has what is shown already is told so (304) instead of being shown it again (RFC 9110, 8.8.3)."""

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from wattseal.crypto.hashes import sha256


class Tags:
    """ASGI middleware: a GET answered with 200 and JSON bears the hash of it; files and streams pass as they come."""

    def __init__(self, app: ASGIApp) -> None:
        """Pass on to `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        held: list[Message] = []
        passing = False

        async def hold(message: Message) -> None:
            nonlocal passing
            if message["type"] == "http.response.start":
                passing = (b"content-type", b"application/json") not in message["headers"]
            if passing:
                await send(message)
            else:
                held.append(message)

        await self._app(scope, receive, hold)
        known = Headers.from_scope(scope).get("if-none-match", "")
        for message in _tagged(held, known):
            await send(message)


def _tagged(held: list[Message], known: str) -> list[Message]:
    start = held[0] if held else None
    if start is None or start["type"] != "http.response.start" or start["status"] != 200:
        return held
    body = b"".join(m["body"] for m in held if m["type"] == "http.response.body")
    tag = f'"{sha256(body)[:16].hex()}"'
    headers = [*start["headers"], (b"etag", tag.encode())]
    if known.strip() == "*" or tag in (t.strip().removeprefix("W/") for t in known.split(",")):
        bare = [(name, value) for name, value in headers if name not in {b"content-length", b"content-type"}]
        ended: Message = {"type": "http.response.body", "body": b"", "more_body": False}
        return [{"type": "http.response.start", "status": 304, "headers": bare}, ended]
    return [{**start, "headers": headers}, *held[1:]]
