"""What people may do to other people's rights: nobody gives, or takes over, what they do not hold themselves."""

from wattseal.flow.people.register import PersonError, check_roles
from wattseal.flow.people.sessions import People
from wattseal.model.person import About, Person
from wattseal.model.principal import Principal
from wattseal.rules.roles import scopes_of


async def invite(
    people: People, asked_by: Principal, about: About, wanted: tuple[str, ...], party: str | None = None
) -> tuple[Person, str]:
    """Add a person and return it with the secret of the link by which it signs in first (`role_not_held`)."""
    check_roles(wanted, party)
    _hold(asked_by, wanted)
    person = await people.register.add(about, wanted, asked_by.name, party=party)
    return person, await people.links.invite(person.id, asked_by.name)


async def new_link(people: People, asked_by: Principal, person_id: str) -> str:
    """Return the secret of a new link for somebody who lost theirs, or their ways to sign in."""
    _hold(asked_by, (await found(people, person_id)).roles)
    return await people.links.invite(person_id, asked_by.name)


async def set_roles(
    people: People, asked_by: Principal, person_id: str, wanted: tuple[str, ...], party: str | None = None
) -> Person:
    """Give a person these roles and no others."""
    check_roles(wanted, party)
    _hold(asked_by, (*wanted, *(await found(people, person_id)).roles))
    return await people.change_roles(person_id, wanted, asked_by.name, party)


async def off_board(people: People, asked_by: Principal, person_id: str) -> Person:
    """Let a person go."""
    _hold(asked_by, (await found(people, person_id)).roles)
    return await people.off_board(person_id, asked_by.name)


async def end_sessions(people: People, asked_by: Principal, person_id: str, session_id: str | None = None) -> int:
    """End one or all sessions of a person; return how many."""
    await found(people, person_id)
    return await people.end_of(person_id, asked_by.name, session_id)


async def found(people: People, person_id: str) -> Person:
    """Return a person (`no_such_person`)."""
    await people.ready()
    person = people.register.persons.get(person_id)
    if person is None:
        raise PersonError("there is no such person", code="no_such_person", subject="id")
    return person


def _hold(asked_by: Principal, wanted: tuple[str, ...]) -> None:
    lacking = sorted(scope for scope in scopes_of(wanted) if not asked_by.may(scope))
    if lacking:
        text = f"you do not hold {lacking[0]} yourself; ask an owner"
        raise PersonError(text, code="role_not_held", subject="roles")
