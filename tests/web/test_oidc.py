"""Signing in at a provider: a small one over real HTTP, honest and otherwise; each check of a token has its lie."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from tests.web.office import Office, Visitor, office

CLIENT, SECRET = "wattseal", "the client's secret"
Lie = Callable[[dict[str, Any]], None]


@dataclass
class Provider:
    """An OpenID Connect provider that signs whomever `claims` name in; `lie` changes the token before it is signed."""

    base: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signs: Any = None
    header: dict[str, str] = field(default_factory=dict)
    lie: Lie = field(default=lambda _: None)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def authorise(self, query: dict[str, str]) -> str:
        """Return where the browser goes back to."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["client_id"] == CLIENT
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, str] | None:
        """Return the tokens a code is good for, once, to who began with it."""
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        expected = base64.b64encode(f"{quote_plus(CLIENT)}:{quote_plus(SECRET)}".encode()).decode()
        for name, good in (
            ("code", asked is not None),
            ("verifier", asked is not None and challenge.rstrip(b"=").decode() == asked["code_challenge"]),
            ("client", authorization == f"Basic {expected}"),
            ("redirect", asked is not None and asked["redirect_uri"] == form.get("redirect_uri")),
        ):
            if not good:
                self.refused.append(name)
                return None
        assert asked is not None
        now = int(time.time())
        claims = {"iss": self.base, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.claims}
        self.lie(claims)
        header = {"alg": "RS256", "kid": "one", **self.header}
        if header["alg"] == "none":
            parts = [json.dumps(one).encode() for one in (header, claims)]
            return {"id_token": ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts) + "."}
        return {"id_token": jwt.encode(header, claims, self.signs or self.key)}

    def honest(self) -> None:
        """Lie no more."""
        self.lie, self.signs, self.header = lambda _: None, None, {}


def handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            match parts.path:
                case "/.well-known/openid-configuration":
                    places = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "keys"}
                    self.answer({"issuer": provider.base} | {k: f"{provider.base}/{v}" for k, v in places.items()})
                case "/keys":
                    self.answer({"keys": [provider.key.as_dict(private=False)]})
                case "/auth":
                    self.send_response(302)
                    self.send_header("Location", provider.authorise(query))
                    self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self.answer(provider.token(form, self.headers.get("Authorization", "")))

        def answer(self, body: Any) -> None:
            data = json.dumps(body or {"error": "invalid_grant"}).encode()
            self.send_response(200 if body else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(made))
    made.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Office]:
    settings = f"""
[people]
oidc_issuer = "{provider.base}"
oidc_client_id = "{CLIENT}"
oidc_client_secret = "{SECRET}"
oidc_roles = {{"charging-ops" = "operator", "charging-audit" = "auditor"}}
"""
    with office(tmp_path_factory.mktemp("oidc"), settings) as made:
        yield made


def there(visitor: Visitor, path: str = "/login/oidc") -> str:
    """Go to the provider, sign in there, and return where it sends the browser back to."""
    answer = visitor.get(path)
    assert answer.status_code == 303, answer.text
    sent = httpx.get(answer.headers["location"], trust_env=False)
    assert sent.status_code == 302
    found: str = sent.headers["location"]
    return found


def back(visitor: Visitor, where: str) -> httpx.Response:
    parts = urlsplit(where)
    return visitor.get(f"{parts.path}?{parts.query}")


