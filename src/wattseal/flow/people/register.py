"""The register of people: each change of rights is a signed record without a name; names are documents of their own.

There are few people and every request of a page asks about one: all of them are kept in memory.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from wattseal.base.errors import InputError, LimitError, StoreError
from wattseal.base.ids import TenantId
from wattseal.flow.documents import every_document, put, read, removal
from wattseal.flow.ports import Batch, Put
from wattseal.flow.preferences import PREFERENCES
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.person import About, Person, PersonStatus, SignIn
from wattseal.model.principal import Principal
from wattseal.rules import roles
from wattseal.seal import dcbor
from wattseal.seal.item import Group, Kind
from wattseal.seal.person import PersonEvent, PersonSaid
from wattseal.seal.plain import PlainDraft

PERSON, ABOUT, SIGN_IN = "person", "person_about", "person_sign_in"
"""Kinds of documents, by the person's id."""
STREAM = 7
"""Stream of the CPO's own chain; those below it are about decisions and money."""
ID_BYTES = 16
HANDLE_BYTES = 32
MAX_PEOPLE = 1000
_OPS = int(Group.OPS)
_PSEUDONYM = re.compile(r"\bperson/([0-9a-f]{32})\b")


class PersonError(InputError):
    """A change that cannot be had; the code says why."""


