"""Backup and restore of a data directory (docs/adr/0011-backup-and-keys.md).

A backup is a tar file: `manifest.json` first, then `FORMAT`, tiles, a consistent copy of the journal, what the
certificate authority issued and revoked, and, under a passphrase, the keys. It is taken while the owner works: tiles
are copied before the journal, so that the tree in a backup is never ahead of its journal.

A restored directory knows nothing of what was signed after the backup. Signing other records in the same places would
prove its owner a forger, so `restore` asks. Where nothing was signed since (the owner was stopped first), it goes on.
Otherwise it becomes an archive: everything in it can be checked and proved, nothing new is signed, and the highest
published checkpoint is kept as the floor of its log.
"""

import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

import msgspec

from wattseal.base.errors import ConfigError, InputError, StoreError
from wattseal.flow.ports import Clock, Random
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.stores.datadir import FORMAT, read_format, schema_of
from wattseal.stores.files import write_durably
from wattseal.stores.keyfiles import KeyFiles, export_keys, import_keys
from wattseal.stores.queries import LOG_SIZE
from wattseal.stores.sqlite_writer import apply_pending

VERSION: Final = 1
ROLES: Final = frozenset({"cpo", "emsp"})
"""Whose state may be put back to an earlier day. A chain's writer (edge, station) or a witness must not: it would sign
a second history; what lost its state begins anew with a new key."""
LAST: Final = "last-backup.json"
"""File of a data directory that says when it was last backed up."""
_BLOCK: Final = 1 << 20
_HEAD: Final = ("checkpoint_head", "log")
"""The journal's document of the highest checkpoint signed, {"note": text} (written by the log's keeper)."""

Progress = Callable[[str, int], None]
"""Told (file, bytes) as each file is done."""


def no_progress(_name: str, _size: int) -> None:
    """Ignore progress."""


class Member(msgspec.Struct, forbid_unknown_fields=True):
    """A file in the backup."""

    name: str
    size: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Manifest(msgspec.Struct):
    """The first member of a backup."""

    wattseal_backup: int
    role: str
    format: int
    created_at: str
    members: list[Member]


@dataclass(frozen=True, slots=True)
class Restored:
    """What `restore` did: when the backup was made, which keys came back, each log's highest published size.

    `archive` tells that its owner refuses to go on in it. `missing` are each log's entries that were published and are
    not in the backup, from the first of them to before the second number.
    """

    created_at: str
    keys: tuple[str, ...]
    floors: dict[str, int]
    archive: bool
    missing: dict[str, tuple[int, int]]


def backup(
    data: Path,
    out: Path,
    *,
    clock: Clock,
    random: Random,
    passphrase: str | None = None,
    progress: Progress = no_progress,
) -> Manifest:
    """Write a backup of the data directory `data` to the new file `out` (0600), also while its owner is at work.

    Keys are included, locked, where a `passphrase` is given. `ConfigError` where there is nothing to back up, where
    `out` exists, or where the directory is one that must never go back in time.
    """
    found = read_format(data)
    if found is None:
        raise ConfigError(f"there is no data directory at {data}", code="no_data_directory", subject=str(data))
    role, number = found
    _demand_role(role)
    if out.exists():
        raise ConfigError(f"{out} exists; a backup never overwrites", code="exists", subject=str(out))
    with _beside(out) as folder:
        names = [*_copy_tiles(data, folder), _copy_journal(data, folder), *_copy_authority(data, folder)]
        (folder / "FORMAT").write_bytes((data / "FORMAT").read_bytes())
        names.append("FORMAT")
        if passphrase is not None:
            (folder / "keys.locked").write_bytes(export_keys(KeyFiles(data / "keys"), passphrase, random))
            names.append("keys.locked")
        members = [_member(folder, name) for name in names]
        manifest = Manifest(VERSION, role, number, clock.now().isoformat(timespec="seconds"), members)
        _write_tar(folder, manifest, out, progress)
    with suppress(OSError):  # a directory that this user may only read is backed up all the same
        _note(data, out, clock, keys=passphrase is not None)
    return manifest


def _note(data: Path, out: Path, clock: Clock, *, keys: bool) -> None:
    """Leave word in the data directory that it was backed up, for those who look after it."""
    told = {"at_ms": int(clock.now().timestamp() * 1000), "size": out.stat().st_size, "keys": keys}
    write_durably(data / LAST, msgspec.json.encode(told) + b"\n")


