"""`wattseal emsp`: decide who may charge, check what is billed, settle or dispute."""

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import cyclopts

from wattseal.app.emsp import EmspConfig, assembled, load_config, open_keys, run_emsp
from wattseal.base.errors import ConfigError
from wattseal.bundle.trust import Trust
from wattseal.crypto.spki import read_spki
from wattseal.stores.files import write_durably

app = cyclopts.App(name="emsp", help="Decide who may charge, check what is billed, settle or dispute.")
AsJson = Annotated[bool, cyclopts.Parameter(name="--json", negative=())]


@app.default
def emsp(
    *,
    data: Path,
    port: int,
    trust: Path | None = None,
    config: Path | None = None,
    host: str = "127.0.0.1",
    as_json: AsJson = False,
) -> None:
    """Run an eMSP until interrupted.

    The first start makes its keys and DIR/admin-token. `wattseal emsp keys` shows what to enrol.

    Parameters
    ----------
    data
        Directory of keys and books.
    port
        TCP port to serve on; 0 takes a free one (also written to DIR/ports.json).
    trust
        Trust file; DIR/trust.json if not given. Changes are taken over while running.
    config
        Configuration (TOML): party, [policy], [[partners]]; DIR/emsp.toml if that exists.
    host
        Address to listen on.
    as_json
        Tell that it is ready in one line of JSON.
    """
    settings = _config(data, config)

    def ready(told: Mapping[str, Any]) -> None:
        print(json.dumps(told) if as_json else f"eMSP {told['party']} listening on {told['http']}", flush=True)

    trust_file = _trust_file(data, trust, settings)
    asyncio.run(run_emsp(data, port, config=settings, trust_file=trust_file, host=host, ready=ready))


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
    pair = open_keys(data)
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

    The eMSP must not be running on DIR; while it is, ask it: POST /wattseal/v1/directories.

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
        Configuration (TOML); DIR/emsp.toml if that exists.
    days
        How long the edge may use it.
    cap_wh
        Wh that may be charged without asking, per session.
    """
    if (data / "ports.json").exists():
        raise ConfigError(
            "this eMSP is running: ask it with POST /wattseal/v1/directories", code="running", subject=str(data)
        )
    settings = _config(data, config)
    believed = Trust.parse(_trust_file(data, trust, settings).read_bytes())
    spki = read_spki(Path(edge_key).read_bytes() if Path(edge_key).is_file() else edge_key.encode())

    async def issue() -> bytes:
        async with assembled(data, settings, believed) as service:
            return await service.make_directory(spki, days=days, cap_wh=cap_wh)

    write_durably(out, asyncio.run(issue()), 0o600)
    print(f"{out}: for {days} days, {cap_wh} Wh a session")


def _config(data: Path, config: Path | None) -> EmspConfig:
    default = data / "emsp.toml"
    return load_config(config or (default if default.exists() else None))


def _trust_file(data: Path, trust: Path | None, settings: EmspConfig) -> Path:
    return trust or (Path(settings.trust) if settings.trust else data / "trust.json")
