"""People: every change of rights a signed record without a name; sessions end when they should; links work once."""

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

import pytest
from tests.support.cpo_world import TestClock, make_world
from tests.support.proving import troubles

from wattseal.base.errors import InputError
from wattseal.crypto import people_passwords
from wattseal.crypto.hashes import sha256
from wattseal.flow.documents import put
from wattseal.flow.fleet.api_tokens import ApiTokens
from wattseal.flow.people import managing
from wattseal.flow.people.register import PERSON
from wattseal.flow.people.sessions import WEB_SESSION, People
from wattseal.flow.ports import Batch
from wattseal.flow.preferences import Preferences, preferences_of, save_view
from wattseal.flow.world import World
from wattseal.model.person import About, Person, PersonStatus, SignIn
from wattseal.model.principal import Principal
from wattseal.rules.people_policy import HOUR_MS, PeoplePolicy
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.person import PersonEvent, PersonSaid

POLICY = PeoplePolicy(idle_ms=HOUR_MS, session_ms=10 * HOUR_MS, link_ms=24 * HOUR_MS)


class PlainHasher:
    """Argon2 as it is, in the test's own thread."""

    async def digest(self, password: str, salt: bytes) -> str:
        return people_passwords.digest_of(password, salt)

    async def matches(self, password: str, digest: str) -> bool:
        return people_passwords.matches(password, digest)


@dataclass
class Office:
    world: World
    people: People

    @property
    def clock(self) -> TestClock:
        assert isinstance(self.world.clock, TestClock)
        return self.world.clock

    def wait(self, **time: float) -> None:
        self.clock.at += timedelta(**time)

    async def owner(self, name: str = "Ada Owner") -> Person:
        secret = await self.people.links.for_owner("the console")
        person = await self.people.links.use(secret, About(name=name))
        assert person is not None
        await self.can_sign_in(person)
        return self.people.register.persons[person.id]

    async def can_sign_in(self, person: Person) -> None:
        how = replace(self.people.register.sign_ins[person.id], password="$argon2id$x")
        await self.people.register.put_sign_in(person.id, how, person.signs_as, "password")

    def principal(self, person: Person) -> Principal:
        return self.people.register.principal(person)

    async def hired(self, owner: Person, *roles: str, name: str = "Bo Worker") -> Person:
        invited, secret = await managing.invite(self.people, self.principal(owner), About(name=name), roles)
        person = await self.people.links.use(secret)
        assert person is not None
        assert person.id == invited.id
        return person

    async def restarted(self) -> People:
        people = People.of(self.world, ApiTokens(self.world), POLICY, PlainHasher())
        await people.ready()
        return people


@pytest.fixture
async def office() -> Office:
    world = make_world()
    return Office(world, People.of(world, ApiTokens(world), POLICY, PlainHasher()))


async def said(world: World) -> list[tuple[Item, PersonSaid]]:
    found = []
    for kept in await world.journal.replay(world.tenant):
        if kept.item.kind == Kind.PERSON:
            item = parse_item(kept.item.item)
            opened = open_box(item, int(Group.OPS), None)
            assert isinstance(opened, Opening)
            found.append((item, PersonSaid.read(Content.decode(opened.content).fields)))
    return found


async def refused(code: str, doing: object) -> None:
    with pytest.raises(InputError) as told:
        await doing  # type: ignore[misc]
    assert told.value.code == code


async def test_each_change_is_a_record_that_refers_to_the_one_before_and_names_nobody(office: Office) -> None:
    owner = await office.owner()
    worker = await office.hired(owner, "support")
    await managing.set_roles(office.people, office.principal(owner), worker.id, ("operator",))
    await managing.off_board(office.people, office.principal(owner), worker.id)
    about_worker = [(item, s) for item, s in await said(office.world) if s.person == worker.id]
    assert [s.event for _, s in about_worker] == [
        PersonEvent.ADDED,
        PersonEvent.LINK_MADE,
        PersonEvent.SIGN_IN_CHANGED,
        PersonEvent.ROLES_CHANGED,
        PersonEvent.LEFT,
    ]
    assert [s.roles for _, s in about_worker] == [("support",)] * 3 + [("operator",), ()]
    assert about_worker[3][1].by == owner.signs_as
    for (before, _), (item, _) in pairwise(about_worker):
        assert item.payload.refs == (before.hash,)
    journal = b"".join(kept.item.item for kept in await office.world.journal.replay(office.world.tenant))
    for name in (b"Ada", b"Owner", b"Bo Worker"):
        assert name not in journal
    assert await troubles(office.world) == []


async def test_a_role_given_in_the_database_is_found_by_the_records(office: Office) -> None:
    owner = await office.owner()
    worker = await office.hired(owner, "support")
    assert await troubles(office.world) == []
    forged = replace(office.people.register.persons[worker.id], roles=("owner",))
    stranger = replace(forged, id="00" * 16)
    puts = (put(PERSON, worker.id, forged, 0), put(PERSON, stranger.id, stranger, 0))
    await office.world.journal.commit(Batch(office.world.tenant, puts=puts))
    found = {(finding.code, finding.field) for finding in await troubles(office.world)}
    assert found == {
        ("person_differs", f"person {worker.id} field roles"),
        ("person_without_record", f"person {stranger.id}"),
    }


