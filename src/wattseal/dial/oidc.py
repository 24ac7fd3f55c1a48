"""An OpenID Connect provider: discovery, the code flow with PKCE, and ID tokens checked (OpenID Connect Core, 3.1.3.7).

What the provider signs is trusted for what it says of the person; how it is reached is trusted to TLS: an issuer is
https, but for loopback. No redirect is followed, and what discovery tells leads not inside where the issuer is not.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from socket import inet_aton
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, encode_basic_auth
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from wattseal.flow.people.outside import Asked
from wattseal.flow.ports import Clock

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Of public keys only: neither "none" nor what is made with the client's own secret."""
TIMEOUT = ClientTimeout(total=10)
MAX_BYTES = 256 * 1024
KEPT_MS = 3_600_000
"""How long discovery and keys are kept; keys are fetched again sooner where one is unknown."""
AGAIN_MS = 10_000
LEEWAY_S = 60
_LOGGER = logging.getLogger("wattseal.oidc")


@dataclass(slots=True)
class OidcProvider:
    """A provider (`flow.people.outside.Provider`)."""

    session: ClientSession
    clock: Clock
    issuer: str
    client_id: str
    client_secret: str | None
    scopes: str = "openid profile"
    told: dict[str, Any] | None = None
    keys: KeySet | None = None
    told_ms: int = 0
    keys_ms: int = field(default=-KEPT_MS)

    async def address(self, redirect: str, state: str, asked: Asked) -> str | None:
        """Return where the browser is sent; None where the provider cannot be reached."""
        told = await self._discovered()
        if told is None:
            return None
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect,
            "scope": self.scopes,
            "state": state,
            "nonce": asked.nonce,
            "code_challenge": asked.challenge,
            "code_challenge_method": "S256",
        }
        where = str(told["authorization_endpoint"])
        return f"{where}{'&' if '?' in where else '?'}{urlencode(query)}"

    async def claims(self, code: str, redirect: str, asked: Asked) -> Mapping[str, Any] | None:
        """Return the claims of the ID token a code is good for; None where anything is wrong."""
        told = await self._discovered()
        if told is None:
            return None
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": asked.verifier,
        }
        headers = {}
        if self.client_secret is None:
            form["client_id"] = self.client_id
        else:  # RFC 6749, 2.3.1: both are encoded as in a form first
            headers["Authorization"] = encode_basic_auth(quote_plus(self.client_id), quote_plus(self.client_secret))
        answer = await self._asked("POST", str(told["token_endpoint"]), data=form, headers=headers)
        token = None if answer is None else answer.get("id_token")
        return await self._checked(token, asked) if isinstance(token, str) else None

    async def _checked(self, token: str, asked: Asked) -> Mapping[str, Any] | None:
        """Check an ID token by the numbers of 3.1.3.7: 2 issuer, 3 audience, 5 party, 6 signature, 9, 10, 11 nonce."""
        for again in (False, True):
            keys = await self._keys(again=again)
            if keys is None:
                return None
            try:
                claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
                break
            except (JoseError, ValueError) as error:
                _LOGGER.warning("oidc_token_refused %s", type(error).__name__)
        else:
            return None
        registry = jwt.JWTClaimsRegistry(
            now=int(self.clock.now().timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": asked.nonce},
        )
        try:
            registry.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            _LOGGER.warning("oidc_token_refused %s", type(error).__name__)
            return None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self.client_id) != self.client_id:
            return None
        return claims if isinstance(claims["sub"], str) and claims["sub"] else None

    async def _discovered(self) -> dict[str, Any] | None:
        now_ms = self._now_ms()
        if self.told is not None and now_ms - self.told_ms < KEPT_MS:
            return self.told
        told = await self._asked("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if told is None or told.get("issuer") != self.issuer:
            return None
        places = [told.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        if not all(safe(place) for place in places) or any(leads_inside(str(place), self.issuer) for place in places):
            _LOGGER.warning("oidc_endpoint_refused")
            return None
        self.told, self.told_ms = told, now_ms
        return told

    async def _keys(self, *, again: bool) -> KeySet | None:
        """Return the provider's keys; fetched again where a token names one that is not among them, not too often."""
        now_ms = self._now_ms()
        age_ms = now_ms - self.keys_ms
        if self.keys is not None and age_ms < (AGAIN_MS if again else KEPT_MS):
            return self.keys
        told = await self._discovered()
        found = None if told is None else await self._asked("GET", str(told["jwks_uri"]))
        try:
            keys = None if found is None else KeySet.import_key_set(found)  # type: ignore[arg-type] # checked by it
        except (JoseError, ValueError, KeyError, TypeError):
            keys = None
        if keys is not None:
            self.keys, self.keys_ms = keys, now_ms
        return keys

    async def _asked(self, method: str, url: str, **more: Any) -> dict[str, Any] | None:
        try:
            async with self.session.request(method, url, timeout=TIMEOUT, allow_redirects=False, **more) as answer:
                body = await answer.content.read(MAX_BYTES)
                if answer.status != 200:
                    _LOGGER.warning("oidc_answered %d", answer.status)
                    return None
                found = msgspec.json.decode(body)
        except (TimeoutError, ClientError, ValueError) as error:
            _LOGGER.warning("oidc_not_answered %s", type(error).__name__)
            return None
        return found if isinstance(found, dict) else None

    def _now_ms(self) -> int:
        return int(self.clock.now().timestamp() * 1000)


def leads_inside(url: str, issuer: str) -> bool:
    """Return whether an address that an issuer tells is inside where the issuer is not: an SSRF by its discovery.

    Inside are this machine and numbers of private networks, however they are written. A name may lead there too; who
    answers to it has to have its certificate.
    """
    return _inside(url) and not _inside(issuer)


def _inside(url: str) -> bool:
    host = (urlsplit(url).hostname or "").rstrip(".").casefold()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        number = ip_address(host)
    except ValueError:
        try:
            number = ip_address(inet_aton(host))
        except OSError:
            return False
    mapped = getattr(number, "ipv4_mapped", None)
    return not (mapped or number).is_global


def safe(url: object) -> bool:
    """Return whether an address is https, or this machine's own."""
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"})
