"""People and roles: who works here, invited and off-boarded; and who changed what, out of the signed records."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from wattseal.base.errors import InputError
from wattseal.flow.people import managing
from wattseal.flow.people.audit import done_by
from wattseal.flow.people.sessions import People
from wattseal.model.person import About, Person
from wattseal.rules.people_policy import HOUR_MS
from wattseal.rules.roles import ROLES, SAYS
from wattseal.serve.api.service import Service, ShortQuery, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.forms import Form, gone_to, sure, text_of
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.pages.login import MAX_NAME, email_of
from wattseal.serve.web.render import render
from wattseal.serve.web.signing_in import origin_of, people_of
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

READ, WRITE = "people:read", "people:write"
DAYS = (1, 7, 30, 90)
MAX_PARTY = 36
KINDS = {
    "alarm": _("Alarm"),
    "person": _("Person"),
    "account": _("Account"),
    "ruling": _("Ruling"),
    "dispute": _("Dispute"),
    "command": _("Command"),
    "order": _("Order for many stations"),
}
_DONE = {
    "roles": _("The roles are changed."),
    "left": _("Off-boarded: roles, sessions, links and API tokens are gone."),
    "ended": _("The sessions are over."),
    "erased": _("Name and address are erased."),
}


@get("/people", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def list_people(request: Req, viewer: Looks, service: What) -> Response[bytes]:
    """List people, and invite one."""
    return await _list(request, viewer, service)


async def _list(
    request: Req, viewer: Viewer, service: Service, status: int = 200, *, trouble: str = "", link: str = ""
) -> Response[bytes]:
    people = await people_of(service)
    shown = sorted(people.register.persons.values(), key=lambda one: (one.status.value == "left", one.made_ms))
    return render(
        request,
        viewer,
        "people.html",
        status=status,
        rows=[(person, people.register.abouts.get(person.id)) for person in shown],
        says=SAYS,
        trouble=trouble,
        link=link,
        writes=viewer.may(WRITE),
    )


@post("/people", security=[{}], include_in_schema=False, guards=[needs(READ, WRITE)])
async def invite(request: Req, viewer: Looks, service: What, data: Form) -> Response[bytes]:
    """Invite a person, and show the link once."""
    check_form(request, viewer, data)
    people = await people_of(service)
    try:
        about = About(name=text_of(data, "name", MAX_NAME, least=1), email=email_of(data))
        _person, secret = await managing.invite(people, viewer.principal, about, _roles(data), _party(data))
    except InputError as error:
        return await _list(request, viewer, service, 422, trouble=str(error))
    return await _list(request, viewer, service, link=link_of(request, service, secret))


@get("/people/{person_id:str}", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def show_person(
    request: Req, viewer: Looks, service: What, person_id: FromPath[str], *, done: ShortQuery = None
) -> Response[bytes]:
    """Show a person: roles, sessions, what can be done."""
    return await _one(request, viewer, service, person_id, done=_DONE.get(done or "", ""))


async def _one(
    request: Req,
    viewer: Viewer,
    service: Service,
    person_id: str,
    status: int = 200,
    *,
    done: str = "",
    trouble: str = "",
    link: str = "",
) -> Response[bytes]:
    people = await people_of(service)
    person = await managing.found(people, person_id)
    return render(
        request,
        viewer,
        "person.html",
        status=status,
        person=person,
        about=people.register.abouts.get(person.id),
        sessions=people.of_person(person.id),
        how=people.register.sign_ins.get(person.id),
        says=SAYS,
        done=done,
        trouble=trouble,
        link=link,
        writes=viewer.may(WRITE),
    )


@post("/people/{person_id:str}", security=[{}], include_in_schema=False, guards=[needs(READ, WRITE)])
async def change_person(
    request: Req, viewer: Looks, service: What, person_id: FromPath[str], data: Form
) -> Response[Any]:
    """Do what the button said: roles, link, sessions, off-board, erase."""
    check_form(request, viewer, data)
    people = await people_of(service)
    person = await managing.found(people, person_id)
    try:
        done, secret = await _change(people, viewer, person, data)
    except InputError as error:
        return await _one(request, viewer, service, person.id, 422, trouble=str(error))
    if secret:
        return await _one(request, viewer, service, person.id, link=link_of(request, service, secret))
    return gone_to(f"/people/{person.id}", done=done)


async def _change(people: People, viewer: Viewer, person: Person, data: dict[str, str]) -> tuple[str, str]:
    match data.get("do"):
        case "roles":
            await managing.set_roles(people, viewer.principal, person.id, _roles(data), _party(data))
            return "roles", ""
        case "link":
            return "", await managing.new_link(people, viewer.principal, person.id)
        case "sessions":
            await managing.end_sessions(people, viewer.principal, person.id, data.get("session") or None)
            return "ended", ""
        case "off-board":
            sure(data)
            await managing.off_board(people, viewer.principal, person.id)
            return "left", ""
        case "erase":
            sure(data)
            await people.register.erase_name(person.id, viewer.principal.name)
            return "erased", ""
        case _:
            raise InputError(_("choose one of the list"), code="bad_choice", subject="do")


@get("/audit", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def audit(
    request: Req, viewer: Looks, service: What, *, days: FromQuery[int] = 7, who: ShortQuery = None
) -> Response[bytes]:
    """Show who changed what, and which commands and decisions were whose."""
    people = await people_of(service)
    now_ms = service.world.now_ms()
    span = days if days in DAYS else 7
    found = await done_by(service.world, now_ms - span * 24 * HOUR_MS, now_ms + 1, who or None)
    names = {person.signs_as: people.register.name(person.signs_as) for person in people.register.persons.values()}
    commands = viewer.may("commands:read")
    acts = [act for act in found.acts if commands or act.kind != "command"]
    return render(
        request,
        viewer,
        "audit.html",
        acts=acts,
        more=found.more,
        days=span,
        choices=DAYS,
        who=who or "",
        names=names,
        kinds=KINDS,
    )


def link_of(request: Req, service: Service, secret: str) -> str:
    """Return a one-time link's whole address, to be passed on."""
    return f"{origin_of(request, service)}/join/{secret}"


def _roles(data: dict[str, str]) -> tuple[str, ...]:
    return tuple(role for role in ROLES if data.get(f"role-{role}") == "yes")


def _party(data: dict[str, str]) -> str | None:
    return text_of(data, "party", MAX_PARTY) or None


ROUTES = (list_people, invite, show_person, change_person, audit)