async def test_a_name_is_erased_once_its_person_has_left_and_the_records_stay(office: Office) -> None:
    owner = await office.owner()
    worker = await office.hired(owner, "support")
    await refused("not_left", office.people.register.erase_name(worker.id, owner.signs_as))
    await managing.off_board(office.people, office.principal(owner), worker.id)
    assert office.people.register.name(worker.signs_as) == "Bo Worker"
    assert await office.people.register.erase_name(worker.id, owner.signs_as)
    assert not await office.people.register.erase_name(worker.id, owner.signs_as)
    again = await office.restarted()
    assert again.register.name(worker.signs_as) == worker.signs_as
    assert again.register.persons[worker.id].status is PersonStatus.LEFT
    assert await troubles(office.world) == []


async def test_a_session_is_found_by_its_secret_of_which_only_the_hash_is_kept(office: Office) -> None:
    owner = await office.owner()
    secret = await office.people.begin(owner)
    assert len(secret) == 43
    assert await office.people.find(secret) == owner
    assert await office.people.find(secret[:-1] + ("A" if secret[-1] != "A" else "B")) is None
    assert await office.people.find("") is None
    kept = await office.world.journal.documents(office.world.tenant, WEB_SESSION)
    assert [document.key for document in kept] == [sha256(secret.encode()).hex()]
    assert all(secret.encode() not in document.body for document in kept)
    assert await (await office.restarted()).find(secret) == owner


async def test_a_session_ends_when_it_is_not_used_and_in_the_end_even_when_it_is(office: Office) -> None:
    owner = await office.owner()
    idle, used = await office.people.begin(owner), await office.people.begin(owner)
    for _ in range(12):
        office.wait(minutes=45)
        assert await office.people.find(used) == owner
    assert await office.people.find(idle) is None
    office.wait(minutes=45)
    assert await office.people.find(used) == owner
    office.wait(minutes=45)
    assert await office.people.find(used) is None, "ten hours are over, whatever it was used for"
    assert await office.world.journal.documents(office.world.tenant, WEB_SESSION) == ()


async def test_a_session_ended_is_over_at_once_and_after_a_restart(office: Office) -> None:
    owner = await office.owner()
    one, two, three = [await office.people.begin(owner) for _ in range(3)]
    await office.people.end(one)
    assert await office.people.find(one) is None
    assert await office.people.end_of(owner.id, owner.signs_as, but=three) == 1
    assert await office.people.find(two) is None
    assert await office.people.find(three) == office.people.register.persons[owner.id]
    again = await office.restarted()
    assert [await again.find(secret) is None for secret in (one, two, three)] == [True, True, False]
    assert (await said(office.world))[-1][1].event is PersonEvent.SESSIONS_ENDED


async def test_of_too_many_sessions_of_one_person_the_one_used_longest_ago_goes(office: Office) -> None:
    owner, other = await office.owner(), await office.owner("Other")
    theirs = await office.people.begin(other)
    secrets = [await office.people.begin(owner) for _ in range(25)]
    alive = [secret for secret in secrets if await office.people.find(secret) is not None]
    assert alive == secrets[-20:]
    assert await office.people.find(theirs) is not None


async def test_who_is_off_boarded_is_out_everywhere(office: Office) -> None:
    owner = await office.owner()
    worker = await office.hired(owner, "owner")
    await office.can_sign_in(worker)
    secret = await office.people.begin(worker)
    tokens = office.people.api_tokens
    mine, token = await tokens.make(office.principal(worker), "mine", ("people:write", "api-tokens:write"), 3600)
    maker = tokens.find(token)
    assert maker is not None
    _, second = await tokens.make(maker, "made with mine", ("people:write",), 3600)
    _, theirs = await tokens.make(office.principal(owner), "theirs", ("people:write",), 3600)
    link = await managing.new_link(office.people, office.principal(owner), worker.id)
    await tokens.revoke(mine.id)
    await managing.off_board(office.people, office.principal(owner), worker.id)
    assert await office.people.find(secret) is None
    assert await office.people.links.use(link) is None
    assert [tokens.find(one) is None for one in (token, second, theirs)] == [True, True, False]
    assert office.people.register.sign_ins[worker.id] == SignIn(
        handle=office.people.register.sign_ins[worker.id].handle
    )
    again = await office.restarted()
    assert await again.find(secret) is None
    assert again.register.persons[worker.id].roles == ()
    await refused("person_left", office.people.links.invite(worker.id, owner.signs_as))


