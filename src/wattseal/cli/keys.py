"""`wattseal keys`: take the private keys of a data directory to safety, and back."""

import os
from pathlib import Path

import cyclopts

from wattseal.app.system import SystemRandom
from wattseal.base.errors import ConfigError
from wattseal.cli import keys_ca
from wattseal.cli.keys_drill import drilled
from wattseal.cli.output import JsonOutput, json_line
from wattseal.cli.passphrase import PassphraseFile, ask_passphrase
from wattseal.stores.files import write_durably
from wattseal.stores.keyfiles import KeyFiles, export_keys, import_keys

app = cyclopts.App(name="keys", help="Take the private keys of a data directory to safety, and back.")
app.command(keys_ca.app)
app.command(drilled, name="drill")


@app.command
def export(*, data: Path, out: Path, passphrase_file: PassphraseFile = None, json: JsonOutput = False) -> None:
    """Write all private keys of a data directory to one file, encrypted under a passphrase.

    Do it once after the first start and keep the file elsewhere. A lost log key ends the log for ever, and a lost
    signing key every chain it signs. Whoever has both the file and the passphrase can sign in your name.

    Parameters
    ----------
    data
        Data directory with a folder `keys`.
    out
        File to write; it must not exist.
    """
    if out.exists():
        raise ConfigError(f"{out} exists; an export never overwrites", code="exists", subject=str(out))
    keys = KeyFiles(data / "keys")
    write_durably(out, export_keys(keys, ask_passphrase(passphrase_file, new=True), SystemRandom()), 0o600)
    if json:
        print(json_line({"file": os.fspath(out), "keys": keys.names()}))
        return
    print(f"{out}: {', '.join(keys.names())}")
    print("Keep the file and its passphrase apart from each other and from this machine.")


@app.command(name="import")
def import_(file: Path, /, *, data: Path, passphrase_file: PassphraseFile = None, json: JsonOutput = False) -> None:
    """Put exported keys into a data directory; a key that is there is never replaced by another.

    Parameters
    ----------
    file
        File made by `wattseal keys export`.
    data
        Data directory.
    """
    names = import_keys(KeyFiles(data / "keys"), file.read_bytes(), ask_passphrase(passphrase_file, new=False))
    print(json_line({"keys": names}) if json else ", ".join(names))
