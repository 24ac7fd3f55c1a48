"""Who is signed in: sessions of browsers, known by a secret of which only the hash is kept, over after a while."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from wattseal.crypto.hashes import sha256
from wattseal.flow.documents import every_document, put, read, removal
from wattseal.flow.fleet.api_tokens import ApiTokens
from wattseal.flow.people.links import Links
from wattseal.flow.people.passkeys import Passkeys
from wattseal.flow.people.passwords import Hasher, Passwords
from wattseal.flow.people.register import Register
from wattseal.flow.ports import Batch, Put
from wattseal.flow.world import World
from wattseal.model.person import Person, PersonStatus, WebSession
from wattseal.rules import roles
from wattseal.rules.people_policy import PeoplePolicy
from wattseal.seal.person import PersonEvent

WEB_SESSION = "web_session"
"""Document kind, by the digest in hex."""
SECRET_BYTES = 32
MAX_SESSIONS = 20
"""Of one person at a time; the one used longest ago goes."""
NOTED_MS = 5 * 60_000
"""How old what is kept of a session's last use may be: not every page that is looked at is a write."""
MAX_AGENT = 120
FRESH_MS = 15 * 60_000
"""How long after signing in the ways to sign in may be changed without doing so again."""


@dataclass(slots=True)
class People:
    """The people of a world and their sessions; `sessions` are by the digest of their secret."""

    world: World
    register: Register
    links: Links
    api_tokens: ApiTokens
    policy: PeoplePolicy
    passwords: Passwords
    passkeys: Passkeys
    sessions: dict[bytes, WebSession] = field(default_factory=dict)
    loaded: bool = False

    @staticmethod
    def of(world: World, api_tokens: ApiTokens, policy: PeoplePolicy, hasher: Hasher) -> "People":
        """Return the people of a world."""
        register = Register(world)
        links, passwords = Links(world, register, policy), Passwords(world, register, hasher)
        return People(world, register, links, api_tokens, policy, passwords, Passkeys(world, register))

    async def ready(self) -> None:
        """Read what is kept, once."""
        await self.register.ready()
        if not self.loaded:
            kept = every_document(self.world.journal, self.world.tenant, WEB_SESSION)
            self.sessions = {session.digest: session async for session in _read(kept)}
            self.loaded = True

    async def find(self, secret: str) -> Person | None:
        """Return whose session a secret is; None where it is nobody's, is over, or its person may not sign in."""
        found = await self.session(secret)
        return None if found is None else self.register.persons.get(found.person)

    async def still(self, secret: str) -> Person | None:
        """Return whose session a secret is, as `find` does, without noting its use."""
        await self.ready()
        known = self.sessions.get(sha256(secret.encode()))
        person = None if known is None else self.register.persons.get(known.person)
        if known is None or person is None or self.over(known, self.world.now_ms()):
            return None
        return person if person.status is PersonStatus.ACTIVE else None

    async def session(self, secret: str) -> WebSession | None:
        """Return the session of a secret, if it is good; its use is noted."""
        await self.ready()
        known = self.sessions.get(sha256(secret.encode()))
        if known is None:
            return None
        now_ms = self.world.now_ms()
        person = self.register.persons.get(known.person)
        if self.over(known, now_ms) or person is None or person.status is not PersonStatus.ACTIVE:
            await self._drop((known,))
            return None
        if now_ms - known.seen_ms >= NOTED_MS:
            known = replace(known, seen_ms=now_ms)
            self.sessions[known.digest] = known
            await self._commit(_document(known, now_ms))
        return known

    def fresh(self, session: WebSession) -> bool:
        """Return whether a session is so young that whoever has it has just proved who they are."""
        return self.world.now_ms() - session.begun_ms < FRESH_MS

    def over(self, session: WebSession, now_ms: int) -> bool:
        """Return whether a session is over: not used for too long, or begun too long ago."""
        idle, whole = now_ms - session.seen_ms, now_ms - session.begun_ms
        return idle >= self.policy.idle_ms + NOTED_MS or whole >= self.policy.session_ms

    async def begin(self, person: Person, how: str = "link", agent: str = "") -> str:
        """Begin a session and return its secret, which is told here and nowhere else.

        It is always a new one: a secret that a browser brought along is never taken over.
        """
        await self.ready()
        now_ms = self.world.now_ms()
        others = sorted(self.of_person(person.id), key=lambda one: one.seen_ms)
        await self._drop(tuple(others[: max(0, len(others) - MAX_SESSIONS + 1)]))
        secret = base64.urlsafe_b64encode(self.world.random.bytes(SECRET_BYTES)).decode().rstrip("=")
        made = WebSession(
            id=self.world.random.bytes(8).hex(),
            digest=sha256(secret.encode()),
            person=person.id,
            begun_ms=now_ms,
            seen_ms=now_ms,
            how=how,
            agent="".join(c for c in agent if c.isprintable())[:MAX_AGENT],
        )
        await self._commit(_document(made, now_ms))
        self.sessions[made.digest] = made
        return secret

    async def end(self, secret: str) -> None:
        """End the session of a secret; where there is none nothing happens."""
        await self.ready()
        known = self.sessions.get(sha256(secret.encode()))
        if known is not None:
            await self._drop((known,))

    def of_person(self, person_id: str) -> tuple[WebSession, ...]:
        """Return a person's sessions that are good, the latest used first."""
        now_ms = self.world.now_ms()
        mine = (s for s in self.sessions.values() if s.person == person_id and not self.over(s, now_ms))
        return tuple(sorted(mine, key=lambda one: -one.seen_ms))

    async def end_of(self, person_id: str, by: str, session_id: str | None = None, *, but: str = "") -> int:
        """End one session of a person, or all but that of the secret `but`; on record. Return how many."""
        await self.ready()
        spared = sha256(but.encode()) if but else b""
        gone = [s for s in self.sessions.values() if s.person == person_id and s.digest != spared]
        gone = [s for s in gone if session_id in {None, s.id}]
        if gone:
            await self._drop(tuple(gone))
            text = "one" if session_id is not None else "all"
            await self.register.note(person_id, PersonEvent.SESSIONS_ENDED, by, text)
        return len(gone)

    async def change_roles(self, person_id: str, wanted: tuple[str, ...], by: str, party: str | None = None) -> Person:
        """Give a person these roles; API tokens the person made that may more than that are revoked."""
        changed = await self.register.change_roles(person_id, wanted, by, party)
        await self.api_tokens.revoke_made_by(changed.signs_as, keep=roles.scopes_of(changed.roles))
        return changed

    async def off_board(self, person_id: str, by: str) -> Person:
        """Let a person go: no roles, no sign-in, no sessions, no links, and no API tokens the person made."""
        left = await self.register.leave(person_id, by)
        await self._drop(tuple(s for s in self.sessions.values() if s.person == person_id))
        await self.links.drop_of(person_id)
        await self.api_tokens.revoke_made_by(left.signs_as, keep=frozenset())
        return left

    async def forget_old(self) -> int:
        """Remove sessions and links that are over; return how many."""
        await self.ready()
        now_ms = self.world.now_ms()
        old = tuple(s for s in self.sessions.values() if self.over(s, now_ms))
        await self._drop(old)
        return len(old) + await self.links.forget_old()

    async def _drop(self, gone: tuple[WebSession, ...]) -> None:
        """Forget them at once, whatever the disk says."""
        for session in gone:
            self.sessions.pop(session.digest, None)
        if gone:
            now_ms = self.world.now_ms()
            await self._commit(*(removal(WEB_SESSION, session.digest.hex(), now_ms) for session in gone))

    async def _commit(self, *puts: Put) -> None:
        await self.world.journal.commit(Batch(self.world.tenant, puts=puts))


def _document(session: WebSession, now_ms: int) -> Put:
    return put(WEB_SESSION, session.digest.hex(), session, now_ms)


async def _read(kept: AsyncIterator[Put]) -> AsyncIterator[WebSession]:
    async for document in kept:
        yield read(document, WebSession)