async def test_what_a_person_chose_goes_with_the_person_and_nobody_else_s_does(office: Office) -> None:
    owner = await office.owner()
    worker = await office.hired(owner, "support")
    for person in (owner, worker):
        await save_view(office.world, person.id, "Broken", "/network?status=faulted")
    await managing.off_board(office.people, office.principal(owner), worker.id)
    assert await preferences_of(office.world, worker.id) == Preferences()
    assert [view.name for view in (await preferences_of(office.world, owner.id)).views] == ["Broken"]
    unused = await office.hired(owner, "support")
    await managing.off_board(office.people, office.principal(owner), unused.id)
    assert await preferences_of(office.world, unused.id) == Preferences()


async def test_tokens_of_somebody_with_fewer_roles_keep_only_what_their_maker_may(office: Office) -> None:
    owner = await office.owner()
    worker = await office.hired(owner, "owner")
    tokens = office.people.api_tokens
    _, wide = await tokens.make(office.principal(worker), "wide", ("people:write", "stations:read"), 3600)
    _, narrow = await tokens.make(office.principal(worker), "narrow", ("stations:read",), 3600)
    await managing.set_roles(office.people, office.principal(owner), worker.id, ("support",))
    assert tokens.find(wide) is None
    assert tokens.find(narrow) is not None


async def test_nobody_gives_or_takes_over_what_they_do_not_hold(office: Office) -> None:
    owner = await office.owner()
    worker = await office.hired(owner, "support")
    clerk = Principal(office.world.tenant, "clerk", frozenset(), frozenset({"people:write", "people:read"}))
    await refused("role_not_held", managing.invite(office.people, clerk, About(name="X"), ("owner",)))
    await refused("role_not_held", managing.new_link(office.people, clerk, owner.id))
    await refused("role_not_held", managing.set_roles(office.people, clerk, worker.id, ("owner",)))
    await refused("role_not_held", managing.off_board(office.people, clerk, owner.id))
    await managing.set_roles(office.people, office.principal(owner), worker.id, ("owner",))


async def test_the_last_owner_can_neither_leave_nor_give_the_role_away(office: Office) -> None:
    owner = await office.owner()
    worker = await office.hired(owner, "owner")
    me = office.principal(owner)
    await refused("last_owner", managing.off_board(office.people, me, owner.id))
    await refused("last_owner", managing.set_roles(office.people, me, owner.id, ("support",)))
    await office.can_sign_in(worker)
    await managing.off_board(office.people, me, owner.id)
    await refused("last_owner", managing.off_board(office.people, me, worker.id))


async def test_roles_and_addresses_that_cannot_be_are_refused(office: Office) -> None:
    owner = await office.owner()
    me = office.principal(owner)
    await refused("unknown_role", managing.invite(office.people, me, About(name="X"), ("king",)))
    await refused("no_role", managing.invite(office.people, me, About(name="X"), ()))
    await refused("no_party", managing.invite(office.people, me, About(name="X"), ("partner",)))
    await refused("no_party", managing.invite(office.people, me, About(name="X"), ("support",), "MSP"))
    await managing.invite(office.people, me, About(name="X", email="x@example.org"), ("partner",), "MSP")
    twice = managing.invite(office.people, me, About(name="Y", email="X@Example.org"), ("support",))
    await refused("email_taken", twice)
    await refused("no_such_person", managing.off_board(office.people, me, "11" * 16))


async def test_a_link_works_once_and_for_a_day(office: Office) -> None:
    links = office.people.links
    secret = await links.for_owner("the console")
    assert await links.find(secret) is not None
    assert await links.find(secret) is not None, "looking at it does not use it"
    owner = await links.use(secret, About(name="Ada"))
    assert owner is not None
    assert owner.roles == ("owner",)
    assert await links.use(secret, About(name="Mallory")) is None
    assert await links.find(secret) is None
    late = await links.for_owner("the console")
    office.wait(hours=24)
    assert await links.use(late, About(name="Mallory")) is None
    assert len(office.people.register.persons) == 1


async def test_a_link_read_by_two_at_once_lets_one_in(office: Office) -> None:
    links = office.people.links
    secret = await links.for_owner("the console")
    link = await links.find(secret)
    assert link is not None
    assert await links.use(secret, About(name="Ada")) is not None
    await office.world.journal.commit(
        Batch(office.world.tenant, puts=(put("person_link", link.digest.hex(), link, 0),))
    )
    assert await links.use(secret, About(name="Mallory")) is None, "as if it had been read before it went"


async def test_a_new_link_voids_the_one_before(office: Office) -> None:
    first = await office.people.links.for_owner("the console")
    second = await office.people.links.for_owner("the console")
    assert await office.people.links.find(first) is None
    owner = await office.people.links.use(second)
    assert owner is not None
    person, old = await managing.invite(office.people, office.principal(owner), About(name="Bo"), ("support",))
    new = await managing.new_link(office.people, office.principal(owner), person.id)
    assert await office.people.links.use(old) is None
    assert await office.people.links.use(new) is not None


async def test_what_is_over_is_forgotten(office: Office) -> None:
    owner = await office.owner()
    await office.people.begin(owner)
    await office.people.links.for_owner("the console")
    assert await office.people.forget_old() == 0
    office.wait(hours=25)
    assert await office.people.forget_old() == 2
