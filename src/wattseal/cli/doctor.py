"""`wattseal doctor`: say whether this machine, and this data directory, are fit for work."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from wattseal.app.config import load_settings
from wattseal.app.doctor import Check, State, examine
from wattseal.base.text import shown
from wattseal.cli.config import ConfigFile
from wattseal.cli.output import JsonOutput, json_text

app = App(name="doctor", help="Check clock, disk, ports, keys and the data directory.")


@app.default
def doctor(
    *,
    data: Annotated[Path, Parameter(help="The data directory to look at; it may be one that is still to be made.")],
    config: ConfigFile = None,
    json_output: JsonOutput = False,
) -> int:
    """Say what is right, what deserves a look and what is in the way, each with its next step.

    It changes nothing and may run beside the process that works in DATA. Exit code: 1 if anything FAILs, else 0.
    """
    checks = tuple(examine(data, load_settings(config, os.environ)))
    print(json_text(checks) if json_output else "\n".join(_line(check) for check in checks))
    return int(any(check.state is State.FAIL for check in checks))


def _line(check: Check) -> str:
    follow = f"; {check.next}" if check.next else ""
    return shown(f"{check.state.value:4}  {check.name}: {check.found}{follow}", limit=1000)
