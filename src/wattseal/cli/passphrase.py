"""Where commands take a passphrase from: a file, or the person at the terminal."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from wattseal.base.errors import ConfigError, InputError

PassphraseFile = Annotated[
    Path | None, Parameter(help="File with the passphrase in its first line; without it you are asked.")
]


def ask_passphrase(file: Path | None, *, new: bool) -> str:
    """Return the passphrase from `file`, or as typed (twice where it is `new`)."""
    if file is not None:
        lines = file.read_text().splitlines()
        return lines[0] if lines else ""
    if not sys.stdin.isatty():
        raise ConfigError("no terminal to ask at; give --passphrase-file", code="passphrase_needed")
    passphrase = getpass.getpass("Passphrase: ")
    if new and getpass.getpass("The same again: ") != passphrase:
        raise InputError("the two differ; nothing was done", code="passphrases_differ")
    return passphrase