def restore(
    source: Path,
    data: Path,
    *,
    clock: Clock,
    published: Sequence[SignedCheckpoint],
    nothing_since: bool,
    passphrase: str | None = None,
    progress: Progress = no_progress,
) -> Restored:
    """Make the data directory `data` anew from the backup `source`; one that exists is never touched.

    `published` are the highest checkpoints known outside (a witness serves them), one for each log in the backup;
    they may be missing where `nothing_since` states that the owner did not run after the backup, and must not
    contradict it. `InputError` for files that are no intact backup, too few checkpoints or a statement proved wrong,
    `ConfigError` for a newer format or a `data` that is in the way.
    """
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise ConfigError(f"{data} is in the way; restore never overwrites", code="exists", subject=str(data))
    with _beside(data) as folder:
        fresh = folder / "data"
        fresh.mkdir(mode=0o700)
        manifest = _read_tar(source, fresh, progress)
        keys: tuple[str, ...] = ()
        locked = fresh / "keys.locked"
        if locked.exists() and passphrase is not None:
            keys = import_keys(KeyFiles(fresh / "keys"), locked.read_bytes(), passphrase)
        locked.unlink(missing_ok=True)
        from wattseal.stores.migrate import migrate  # noqa: PLC0415 - alembic is only needed for this

        migrate(f"sqlite:///{fresh / 'journal.sqlite3'}")
        apply_pending(fresh / "journal.sqlite3")
        floors = _set_floors(fresh / "journal.sqlite3", published, nothing_since=nothing_since)
        missing = _missing(fresh / "journal.sqlite3", floors)
        if not nothing_since:
            write_durably(fresh / "RESTORED", f"{clock.now().isoformat(timespec='seconds')}\n".encode(), 0o600)
        _sync_tree(fresh)
        if data.exists():
            data.rmdir()
        fresh.rename(data)
        _sync(data.parent)
    return Restored(manifest.created_at, keys, floors, not nothing_since, missing)


def _copy_tiles(data: Path, folder: Path) -> list[str]:
    """Copy the logs, each one's checkpoint first; partial tiles may vanish meanwhile, and their full ones remain."""
    names = []
    paths = [path for path in (data / "log").rglob("*") if path.is_file() and not path.name.startswith(".")]
    for path in sorted(paths, key=lambda p: p.name != "checkpoint"):
        name = path.relative_to(data).as_posix()
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, folder / name)
        except FileNotFoundError:
            continue
        names.append(name)
    return names


def _copy_authority(data: Path, folder: Path) -> list[str]:
    """Copy what the certificate authority issued and revoked; its key is among the keys."""
    names = []
    for path in sorted(path for path in (data / "ca").rglob("*.pem") if not path.name.startswith(".")):
        name = path.relative_to(data).as_posix()
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
        names.append(name)
    return names


