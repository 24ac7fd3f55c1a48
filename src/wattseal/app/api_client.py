"""The HTTP API of a running CSMS, as commands use it: one call, its answer, and what went wrong in plain words."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from wattseal.base.errors import InputError

TIMEOUT_S = 60.0
Data = bytes
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the address of the next one."""

    rows: list[Any]
    next_path: str | None


class ApiClient:
    """A client of `URL/api/v1`. Trouble is an `InputError`: `unreachable`, `not_allowed`, or the problem's own code."""

    def __init__(self, url: str, token: str, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url.rstrip("/")
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {token}"}, timeout=aiohttp.ClientTimeout(total=timeout_s)
        )

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the connections go."""
        await self._session.close()

    async def json(self, method: str, path: str, *, body: Any = None, query: Mapping[str, str] | None = None) -> Any:
        """Return the JSON answered; None where there is no body. `path` begins behind /api/v1."""
        async with self._answer(method, path, body, query) as answer:
            return await answer.json(content_type=None) if answer.status != 204 else None

    async def send(self, method: str, path: str, data: bytes, *, query: Mapping[str, str] | None = None) -> Any:
        """Send bytes of JSON as they are, so that every number keeps its digits, and return the JSON answered."""
        async with self._answer(method, path, None, query, data) as answer:
            return await answer.json(content_type=None)

    async def bytes(self, path: str, *, query: Mapping[str, str] | None = None) -> bytes:
        """Return the bytes that a GET is answered."""
        async with self._answer("GET", path, None, query) as answer:
            return await answer.read()

    async def chunks(self, path: str) -> AsyncIterator[Data]:
        """Yield the bytes that a GET is answered as they come; one that is cut off ends in an `InputError`."""
        async with self._answer("GET", path, None, None) as answer:
            async for chunk in answer.content.iter_any():
                yield chunk

    async def rows(self, path: str, *, query: Mapping[str, str] | None = None) -> AsyncIterator[Any]:
        """Yield all rows of a list, page by page."""
        async with self._answer("GET", path, None, query) as answer:
            page, follow = await answer.json(content_type=None), answer.links.get("next")
        while True:
            for row in page:
                yield row
            if follow is None:
                return
            async with self._answer("GET", _path_of(follow["url"]).removeprefix("/api/v1"), None, None) as answer:
                page, follow = await answer.json(content_type=None), answer.links.get("next")

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, body: Any, query: Mapping[str, str] | None, data: Data | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = f"{self._url}/api/v1{path}"
        sent: dict[str, Any] = {"json": body} if data is None else {"data": data, "headers": JSON}
        try:
            async with self._session.request(method, url, params=query, **sent) as answer:
                if answer.status >= 400:
                    raise await _problem(answer)
                yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            text = f"{self._url} does not answer: {error}"
            raise InputError(text, code="unreachable", subject=self._url) from error


def _path_of(url: object) -> str:
    """Return path and query of an address."""
    parts = urlsplit(str(url))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


async def _problem(answer: aiohttp.ClientResponse) -> InputError:
    """Return what a refusal says (RFC 9457)."""
    if answer.status == 401:
        return InputError("the CSMS does not take this token", code="not_allowed", subject="token")
    try:
        told = await answer.json(content_type=None)
    except ValueError:
        told = {}
    title = str(told.get("title") or f"the CSMS answered {answer.status}")
    return InputError(
        title, code=str(told.get("code") or f"http_{answer.status}"), subject=str(told.get("field") or "")
    )
