"""T62: a page of another site sends forms with the session of somebody who is signed in."""

from collections.abc import Mapping
from types import SimpleNamespace

from litestar.routes import HTTPRoute

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.visitor import Visitor, hired
from wattseal.lab.null import take_out
from wattseal.serve.web import guard
from wattseal.serve.web.routes import pages

EVIL = "https://evil.example"
INVITED = "Mallory"
FORM = {"name": INVITED, "roles": "owner", "email": "mallory@evil.example"}
OPEN = ("/login", "/join/", "/mine/", "/pay/")
"""Forms that act for nobody who is signed in."""
REFUSED = {400, 403}
"""400: only JSON is taken there, which a form of another site cannot be."""


async def _perform(lab: Lab) -> Found:
    return await _forge(lab)


async def _control(lab: Lab) -> Found:
    return await _forge(lab, "forged_form")


def undefend() -> None:
    """Take forms from anywhere, with any token."""
    take_out(guard, "same_origin", lambda _request: True)
    take_out(guard, "hmac", SimpleNamespace(compare_digest=lambda _one, _other: True))


def targets() -> list[str]:
    """Return where the pages take forms, with any name in the place of each parameter."""
    found = set()
    for route in pages().routes:
        if isinstance(route, HTTPRoute) and "POST" in route.methods:
            found.add(route.path_format.format_map(_Any()))
    return sorted(path for path in found if not path.startswith(OPEN) and path != "/logout")


class _Any(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "1"


async def _forge(lab: Lab, undefend: str | None = None) -> Found:
    async with lab.alone(undefend=undefend) as cpo:
        owner, other = await hired(cpo), await hired(cpo)
        before = await _people(cpo)
        ways = await _ways(owner, other)
        paths = ["/people", *(path for path in targets() if path != "/people"), "/logout"]
        taken = await _sent(owner, paths, ways)
        invited = await _people(cpo) - before
        unsigned = await _unsigned(owner)
        signed_in = (await owner.get("/profile")).status == 200
    if invited or taken or not signed_in:
        text = f"{len(taken)} forged forms passed, {taken[:6]}; people there now who were not: {sorted(invited)}"
        return Found(Outcome.MISSED, text)
    if unsigned or "samesite=lax" not in owner.cookie.lower() or "httponly" not in owner.cookie.lower():
        return Found(Outcome.MISSED, f"{unsigned} API routes took the cookie for a token; cookie {owner.cookie}")
    sent = len(paths) * len(ways)
    text = (
        f"{sent} forged forms ({len(paths)} addresses in {len(ways)} ways) were refused; the API takes no cookie, the "
        "cookie is HttpOnly and SameSite=Lax, and no answer lets another origin read it"
    )
    return Found(Outcome.PREVENTED, text, figures=(Figure("forged forms refused", sent, "forms"),))


async def _ways(owner: Visitor, other: Visitor) -> tuple[tuple[Mapping[str, str], Mapping[str, str]], ...]:
    """Return headers and forms: no token, another session's, and a right one from a page of another site."""
    own = {"csrf": await owner.csrf()}
    return (
        ({"Origin": EVIL}, {}),
        ({}, {"csrf": ""}),
        ({}, {"csrf": await other.csrf()}),
        ({"Origin": EVIL, "Sec-Fetch-Site": "cross-site"}, own),
        ({"Sec-Fetch-Site": "same-site"}, own),
        ({"Origin": "null"}, own),
    )


async def _sent(
    owner: Visitor, paths: list[str], ways: tuple[tuple[Mapping[str, str], Mapping[str, str]], ...]
) -> list[str]:
    """Send every form in every way; returns where it was not refused."""
    taken = []
    for path in paths:
        for headers, form in ways:
            page = await owner.post(path, {**FORM, **form}, headers)
            readable = [name for name in page.headers if name.lower().startswith("access-control-")]
            if page.status not in REFUSED or readable:
                taken.append(f"{path} {page.status}")
    return taken


async def _unsigned(owner: Visitor) -> int:
    """Ask the API and the live feed as a page of another site can; returns how many served it."""
    told = {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"}
    served = [(await owner.get(path, told)).status < 400 for path in ("/api/v1/people", "/api/v1/tokens", "/events")]
    posted = await owner.post("/api/v1/people", FORM, told)
    return sum(served) + (posted.status < 400)


async def _people(cpo: Alone) -> set[str]:
    return {str(one["name"]) for one in await cpo.api("GET", "/api/v1/people")}


ATTACK = Attack(
    line="T62",
    title="forms of another site are sent with an owner's session",
    steps=(
        "sign in as an owner, and open a page of another site in the same browser",
        "from there send every form of the pages: without a token, with another session's, with the right one",
        "ask API and live feed with the cookie alone",
    ),
    defence="forms bear a token of their session and come from our own pages; the API knows no cookies",
    without="any token and any origin will do",
    residual="who can read a page of the session, by a script inside it, has its token: see the attacks on T60",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
