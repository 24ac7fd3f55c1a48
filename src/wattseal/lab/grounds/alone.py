"""One `wattseal serve` on real sockets, with nobody around it, in a new directory."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from wattseal.app.system import SystemRandom
from wattseal.lab.crew import Crew, LabError
from wattseal.lab.means.dialler import Line, dial

PASSWORD_BYTES = 15


@dataclass(slots=True)
class Alone:
    """The running process: its directory, ports and API, and stations that dial it."""

    data: Path
    crew: Crew
    session: aiohttp.ClientSession
    settings: Path
    undefend: str | None
    options: tuple[str, ...] = ()
    ports: dict[str, int] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.crew.pid("cpo")

    @property
    def http(self) -> str:
        """Where the API and the pages are."""
        return f"http://127.0.0.1:{self.ports['http']}"

    @property
    def ocpp(self) -> str:
        """Where stations dial."""
        return f"ws://127.0.0.1:{self.ports['ocpp']}/ocpp"

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.data.parent / "logs" / "cpo.log"

    async def start(self) -> None:
        """Start it, also after it was stopped or killed, at the ports it had."""
        chosen = (self.ports.get("ocpp", 0), self.ports.get("http", 0))
        (self.data / "ports.json").unlink(missing_ok=True)
        ports = ("--ocpp-port", str(chosen[0]), "--http-port", str(chosen[1]))
        told: tuple[str | Path, ...] = ("--data", self.data, *ports, "--config", self.settings, *self.options)
        await self.crew.start("cpo", "serve", *told, undefend=self.undefend)
        await self.crew.until("cpo", self._ready)

    async def _ready(self) -> bool:
        file = self.data / "ports.json"
        if not file.exists():
            return False
        self.ports = json.loads(file.read_text())
        try:
            async with self.session.get(f"{self.http}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def stop(self) -> None:
        """Let it end in order."""
        await self.crew.stop("cpo")

    async def kill(self) -> None:
        """End it as a crash would."""
        await self.crew.kill("cpo")

    async def enrol(self, station: str, **more: Any) -> str:
        """Enrol a station with a password of its own and return that."""
        password = base64.b32encode(SystemRandom().bytes(PASSWORD_BYTES)).decode()
        await self.api("POST", "/api/v1/stations", {"id": station, "password": password, "evses": [{"id": 1}]} | more)
        self.passwords[station] = password
        return password

    async def token(self, id_token: str, **more: Any) -> None:
        """Let a token charge."""
        body = {"id_token": id_token, "type": "ISO14443", "status": "Accepted"}
        await self.api("POST", "/api/v1/tokens", body | more)

    @asynccontextmanager
    async def station(self, station: str, version: str = "1.6", **options: Any) -> AsyncIterator[Line]:
        """Dial as an enrolled station with its own password."""
        async with dial(self.session, self.ocpp, station, self.passwords[station], version, **options) as line:
            yield line

    async def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask the API with the token that may do everything; `LabError` where it refuses."""
        async with self.asked(method, path, body) as answer:
            if answer.status >= 400:
                raise LabError(f"{method} {path}: {answer.status} {await answer.text()}", subject=path)
            return await answer.json(content_type=None)

    @asynccontextmanager
    async def asked(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, token: str | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask the API with a token, by default the one that may do everything, and give the answer as it is."""
        bearer = (self.data / "admin-token").read_text().strip() if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"}
        async with self.session.request(method, self.http + path, json=body, headers=headers) as answer:
            yield answer


@asynccontextmanager
async def alone(
    folder: Path, settings: str, undefend: str | None, options: tuple[str, ...] = ()
) -> AsyncIterator[Alone]:
    """Start one in a new directory; it ends with the context."""
    file = _settings_file(folder, settings)
    async with aiohttp.ClientSession() as session, Crew(folder / "logs") as crew:
        made = Alone(folder / "cpo", crew, session, file, undefend, options)
        await made.start()
        yield made


def _settings_file(folder: Path, settings: str) -> Path:
    folder.mkdir(parents=True)
    file = folder / "cpo.toml"
    file.write_text(settings)
    return file
