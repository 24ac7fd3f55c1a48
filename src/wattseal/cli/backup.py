"""`wattseal backup`: copy a data directory, while its owner works, into one file."""

from pathlib import Path

import cyclopts

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.cli.output import JsonOutput, json_text
from wattseal.cli.passphrase import PassphraseFile, ask_passphrase
from wattseal.stores.backup import backup as make_backup

app = cyclopts.App(name="backup", help="Copy a data directory, while its owner works, into one file.")


@app.default
def backup(
    *, data: Path, out: Path, keys: bool = True, passphrase_file: PassphraseFile = None, json: JsonOutput = False
) -> None:
    """Write a consistent backup of a data directory to a new file; its owner may be at work meanwhile.

    The file holds the journal and the log's tiles as they are: keep it as safe as the directory itself.

    Parameters
    ----------
    data
        Data directory of `wattseal serve` or `wattseal emsp`.
    out
        File to write; it must not exist.
    keys
        Include the private keys, encrypted under a passphrase. A lost log key ends the log for ever.
    """
    passphrase = ask_passphrase(passphrase_file, new=True) if keys else None
    manifest = make_backup(data, out, clock=SystemClock(), random=SystemRandom(), passphrase=passphrase)
    if json:
        print(json_text(manifest))
        return
    total = sum(member.size for member in manifest.members)
    print(f"{out}: {len(manifest.members)} files, {total} bytes, data format {manifest.format}")
    if not keys:
        print("The keys are not in it. Keep an export of them (wattseal keys export): a lost log key ends the log.")