def test_groups_give_roles_each_time_anew(running: Office, provider: Provider) -> None:
    provider.claims = {"sub": "kim", "name": "Kim", "groups": ["charging-ops", "football"]}
    visitor = running.visitor()
    assert "Sign in with your organisation" in visitor.says("/login")
    answer = back(visitor, there(visitor, "/login/oidc?next=/profile"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/profile")
    assert "operator" in visitor.says("/profile")
    provider.claims = {**provider.claims, "groups": ["charging-audit"]}
    again = running.visitor()
    assert back(again, there(again)).status_code == 303
    assert visitor.get("/people").status_code == 200, "the other session has the new roles too"
    assert [one["roles"] for one in running.api("GET", "/people").json()] == [["auditor"]]
    provider.claims = {**provider.claims, "groups": []}
    gone = running.visitor()
    assert back(gone, there(gone)).status_code == 401
    assert not visitor.signed_in, "who has no group any more is signed out"


@pytest.mark.parametrize("groups", [None, "football", [], [7], {"charging-ops": 1}, ["owner"]])
def test_who_has_no_group_with_a_role_stays_out(running: Office, provider: Provider, groups: object) -> None:
    provider.claims = {"sub": "stranger", "name": "S", "groups": groups, "email": "ada@example.org"}
    visitor = running.visitor()
    assert back(visitor, there(visitor)).status_code == 401
    assert not visitor.signed_in


def changed(**claims: Any) -> Lie:
    return lambda told: told.update(claims)


def without(name: str) -> Lie:
    def lie(told: dict[str, Any]) -> None:
        del told[name]

    return lie


LIES: dict[str, Lie] = {
    "another issuer": changed(iss="https://elsewhere.example"),
    "another audience": changed(aud="another-client"),
    "several audiences and no party": changed(aud=[CLIENT, "another-client"]),
    "another party": changed(azp="another-client"),
    "expired": changed(exp=int(time.time()) - 3600),
    "another nonce": changed(nonce="x"),
    "no nonce": without("nonce"),
    "no expiry": without("exp"),
    "no audience": without("aud"),
    "no issuer": without("iss"),
    "no subject": without("sub"),
    "a number for a subject": changed(sub=7),
    "from the future": changed(iat=int(time.time()) + 7200),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_is_not_what_was_asked_for_lets_nobody_in(running: Office, provider: Provider, lie: str) -> None:
    provider.claims = {"sub": "lou", "name": "Lou", "groups": ["charging-ops"]}
    visitor = running.visitor()
    provider.lie = LIES[lie]
    try:
        assert back(visitor, there(visitor)).status_code == 401
    finally:
        provider.honest()
    assert not visitor.signed_in
    assert back(visitor, there(visitor)).status_code == 303, "the same without the lie"


@pytest.mark.parametrize("how", ["another key", "no signature", "the client's secret"])
def test_only_the_provider_s_own_key_signs(running: Office, provider: Provider, how: str) -> None:
    provider.claims = {"sub": "lou", "name": "Lou", "groups": ["charging-ops"]}
    visitor = running.visitor()
    match how:
        case "another key":
            provider.signs = RSAKey.generate_key(2048, {"kid": "one"})
        case "no signature":
            provider.header = {"alg": "none"}
        case _:
            provider.signs, provider.header = OctKey.import_key(SECRET.ljust(32, "x")), {"alg": "HS256"}
    try:
        assert back(visitor, there(visitor)).status_code == 401
    finally:
        provider.honest()
    assert not visitor.signed_in


def test_what_came_back_is_good_once_and_for_the_browser_that_went(running: Office, provider: Provider) -> None:
    provider.claims = {"sub": "lou", "name": "Lou", "groups": ["charging-ops"]}
    victim, attacker = running.visitor(), running.visitor()
    where = there(attacker)
    assert back(victim, where).status_code == 401, "nobody is signed in as somebody else by a link"
    assert not victim.signed_in
    where = there(attacker)
    assert back(attacker, where).status_code == 303
    assert back(attacker, where).status_code == 401
    forged = there(victim)
    assert back(victim, forged.replace("state=", "state=x")).status_code == 401
    assert victim.get("/login/oidc/callback").status_code == 401
    assert victim.get("/login/oidc/callback?error=access_denied&state=x").status_code == 401


def test_who_is_off_boarded_here_stays_out_though_the_provider_knows_them(running: Office, provider: Provider) -> None:
    provider.claims = {"sub": "max", "name": "Max", "groups": ["charging-ops"]}
    visitor = running.visitor()
    assert back(visitor, there(visitor)).status_code == 303
    (person,) = [one["id"] for one in running.api("GET", "/people").json() if one["name"] == "Max"]
    assert running.api("DELETE", f"/people/{person}").status_code == 204
    assert not visitor.signed_in
    assert back(visitor, there(visitor)).status_code == 401
