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
    nothing_since: Annotated[bool, cyclopts.Parameter(negative=())] = False,
    keys: bool = True,
    passphrase_file: PassphraseFile = None,
    json: JsonOutput = False,
) -> None:
    """Make a data directory anew from a backup; an existing one is never touched.

    Signing other records in the place of those signed after the backup would prove you a forger. So tell what happened
    since. If the owner was stopped before the backup was made, say --nothing-since, and it goes on. If it went on
    working, give its log's highest checkpoint: the directory becomes an archive to check and prove what is in it, and
    you start in a new one.

    Parameters
    ----------
    backup
        File made by `wattseal backup`.
    data
        Directory to make.
    published
        File with the highest checkpoint of a log, as one of its witnesses serves it; once for each log.
    nothing_since
        State that the owner did not run after the backup was made. With --published the log's witnesses are heard.
    keys
        Restore the private keys too, where the backup has them.
    """
    if not published and not nothing_since:
        raise ConfigError(
            "tell what happened after the backup: --nothing-since, or --published FILE with the highest checkpoint of "
            "the log (a witness serves it)",
            code="checkpoint_needed",
        )
    checkpoints = [SignedCheckpoint.parse(path.read_bytes()) for path in published or ()]
    passphrase = ask_passphrase(passphrase_file, new=False) if keys else None
    done = restore_backup(
        backup, data, clock=SystemClock(), published=checkpoints, nothing_since=nothing_since, passphrase=passphrase
    )
    if json:
        print(json_text(done))
        return
    print(f"{data}: as it was at {done.created_at}")
    print(f"keys: {', '.join(done.keys) or 'none; import them with `wattseal keys import` before the first start'}")
    for origin, size in done.floors.items():
        print(f"log {origin}: {size} entries published")
    for origin, (first, end) in done.missing.items():
        print(f"log {origin}: entries {first} to {end - 1} were published and are not in this backup")
    if done.missing:
        print(
            "what they were is gone here: ask eMSPs and drivers for their bundles of that time, each proves itself "
            "(`wattseal verify`); start in a new directory, under a new log"
        )
    print("an archive: nothing new is signed in it" if done.archive else "ready to go on")
