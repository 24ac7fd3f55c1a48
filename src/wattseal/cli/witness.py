"""`wattseal witness`: cosign the checkpoints of logs, so that none of them can show two histories."""

import asyncio
from pathlib import Path
from typing import Annotated

import cyclopts

from wattseal.app.witness import run_witness
from wattseal.log.keys import VerifierKey

app = cyclopts.App(name="witness", help="Cosign the checkpoints of logs, so that none of them can show two histories.")


@app.default
def witness(
    *,
    data: Path,
    port: int,
    log: Annotated[list[str] | None, cyclopts.Parameter(negative=())] = None,
    name: str | None = None,
    host: str = "127.0.0.1",
) -> None:
    """Run a witness (C2SP tlog-witness over HTTP) until interrupted.

    The first start makes the key; its public half is printed and kept in DATA/vkey: tell it to those who rely on you.

    Parameters
    ----------
    data
        Directory of the key and of what was cosigned. Losing it means losing the witness.
    port
        TCP port to serve on; 0 takes a free one.
    log
        Public key (vkey) of a log to cosign for; repeatable. Remembered in DATA/trusted-logs, which may be edited
        while the witness runs.
    name
        Name of the key, such as a host and path without a scheme; fixed at the first start.
    host
        Address to listen on.
    """

    def ready(key: VerifierKey, bound: int) -> None:
        print(f"witness {key}", flush=True)
        print(f"listening on http://{host}:{bound}", flush=True)

    keys = [VerifierKey.parse(text) for text in log or []]
    asyncio.run(run_witness(data, port, logs=keys, name=name, host=host, ready=ready))
