"""Whom an edge seals to and believes: the root-signed entries of its trust file, and the eMSP's directory."""

from pathlib import Path

import structlog

from wattseal.base.errors import ConfigError, InputError, StoreError
from wattseal.bundle.trust import MAX_TRUST_BYTES, Trust
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import PublicKey
from wattseal.parties.edge.state import Mode, Readers
from wattseal.rules.audience import SEALED_FOR
from wattseal.seal.directory import MAX_DIRECTORY_BYTES, Directory, open_directory
from wattseal.seal.item import Group
from wattseal.seal.registry import Registry, Role, Use
from wattseal.seal.writer import Reader
from wattseal.stores.files import write_durably

MAX_READERS = 4
_log = structlog.get_logger(__name__)


def read_trust(path: Path) -> Registry:
    """Return the registry of a trust file; `ConfigError` where it cannot be used."""
    try:
        with path.open("rb") as file:
            return Trust.parse(file.read(MAX_TRUST_BYTES + 1)).registry()
    except OSError as error:
        raise ConfigError(f"cannot read the trust file: {error.strerror}", subject=str(path)) from error
    except InputError as error:
        raise ConfigError(f"the trust file cannot be used: {error}", code=error.code, subject=str(path)) from error


def readers_for(registry: Registry, mode: Mode, route: str, seal_for: tuple[str, ...]) -> Readers:
    """Return who may read what. Only root-signed keys are sealed to: `ConfigError` for a party that has none."""
    if mode is Mode.SIGNED:
        return Readers()
    if not 1 <= len(seal_for) <= MAX_READERS:
        raise ConfigError(f"meter values are sealed for one to {MAX_READERS} parties", subject="seal_for")
    energy = tuple(_reader(registry, party, Group.METER) for party in seal_for)
    return Readers((_reader(registry, route, Group.IDENTITY),), energy)


def _reader(registry: Registry, party: str, group: Group) -> Reader:
    key = registry.reader_key(party)
    roles = {entry.role for entry in registry.entries() if entry.party == party and entry.use is Use.SEAL}
    if key is not None and not roles & SEALED_FOR[group]:
        may = ", ".join(sorted(role.name.lower() for role in SEALED_FOR[group]))
        raise ConfigError(
            f"{party} is none of those who may read this ({may}); name another party",
            code="reader_not_entitled",
            subject=party,
        )
    if key is None:
        raise ConfigError(
            f"the trust file has no root-signed sealing key of {party}: enrol it, or name another party",
            code="reader_without_key",
            subject=party,
        )
    return Reader(party, key)


class DirectoryFile:
    """The directory of tokens on disk, read again when the file changes.

    An older issue never comes after a newer one, not after a restart either: `newest` is a file that remembers when the
    newest one was issued (Unix ms as text).
    """

    def __init__(
        self, path: Path, newest: Path, origin: str, *, route: str, registry: Registry, key: SealPrivateKey
    ) -> None:
        """Read nothing yet but `newest`; `ConfigError` where that is no number."""
        self._path = path
        self._newest = newest
        self._newest_ms = _read_newest(newest)
        self._origin = origin
        self._route = route
        self._registry = registry
        self._key = key
        self._seen: tuple[int, int] | None = None
        self._directory: Directory | None = None

    def current(self) -> Directory | None:
        """Return the newest directory the eMSP has signed for this edge, None where there is none."""
        try:
            status = self._path.stat()
        except OSError:
            return self._directory
        if (status.st_mtime_ns, status.st_size) != self._seen:
            self._seen = (status.st_mtime_ns, status.st_size)
            self._read()
        return self._directory

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_DIRECTORY_BYTES + 1)
            found = self._opened(data)
        except (OSError, InputError) as error:
            _log.warning("directory_unreadable", error=type(error).__name__)
            return
        if found is None or self._is_older(found):
            _log.warning("directory_refused", reason="not_for_this_edge" if found is None else "older_issue")
            return
        try:
            self._remember(found)
        except StoreError as error:
            _log.warning("directory_not_remembered", error=error.code)
            return
        self._directory = found

    def _is_older(self, found: Directory) -> bool:
        """Return whether a newer one was taken before: a card blocked since then would be good again."""
        return found.terms.issued_ms < self._newest_ms

    def _remember(self, found: Directory) -> None:
        """Write down when it was issued before it counts."""
        if found.terms.issued_ms > self._newest_ms:
            write_durably(self._newest, f"{found.terms.issued_ms}\n".encode())
            self._newest_ms = found.terms.issued_ms

    def _opened(self, data: bytes) -> Directory | None:
        for entry in self._registry.entries():
            signs = entry.role is Role.EMSP and entry.use is Use.SIGN and entry.revoked_ms is None
            if signs and entry.party == self._route:
                found = open_directory(data, self._origin, PublicKey.from_spki(entry.spki), self._key)
                if found is not None and found.terms.party == self._route:
                    return found
        return None


def _read_newest(path: Path) -> int:
    """Return when the newest directory was issued, 0 where there was none."""
    try:
        return int(path.read_text())
    except FileNotFoundError:
        return 0
    except (OSError, ValueError) as error:
        text = "cannot tell which directory of tokens was the newest: restore this file or delete it and the directory"
        raise ConfigError(text, code="directory_newest", subject=str(path)) from error
