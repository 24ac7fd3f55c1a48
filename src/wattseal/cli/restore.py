"""`wattseal restore`: make a data directory anew from a backup."""

from pathlib import Path
from typing import Annotated

import cyclopts

from wattseal.app.system import SystemClock
from wattseal.base.errors import ConfigError
from wattseal.cli.output import JsonOutput, json_text
from wattseal.cli.passphrase import PassphraseFile, ask_passphrase
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.stores.backup import restore as restore_backup

app = cyclopts.App(name="restore", help="Make a data directory anew from a backup.")


@app.default
def restore(
    backup: Path,
    /,
    *,
    data: Path,
    published: Annotated[list[Path] | None, cyclopts.Parameter(negative=())] = None,
    nothing_published_since: Annotated[bool, cyclopts.Parameter(negative=())] = False,
    keys: bool = True,
    passphrase_file: PassphraseFile = None,
    json: JsonOutput = False,
) -> None:
    """Make a data directory anew from a backup; an existing one is never touched.

    A log that signs a second history over what it published before is worthless for ever. So say what was published
    last: the log then signs only what contains it. If the backup is older than that, the log cannot go on: keep it
    for its proofs and begin a new one.

    Parameters
    ----------
    backup
        File made by `wattseal backup`.
    data
        Directory to make.
    published
        File with the highest checkpoint of a log, as one of its witnesses serves it; once for each log.
    nothing_published_since
        State that no log published a checkpoint after the backup was made.
    keys
        Restore the private keys too, where the backup has them.
    """
    if (published is None) == (not nothing_published_since):
        raise ConfigError(
            "say what was published last: --published FILE (a witness serves it), or --nothing-published-since",
            code="checkpoint_needed",
        )
    checkpoints = None if published is None else [SignedCheckpoint.parse(path.read_bytes()) for path in published]
    passphrase = ask_passphrase(passphrase_file, new=False) if keys else None
    done = restore_backup(backup, data, clock=SystemClock(), published=checkpoints, passphrase=passphrase)
    if json:
        print(json_text(done))
        return
    print(f"{data}: as it was at {done.created_at}")
    print(f"keys: {', '.join(done.keys) or 'none; import them with `wattseal keys import` before the first start'}")
    for origin, size in done.floors.items():
        print(f"log {origin}: signs nothing that does not contain its first {size} entries")
