"""`wattseal config`: is the configuration right, and what is in force."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from wattseal.app.config import load_settings, redacted
from wattseal.cli.output import JsonOutput, json_text
from wattseal.cli.verify import load_trust
from wattseal.log.keys import VerifierKey

app = App(name="config", help="Check the configuration; show what is in force.")

ConfigFile = Annotated[
    Path | None, Parameter(name="--config", help="The TOML file; without it, defaults and environment.")
]


@app.command
def check(*, config: ConfigFile = None, json_output: JsonOutput = False) -> None:
    """Read file, environment, trust file and keys as a process would; say what is wrong, or that nothing is.

    Exit code: 0 if a process would start with it, 65 or 78 if not.
    """
    settings = load_settings(config, os.environ)
    if settings.trust.file is not None:
        load_trust(settings.trust.file)
    for witness in settings.witnesses:
        VerifierKey.parse(witness.vkey)
    print(json_text({"ok": True}) if json_output else "The configuration can be used.")


@app.command
def show(
    *,
    config: ConfigFile = None,
    redact: Annotated[bool, Parameter(name="--redacted", negative="")] = True,
    json_output: JsonOutput = False,
) -> None:
    """Print every setting in force, as TOML. Secrets are never printed: `--redacted` is what this always does."""
    del redact
    values = redacted(load_settings(config, os.environ))
    print(json_text(values) if json_output else "\n".join(_toml(values)))


def _toml(values: dict[str, Any]) -> Iterator[str]:
    for name, section in values.items():
        rows = section if isinstance(section, list) else [section]
        for row in rows:
            yield f"[[{name}]]" if isinstance(section, list) else f"[{name}]"
            yield from (
                f"{key} = {json_text(value)}" if value is not None else f"# {key} is not set"
                for key, value in row.items()
            )
            yield ""
