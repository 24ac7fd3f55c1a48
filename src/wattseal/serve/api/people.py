"""People who work here: invited, given roles, off-boarded; their sessions; the link that makes the first owner."""

from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post, put
from litestar.params import FromPath, JSONBody

from wattseal.flow.people import managing
from wattseal.flow.people.sessions import People
from wattseal.model.person import About, Person
from wattseal.rules.roles import ROLES
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.problems import ProblemError, demand
from wattseal.serve.api.service import Service, What, Who

READ, WRITE = "people:read", "people:write"
Role = Annotated[str, msgspec.Meta(min_length=1, max_length=32, extra_json_schema={"enum": sorted(ROLES)})]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254, pattern=r"\A[^@\s]+@[^@\s]+\Z")]
Party = Annotated[str, msgspec.Meta(pattern=r"\A[!-.0-~]{1,36}\Z")]
SECRET = {"Cache-Control": "no-store"}


class RolesBody(Body, frozen=True, kw_only=True):
    """The roles a person has from now on, no others; `party` is whose partner a partner is."""

    roles: Annotated[list[Role], msgspec.Meta(min_length=1, max_length=len(ROLES))]
    party: Party | None = None


class PersonBody(RolesBody, frozen=True, kw_only=True):
    """A person to be invited. Name and address stand in no record and can be erased."""

    name: Name
    email: Email | None = None


@get("/people")
async def get_people(principal: Who, service: What) -> list[dict[str, Any]]:
    """List people, those who have left too."""
    demand(principal, READ)
    people = await people_of(service)
    return [view(people, person) for person in sorted(people.register.persons.values(), key=lambda one: one.made_ms)]


@post("/people")
async def post_person(principal: Who, service: What, data: JSONBody[PersonBody]) -> Response[dict[str, Any]]:
    """Invite a person. The secret of the one-time link (/join/SECRET, good for a day) is told here and nowhere else."""
    demand(principal, WRITE)
    people = await people_of(service)
    about = About(name=data.name, email=data.email)
    person, secret = await managing.invite(people, principal, about, tuple(data.roles), data.party)
    return Response({**view(people, person), "secret": secret}, headers=SECRET)


@post("/people/owner-link")
async def post_owner_link(principal: Who, service: What) -> Response[dict[str, Any]]:
    """Make a one-time link (/join/SECRET) whose holder becomes an owner: for the administrator's token alone."""
    if not principal.may("*"):
        raise ProblemError(403, "not_allowed", "only the token in DIR/admin-token may do this")
    people = await people_of(service)
    return Response({"secret": await people.links.for_owner(principal.name)}, headers=SECRET)


@post("/people/{person_id:str}/link")
async def post_link(principal: Who, service: What, person_id: FromPath[str]) -> Response[dict[str, Any]]:
    """Make a new one-time link for a person who lost theirs; earlier ones are void."""
    demand(principal, WRITE)
    return Response({"secret": await managing.new_link(await people_of(service), principal, person_id)}, headers=SECRET)


@put("/people/{person_id:str}/roles")
async def put_roles(
    principal: Who, service: What, person_id: FromPath[str], data: JSONBody[RolesBody]
) -> dict[str, Any]:
    """Change a person's roles; API tokens the person made that may more than that are revoked."""
    demand(principal, WRITE)
    people = await people_of(service)
    return view(people, await managing.set_roles(people, principal, person_id, tuple(data.roles), data.party))


@delete("/people/{person_id:str}")
async def delete_person(principal: Who, service: What, person_id: FromPath[str]) -> None:
    """Off-board a person: roles, ways to sign in, sessions, links and the API tokens the person made are gone."""
    demand(principal, WRITE)
    await managing.off_board(await people_of(service), principal, person_id)


@delete("/people/{person_id:str}/name")
async def delete_name(principal: Who, service: What, person_id: FromPath[str]) -> None:
    """Erase name and address of a person who has left; the records keep the random id."""
    demand(principal, WRITE)
    people = await people_of(service)
    if not await people.register.erase_name(person_id, principal.name):
        raise ProblemError(404, "not_found", "nothing is known of such a person")


@get("/people/{person_id:str}/sessions")
async def get_sessions(principal: Who, service: What, person_id: FromPath[str]) -> list[dict[str, Any]]:
    """List a person's sessions that are good."""
    demand(principal, READ)
    people = await people_of(service)
    person = await managing.found(people, person_id)
    return [
        {"id": s.id, "begun_at_ms": s.begun_ms, "seen_at_ms": s.seen_ms, "how": s.how, "agent": s.agent}
        for s in people.of_person(person.id)
    ]


@delete("/people/{person_id:str}/sessions")
async def delete_sessions(principal: Who, service: What, person_id: FromPath[str]) -> None:
    """End all sessions of a person."""
    demand(principal, WRITE)
    await managing.end_sessions(await people_of(service), principal, person_id)


async def people_of(service: Service) -> People:
    """Return the people of the service, read."""
    if service.people is None:
        raise ProblemError(404, "not_found", "this service keeps no people")
    await service.people.ready()
    return service.people


def view(people: People, person: Person) -> dict[str, Any]:
    """Return a person as the API tells it."""
    about = people.register.abouts.get(person.id)
    return {
        "id": person.id,
        "name": None if about is None else about.name,
        "email": None if about is None else about.email,
        "roles": list(person.roles),
        "party": person.party,
        "status": person.status.value,
        "made_at_ms": person.made_ms,
        "changed_at_ms": person.changed_ms,
        "record": person.record,
    }


ROUTES = (
    get_people,
    post_person,
    post_owner_link,
    post_link,
    put_roles,
    delete_person,
    delete_name,
    get_sessions,
    delete_sessions,
)
