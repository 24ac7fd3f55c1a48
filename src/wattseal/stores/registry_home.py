"""A registry's directory: `keys/root.pem`, `registry.json`, `entries/VERSION.entry`, all written once and synced."""

import json
import os
from pathlib import Path

from wattseal.base.errors import ConfigError, InputError
from wattseal.crypto.keys import SigningKey
from wattseal.parties.registry import Enrolments
from wattseal.seal.registry import entry_from
from wattseal.seal.signed import Statement, parse

MAX_FILE_BYTES = 4 * 1024 * 1024


class RegistryHome:
    """Where a registry keeps its root key and what it has issued."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root_file = path / "keys" / "root.pem"
        self._settings_file = path / "registry.json"
        self._entries = path / "entries"

    def create(self, enrolments: Enrolments, party: str) -> None:
        """Write a new registry, run by `party`; `ConfigError` where there is one already."""
        if self._settings_file.exists() or self.root_file.exists():
            raise ConfigError("there is a registry here already", code="exists", subject=str(self.path))
        self.root_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._entries.mkdir(exist_ok=True)
        write_file(self.root_file, enrolments.root.to_pem(), mode=0o600, fresh=True)
        settings = {"wattseal_registry": 1, "name": enrolments.name, "party": party}
        write_file(self._settings_file, (json.dumps(settings, indent=2) + "\n").encode(), fresh=True)
        for statement in enrolments.issued:
            self.keep(statement)

    def party(self) -> str:
        """Return the party that runs it."""
        return self._settings()["party"]

    def open(self) -> Enrolments:
        """Read it; `ConfigError` says what to do where there is none."""
        name = self._settings()["name"]
        issued = (parse(read_file(path)) for path in sorted(self._entries.glob("*.entry")))
        return Enrolments(name, SigningKey.from_pem(read_file(self.root_file)), tuple(issued))

    def keep(self, statement: Statement) -> None:
        """Write down an issued entry; of two writers at once, the second is refused (`ConfigError`)."""
        write_file(self._entries / f"{entry_from(statement).version:08}.entry", statement.encode(), fresh=True)

    def _settings(self) -> dict[str, str]:
        if not self._settings_file.exists():
            raise ConfigError(
                "no registry here; make one with `wattseal registry init --data DIR`",
                code="no_registry",
                subject=str(self.path),
            )
        value = json.loads(read_file(self._settings_file))
        if not isinstance(value, dict) or value.get("wattseal_registry") != 1:
            raise ConfigError("registry.json is of another version", code="bad_format", subject=str(self.path))
        return {"name": str(value["name"]), "party": str(value["party"])}


def read_file(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """Return a file's bytes; `InputError` where it cannot be read or is longer than `limit`."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror}", code="unreadable_file", subject=str(path)) from error
    if len(data) > limit:
        raise InputError(f"more than {limit} bytes", code="unreadable_file", subject=str(path))
    return data


def write_file(path: Path, data: bytes, mode: int = 0o644, *, fresh: bool = False) -> None:
    """Write and sync a file, `fresh` only where there is none yet; `ConfigError` where it cannot be written."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if fresh else os.O_TRUNC)
    try:
        descriptor = os.open(path, flags, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise ConfigError(f"cannot write: {error.strerror}", code="unwritable_file", subject=str(path)) from error
