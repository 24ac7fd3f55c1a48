"""A real CPO for tests: `wattseal serve` as a process on loopback, with two witnesses and a trust file of its own."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from tests.support.charges import signing_key
from tests.support.forking import wattseal_command
from tests.support.worlds import EMSP_KEY, LOG_KEY, enrolled, entry, trust

from wattseal.bundle.trust import WitnessKey
from wattseal.crypto.keys import SigningKey
from wattseal.log.keys import VerifierKey
from wattseal.seal import dcbor
from wattseal.seal.registry import Entry, Role, Use
from wattseal.stores.datadir import DataDir

COSIGNED_WITHIN_S = 20
CHECKPOINT_S = 0.5
PASSWORD = "a password of 24 letters"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def meter_key(station: str) -> SigningKey:
    """Return the key of a station's meter."""
    return signing_key(f"meter of {station}")


@contextmanager
def program(arguments: Sequence[str | Path], errors: Path, *, forked: bool = True) -> Iterator[subprocess.Popen[str]]:
    """Run `wattseal ARGUMENTS...` meanwhile, its diagnostics in the file `errors`; end it by its id.

    With `forked` off the process is the program itself and nothing that stands for it.
    """
    command = wattseal_command() if forked else (sys.executable, "-m", "wattseal")
    with errors.open("ab") as err:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*command, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            env=ENVIRONMENT,
        )
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def said(process: subprocess.Popen[str]) -> str:
    """Return the next line a program prints."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"{process.args!r} ended with {process.wait()}"
    return line


@dataclass
class Csms:
    """A running CSMS: `ocpp` is where stations dial (the id is appended), `http` an administrator's client."""

    data: Path
    ocpp: str
    http: httpx.Client
    trust: Path
    process: subprocess.Popen[str]

    def enrol(
        self,
        station: str,
        password: str | bytes = PASSWORD,
        *,
        pin: tuple[str, str] | None = None,
        meter: str | None = None,
    ) -> str:
        """Enrol a station of one EVSE over the API; `meter` is the serial of its signing meter, if it has one."""
        secret = {"password": password} if isinstance(password, str) else {"password_hex": password.hex()}
        evse: dict[str, Any] = {"id": 1}
        if meter is not None:
            evse |= {"meter_serial": meter, "meter_public_key": meter_key(station).public.spki.hex()}
        body: dict[str, Any] = {"id": station, **secret, "evses": [evse]}
        if pin is not None:
            body["evidence_pin"] = {"grade": pin[0], "source": pin[1]}
        assert self.http.post("/api/v1/stations", json=body).status_code == 201
        if meter is not None:
            spki, origin = meter_key(station).public.spki, f"CPO/{station}"
            self.register(entry(Role.METER, "METER", spki, origin, custodian="SITE", meter_id=meter))
        return station

    def register(self, *entries: Entry) -> None:
        """Let the registry's root sign entries and hand them to the CSMS."""
        statements = [enrolled(replace(e, from_ms=0)).encode() for e in entries]
        answer = self.http.post("/api/v1/registry/entries", content=dcbor.encode(statements))
        assert answer.status_code == 200, answer.text

    def token(self, id_token: str, status: str = "Accepted", kind: str = "ISO14443") -> str:
        """Enrol a token the CPO decides on itself."""
        body = {"id_token": id_token, "type": kind, "status": status}
        assert self.http.post("/api/v1/tokens", json=body).status_code in {200, 201}
        return id_token

    def transactions(self, station: str) -> list[dict[str, Any]]:
        """Return what the API shows of a station's transactions."""
        answer = self.http.get("/api/v1/transactions", params={"station_id": station})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    def transaction(self, station: str) -> dict[str, Any]:
        """Return the one transaction of a station."""
        (found,) = self.transactions(station)
        return found

    def settled(self, station: str) -> dict[str, Any]:
        """Return a station's one transaction, ended, once the log and its witnesses have seen it."""
        self.bundle(str(self.transaction(station)["id"]))
        return self.transaction(station)

    def bundle(self, transaction: str) -> bytes:
        """Fetch a transaction's bundle, waiting for the next cosigned checkpoint."""
        deadline = time.monotonic() + COSIGNED_WITHIN_S
        while (answer := self.http.get(f"/api/v1/transactions/{transaction}/bundle")).status_code == 202:
            assert answer.headers["Retry-After"]
            assert time.monotonic() < deadline, "no checkpoint was cosigned"
            time.sleep(0.1)
        assert answer.status_code == 200, answer.text
        return answer.content

    def alarms(self, station: str) -> list[str]:
        """Return the codes of a station's alarms, oldest first."""
        answer = self.http.get("/api/v1/alarms", params={"station_id": station})
        return [alarm["code"] for alarm in answer.json()]

    def verify(self, transaction: str, folder: Path) -> dict[str, Any]:
        """Fetch a transaction's bundle and let `wattseal verify` judge it under the trust file."""
        file = folder / f"{transaction}.wsb"
        file.write_bytes(self.bundle(transaction))
        words = ["verify", "--json", "--trust", str(self.trust), str(file)]
        done = subprocess.run(  # noqa: S603 - our own program
            [*wattseal_command(), *words],
            capture_output=True,
            text=True,
            check=False,
            env=ENVIRONMENT,
        )
        (report,) = json.loads(done.stdout)
        return {**report, "exit": done.returncode}


