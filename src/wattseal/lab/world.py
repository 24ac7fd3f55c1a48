"""A living world: CPO, eMSP, witnesses and an edge as processes of their own, and stations that charge."""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from wattseal.lab.crew import Crew, LabError
from wattseal.lab.scene import HEARTBEAT_S, PACE_S, WITNESS_PARTIES, Scene

POLL_S = 0.1
SETTLE_WITHIN_S = 45
TOKEN_TYPE = "ISO14443"  # noqa: S105 - a kind of token, not one
TARIFF = {
    "country_code": "ZZ",
    "party_id": "CPO",
    "id": "T1",
    "currency": "EUR",
    "elements": [
        {"price_components": [{"type": "ENERGY", "price": 0.42, "vat": 20, "step_size": 1}]},
        {"price_components": [{"type": "FLAT", "price": 0.50, "vat": 20, "step_size": 1}]},
    ],
    "last_updated": "2026-01-01T00:00:00Z",
}


class World:
    """Starts and speaks to the processes of a scene."""

    def __init__(self, scene: Scene, crew: Crew, session: aiohttp.ClientSession) -> None:
        """Use a prepared scene."""
        self.scene = scene
        self._crew = crew
        self._session = session
        self._visits = 0

    async def start(self) -> None:
        """Start everybody and enrol stations, tokens and the tariff."""
        scene = self.scene
        for party, port in zip(WITNESS_PARTIES, scene.ports.witnesses, strict=True):
            name = f"witness-{party.lower()}"
            home = scene.home(name)
            log = str(scene.log_key.verifier)
            identity = f"witness/{party}"
            await self._crew.start(
                name, "witness", "--data", home, "--port", str(port), "--log", log, "--name", identity
            )
            await self._answers(name, f"http://127.0.0.1:{port}/healthz")
        emsp = ("--data", scene.home("emsp"), "--port", str(scene.ports.emsp))
        await self._crew.start("emsp", "emsp", *emsp, "--trust", scene.trust, "--config", scene.root / "emsp.toml")
        await self._answers("emsp", f"http://127.0.0.1:{scene.ports.emsp}/readyz")
        await self.start_cpo()

    async def start_cpo(self) -> None:
        """Start the CPO's central system, also after it was stopped."""
        scene = self.scene
        ports = ("--ocpp-port", str(scene.ports.ocpp), "--http-port", str(scene.ports.http))
        await self._crew.start("cpo", "serve", "--data", scene.home("cpo"), *ports, "--config", scene.root / "cpo.toml")
        await self._answers("cpo", f"{self.cpo_url}/readyz")

    @property
    def cpo_pid(self) -> int:
        """The id of the CPO's process."""
        return self._crew.pid("cpo")

    async def stop_cpo(self) -> None:
        """Stop the CPO's central system."""
        await self._crew.stop("cpo")

    async def start_edge(
        self, upstream: str, mode: str = "sealed", undefend: str | None = None, trusts: Path | None = None
    ) -> None:
        """Start the edge beside the stock station; `upstream` may be somebody in the middle, `mode` signed in place.

        `undefend`: see `lab.undefended`. `trusts` are the certificates it believes, the machine's where none are told.
        """
        scene, station = self.scene, self.scene.stations.edged
        secret = scene.home("edge") / "password"
        secret.write_text(scene.passwords[station])
        where = ("--listen", f"ws://127.0.0.1:{scene.ports.edge}/", "--upstream", upstream, "--station", station)
        who = ("--trust", scene.trust, "--password-file", secret, "--party", "CPO", "--route", "MSP")
        await self._crew.start(
            "edge", "edge", *where, "--data", scene.home("edge"), *who, "--seal-for", "MSP,ARB",
            "--mode", mode, "--heartbeat-s", str(HEARTBEAT_S), "--pace-s", str(PACE_S), undefend=undefend,
            trusts=trusts,
        )  # fmt: skip
        await self._crew.until("edge", lambda: _listening(scene.ports.edge))

    async def stop_edge(self) -> None:
        """Stop the edge."""
        await self._crew.stop("edge")

    @property
    def cpo_url(self) -> str:
        """The CPO's HTTP address."""
        return f"http://127.0.0.1:{self.scene.ports.http}"

    @property
    def ocpp_url(self) -> str:
        """Where stations dial the CPO."""
        return f"ws://127.0.0.1:{self.scene.ports.ocpp}/ocpp"

    @property
    def emsp_url(self) -> str:
        """The eMSP's HTTP address."""
        return f"http://127.0.0.1:{self.scene.ports.emsp}"

    @property
    def edge_url(self) -> str:
        """Where the stock station behind the edge dials."""
        return f"ws://127.0.0.1:{self.scene.ports.edge}"

    async def enrol(self, id_token: str, private_token: str) -> None:
        """Enrol stations, one token and a tariff at the CPO; both tokens' drivers are customers of the eMSP."""
        scene = self.scene
        meter = {
            "id": 1,
            "meter_serial": scene.meter_id,
            "meter_public_key": base64.b64encode(scene.meter_key.public.spki).decode(),
        }
        pins = {scene.stations.signing: ("G2", "meter"), scene.stations.edged: ("G2", "edge")}
        for station, password in scene.passwords.items():
            body: dict[str, Any] = {"id": station, "password": password, "evses": [{"id": 1}]}
            if station == scene.stations.signing:
                body["evses"] = [meter]
            if station in pins:
                grade, source = pins[station]
                body["evidence_pin"] = {"grade": grade, "source": source}
            await self.cpo("POST", "/api/v1/stations", body)
        token = {"id_token": id_token, "type": TOKEN_TYPE, "status": "Accepted"}
        await self.cpo("POST", "/api/v1/tokens", {**token, "party": "MSP"})
        await self.cpo("PUT", "/api/v1/tariffs/T1", TARIFF)
        for value in (id_token, private_token):
            customer = {**token, "id_token": value, "currency": "EUR", "limit": "500"}
            await self.emsp("POST", "/wattseal/v1/customers", customer)

    async def charge(self, station: str, ocpp: str, url: str, *, id_token: str, energy_wh: int) -> None:
        """Let a station boot, charge `energy_wh` and go: real OCPP from a process of its own."""
        self._visits += 1
        home = self.scene.home("station-signing" if station == self.scene.stations.signing else f"station-{station}")
        options: list[str | Path] = ["--url", url, "--id", station, "--ocpp", ocpp, "--data", home]
        options += ["--password", self.scene.passwords[station], "--sessions", "1", "--energy-wh", str(energy_wh)]
        options += ["--id-token", id_token, "--interval", "0.3"]
        if station == self.scene.stations.signing:
            options += ["--signing-meter", "--meter-serial", self.scene.meter_id]
        name = f"station-{self._visits}"
        code = await self._crew.run(name, "station", *options)
        if code:
            raise LabError(
                f"station {station} ended with {code}", subject=str(self.scene.root / "logs" / f"{name}.log")
            )

    async def newest(self, station: str, known: frozenset[str]) -> dict[str, Any]:
        """Return the ended transaction of a station that is not yet `known`."""

        async def look() -> dict[str, Any] | None:
            found = await self.cpo("GET", f"/api/v1/transactions?station_id={station}")
            fresh = [t for t in found if t["id"] not in known and not t["active"]]
            return fresh[-1] if fresh else None

        ended: dict[str, Any] = await self.wait(look, f"no transaction of {station} ended")
        return ended

    async def transactions(self, station: str) -> frozenset[str]:
        """Return the ids of a station's transactions."""
        return frozenset(t["id"] for t in await self.cpo("GET", f"/api/v1/transactions?station_id={station}"))

    async def settled(self, subject: str) -> dict[str, Any]:
        """Wait for the eMSP's verdict on a charge and return its view of it."""

        async def look() -> dict[str, Any] | None:
            found = await self.emsp("GET", "/wattseal/v1/sessions")
            return next((s for s in found if s["subject"] == subject and s["verdict"]), None)

        charge: dict[str, Any] = await self.wait(look, f"the eMSP has no verdict on {subject}")
        return charge

    async def emsp_bundle(self, subject: str) -> bytes:
        """Return the eMSP's bundle with the groups it may read opened."""
        return await self._bytes(f"{self.emsp_url}/wattseal/v1/bundles/{subject}", self.scene.home("emsp"))

    async def bill(self, session: str) -> dict[str, Any] | None:
        """Return a session's bill, None where there is none."""
        found = await self._bytes(f"{self.cpo_url}/api/v1/bills/{session}", self.scene.home("cpo"))
        return json.loads(found) if found else None

    async def cpo_bundle(self, subject: str) -> bytes:
        """Return the CPO's bundle, waiting for the checkpoint."""

        async def look() -> bytes | None:
            return await self._bytes(f"{self.cpo_url}/api/v1/transactions/{subject}/bundle", self.scene.home("cpo"))

        found: bytes = await self.wait(look, f"no bundle of {subject}")
        return found

    async def wait(self, look: Callable[[], Any], otherwise: str, within_s: float = SETTLE_WITHIN_S) -> Any:
        """Look again and again until there is something; `LabError` says `otherwise`."""
        for _ in range(round(within_s / POLL_S)):
            if found := await look():
                return found
            await asyncio.sleep(POLL_S)
        raise LabError(otherwise, subject=str(self.scene.root / "logs"))

    async def cpo(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask the CPO's API."""
        return await self._json(method, self.cpo_url + path, self.scene.home("cpo"), body)

    async def emsp(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask the eMSP's API."""
        return await self._json(method, self.emsp_url + path, self.scene.home("emsp"), body)

    async def _json(self, method: str, url: str, home: Path, body: Mapping[str, Any] | None) -> Any:
        headers = {"Authorization": f"Bearer {(home / 'admin-token').read_text().strip()}"}
        async with self._session.request(method, url, json=body, headers=headers) as answer:
            if answer.status >= 400:
                raise LabError(f"{method} {url}: {answer.status} {await answer.text()}", subject=url)
            return await answer.json(content_type=None)

    async def _bytes(self, url: str, home: Path) -> bytes:
        headers = {"Authorization": f"Bearer {(home / 'admin-token').read_text().strip()}"}
        async with self._session.get(url, headers=headers) as answer:
            return await answer.read() if answer.status == 200 else b""

    async def _answers(self, name: str, url: str) -> None:
        async def ready() -> bool:
            try:
                async with self._session.get(url) as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await self._crew.until(name, ready)


async def _listening(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
