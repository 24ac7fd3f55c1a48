"""A registry's directory: `keys/root.pem`, `registry.json`, `entries/VERSION.entry`, all written once and synced."""

import json
import os
from pathlib import Path

from wattseal.base.errors import ConfigError, InputError
from wattseal.crypto.keys import SigningKey
from wattseal.parties.registry import Enrolments
from wattseal.seal.registry import entry_from
from wattseal.seal.signed import Statement, parse
from wattseal.stores.files import write_durably
from wattseal.stores.keyfiles import KeyFiles

ROOT = "root.pem"
MAX_FILE_BYTES = 4 * 1024 * 1024


class RegistryHome:
    """Where a registry keeps its root key and what it has issued."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keys = KeyFiles(path / "keys")
        self.root_file = path / "keys" / ROOT
        self._settings_file = path / "registry.json"
        self._entries = path / "entries"

    def create(self, enrolments: Enrolments, party: str) -> None:
        """Write a new registry, run by `party`; `ConfigError` where there is one already."""
        if self._settings_file.exists() or self.root_file.exists():
            raise ConfigError("there is a registry here already", code="exists", subject=str(self.path))
        self._keys.create(ROOT, enrolments.root.to_pem())
        self._entries.mkdir(exist_ok=True)
        settings = {"wattseal_registry": 1, "name": enrolments.name, "party": party}
        write_durably(self._settings_file, (json.dumps(settings, indent=2) + "\n").encode())
        for statement in enrolments.issued:
            self.keep(statement)

    def party(self) -> str:
        """Return the party that runs it."""
        return self._settings()["party"]

    def open(self) -> Enrolments:
        """Read it; `ConfigError` says what to do where there is none."""
        name = self._settings()["name"]
        issued = (parse(data) for path in sorted(self._entries.glob("*.entry")) if (data := read_file(path)))
        return Enrolments(name, SigningKey.from_pem(self._keys.read(ROOT)), tuple(issued))

    def keep(self, statement: Statement) -> None:
        """Write down an issued entry; of two writers at once, the second is refused (`ConfigError`)."""
        path = self._entries / f"{entry_from(statement).version:08}.entry"
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
        except FileExistsError as error:
            if path.stat().st_size:  # empty: a crash came between taking the version and writing the entry
                text = "another entry took this version; try again"
                raise ConfigError(text, code="busy", subject=str(path)) from error
        write_durably(path, statement.encode())

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
