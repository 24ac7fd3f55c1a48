"""One's own page: name, language and zone, ways to sign in, sessions, and what one may do."""

from typing import Any, NoReturn
from zoneinfo import available_timezones

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from wattseal.base.errors import InputError
from wattseal.flow.people.sessions import People
from wattseal.model.person import About, Person
from wattseal.rules.roles import SAYS
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, ShortQuery, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.forms import Form, gone_to, text_of
from wattseal.serve.web.guard import FIELD, check_form
from wattseal.serve.web.pages.login import MAX_NAME, email_of
from wattseal.serve.web.render import render
from wattseal.serve.web.signing_in import onwards, people_of, site_of
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import LANGUAGES, Looks, Req, SignInError, needs, secret_of

CSRF_HEADER = "x-csrf"
_DONE = {
    "welcome": _("Welcome. Add a passkey or a password now: the link you came by is used up."),
    "saved": _("It is saved."),
    "password": _("The password is set; your other sessions are over."),
    "passkey": _("The passkey is added."),
    "removed": _("It is removed."),
    "ended": _("The sessions are over."),
}


@get("/profile", security=[{}], include_in_schema=False, guards=[needs()])
async def profile(request: Req, viewer: Looks, service: What, *, done: ShortQuery = None) -> Response[bytes]:
    """Show it."""
    return await _page(request, viewer, service, done=_DONE.get(done or "", ""))


async def _page(
    request: Req, viewer: Viewer, service: Service, status: int = 200, *, done: str = "", trouble: str = ""
) -> Response[bytes]:
    people = await people_of(service)
    person = _me(people, viewer)
    session = await people.session(secret_of(request))
    return render(
        request,
        viewer,
        "profile.html",
        status=status,
        person=person,
        about=people.register.abouts.get(person.id, About(name="")),
        how=people.register.sign_ins[person.id],
        sessions=people.of_person(person.id),
        session=session,
        fresh=session is not None and people.fresh(session),
        says=SAYS,
        languages=LANGUAGES,
        zones=sorted(available_timezones()),
        done=done,
        trouble=trouble,
    )


@post("/profile", security=[{}], include_in_schema=False, guards=[needs()])
async def save(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Change name, address, language and zone."""
    check_form(request, viewer, data)
    people = await people_of(service)
    person = _me(people, viewer)
    known = people.register.abouts.get(person.id, About(name=""))
    if (data.get("email", "").strip() or None) != known.email:
        await _demand_fresh(request, people)
    try:
        about = _about(data)
        if about.email is None:
            _needs_no_address(people, person)
        await people.register.put_about(person.id, about)
    except InputError as error:
        return await _page(request, viewer, service, 422, trouble=str(error))
    return gone_to("/profile", done="saved")


@post("/profile/password", security=[{}], include_in_schema=False, guards=[needs()])
async def set_password(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Set a password; sessions elsewhere are over with it."""
    check_form(request, viewer, data)
    people = await people_of(service)
    await _demand_fresh(request, people)
    person = _me(people, viewer)
    password = data.get("password", "")
    about = people.register.abouts.get(person.id)
    try:
        if about is None or about.email is None:
            _refuse(_("a password needs an address to sign in with"), "email")
        if password != data.get("again", ""):
            _refuse(_("the two passwords differ"), "again")
        await people.passwords.set(person, password)
    except InputError as error:
        return await _page(request, viewer, service, 422, trouble=str(error))
    await people.end_of(person.id, person.signs_as, but=secret_of(request))
    return gone_to("/profile", done="password")


@post("/profile/passkey/challenge", security=[{}], include_in_schema=False, guards=[needs()], status_code=200)
async def passkey_challenge(request: Req, viewer: Looks, service: What) -> dict[str, Any]:
    """Return what the browser is to make a passkey from."""
    people = await _with_header(request, viewer, service)
    return await people.passkeys.invite(site_of(request, service), _me(people, viewer))


@post("/profile/passkey", security=[{}], include_in_schema=False, guards=[needs()], status_code=200)
async def add_passkey(request: Req, viewer: Looks, service: What, data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
    """Keep a passkey that the browser made."""
    people = await _with_header(request, viewer, service)
    name = request.headers.get("user-agent", "")
    named = next((one for one in ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux") if one in name), "passkey")
    await people.passkeys.add(site_of(request, service), _me(people, viewer), data, named)
    return {}


@post("/profile/passkey/{number:int}/remove", security=[{}], include_in_schema=False, guards=[needs()])
async def remove_passkey(
    request: Req, viewer: Looks, service: What, number: FromPath[int], data: Form
) -> Response[Any]:
    """Remove a passkey."""
    check_form(request, viewer, data)
    people = await people_of(service)
    await _demand_fresh(request, people)
    try:
        await people.passkeys.remove(_me(people, viewer), number)
    except InputError as error:
        return await _page(request, viewer, service, 409, trouble=str(error))
    return gone_to("/profile", done="removed")


@post("/profile/sessions/end", security=[{}], include_in_schema=False, guards=[needs()])
async def end_sessions(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """End one of one's sessions, or all others."""
    check_form(request, viewer, data)
    people = await people_of(service)
    session_id = data.get("session") or None
    spared = "" if session_id is not None else secret_of(request)
    await people.end_of(viewer.person, viewer.principal.name, session_id, but=spared)
    return gone_to("/profile", done="ended")


def _about(data: dict[str, str]) -> About:
    language, zone = data.get("language") or None, data.get("zone") or None
    if language not in {None, *LANGUAGES} or (zone is not None and zone not in available_timezones()):
        _refuse(_("choose one of the list"), "zone")
    return About(name=text_of(data, "name", MAX_NAME, least=1), email=email_of(data), language=language, zone=zone)


def _needs_no_address(people: People, person: Person) -> None:
    if people.register.sign_ins[person.id].password is not None:
        _refuse(_("your password needs an address"), "email")


def _refuse(text: str, field: str) -> NoReturn:
    raise InputError(text, code="bad_profile", subject=field)


async def _with_header(request: Req, viewer: Viewer, service: Service) -> People:
    """Check a request that a script of ours sends: the token is in a header, which no form can set."""
    check_form(request, viewer, {FIELD: request.headers.get(CSRF_HEADER, "")})
    people = await people_of(service)
    await _demand_fresh(request, people)
    return people


async def _demand_fresh(request: Req, people: People) -> None:
    """Go on only where the person has signed in just now: a browser left alone takes over no account."""
    session = await people.session(secret_of(request))
    if session is None or not people.fresh(session):
        await people.end(secret_of(request))
        raise SignInError(onwards("/profile"))


def _me(people: People, viewer: Viewer) -> Person:
    person = people.register.persons.get(viewer.person)
    if person is None:
        raise ProblemError(404, "not_found", "you are not in the register")
    return person


ROUTES = (
    profile,
    save,
    set_password,
    passkey_challenge,
    add_passkey,
    remove_passkey,
    end_sessions,
)
