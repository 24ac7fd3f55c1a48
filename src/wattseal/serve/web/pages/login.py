"""Signing in: by passkey, by password, or first of all by a one-time link; and out again."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from wattseal.base.errors import InputError
from wattseal.flow.people import passwords
from wattseal.flow.people.passwords import Wait
from wattseal.flow.people.sessions import People
from wattseal.model.person import About, LinkUse
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, ShortQuery, What
from wattseal.serve.web.forms import Form, text_of
from wattseal.serve.web.guard import check_form, check_origin
from wattseal.serve.web.render import render_public
from wattseal.serve.web.signing_in import begin, onwards, people_of, signed_in, signed_out, site_of
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, secret_of, viewer_of

MAX_NAME, MAX_EMAIL = 100, 254
WRONG = _("This address and this password do not belong together.")
LATER = _("Too many tries. Wait a while, then try again.")
GONE = _("This link was used, has expired or was replaced. Ask for a new one.")


@get("/login", security=[{}], include_in_schema=False)
async def login(request: Req, service: What, *, next: ShortQuery = None) -> Response[Any]:  # noqa: A002 - the address's
    """Show how to sign in; who is signed in goes on."""
    await people_of(service)
    if await viewer_of(request) is not None:
        return Redirect(onwards(next), status_code=303)
    return await _login(request, service, onwards(next))


async def _login(request: Req, service: Service, where: str, status: int = 200, trouble: str = "") -> Response[bytes]:
    people = await people_of(service)
    nobody = not people.register.owners()
    outside = service.outside is not None
    return render_public(
        request, "login.html", status=status, next=where, trouble=trouble, nobody=nobody, outside=outside
    )


@post("/login", security=[{}], include_in_schema=False)
async def login_with_password(request: Req, service: What, data: Form) -> Response[Any]:
    """Sign in with e-mail address and password."""
    check_origin(request)
    people, where = await people_of(service), onwards(data.get("next"))
    email, password = data.get("email", "")[:MAX_EMAIL], data.get("password", "")
    found = await people.passwords.sign_in(email, password, service.pay.address(request))
    if isinstance(found, Wait):
        response = await _login(request, service, where, 429, LATER)
        response.headers["Retry-After"] = str(found.ms // 1000 + 1)
        return response
    if found is None:
        return await _login(request, service, where, 401, WRONG)
    return await signed_in(request, service, found, "password", where)


@post("/login/passkey/challenge", security=[{}], include_in_schema=False, status_code=200)
async def passkey_challenge(request: Req, service: What) -> dict[str, Any]:
    """Return what the browser's passkey is to answer."""
    check_origin(request)
    return (await people_of(service)).passkeys.offer(site_of(request, service))


@post("/login/passkey", security=[{}], include_in_schema=False, status_code=200)
async def login_with_passkey(request: Req, service: What, data: JSONBody[dict[str, Any]]) -> Response[Any]:
    """Sign in with a passkey's answer."""
    check_origin(request)
    people = await people_of(service)
    found = await people.passkeys.sign_in(site_of(request, service), data)
    if found is None:
        raise ProblemError(401, "not_authenticated", _("This passkey is not known here."))
    response: Response[Any] = Response({})
    await begin(request, service, found, "passkey", response)
    return response


@post("/logout", security=[{}], include_in_schema=False)
async def logout(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Sign out: the session is over, whoever else knows its secret."""
    check_form(request, viewer, data)
    await (await people_of(service)).end(secret_of(request))
    return signed_out(request)


@get("/join/{secret:str}", security=[{}], include_in_schema=False)
async def join(request: Req, service: What, secret: FromPath[str]) -> Response[bytes]:
    """Show what a one-time link does; it is used by the form, not by looking, for mail programs look at links."""
    return await _join(request, service, secret)


async def _join(request: Req, service: Service, secret: str, status: int = 200, trouble: str = "") -> Response[bytes]:
    people = await people_of(service)
    link = await people.links.find(secret)
    if link is None:
        return render_public(request, "trouble.html", status=404, title=_("This link is over"), text=GONE)
    about = None if link.person is None else people.register.abouts.get(link.person)
    owner = link.use is LinkUse.OWNER
    return render_public(request, "join.html", status=status, secret=secret, owner=owner, about=about, trouble=trouble)


@post("/join/{secret:str}", security=[{}], include_in_schema=False)
async def use_link(request: Req, service: What, secret: FromPath[str], data: Form) -> Response[Any]:
    """Use a link up, keep the password where one was chosen, and sign in."""
    check_origin(request)
    people = await people_of(service)
    link = await people.links.find(secret)
    if link is None:
        return await _join(request, service, secret)
    try:
        about = _about(people, data) if link.use is LinkUse.OWNER else None
        password = _password(data, about or people.register.abouts.get(link.person or ""))
    except InputError as error:
        return await _join(request, service, secret, 422, str(error))
    person = await people.links.use(secret, about)
    if person is None:
        return await _join(request, service, secret)
    if password:
        await people.passwords.set(person, password)
    return await signed_in(request, service, person, "link", "/profile?done=welcome")


def email_of(data: dict[str, str]) -> str | None:
    """Return the address a form gives, None where it gives none."""
    email = text_of(data, "email", MAX_EMAIL) or None
    if email is not None and ("@" not in email or " " in email):
        raise InputError(_("this is no e-mail address"), code="bad_email", subject="email")
    return email


def _about(people: People, data: dict[str, str]) -> About:
    email = email_of(data)
    if email is None and data.get("password"):
        text = _("a password needs an address to sign in with")
        raise InputError(text, code="bad_email", subject="email")
    if email is not None and people.register.by_email(email) is not None:
        raise InputError(_("somebody has this address already"), code="email_taken", subject="email")
    return About(name=text_of(data, "name", MAX_NAME, least=1), email=email)


def _password(data: dict[str, str], about: About | None) -> str:
    """Return the password that was chosen; without an address nobody can sign in with one."""
    if about is None or about.email is None:
        return ""
    password = data.get("password", "")
    if password:
        if password != data.get("again", ""):
            raise InputError(_("the two passwords differ"), code="passwords_differ", subject="again")
        passwords.check(password, about.name, about.email)
    return password


ROUTES = (
    login,
    login_with_password,
    passkey_challenge,
    login_with_passkey,
    logout,
    join,
    use_link,
)
