"""Passwords of people: guesses are slowed by account and by address, whoever tries how many at once."""

import pytest
from tests.flow.test_people import Office, PlainHasher
from tests.support.cpo_world import make_world

from wattseal.base.errors import InputError
from wattseal.crypto import people_passwords
from wattseal.flow.fleet.api_tokens import ApiTokens
from wattseal.flow.people.passwords import ACCOUNT_FREE, ADDRESS_FREE, Passwords, Wait, check
from wattseal.flow.people.sessions import People
from wattseal.model.person import About, Person
from wattseal.rules.backoff import FORGOTTEN_MS, MAX_KEYS, Backoff
from wattseal.rules.people_policy import DEFAULT_PEOPLE

GOOD = "correct horse battery"
EMAIL = "ada@example.org"


class Counting(PlainHasher):
    """Says what was looked at; hashes nothing, so that guessing is fast."""

    looks = 0

    async def matches(self, password: str, digest: str) -> bool:
        self.looks += 1
        return digest != people_passwords.NOBODY and password == GOOD


class Door:
    """A person with a password, and who tries to be that person."""

    def __init__(self) -> None:
        self.world = make_world()
        self.hasher = Counting()
        self.people = People.of(self.world, ApiTokens(self.world), DEFAULT_PEOPLE, self.hasher)
        self.office = Office(self.world, self.people)

    @property
    def passwords(self) -> Passwords:
        return self.people.passwords

    async def owner(self) -> Person:
        secret = await self.people.links.for_owner("the console")
        owner = await self.people.links.use(secret, About(name="Ada", email=EMAIL))
        assert owner is not None
        await self.passwords.set(owner, GOOD)
        return self.people.register.persons[owner.id]

    async def tries(self, number: int, email: str = EMAIL, address: str = "10.0.0.1") -> list[str]:
        told = [await self.passwords.sign_in(email, f"guess {n}", address) for n in range(number)]
        return ["wait" if isinstance(one, Wait) else "no" if one is None else "yes" for one in told]


async def test_the_right_password_lets_in_and_its_digest_alone_is_kept() -> None:
    world = make_world()
    people = People.of(world, ApiTokens(world), DEFAULT_PEOPLE, PlainHasher())
    secret = await people.links.for_owner("the console")
    owner = await people.links.use(secret, About(name="Ada", email=EMAIL))
    assert owner is not None
    await people.passwords.set(owner, GOOD)
    digest = people.register.sign_ins[owner.id].password or ""
    assert digest.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    found = await people.passwords.sign_in(f" {EMAIL.upper()} ", GOOD, "10.0.0.1")
    assert found == people.register.persons[owner.id]
    assert await people.passwords.sign_in(EMAIL, GOOD + " ", "10.0.0.1") is None
    assert await people.passwords.sign_in("nobody@example.org", "nobody has this password", "10.0.0.1") is None


async def test_after_some_guesses_nothing_is_looked_at_for_a_while_not_even_the_right_one() -> None:
    door = Door()
    owner = await door.owner()
    assert await door.tries(ACCOUNT_FREE + 3) == ["no"] * ACCOUNT_FREE + ["wait"] * 3
    assert door.hasher.looks == ACCOUNT_FREE
    assert isinstance(await door.passwords.sign_in(EMAIL, GOOD, "10.9.9.9"), Wait), "from wherever"
    door.office.wait(seconds=2)
    assert await door.passwords.sign_in(EMAIL, GOOD, "10.9.9.9") == owner
    assert await door.tries(1) == ["no"], "and begins anew"


async def test_an_address_that_tries_many_accounts_waits_as_well_and_others_do_not() -> None:
    door = Door()
    owner = await door.owner()
    for n in range(ADDRESS_FREE):
        assert await door.tries(1, f"someone{n}@example.org") == ["no"]
    assert await door.tries(1, "someone-else@example.org") == ["wait"]
    assert await door.passwords.sign_in(EMAIL, GOOD, "10.0.0.2") == owner


async def test_one_s_own_good_password_does_not_pay_for_guesses_at_other_doors() -> None:
    door = Door()
    await door.owner()
    told = []
    for n in range(ADDRESS_FREE + 1):
        told += await door.tries(1, f"someone{n}@example.org")
        await door.passwords.sign_in(EMAIL, GOOD, "10.0.0.1")
    assert told[-1] == "wait"


async def test_every_look_takes_a_hash_whether_there_is_such_a_person_or_not() -> None:
    door = Door()
    await door.owner()
    await door.tries(1)
    assert door.hasher.looks == 1
    await door.tries(1, "nobody@example.org")
    assert door.hasher.looks == 2


async def test_who_has_left_or_has_no_password_gets_in_with_none() -> None:
    door = Door()
    owner = await door.owner()
    worker = await door.office.hired(owner, "support")
    await door.people.register.put_about(worker.id, About(name="Bo", email="bo@example.org"))
    assert await door.passwords.sign_in("bo@example.org", GOOD, "10.0.0.1") is None
    await door.passwords.set(worker, GOOD)
    assert await door.passwords.sign_in("bo@example.org", GOOD, "10.0.0.1") is not None
    await door.people.off_board(worker.id, owner.signs_as)
    assert await door.passwords.sign_in("bo@example.org", GOOD, "10.0.0.1") is None


def test_what_is_guessed_first_is_no_password() -> None:
    for weak in ("short", "a" * 12, "abababababab", "ada@example.org", "ADA@EXAMPLE.ORG", "x" * 257):
        with pytest.raises(InputError) as told:
            check(weak, "Ada Lovelace", EMAIL)
        assert told.value.code == "weak_password"
    check(GOOD, "Ada Lovelace", EMAIL)


def test_the_wait_doubles_up_to_its_bound_and_is_forgotten() -> None:
    backoff = Backoff(2, 10_000)
    for _ in range(2):
        assert backoff.wait_ms("x", 0) == 0
        backoff.failed("x", 0)
    waits = []
    for _ in range(6):
        waits.append(backoff.wait_ms("x", 0))
        backoff.failed("x", 0)
    assert waits == [1000, 2000, 4000, 8000, 10_000, 10_000]
    assert backoff.wait_ms("y", 0) == 0
    assert backoff.wait_ms("x", FORGOTTEN_MS) == 0
    for n in range(MAX_KEYS):
        backoff.failed(str(n), 0)
    assert len(backoff.failures) == MAX_KEYS


def test_the_digest_that_stands_for_nobodys_is_one_like_others() -> None:
    assert people_passwords.digest_of("nobody has this password", bytes(people_passwords.SALT_BYTES)) == (
        people_passwords.NOBODY
    )
