"""A person at the operator's pages with a browser that runs no script: joins, keeps the cookie, sends forms."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie

from wattseal.lab.crew import LabError
from wattseal.lab.grounds.alone import Alone

PASSWORD = "nine lives of a sealed watt"  # noqa: S105 - of people who exist for the length of an attack
COOKIE = "wattseal"
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@dataclass(frozen=True, slots=True)
class Page:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(slots=True)
class Visitor:
    """Somebody with a session; `cookie` is its Set-Cookie as it was sent."""

    cpo: Alone
    secret: str
    cookie: str
    person: str = ""

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Page:
        """Open a page; no redirect is followed."""
        return await _ask(self.cpo, "GET", path, self._sent(headers))

    async def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Page:
        """Send a form as it stands."""
        return await _ask(self.cpo, "POST", path, self._sent(headers), form)

    async def csrf(self) -> str:
        """Return what forms of this session bear."""
        found = _CSRF.search((await self.get("/profile")).text)
        if found is None:
            raise LabError("the profile page has no form", subject="/profile")
        return found[1]

    def _sent(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.secret}", **(headers or {})}


async def hired(cpo: Alone, role: str = "owner") -> Visitor:
    """Have a person of a role join, who is then signed in."""
    if role == "owner":
        told = await cpo.api("POST", "/api/v1/people/owner-link")
        form = {"name": "Olga Owner", "email": f"{told['secret'][:8].lower()}@lab.test"}
        form |= {"password": PASSWORD, "again": PASSWORD}
    else:
        told = await cpo.api("POST", "/api/v1/people", {"name": f"A {role}", "roles": [role]})
        form = {}
    page = await _ask(cpo, "POST", f"/join/{told['secret']}", {}, form)
    cookie = SimpleCookie(page.headers.get("Set-Cookie", ""))
    if page.status != 303 or COOKIE not in cookie:
        raise LabError(f"a new {role} could not join: {page.status} {page.text[:200]}", subject=role)
    return Visitor(cpo, cookie[COOKIE].value, page.headers["Set-Cookie"], told.get("id", ""))


async def _ask(
    cpo: Alone, method: str, path: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
) -> Page:
    url = cpo.http + path
    async with cpo.session.request(method, url, headers=headers, data=form, allow_redirects=False) as answer:
        return Page(answer.status, dict(answer.headers), await answer.text(errors="replace"))
