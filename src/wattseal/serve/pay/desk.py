"""What the pages work with: who asks, and whether a form came from a page of ours."""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from litestar import Request
from litestar.datastructures import Cookie, State

from wattseal.serve.pay.limits import Buckets
from wattseal.serve.proxy import Proxies
from wattseal.stores.trial_bank import TrialBank

Req = Request[Any, Any, State]
NONCE = "wattseal-pay"
_NONCE_CHARACTERS = 64


@dataclass(slots=True)
class Trial:
    """The embedded test provider: its books, the secret it shares with its client, and how it sends a webhook."""

    bank: TrialBank
    secret: str
    tell: Callable[[bytes, str], Awaitable[None]]


@dataclass(slots=True)
class PayDesk:
    """`key` signs the nonces of forms and dies with the process; `proxies` may say from where somebody really comes.

    `code_tries` bounds what is tried with codes of apps, by address, and by code where it is a genuine one.
    """

    key: bytes = b""
    proxies: Proxies = field(default_factory=Proxies)
    buckets: Buckets = field(default_factory=Buckets)
    code_tries: Buckets = field(default_factory=Buckets)
    trial: Trial | None = None

    def address(self, request: Req) -> str:
        """Return where a request comes from; of IPv6 the network that one customer has."""
        remote = request.client.host if request.client else ""
        hops = request.headers.get("x-forwarded-for", "").split(",")[-16:]
        while hops and self.proxies.trusts(remote):
            remote = hops.pop().strip()
        try:
            found = ipaddress.ip_address(remote)
        except ValueError:
            return remote[:64]
        return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)

    def nonce(self, request: Req, fresh: str, place: str, *, secure: bool) -> tuple[str, Cookie]:
        """Return what a form bears, and the cookie that only a browser which got the form from here sends with it."""
        known = request.cookies.get(NONCE, "")
        value = known if 16 <= len(known) <= _NONCE_CHARACTERS and known.isalnum() else fresh
        cookie = Cookie(NONCE, value=value, path="/pay", httponly=True, samesite="strict", secure=secure, max_age=3600)
        return self._mac(value, place), cookie

    def came_from_here(self, request: Req, told: str, place: str) -> bool:
        """Return whether a form was got from a page of ours by this very browser."""
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return False
        value = request.cookies.get(NONCE, "")
        return bool(value) and hmac.compare_digest(self._mac(value, place).encode(), told.encode())

    def _mac(self, value: str, place: str) -> str:
        return hmac.digest(self.key, f"{value}\n{place}".encode(), "sha256").hex()[:32]
