"""`wattseal edge`: stand beside a stock station, seal what it says at the source, keep it until it is safe."""

import asyncio
import base64
import logging
import os
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from cyclopts import App

from wattseal.app.config import load_settings
from wattseal.app.edge.edge import EdgeSettings, run_edge
from wattseal.app.edge.station import BUDGET_S
from wattseal.app.logging import configure_logging
from wattseal.app.settings import EdgeMode
from wattseal.app.settings_base import Secret
from wattseal.app.system import SystemRandom
from wattseal.base.errors import ConfigError
from wattseal.base.ids import StationId
from wattseal.cli.output import JsonOutput, json_line
from wattseal.parties.edge.state import Mode
from wattseal.stores.edge_home import EdgeHome

app = App(name="edge", help="Stand beside a stock station and seal what it says at the source.")

T = TypeVar("T")
MAX_PASSWORD_BYTES = 64
DEFAULT_ROUTE = "MSP"
MIN_PACE_S, MAX_PACE_S = 0.02, 60.0


@app.default
def edge(
    *,
    data: Path,
    listen: str | None = None,
    upstream: str | None = None,
    station: str | None = None,
    trust: Path | None = None,
    password_file: Path | None = None,
    password: str | None = None,
    party: str | None = None,
    route: str | None = None,
    seal_for: str | None = None,
    mode: EdgeMode | None = None,
    log_origin: str | None = None,
    directory: Path | None = None,
    heartbeat_s: float | None = None,
    pace_s: float | None = None,
    budget_s: float = BUDGET_S,
    signed_commands: bool = False,
    config: Path | None = None,
    json: JsonOutput = False,
) -> None:
    """Run an edge until interrupted: point the station at it as if it were the CSMS.

    What is not given here is taken from [edge], [trust] and [log] of the configuration.

    Parameters
    ----------
    data
        Directory of keys and journal (`wattseal edge init` makes it and shows the keys to enrol).
    listen
        Where the station dials, such as ws://127.0.0.1:9100/; port 0 takes a free one.
    upstream
        The CSMS without the station id, such as ws://127.0.0.1:9000/ocpp.
    station
        The station's OCPP identity.
    trust
        Trust file: whose decisions and receipts count, whom to seal to.
    password_file
        File with the station's Basic password: asked of the station, shown to the CSMS. Without a password the edge
        serves stations on this machine only.
    password
        The same password on the command line, where others can see it.
    party
        The operator whose station it is.
    route
        The party that decides on authorisations and is told the token.
    seal_for
        Parties that may read meter values, separated by commas: ROUTE alone where nothing is said. With the operator
        among them it can read what it forwards.
    mode
        sealed, or signed: the same records, open to whoever forwards them.
    log_origin
        Name of the log the records are meant for; PARTY/log where nothing is said.
    directory
        The directory of tokens that ROUTE issued for this edge; DATA/directory where nothing is said.
    heartbeat_s
        Every chain is signed at least this often, 300 at most.
    pace_s
        How often, sealed, one message goes up while a car charges, all of one length: when and how much is said tells
        nothing then.
    budget_s
        How long ROUTE may take to decide before local policy answers.
    signed_commands
        Let no command pass that the CSMS has not signed. An edge that begins with this version never does; one from
        before does until the first signed command, or until it is started with this once. There is no way back.
    config
        The TOML file.
    """
    told = load_settings(config, os.environ)
    configure_logging(told.logging)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    host, port = _address(listen or told.edge.listen)
    deciding = route or told.edge.route or DEFAULT_ROUTE
    readers = tuple(name.strip() for name in seal_for.split(",")) if seal_for else told.edge.seal_for
    settings = EdgeSettings(
        data=data,
        trust=_needed(trust or told.trust.file, "trust"),
        station=StationId(_needed(station or told.edge.station, "station")),
        upstream=_needed(upstream or told.edge.upstream, "upstream"),
        host=host,
        port=port,
        password=_password(password, password_file, told.edge.password),
        party=party or told.edge.party,
        route=deciding,
        seal_for=readers or (deciding,),
        mode=Mode((mode or told.edge.mode).value),
        log_origin=log_origin or told.log.origin,
        directory=directory,
        heartbeat_s=heartbeat_s or told.edge.heartbeat_s,
        pace_s=_pace(pace_s or told.edge.pace_s),
        budget_s=budget_s,
        signed_commands=signed_commands or told.edge.signed_commands,
    )

    def ready(bound: int) -> None:
        url = f"ws://{host}:{bound}/"
        named = settings.station
        print(json_line({"listening": url, "port": bound}) if json else f"edge of {named} on {url}", flush=True)

    asyncio.run(run_edge(settings, ready))


@app.command
def init(*, data: Path, json: JsonOutput = False) -> None:
    """Make the edge's keys and print their public halves (SPKI, base64), to be enrolled for the station.

    Parameters
    ----------
    data
        Directory to make; one that is there already is left as it is.
    """
    with EdgeHome.open(data, SystemRandom()) as home:
        signs = base64.b64encode(home.sign_key().public.spki).decode()
        seals = base64.b64encode(home.seal_key().public.spki).decode()
    if json:
        print(json_line({"sign": signs, "seal": seals}))
    else:
        print(f"signing key {signs}\nsealing key {seals}")


def _address(listen: str) -> tuple[str, int]:
    try:
        parts = urlsplit(listen)
        port = parts.port
    except ValueError as error:
        raise ConfigError("--listen is an address such as ws://127.0.0.1:9000/", subject=listen) from error
    if parts.scheme != "ws" or not parts.hostname or port is None:
        raise ConfigError("--listen is an address such as ws://127.0.0.1:9000/", subject=listen)
    return parts.hostname, port


def _pace(pace_s: float) -> float:
    if not MIN_PACE_S <= pace_s <= MAX_PACE_S:
        text = f"a pace is {MIN_PACE_S} to {MAX_PACE_S:.0f} seconds"
        raise ConfigError(text, code="bad_pace", subject="pace_s")
    return pace_s


def _needed(value: T | None, name: str) -> T:
    if value is None:
        raise ConfigError(f"say it with --{name}, or in the configuration", code="missing_setting", subject=name)
    return value


def _password(text: str | None, path: Path | None, told: Secret | None) -> bytes | None:
    if text is not None and path is not None:
        raise ConfigError("give --password or --password-file, not both", subject="password")
    if path is None:
        secret = text if text is not None else told.reveal() if told is not None else None
        return None if secret is None else secret.encode()
    try:
        with path.open("rb") as file:
            return file.read(MAX_PASSWORD_BYTES + 2).rstrip(b"\r\n")
    except OSError as error:
        raise ConfigError(f"cannot read the password file: {error.strerror}", subject=str(path)) from error
