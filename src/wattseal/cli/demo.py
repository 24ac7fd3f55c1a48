"""`wattseal demo`: one provable charge, end to end, and everybody who tampers with it named."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from wattseal.base.errors import ConfigError
from wattseal.lab.demo.play import Demo, play

app = App(name="demo", help="Charge, seal, forward, check and tamper: the whole product on this machine.")


@app.default
def demo(
    *,
    once: Annotated[bool, Parameter(negative=())] = False,
    seed: int = 1,
    json: Path | None = None,
    data: Path | None = None,
) -> int:
    """Play the story on loopback in separate processes, then stay alive until Ctrl-C.

    Exit code 0 when every expectation held, else 1.

    Parameters
    ----------
    once
        End after the story.
    seed
        Varies ids, energies and tampered positions.
    json
        Write the outcome to this file.
    data
        Keep everything under this directory, which must not exist yet; default: a new temporary one.
    """
    if data is not None and data.exists() and any(data.iterdir()):
        raise ConfigError("this directory is not empty: name a new one", subject=str(data))
    root = data.resolve() if data is not None else Path(tempfile.mkdtemp(prefix="wattseal-demo-"))
    console = Console(highlight=False, soft_wrap=True)
    with console.status("playing"):
        held = asyncio.run(play(Demo(root, seed, once, json), lambda line: console.print(line, markup=False)))
    return 0 if held else 1
