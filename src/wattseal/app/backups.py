"""What the process knows of backups of its own directory."""

from pathlib import Path

import msgspec

from wattseal.serve.api.service import LastBackup
from wattseal.stores.backup import LAST


def last_backup(data: Path) -> LastBackup | None:
    """Return the last one made of a data directory; None where none is known."""
    try:
        return msgspec.json.decode((data / LAST).read_bytes(), type=LastBackup)
    except (OSError, msgspec.MsgspecError):
        return None
