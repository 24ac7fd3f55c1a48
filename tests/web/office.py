"""A CSMS whose pages know real people: browsers without script that sign in, keep cookies, and send forms."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.support.csms import program, said
from tests.web.support import asked, words

PASSWORD = "correct horse battery"
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@dataclass
class Office:
    """The running process; `link` is what its start printed."""

    data: Path
    base: str
    link: str | None
    staff: dict[str, "Visitor"] = field(default_factory=dict)
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def admin(self) -> dict[str, str]:
        """Return the header that may do everything."""
        return {"Authorization": f"Bearer {(self.data / 'admin-token').read_text().strip()}"}

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Ask the API."""
        sent = self.admin | {name.replace("_", "-"): value for name, value in headers.items()}
        return asked(method, f"{self.base}/api/v1{path}", json=body, headers=sent)

    def visitor(self, **headers: str) -> "Visitor":
        """Return a browser that nobody has signed in with."""
        client = httpx.Client(base_url=self.base, headers=headers, trust_env=False, timeout=60)
        self.clients.append(client)
        return Visitor(client)

    def owner_link(self) -> str:
        """Return the path of a new link for an owner."""
        return f"/join/{self.api('POST', '/people/owner-link').json()['secret']}"

    def hired(self, *roles: str, name: str = "Bo", email: str | None = None, party: str | None = None) -> "Visitor":
        """Invite a person and have it join, signed in."""
        body = {"name": name, "roles": list(roles), "email": email, "party": party}
        told = self.api("POST", "/people", {k: v for k, v in body.items() if v is not None}).json()
        visitor = self.visitor()
        given = {"password": PASSWORD, "again": PASSWORD} if email else {}
        answer = visitor.post(f"/join/{told['secret']}", **given)
        assert answer.status_code == 303, answer.text
        visitor.person = told["id"]
        return visitor


@dataclass
class Visitor:
    """A browser without script."""

    client: httpx.Client
    person: str = ""

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def post(self, path: str, headers: Any = None, **fields: str) -> httpx.Response:
        """Send a form as it stands."""
        return self.client.post(path, data=fields, headers=headers)

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form with the token of this session."""
        return self.post(path, csrf=self.csrf(), **fields)

    def csrf(self) -> str:
        found = _CSRF.search(self.client.get("/profile").text)
        assert found is not None
        return found[1]

    def says(self, path: str) -> str:
        return words(self.client.get(path).text)

    @property
    def signed_in(self) -> bool:
        return self.client.get("/profile").status_code == 200

    @property
    def secret(self) -> str:
        return self.client.cookies.get("wattseal") or ""


@contextmanager
def office(folder: Path, settings: str = "") -> Iterator[Office]:
    """Run it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(settings)
    told: list[str | Path] = ["serve", "--data", folder / "cpo", "--config", folder / "config.toml", "--ocpp-port", "0"]
    with program([*told, "--http-port", "0", "--json"], folder / "errors") as process:
        ready = json.loads(said(process))
        made = Office(folder / "cpo", f"http://127.0.0.1:{ready['http_port']}", ready["owner_link"])
        yield made
        for client in made.clients:
            client.close()
