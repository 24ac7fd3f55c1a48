"""`wattseal emsp`: decide who may charge, check what is billed, settle or dispute."""

import asyncio
import base64
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import cyclopts
import msgspec

from wattseal.app.config import load_settings
from wattseal.app.emsp import assembled, open_keys, read_trust, run_emsp
from wattseal.app.logging import configure_logging
from wattseal.app.settings import Settings
from wattseal.base.errors import ConfigError, InputError
from wattseal.bundle.trust import Trust
from wattseal.crypto.spki import read_spki
from wattseal.model.token import IdToken
from wattseal.parties.emsp.desk import Desk
from wattseal.rules.app_codes import LIFE_S
from wattseal.serve import emsp_codes
from wattseal.stores.datadir import DataDir
from wattseal.stores.files import write_durably

app = cyclopts.App(name="emsp", help="Decide who may charge, check what is billed, settle or dispute.")
ROLE = "emsp"
AsJson = Annotated[bool, cyclopts.Parameter(name="--json", negative=())]


@app.default
def emsp(
    *,
    data: Path,
    port: int | None = None,
    trust: Path | None = None,
    config: Path | None = None,
    host: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Run an eMSP until interrupted.

    The first start makes its keys and DIR/admin-token. `wattseal emsp keys` shows what to enrol.

    Parameters
    ----------
    data
        Directory of keys and books.
    port
        TCP port to serve on; 0 takes a free one (also written to DIR/ports.json). [emsp] port by default.
    trust
        Trust file; DIR/trust.json if not given. Changes are taken over while running.
    config
        Configuration (TOML): [emsp], [trust], [[partners]]; the environment is read as well.
    host
        Address to listen on; [emsp] host by default.
    as_json
        Tell that it is ready in one line of JSON.
    """
    settings = load_settings(config, os.environ)
    chosen = {"port": port, "host": host}
    told = {name: value for name, value in chosen.items() if value is not None}
    settings = msgspec.structs.replace(settings, emsp=msgspec.structs.replace(settings.emsp, **told))
    configure_logging(settings.logging)

    def ready(where: Mapping[str, Any]) -> None:
        print(json.dumps(where) if as_json else f"eMSP {where['party']} listening on {where['http']}", flush=True)

    with DataDir.open(data, ROLE) as home:
        asyncio.run(run_emsp(home, settings, _trust_file(data, trust, settings), ready=ready))


@app.command
def keys(*, data: Path, as_json: AsJson = False) -> None:
    """Show the public keys to enrol, making the key pairs if there are none.

    Parameters
    ----------
    data
        Directory of keys and books.
    as_json
        Print JSON.
    """
    with DataDir.open(data, ROLE) as home:
        pair = open_keys(home.keys)
    shown = {
        "sign": base64.b64encode(pair.sign.public.spki).decode(),
        "seal": base64.b64encode(pair.seal.public.spki).decode(),
    }
    if as_json:
        print(json.dumps(shown))
        return
    for use, spki in shown.items():
        print(f"{use} {spki}")


@app.command
def card(
    *,
    data: Path,
    id_token: str,
    key: Path | None = None,
    no_key: Annotated[bool, cyclopts.Parameter(negative=())] = False,
    trust: Path | None = None,
    config: Path | None = None,
) -> None:
    """Enrol the public key of a customer's card: from then on its number alone charges nothing.

    An eMSP that is running on DIR is asked itself: PUT /wattseal/v1/customers/card-key.

    Parameters
    ----------
    data
        Directory of keys and books.
    id_token
        The card's number, as the customer has it.
    key
        The card's public key, P-256 or Ed25519: PEM, DER, base64 or hex.
    no_key
        Take the key away: the bare number charges again.
    trust
        Trust file; DIR/trust.json if not given.
    config
        Configuration (TOML); the environment is read as well.
    """
    if (key is None) is not no_key:
        raise ConfigError("give the card's public key with --key, or take it away with --no-key", code="bad_arguments")
    settings = load_settings(config, os.environ)
    believed = Trust.parse(read_trust(_trust_file(data, trust, settings)))
    spki = None if key is None else read_spki(key.read_bytes())

    async def put(home: DataDir) -> bool:
        async with assembled(home, settings, believed) as service:
            return await service.put_card_key(IdToken(id_token, ""), spki) is not None

    with DataDir.open(data, ROLE) as home:
        found = asyncio.run(put(home))
    if not found:
        raise InputError("there is no customer with this token; make one first", code="unknown_token", subject=id_token)
    print(f"{id_token}: {'its number alone charges again' if spki is None else 'charges with proof of this key alone'}")


@app.command
def directory(
    *,
    data: Path,
    edge_key: str,
    out: Path,
    trust: Path | None = None,
    config: Path | None = None,
    days: int = 30,
    cap_wh: int = 30_000,
) -> None:
    """Write the directory of customers that one edge may let charge while it can ask nobody.

    An eMSP that is running on DIR is asked itself: POST /wattseal/v1/directories.

    Parameters
    ----------
    data
        Directory of keys and books.
    edge_key
        The edge's enrolled sealing key: a file, or base64 of its SPKI.
    out
        File to write, for the edge's own directory.
    trust
        Trust file; DIR/trust.json if not given.
    config
        Configuration (TOML); the environment is read as well.
    days
        How long the edge may use it.
    cap_wh
        Wh that may be charged without asking, per session.
    """
    settings = load_settings(config, os.environ)
    believed = Trust.parse(read_trust(_trust_file(data, trust, settings)))
    spki = read_spki(Path(edge_key).read_bytes() if Path(edge_key).is_file() else edge_key.encode())

    async def issue(home: DataDir) -> bytes:
        async with assembled(home, settings, believed) as service:
            return await service.make_directory(spki, days=days, cap_wh=cap_wh)

    with DataDir.open(data, ROLE) as home:
        write_durably(out, asyncio.run(issue(home)), 0o600)
    print(f"{out}: for {days} days, {cap_wh} Wh a session")


@app.command(name="app")
def app_(
    *,
    data: Path,
    id_token: str,
    alias: str | None = None,
    block: Annotated[bool, cyclopts.Parameter(negative=())] = False,
    trust: Path | None = None,
    config: Path | None = None,
) -> None:
    """Give a customer's app an alias and print it; with --alias and --block no code of that app is good any more.

    An eMSP that is running on DIR is asked itself: POST /wattseal/v1/apps.

    Parameters
    ----------
    data
        Directory of keys and books.
    id_token
        The customer's token.
    alias
        An app that has one already.
    block
        Block it; without, it is good again.
    trust
        Trust file; DIR/trust.json if not given.
    config
        Configuration (TOML); the environment is read as well.
    """
    body = {"id_token": id_token, "status": "Blocked" if block else "Accepted"}
    body |= {} if alias is None else {"alias": alias}
    told = _at_desk(data, trust, config, lambda desk: emsp_codes.put_app(desk, body))
    print(f"{told['alias']} {told['status']}")


@app.command
def code(
    *,
    data: Path,
    alias: str,
    cpo: str,
    station: str,
    evse: int,
    valid_s: int = LIFE_S,
    out: Path | None = None,
    trust: Path | None = None,
    config: Path | None = None,
) -> None:
    """Sign a code by which an app begins one charge at one EVSE within minutes, and print its text.

    An eMSP that is running on DIR is asked itself: POST /wattseal/v1/codes.

    Parameters
    ----------
    data
        Directory of keys and books.
    alias
        The app's.
    cpo
        The party whose station it is.
    station
        The station.
    evse
        Its EVSE.
    valid_s
        For how many seconds it is good, 900 at most.
    out
        Write a QR code of it there as SVG.
    trust
        Trust file; DIR/trust.json if not given.
    config
        Configuration (TOML); the environment is read as well.
    """
    body = {"alias": alias, "cpo": cpo, "station_id": station, "evse_id": evse, "valid_s": valid_s}
    told = _at_desk(data, trust, config, lambda desk: emsp_codes.issue(desk, body))
    if out is not None:
        write_durably(out, told["qr_svg"].encode(), 0o600)
    print(told["code"])


def _at_desk(
    data: Path, trust: Path | None, config: Path | None, ask: Callable[[Desk], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """Ask the eMSP of a directory on which none is running."""
    settings = load_settings(config, os.environ)
    believed = Trust.parse(read_trust(_trust_file(data, trust, settings)))

    async def asked(home: DataDir) -> dict[str, Any]:
        async with assembled(home, settings, believed) as service:
            return await ask(service.desk)

    with DataDir.open(data, ROLE) as home:
        return asyncio.run(asked(home))


def _trust_file(data: Path, trust: Path | None, settings: Settings) -> Path:
    return trust or settings.trust.file or data / "trust.json"