def _copy_journal(data: Path, folder: Path) -> str:
    name = "journal.sqlite3"
    if schema_of(data / name) is None:
        raise ConfigError(
            f"{data} has no SQLite journal; back up a PostgreSQL database with its own tools", subject=str(data)
        )
    try:
        with closing(sqlite3.connect(data / name)) as live, closing(sqlite3.connect(folder / name)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise StoreError(f"the journal cannot be copied: {error}", subject=str(data / name)) from error
    return name


def _write_tar(folder: Path, manifest: Manifest, out: Path, progress: Progress) -> None:
    unfinished = folder / "backup.tar"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
            _add(tar, "manifest.json", len(text), io.BytesIO(text))
            for member in manifest.members:
                with (folder / member.name).open("rb") as content:
                    _add(tar, member.name, member.size, content)
                progress(member.name, member.size)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(out)
    _sync(out.parent)


def _add(tar: tarfile.TarFile, name: str, size: int, content: io.BufferedReader | io.BytesIO) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    tar.addfile(info, content)


def _read_tar(source: Path, into: Path, progress: Progress) -> Manifest:
    """Unpack a backup, checking every file against the manifest; names other than a backup's are refused."""
    try:
        with tarfile.open(source, "r:") as tar:
            manifest = _manifest(tar)
            for expected in manifest.members:
                info = tar.next()
                if info is None or not info.isreg() or info.name != expected.name or info.size != expected.size:
                    raise _damaged(source, expected.name)
                _unpack(tar, info, expected, _inside(into, info.name), source)
                progress(expected.name, expected.size)
            if tar.next() is not None:
                raise _damaged(source, "something after the last file")
    except (tarfile.TarError, EOFError) as error:
        raise _damaged(source, str(error)) from error
    if not _sound(into / "journal.sqlite3") or read_format(into) != (manifest.role, manifest.format):
        raise _damaged(source, "journal or FORMAT")
    return manifest


def _sound(journal: Path) -> bool:
    if schema_of(journal) is None:
        return False
    with closing(sqlite3.connect(journal)) as connection:
        return bool(connection.execute("PRAGMA quick_check").fetchone() == ("ok",))


def _manifest(tar: tarfile.TarFile) -> Manifest:
    info = tar.next()
    content = tar.extractfile(info) if info is not None and info.isreg() and info.size < 256 * _BLOCK else None
    if info is None or info.name != "manifest.json" or content is None:
        raise InputError("this is no backup made by wattseal", code="not_a_backup")
    try:
        manifest = msgspec.json.decode(content.read(), type=Manifest)
    except msgspec.DecodeError as error:
        raise InputError(f"the backup's manifest is damaged: {error}", code="backup_damaged") from error
    if manifest.wattseal_backup > VERSION or manifest.format > FORMAT:
        raise ConfigError(
            f"the backup has data format {manifest.format}, this wattseal knows formats up to {FORMAT}; restore it "
            "with the version that made it or a later one",
            code="data_too_new",
        )
    _demand_role(manifest.role)
    return manifest


def _unpack(tar: tarfile.TarFile, info: tarfile.TarInfo, expected: Member, path: Path, source: Path) -> None:
    content = tar.extractfile(info)
    digest = sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while content is not None and (block := content.read(_BLOCK)):
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != expected.sha256:
        raise _damaged(source, expected.name)


def _inside(folder: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    if name in {"FORMAT", "journal.sqlite3", "keys.locked"}:
        return folder / name
    if parts[:1] == ("log",) and len(parts) > 2 and ".." not in parts:
        return folder.joinpath(*parts)
    if parts[:1] == ("ca",) and len(parts) > 1 and ".." not in parts and name.endswith(".pem"):
        return folder.joinpath(*parts)
    raise InputError(f"a backup holds no file {name!r}", code="backup_damaged", subject=name)


def _set_floors(journal: Path, published: Sequence[SignedCheckpoint], *, nothing_since: bool) -> dict[str, int]:
    """Raise each log's highest known checkpoint to the published one; return the sizes by origin."""
    with closing(sqlite3.connect(journal)) as connection:
        rows = connection.execute("SELECT tenant_id, body FROM documents WHERE kind = ? AND key = ?", _HEAD).fetchall()
        heads = {tenant: SignedCheckpoint.parse(json.loads(body)["note"].encode()) for tenant, body in rows}
        given = {signed.checkpoint.origin: signed for signed in published}
        origins = {head.checkpoint.origin for head in heads.values()}
        if (missing := origins - given.keys()) and not nothing_since:
            raise InputError(
                f"the highest published checkpoint of {min(missing)} is needed; a witness serves it",
                code="checkpoint_needed",
                subject=min(missing),
            )
        if foreign := given.keys() - origins:
            raise InputError("a checkpoint is of a log that is not in the backup", subject=min(foreign))
        for tenant, head in heads.items():
            highest = given.get(head.checkpoint.origin)
            if highest is None or highest.checkpoint.size <= head.checkpoint.size:
                continue
            if nothing_since:
                raise InputError(
                    f"{highest.checkpoint.size} entries were published, the backup knows {head.checkpoint.size}: "
                    "something was signed since, so leave out --nothing-since",
                    code="published_since",
                    subject=highest.checkpoint.origin,
                )
            body = json.dumps({"note": highest.encode().decode()}).encode()
            with connection:
                connection.execute(_RAISE, (body, tenant, *_HEAD))
            heads[tenant] = highest
    return {head.checkpoint.origin: head.checkpoint.size for head in heads.values()}


def _missing(journal: Path, floors: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return by log which of its published entries the journal does not have."""
    with closing(sqlite3.connect(journal)) as connection:
        rows = connection.execute("SELECT tenant_id, body FROM documents WHERE kind = ? AND key = ?", _HEAD).fetchall()
        found = {}
        for tenant, body in rows:
            origin = SignedCheckpoint.parse(json.loads(body)["note"].encode()).checkpoint.origin
            (size,) = connection.execute(LOG_SIZE.replace("$1", "?"), (tenant,)).fetchone()
            if size < floors[origin]:
                found[origin] = int(size), floors[origin]
    return found


_RAISE: Final = "UPDATE documents SET body = ? WHERE tenant_id = ? AND kind = ? AND key = ?"


def _demand_role(role: str) -> None:
    if role not in ROLES:
        raise ConfigError(
            f"a {role}'s state must never go back to an earlier day: it would sign a second history. What lost its "
            "state begins anew with a new key",
            code="no_going_back",
            subject=role,
        )


def _member(folder: Path, name: str) -> Member:
    with (folder / name).open("rb") as file:
        digest = sha256()
        while block := file.read(_BLOCK):
            digest.update(block)
        return Member(name, file.tell(), digest.hexdigest())


def _damaged(source: Path, what: str) -> InputError:
    return InputError(f"{source} is damaged ({what}); use another backup", code="backup_damaged", subject=str(source))


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Give a private folder on the same file system, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.absolute().parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sync_tree(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