@dataclass(slots=True)
class Register:
    """The people of a world, by id: what they may do, what is personal about them, how they sign in."""

    world: World
    persons: dict[str, Person] = field(default_factory=dict)
    abouts: dict[str, About] = field(default_factory=dict)
    sign_ins: dict[str, SignIn] = field(default_factory=dict)
    loaded: bool = False

    async def ready(self) -> None:
        """Read everybody, unless that was done; again after a failed commit."""
        if self.loaded:
            return
        journal, tenant = self.world.journal, self.world.tenant
        self.persons = {d.key: read(d, Person) async for d in every_document(journal, tenant, PERSON)}
        self.abouts = {d.key: read(d, About) async for d in every_document(journal, tenant, ABOUT)}
        self.sign_ins = {d.key: read(d, SignIn) async for d in every_document(journal, tenant, SIGN_IN)}
        self.loaded = True

    def principal(self, person: Person) -> Principal:
        """Return whom a person acts as."""
        tenant: TenantId = self.world.tenant
        return Principal(tenant, person.signs_as, frozenset(person.roles), roles.scopes_of(person.roles))

    def name(self, by: str) -> str:
        """Return who somebody is that a record names: a person's name while it is known, else what is written there."""

        def known(found: re.Match[str]) -> str:
            about = self.abouts.get(found[1])
            return found[0] if about is None else about.name

        return _PSEUDONYM.sub(known, by)

    def owners(self) -> tuple[Person, ...]:
        """Return who may do everything and has a way to sign in."""
        active = (p for p in self.persons.values() if p.status is PersonStatus.ACTIVE and "owner" in p.roles)
        return tuple(person for person in active if can_sign_in(self.sign_ins.get(person.id)))

    def by_email(self, email: str) -> Person | None:
        """Return who has this address, and has not left."""
        wanted = email.strip().casefold()
        for person_id, about in self.abouts.items():
            if about.email is not None and about.email.casefold() == wanted:
                person = self.persons.get(person_id)
                if person is not None and person.status is not PersonStatus.LEFT:
                    return person
        return None

    def by_subject(self, subject: tuple[str, str]) -> Person | None:
        """Return whom an OIDC provider knows by (issuer, subject)."""
        return next((self.persons.get(i) for i, one in self.sign_ins.items() if one.subject == subject), None)

    async def add(
        self,
        about: About,
        wanted: tuple[str, ...],
        by: str,
        *,
        party: str | None = None,
        status: PersonStatus = PersonStatus.INVITED,
    ) -> Person:
        """Add a person (`unknown_role`, `no_role`, `email_taken`, `no_party`)."""
        await self.ready()
        check_roles(wanted, party)
        if about.email is not None and self.by_email(about.email) is not None:
            raise PersonError("somebody has this e-mail address already", code="email_taken", subject="email")
        if len(self.persons) >= MAX_PEOPLE:
            raise LimitError(f"at most {MAX_PEOPLE} people are kept", subject="people")
        person_id = self.world.random.bytes(ID_BYTES).hex()
        made = Person(
            id=person_id, roles=_sorted(wanted), status=status, party=party, made_ms=self.world.now_ms(), changed_ms=0
        )
        sign_in = SignIn(handle=self.world.random.bytes(HANDLE_BYTES))
        more = (put(ABOUT, person_id, about, made.made_ms), put(SIGN_IN, person_id, sign_in, made.made_ms))
        self.abouts[person_id], self.sign_ins[person_id] = about, sign_in
        return await self._write(person_id, lambda _: made, PersonEvent.ADDED, by, puts=more)

    async def change_roles(self, person_id: str, wanted: tuple[str, ...], by: str, party: str | None = None) -> Person:
        """Give a person these roles and no others (`last_owner` where nobody would be left to give any)."""
        check_roles(wanted, party)

        def change(known: Person) -> Person:
            if "owner" not in wanted:
                self._keep_an_owner(known)
            return replace(known, roles=_sorted(wanted), party=party)

        return await self._write(person_id, change, PersonEvent.ROLES_CHANGED, by)

    async def activate(self, person_id: str, by: str) -> Person:
        """Let an invited person in."""
        event = PersonEvent.SIGN_IN_CHANGED
        return await self._write(person_id, lambda p: replace(p, status=PersonStatus.ACTIVE), event, by, "activated")

    async def leave(self, person_id: str, by: str) -> Person:
        """Take all rights and ways to sign in from a person who goes (`last_owner`).

        Whom the provider still knows is remembered, so that it does not bring the person back as somebody new.
        """

        def change(known: Person) -> Person:
            self._keep_an_owner(known)
            return replace(known, roles=(), status=PersonStatus.LEFT)

        await self.ready()
        known = self.sign_ins.get(person_id)
        subject = None if known is None else known.subject
        handle = SignIn(handle=self.world.random.bytes(HANDLE_BYTES), subject=subject)
        now_ms = self.world.now_ms()
        gone = (put(SIGN_IN, person_id, handle, now_ms), removal(PREFERENCES, person_id, now_ms))
        left = await self._write(person_id, change, PersonEvent.LEFT, by, puts=gone)
        self.sign_ins[person_id] = handle
        return left

    async def note(self, person_id: str, event: PersonEvent, by: str, text: str, *, puts: tuple[Put, ...] = ()) -> None:
        """Write down what was done about a person that leaves the rights as they are, with what changes by it."""
        await self._write(person_id, lambda known: known, event, by, text, puts=puts)

    async def put_sign_in(self, person_id: str, sign_in: SignIn, by: str, text: str) -> None:
        """Keep how a person signs in; `text` says what changed."""
        document = put(SIGN_IN, person_id, sign_in, self.world.now_ms())
        before, self.sign_ins[person_id] = self.sign_ins.get(person_id), sign_in
        try:
            await self.note(person_id, PersonEvent.SIGN_IN_CHANGED, by, text, puts=(document,))
        except InputError:
            if before is not None:
                self.sign_ins[person_id] = before
            raise

    async def used_passkey(self, person_id: str, sign_in: SignIn) -> None:
        """Keep a passkey's count."""
        document = put(SIGN_IN, person_id, sign_in, self.world.now_ms())
        await self.world.journal.commit(Batch(self.world.tenant, puts=(document,)))
        self.sign_ins[person_id] = sign_in

    async def put_about(self, person_id: str, about: About) -> None:
        """Keep what is personal about somebody; it is in no record."""
        await self.ready()
        other = None if about.email is None else self.by_email(about.email)
        if other is not None and other.id != person_id:
            raise PersonError("somebody has this e-mail address already", code="email_taken", subject="email")
        document = put(ABOUT, person_id, about, self.world.now_ms())
        await self.world.journal.commit(Batch(self.world.tenant, puts=(document,)))
        self.abouts[person_id] = about

    async def erase_name(self, person_id: str, by: str) -> bool:
        """Erase name and address of somebody who has left; the records stay (`not_left`). False where nothing is known.

        Copies in backups go when those do.
        """
        await self.ready()
        person = self.persons.get(person_id)
        if person is None or person_id not in self.abouts:
            return False
        if person.status is not PersonStatus.LEFT:
            raise PersonError("only of those who have left; off-board the person first", code="not_left", subject="id")
        gone = (removal(ABOUT, person_id, self.world.now_ms()), removal(SIGN_IN, person_id, self.world.now_ms()))
        await self.note(person_id, PersonEvent.NAME_ERASED, by, "", puts=gone)
        self.abouts.pop(person_id, None)
        self.sign_ins.pop(person_id, None)
        return True

    def _keep_an_owner(self, person: Person) -> None:
        if [owner.id for owner in self.owners()] == [person.id]:
            text = "this is the last owner; make another person an owner first"
            raise PersonError(text, code="last_owner", subject="roles")

    async def _write(
        self,
        person_id: str,
        change: Callable[[Person], Person],
        event: PersonEvent,
        by: str,
        text: str = "",
        *,
        puts: tuple[Put, ...] = (),
    ) -> Person:
        """Write a change as a record, its documents in the same commit; nothing is awaited between the two."""
        await self.ready()
        world = self.world
        await world.chains.ready(world.billing_origin, STREAM)
        known = self.persons.get(person_id)
        if known is None and event is not PersonEvent.ADDED:
            raise PersonError("there is no such person", code="no_such_person", subject="id")
        changed = change(known or _NOBODY)
        step = Step(world, "", world.now_ms())
        said = PersonSaid(event, person_id, changed.roles, changed.status, by, changed.party, text)
        refs = () if known is None or known.record is None else (bytes.fromhex(known.record),)
        fields: dict[int, Any] = said.to_fields()
        draft = PlainDraft(Kind.PERSON, step.now_ms, ((_OPS, dcbor.encode(fields)),), refs)
        written = step.write((world.billing_origin, STREAM), world.billing_key, draft, None)
        kept = replace(changed, record=written.hash.hex(), changed_ms=step.now_ms)
        active = kept.status is PersonStatus.ACTIVE
        step.puts += [put(PERSON, person_id, kept, step.now_ms, active=active), *puts]
        self.persons[person_id] = kept
        try:
            await step.commit()
        except InputError:
            if known is not None:
                self.persons[person_id] = known
            raise
        except StoreError:
            self.loaded = False
            raise
        return kept


def can_sign_in(how: SignIn | None) -> bool:
    """Return whether there is any way to sign in."""
    return how is not None and (how.password is not None or bool(how.passkeys) or how.subject is not None)


def check_roles(wanted: tuple[str, ...], party: str | None) -> None:
    """Refuse roles there are not, none at all, and a partner of nobody."""
    if unknown := roles.unknown(wanted):
        raise PersonError(f"there is no role {unknown[0]}", code="unknown_role", subject="roles")
    if not wanted:
        raise PersonError("a person has at least one role; or off-board the person", code="no_role", subject="roles")
    if ("partner" in wanted) is not (party is not None):
        text = "a partner's person names the party, and nobody else does"
        raise PersonError(text, code="no_party", subject="party")


def _sorted(wanted: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(role for role in roles.ROLES if role in wanted)


_NOBODY = Person(id="", roles=())
