"""Signing in with a password: slow to guess, and the same answer in the same time whether there is such a person."""

import unicodedata
from dataclasses import dataclass, field, replace
from typing import Protocol

from wattseal.base.errors import InputError
from wattseal.crypto.people_passwords import NOBODY, SALT_BYTES
from wattseal.flow.people.register import Register
from wattseal.flow.world import World
from wattseal.model.person import Person, PersonStatus
from wattseal.rules.backoff import Backoff

LEAST, MOST = 12, 256
"""Characters of a password."""
LEAST_DIFFERENT = 5
ACCOUNT_FREE, ADDRESS_FREE = 5, 50
ACCOUNT_LONGEST_MS, ADDRESS_LONGEST_MS = 5 * 60_000, 15 * 60_000
"""An account waits less: anybody can keep its owner waiting."""


class Hasher(Protocol):
    """Where passwords are hashed, a few at a time."""

    async def digest(self, password: str, salt: bytes) -> str:
        """Return the digest of a password."""

    async def matches(self, password: str, digest: str) -> bool:
        """Return whether a password is the one digested."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing was looked at: there were too many tries; after `ms` the next one is."""

    ms: int


@dataclass(slots=True)
class Passwords:
    """Passwords of people, and who guesses too often, by account and by address."""

    world: World
    register: Register
    hasher: Hasher
    accounts: Backoff = field(default_factory=lambda: Backoff(ACCOUNT_FREE, ACCOUNT_LONGEST_MS))
    addresses: Backoff = field(default_factory=lambda: Backoff(ADDRESS_FREE, ADDRESS_LONGEST_MS))

    async def sign_in(self, email: str, password: str, address: str) -> Person | Wait | None:
        """Return whose e-mail address and password these are, None for nobody's.

        Failures count before the password is looked at, for addresses nobody has as well, and every look takes the
        time of one hash.
        """
        await self.register.ready()
        now_ms, account = self.world.now_ms(), email.strip().casefold()[:MOST]
        wait = max(self.accounts.wait_ms(account, now_ms), self.addresses.wait_ms(address, now_ms))
        if wait:
            self.world.count("sign_ins_put_off")
            return Wait(wait)
        self.accounts.failed(account, now_ms)
        self.addresses.failed(address, now_ms)
        person = self.register.by_email(email)
        sign_in = None if person is None else self.register.sign_ins.get(person.id)
        digest = NOBODY if sign_in is None or sign_in.password is None else sign_in.password
        good = await self.hasher.matches(_normal(password)[:MOST], digest)
        if person is None or not good or digest is NOBODY or person.status is not PersonStatus.ACTIVE:
            self.world.count("sign_ins_refused")
            return None
        self.accounts.succeeded(account)
        self.addresses.forgive(address, now_ms)
        return self.register.persons.get(person.id)

    async def set(self, person: Person, password: str) -> None:
        """Let a person sign in with a password from now on (`weak_password`)."""
        about = self.register.abouts.get(person.id)
        check(password, *(() if about is None else (about.name, about.email or "")))
        digest = await self.hasher.digest(_normal(password), self.world.random.bytes(SALT_BYTES))
        sign_in = replace(self.register.sign_ins[person.id], password=digest)
        await self.register.put_sign_in(person.id, sign_in, person.signs_as, "password")


def check(password: str, *names: str) -> None:
    """Refuse what is guessed first: too short, of few characters, or what the person is called (`weak_password`)."""
    plain = _normal(password)
    if not LEAST <= len(plain) <= MOST:
        raise InputError("a password has 12 to 256 characters", code="weak_password", subject="password")
    if len(set(plain)) < LEAST_DIFFERENT:
        raise InputError("use more different characters", code="weak_password", subject="password")
    if plain.casefold() in {name.casefold() for name in names if name}:
        text = "your name or address is the first password to be tried; take another"
        raise InputError(text, code="weak_password", subject="password")


def _normal(password: str) -> str:
    """Return one spelling of what keyboards spell differently (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
