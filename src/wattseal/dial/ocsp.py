"""Asking OCSP responders over HTTP (RFC 6960, appendix A), those of a list only."""

import logging
from collections.abc import Iterable

from aiohttp import ClientError, ClientSession, ClientTimeout

from wattseal.crypto.ocsp import MAX_RESPONSE_BYTES

TIMEOUT_S = 5.0
"""A car waits five seconds at most (2.x M01, error handling)."""
_LOGGER = logging.getLogger("wattseal.ocsp")


class ListedResponders:
    """Port `OcspResponders`: a URL is asked when it is on the list, letter by letter; redirects lead nowhere."""

    def __init__(self, session: ClientSession, urls: Iterable[str]) -> None:
        """Ask nobody yet."""
        self._session = session
        self._urls = frozenset(urls)

    async def ask(self, url: str, request: bytes) -> bytes | None:
        """Return the answer, DER; None where the URL is not listed or does not answer in time."""
        if url not in self._urls:
            return None
        headers = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}
        timeout = ClientTimeout(total=TIMEOUT_S)
        try:
            async with self._session.post(
                url, data=request, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                body = await answer.content.read(MAX_RESPONSE_BYTES + 1)
                return body if answer.status == 200 and len(body) <= MAX_RESPONSE_BYTES else None
        except (TimeoutError, ClientError, ValueError) as error:
            _LOGGER.warning("ocsp_not_answered %s", type(error).__name__)
            return None
