"""Signing in at an OpenID Connect provider: what was asked of it, and who its claims are here.

A provider's person is known by (issuer, subject), never by an e-mail address. The groups it tells give the roles, each
time anew; whoever has no group with a role stays out.
"""

import base64
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from wattseal.base.errors import InputError
from wattseal.crypto.hashes import sha256
from wattseal.flow.people.sessions import People
from wattseal.flow.world import World
from wattseal.model.person import About, Person, PersonStatus
from wattseal.rules.roles import ROLES

WAITS_MS = 10 * 60_000
"""How long somebody may take at the provider."""
MAX_ASKED = 1000
"""Unanswered; the oldest goes."""
SECRET_BYTES = 32
MAX_NAME, MAX_GROUPS = 100, 500


@dataclass(frozen=True, slots=True)
class Asked:
    """A browser sent to the provider: `browser` is the SHA-256 of what only that browser has."""

    nonce: str
    verifier: str
    browser: bytes
    back: str
    until_ms: int

    @property
    def challenge(self) -> str:
        """Return the S256 code challenge (RFC 7636, 4.2)."""
        return _text(sha256(self.verifier.encode()))


class Provider(Protocol):
    """The provider, and what it signs."""

    @property
    def issuer(self) -> str:
        """Return its name in tokens."""

    async def address(self, redirect: str, state: str, asked: Asked) -> str | None:
        """Return where the browser is sent; None where the provider cannot be reached."""

    async def claims(self, code: str, redirect: str, asked: Asked) -> Mapping[str, Any] | None:
        """Return the claims of the ID token a code is good for, all checked; None where anything is wrong."""


@dataclass(slots=True)
class Outside:
    """Signing in at a provider; `roles` are those of its groups, `asked` is by state."""

    world: World
    people: People
    provider: Provider
    groups_claim: str
    roles: Mapping[str, str]
    asked: OrderedDict[str, Asked] = field(default_factory=OrderedDict)

    async def begin(self, redirect: str, back: str) -> tuple[str, str] | None:
        """Return where to send a browser, and a secret it is to keep meanwhile; None where there is no provider now."""
        state, nonce, verifier, browser = (_text(self.world.random.bytes(SECRET_BYTES)) for _ in range(4))
        asked = Asked(nonce, verifier, sha256(browser.encode()), back, self.world.now_ms() + WAITS_MS)
        where = await self.provider.address(redirect, state, asked)
        if where is None:
            return None
        self.asked[state] = asked
        while len(self.asked) > MAX_ASKED:
            self.asked.popitem(last=False)
        return where, browser

    async def finish(self, redirect: str, state: str, browser: str, code: str) -> tuple[Person, str] | None:
        """Return who came back and where to go on; None where this was not asked, not by this browser, or is wrong."""
        asked = self.asked.pop(state, None)
        if asked is None or asked.until_ms <= self.world.now_ms():
            return None
        if not hmac.compare_digest(sha256(browser.encode()), asked.browser):
            return None
        claims = await self.provider.claims(code, redirect, asked)
        person = None if claims is None else await self._person(claims)
        return None if person is None else (person, asked.back)

    async def _person(self, claims: Mapping[str, Any]) -> Person | None:
        await self.people.ready()
        register, by = self.people.register, f"oidc {self.provider.issuer}"
        wanted = self._roles(claims.get(self.groups_claim))
        known = register.by_subject((self.provider.issuer, str(claims["sub"])))
        if not wanted:
            if known is not None:
                await self.people.end_of(known.id, by)
            return None
        if known is None:
            return await self._added(claims, wanted, by)
        if known.status is not PersonStatus.ACTIVE:
            return None
        if wanted != known.roles:
            try:
                return await self.people.change_roles(known.id, wanted, by)
            except InputError:
                return known
        return known

    async def _added(self, claims: Mapping[str, Any], wanted: tuple[str, ...], by: str) -> Person:
        register, subject = self.people.register, (self.provider.issuer, str(claims["sub"]))
        about = About(name=str(claims.get("name") or claims.get("preferred_username") or "OIDC")[:MAX_NAME])
        person = await register.add(about, wanted, by, status=PersonStatus.ACTIVE)
        sign_in = replace(register.sign_ins[person.id], subject=subject)
        await register.put_sign_in(person.id, sign_in, by, "oidc")
        return register.persons[person.id]

    def _roles(self, groups: object) -> tuple[str, ...]:
        told = groups[:MAX_GROUPS] if isinstance(groups, list) else [groups]
        found = {self.roles[one] for one in told if isinstance(one, str) and one in self.roles}
        return tuple(role for role in ROLES if role in found)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
