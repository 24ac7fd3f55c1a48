"""Private keys and tokens as files: written once and synced, readable by their owner only (0600, in 0700)."""

import base64
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from wattseal.base.errors import ConfigError, InputError, StoreError
from wattseal.crypto.passphrase import SALT_BYTES, lock, unlock
from wattseal.flow.ports import Random
from wattseal.stores.files import make_directory, write_durably

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
MAX_BYTES: Final = 65_536
LEAST_TOKEN: Final = 16
"""Characters of a bearer token."""


class KeyFiles:
    """The key files of one directory; a name is 1 to 64 of a-z, 0-9, ".", "_", "-"."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def names(self) -> tuple[str, ...]:
        """Return what is there, sorted."""
        if not self.directory.is_dir():
            return ()
        return tuple(sorted(p.name for p in self.directory.iterdir() if p.is_file() and _NAME.fullmatch(p.name)))

    def read(self, name: str) -> bytes:
        """Return a file's bytes; `ConfigError` where it is missing or others could read it."""
        return read_secret(self._path(name))

    def create(self, name: str, secret: bytes) -> None:
        """Write a new file, synced before this returns; a key that exists is never replaced (`ConfigError`)."""
        path = self._path(name)
        if path.exists():
            raise ConfigError("there is a key of that name already; a key is never replaced", subject=str(path))
        make_directory(self.directory, 0o700)
        write_durably(path, secret, 0o600)

    def load_or_create(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return the file's bytes, after writing what `make` returns where there is none."""
        if not self._path(name).exists():
            self.create(name, make())
        return self.read(name)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise InputError("a key's name is 1 to 64 of a-z, 0-9 and . _ -", code="bad_key_name", subject=name)
        return self.directory / name


class _Export(msgspec.Struct, forbid_unknown_fields=True):
    wattseal_keys: int
    keys: dict[str, bytes]


def export_keys(keys: KeyFiles, passphrase: str, random: Random) -> bytes:
    """Return all key files locked under `passphrase`; `ConfigError` where there are none."""
    names = keys.names()
    if not names:
        raise ConfigError("there are no keys to export", code="no_keys", subject=str(keys.directory))
    plain = msgspec.json.encode(_Export(1, {name: keys.read(name) for name in names}))
    return lock(plain, passphrase, random.bytes(SALT_BYTES))


def import_keys(keys: KeyFiles, locked: bytes, passphrase: str) -> tuple[str, ...]:
    """Write exported keys and return their names.

    A key that is there already with other bytes is a `ConfigError`, and nothing at all is written.
    """
    try:
        export = msgspec.json.decode(unlock(locked, passphrase), type=_Export)
    except msgspec.DecodeError as error:
        raise InputError("the file holds no key export", code="bad_export") from error
    if export.wattseal_keys != 1:
        raise InputError("the export was made by a newer wattseal; use that one", code="export_too_new")
    present = keys.names()
    for name, secret in export.keys.items():
        if name in present and keys.read(name) != secret:
            raise ConfigError(
                "another key of that name is there; import into a directory without it", code="key_exists", subject=name
            )
    for name, secret in export.keys.items():
        if name not in present:
            keys.create(name, secret)
    return tuple(sorted(export.keys))


def read_secret(path: Path) -> bytes:
    """Return the bytes of a secret file; `ConfigError` where it is missing, oversized or open to others."""
    try:
        about = path.stat()
        if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"{path} is open to others; run `chmod 600` on it", code="key_exposed", subject=str(path))
        if about.st_size > MAX_BYTES:
            raise ConfigError(f"{path} is too large for a key", code="bad_key_file", subject=str(path))
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing; restore it from an export or backup", subject=str(path)) from error
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}", subject=str(path)) from error


def admin_token(path: Path, random: Random) -> str:
    """Return the administrator's bearer token of a data directory; the first call makes it (256 random bits).

    `ConfigError` for a file so short that anybody may guess it, such as an empty one.
    """
    if not path.exists():
        made = base64.urlsafe_b64encode(random.bytes(32)).rstrip(b"=")
        write_durably(path, made + b"\n", 0o600)
    token = read_secret(path).decode("ascii", "replace").strip()
    if len(token) < LEAST_TOKEN:
        raise ConfigError(
            f"{path} has fewer than {LEAST_TOKEN} characters: remove it, and the next start makes a new token",
            code="bad_admin_token",
            subject=str(path),
        )
    return token
