"""One-time links: to become this system's owner, or to accept an invitation. Only a link's hash is kept."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from wattseal.crypto.hashes import sha256
from wattseal.flow.documents import every_document, put, read, removal
from wattseal.flow.people.register import PersonError, Register
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.model.person import About, Link, LinkUse, Person, PersonStatus
from wattseal.rules.people_policy import PeoplePolicy
from wattseal.seal.person import PersonEvent

LINK = "person_link"
"""Document kind, by the digest in hex."""
SECRET_BYTES = 32
OWNER_ROLE = "owner"


@dataclass(slots=True)
class Links:
    """The one-time links of a world. They are few and rarely used: each is read when it is shown."""

    world: World
    register: Register
    policy: PeoplePolicy
    used: set[bytes] = field(default_factory=set)
    """Links used up since the start: one that was read just before it went must not be used again."""

    async def for_owner(self, by: str) -> str:
        """Make the link by which its holder becomes an owner, and return its secret; earlier such links are void."""
        await self._drop([link async for link in self._all() if link.use is LinkUse.OWNER])
        return await self._make(LinkUse.OWNER, by, None)

    async def invite(self, person_id: str, by: str) -> str:
        """Make the link by which a person chooses how to sign in; earlier ones are void (`no_such_person`, `left`)."""
        await self.register.ready()
        person = self.register.persons.get(person_id)
        if person is None:
            raise PersonError("there is no such person", code="no_such_person", subject="id")
        if person.status is PersonStatus.LEFT:
            raise PersonError("this person has left; add the person anew", code="person_left", subject="id")
        await self.drop_of(person_id)
        secret = await self._make(LinkUse.INVITE, by, person_id)
        await self.register.note(person_id, PersonEvent.LINK_MADE, by, "invite")
        return secret

    async def find(self, secret: str) -> Link | None:
        """Return a link that is good; looking at it does not use it."""
        document = await self.world.journal.document(self.world.tenant, LINK, sha256(secret.encode()).hex())
        link = None if document is None else read(document, Link)
        if link is None or link.expires_ms <= self.world.now_ms():
            return None
        if link.person is not None:
            await self.register.ready()
            person = self.register.persons.get(link.person)
            return None if person is None or person.status is PersonStatus.LEFT else link
        return link

    async def use(self, secret: str, about: About | None = None) -> Person | None:
        """Use a link up and return whom it lets in: the invited person, or a new owner named by `about`.

        None where it is used, has expired or never was. Of two who use it at once one is let in.
        """
        link = await self.find(secret)
        if link is None or link.digest in self.used:
            return None
        self.used.add(link.digest)
        await self._drop([link])
        if link.person is not None:
            person = self.register.persons[link.person]
            if person.status is PersonStatus.INVITED:
                person = await self.register.activate(person.id, person.signs_as)
            return person
        wanted = about or About(name="Owner")
        by = f"owner link of {link.by}"
        return await self.register.add(wanted, (OWNER_ROLE,), by, status=PersonStatus.ACTIVE)

    async def drop_of(self, person_id: str) -> None:
        """Void the links of a person."""
        await self._drop([link async for link in self._all() if link.person == person_id])

    async def forget_old(self) -> int:
        """Remove links that have expired; return how many."""
        now_ms = self.world.now_ms()
        old = [link async for link in self._all() if link.expires_ms <= now_ms]
        await self._drop(old)
        return len(old)

    async def _make(self, use: LinkUse, by: str, person_id: str | None) -> str:
        secret = base64.urlsafe_b64encode(self.world.random.bytes(SECRET_BYTES)).decode().rstrip("=")
        now_ms = self.world.now_ms()
        link = Link(
            digest=sha256(secret.encode()), use=use, expires_ms=now_ms + self.policy.link_ms, by=by, person=person_id
        )
        document = put(LINK, link.digest.hex(), link, now_ms)
        await self.world.journal.commit(Batch(self.world.tenant, puts=(document,)))
        return secret

    async def _all(self) -> AsyncIterator[Link]:
        async for document in every_document(self.world.journal, self.world.tenant, LINK):
            yield read(document, Link)

    async def _drop(self, gone: list[Link]) -> None:
        if gone:
            now_ms = self.world.now_ms()
            puts = tuple(removal(LINK, link.digest.hex(), now_ms) for link in gone)
            await self.world.journal.commit(Batch(self.world.tenant, puts=puts))