@contextmanager
def serving(
    folder: Path, *options: str, witnesses: Sequence[str] = (), settings: str = "", forked: bool = True
) -> Iterator[Csms]:
    """Run a CSMS whose log `witnesses` (party ids) cosign; its own keys are enrolled with the tests' registry.

    `settings` is TOML that is added to its configuration. With `forked` off its `process` is the program itself.
    """
    data = folder / "cpo"
    with DataDir.open(data, "cpo") as made:
        made.keys.load_or_create("log.pem", LOG_KEY.to_pem)
    with ExitStack() as stack:
        words: list[str | Path] = ["--port", "0", "--log", str(LOG_KEY.verifier)]
        started = {
            party: stack.enter_context(program(["witness", "--data", folder / party, *words], folder / f"{party}.log"))
            for party in witnesses
        }
        peers = [(party, said(witness).split()[1], said(witness).split()[2]) for party, witness in started.items()]
        trusted = trust(
            witnesses=tuple(WitnessKey(VerifierKey.parse(vkey), party) for party, vkey, _ in peers),
            quorum=max(1, len(peers)),
            entries=(enrolled(replace(entry(Role.EMSP, "MSP", EMSP_KEY.public.spki, "MSP/*"), from_ms=0)),),
        )
        (folder / "trust.json").write_bytes(trusted.to_json())
        config = folder / "cpo.toml"
        config.write_text(
            f'[log]\ncheckpoint_interval_s = {CHECKPOINT_S}\n[trust]\nfile = "{folder / "trust.json"}"\n'
            + settings
            + "".join(f'[[witnesses]]\nparty = "{p}"\nvkey = "{k}"\nurl = "{u}"\n' for p, k, u in peers)
        )
        words = [
            "serve",
            "--data",
            data,
            "--ocpp-port",
            "0",
            "--http-port",
            "0",
            "--config",
            config,
            "--json",
            *options,
        ]
        process = stack.enter_context(program(words, folder / "cpo.log", forked=forked))
        ready = json.loads(said(process))
        bearer = {"Authorization": "Bearer " + (data / "admin-token").read_text().strip()}
        http = stack.enter_context(httpx.Client(base_url=ready["http"], headers=bearer, trust_env=False, timeout=30))
        csms = Csms(data, ready["ocpp"], http, folder / "trust.json", process)
        csms.register(*_own_entries(http))
        yield csms


def _own_entries(http: httpx.Client) -> list[Entry]:
    keys = http.get("/api/v1/registry/keys").json()["keys"]
    return [
        entry(Role[k["role"]], k["party"], base64.b64decode(k["public_key"]), k["origin"], use=Use[k["use"].upper()])
        for k in keys
    ]
