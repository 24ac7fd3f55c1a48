"""T65: a sign-in provider and the receiver of alerts, both outside, make the server call inside its own network."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, TCPConnector, web
from aiohttp.abc import AbstractResolver, ResolveResult

from wattseal.app.system import SystemClock
from wattseal.dial import oidc
from wattseal.dial.alerts import Alerts, Webhook
from wattseal.dial.oidc import OidcProvider
from wattseal.flow.people.outside import Asked
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.lab import Lab
from wattseal.lab.means.forged_tls import forge
from wattseal.lab.means.listener import Listener, listening
from wattseal.lab.null import swapped

HOST = "outside.example"
BACK, CODE = "https://cpo.example/login/back", "code"
ASKED = Asked("nonce", "verifier", b"", "/", 0)
ENDPOINTS = ("token_endpoint", "jwks_uri")
REDIRECTED = ("/.well-known/openid-configuration", "/token", "/keys", "/hook")


async def _perform(lab: Lab) -> Found:
    return await _point_inside(lab, follows=False)


async def _control(lab: Lab) -> Found:
    """Take endpoints as discovery tells them, and follow redirects."""
    with ExitStack() as without:
        without.enter_context(swapped(oidc, "leads_inside", lambda _url, _issuer: False))
        without.enter_context(swapped(oidc, "safe", lambda _url: True))
        return await _point_inside(lab, follows=True)


class _Outside(AbstractResolver):
    """Has the name of the other side lead to it."""

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        shown = "127.0.0.1" if host == HOST else host
        return [ResolveResult(hostname=host, host=shown, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class _Follower:
    """A session that follows redirects whatever it is told."""

    session: ClientSession

    def request(self, method: str, url: str, **more: Any) -> Any:
        return self.session.request(method, url, **more | {"allow_redirects": True})

    def post(self, url: str, **more: Any) -> Any:
        return self.request("POST", url, **more)


@dataclass(slots=True)
class _Hostile:
    """The other side: what its discovery tells, and which of its paths send on to where."""

    base: str = ""
    told: dict[str, str] = field(default_factory=dict)
    onto: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path in self.onto:
            return web.Response(status=307, headers={"Location": self.onto[request.path]})
        match request.path:
            case "/.well-known/openid-configuration":
                places = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "keys"}
                honest = {name: f"{self.base}/{path}" for name, path in places.items()}
                return web.json_response({"issuer": self.base} | honest | self.told)
            case "/token":
                return web.json_response({"id_token": "e30.e30.e30"})
            case _:
                return web.json_response({"keys": []})


@asynccontextmanager
async def _hostile(folder: Path) -> AsyncIterator[tuple[_Hostile, ClientSession]]:
    """Have it listen, under a certificate for its name, and a session that finds it and believes that."""
    tls, hostile = forge(folder, (HOST,)), _Hostile()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hostile.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.serves).start()
    hostile.base = f"https://{HOST}:{runner.addresses[0][1]}"
    try:
        async with ClientSession(connector=TCPConnector(resolver=_Outside(), ssl=tls.believer())) as session:
            yield hostile, session
    finally:
        await runner.cleanup()


async def _point_inside(lab: Lab, *, follows: bool) -> Found:
    tries = 0
    async with listening() as inside, _hostile(lab.fresh("outside")) as (hostile, session):
        used: Any = _Follower(session) if follows else session
        await _sign_in(hostile, used)
        if "/token" not in hostile.asked or "/keys" not in hostile.asked:
            raise LabError("an honest provider was not asked, so nothing was proven", subject="oidc")
        ways = [(endpoint, url) for endpoint in ENDPOINTS for url in _spellings(inside)]
        for endpoint, url in ways:
            hostile.told = {endpoint: url}
            await _sign_in(hostile, used)
        hostile.told, tries = {}, len(ways) + len(REDIRECTED)
        for path in REDIRECTED:
            hostile.onto = {path: inside.url}
            await _sign_in(hostile, used)
            await _alert(hostile, used)
        if "/hook" not in hostile.asked:
            raise LabError("the receiver of alerts was not asked, so nothing was proven", subject="webhook")
    if inside.asked:
        return Found(Outcome.MISSED, f"the inside was called {len(inside.asked)} times: {inside.asked[0][:80]!r}")
    text = (
        f"{tries} ways to point inside, by discovery and by redirects of discovery, token, keys and webhook: a "
        "listener on loopback was never called, and the honest endpoints of the same provider were"
    )
    return Found(Outcome.PREVENTED, text, figures=(Figure("ways to point inside", tries, "ways"),))


def _spellings(inside: Listener) -> Iterator[str]:
    port = inside.url.split(":")[2]
    for scheme in ("http", "https"):
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]", "a.localhost"):
            yield f"{scheme}://{host}:{port}"


async def _sign_in(hostile: _Hostile, session: Any) -> None:
    """Have somebody come back from the provider with a code."""
    provider = OidcProvider(session, SystemClock(), hostile.base, "wattseal", "the client's secret")
    await provider.claims(CODE, BACK, ASKED)


async def _alert(hostile: _Hostile, session: Any) -> None:
    """Tell an alarm."""
    webhook = Webhook(f"{hostile.base}/hook", "secret")
    await Alerts(session, lambda: 0, lambda _: None, webhook)("webhook", "1", b"{}")


ATTACK = Attack(
    line="T65",
    title="a sign-in provider and a receiver of alerts point inside",
    steps=(
        "listen on loopback, as a service does that only the inside may reach",
        "as the OpenID Connect provider that was chosen, tell token and key addresses inside, in twelve spellings",
        "have discovery, token, keys and the alerts' webhook redirect there",
        "count who comes to the listener",
    ),
    defence=(
        "no redirect is followed, and no address that a provider outside tells leads to this machine or to a private "
        "network's number"
    ),
    without="addresses are taken as discovery tells them, and redirects are followed",
    residual="a name that its owner has lead inside is asked over TLS, and answers only with that name's certificate",
    expected=Outcome.PREVENTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
