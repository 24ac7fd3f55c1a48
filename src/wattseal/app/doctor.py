"""Is this machine, and this data directory, fit for work? Each check gives a value, a judgement and a next step."""

import ctypes
import errno
import fcntl
import os
import resource
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from wattseal.app.settings import Settings
from wattseal.app.system import SystemClock
from wattseal.app.tls import TlsKeeper, make_proxies
from wattseal.base.errors import WattsealError
from wattseal.bundle.trust import Trust
from wattseal.stores.authority import AuthorityFiles
from wattseal.stores.datadir import FORMAT, read_format, schema_of
from wattseal.stores.keyfiles import KeyFiles, read_secret
from wattseal.stores.revision import HEAD

LEAST_FREE_BYTES: Final = 100 * 1024**2
ENOUGH_FREE_BYTES: Final = 1024**3
SLOW_FLUSH_MS: Final = 50
ENOUGH_FILES: Final = 4096
SOON_DAYS: Final = 14
"""A certificate that ends sooner is worth a look."""
KEYS: Final = {
    "cpo": ("billing-sign.pem", "csms-seal.pem", "csms-sign.pem", "log.pem"),
    "edge": ("edge-seal.pem", "edge-sign.pem"),
    "emsp": ("emsp-seal.pem", "emsp-sign.pem"),
}
"""What each role's first start makes; a start that misses one would make another, which nobody has enrolled."""
_RESTORE: Final = "restore it from `wattseal keys export` or a backup"
_TIME_ERROR: Final = 5
_TIMEX_BYTES: Final = 512
"""Larger than struct timex of any system; only the state returned is used."""


class State(StrEnum):
    """What a check says: as it should be, worth a look, or in the way of work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `name`, its state, what was found, and what to do about it ("" where nothing)."""

    name: str
    state: State
    found: str
    next: str = ""


def examine(data: Path, settings: Settings) -> Iterator[Check]:
    """Yield the checks of this machine and of the data directory; nothing is changed."""
    yield clock()
    yield open_files()
    yield from _directory(data)
    yield from _disk(data)
    role = _role(data)
    if role is not None:
        yield from _journal(data)
        yield from keys(data, role)
    running = _in_use(data)
    for name, host, port in _ports(role, settings):
        yield port_free(name, host, port, running=running)
    if settings.trust.file is not None:
        yield _trust(settings.trust.file)
    if role in {None, "cpo"}:
        yield from _tls(data, settings)


def clock() -> Check:
    """Ask the kernel whether the clock is kept in step (ntp_adjtime, read only)."""
    name = "clock"
    try:
        state = ctypes.CDLL(None).ntp_adjtime(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        state = -1
    if state == _TIME_ERROR:
        return Check(name, State.WARN, "not synchronised", "turn on NTP: records and receipts carry the time")
    if state < 0:
        return Check(name, State.WARN, "the system does not say", "make sure that something keeps the clock in step")
    return Check(name, State.OK, "synchronised")


def open_files() -> Check:
    """Compare the limit of open files with one connection a station."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= ENOUGH_FILES:
        return Check("open files", State.OK, "no limit" if soft == resource.RLIM_INFINITY else str(soft))
    return Check("open files", State.WARN, str(soft), f"raise it (ulimit -n {ENOUGH_FILES}): one a connected station")


def _tls(data: Path, settings: Settings) -> Iterator[Check]:
    """Load what stations meet over TLS, as a start would, and look at its ends."""
    serve, system = settings.serve, SystemClock()
    try:
        make_proxies(settings.tls)
        keeper = TlsKeeper(settings.tls, AuthorityFiles(data), system, lambda _: None)
        for port, demand in ((serve.wss_port, False), (serve.mutual_port, True)):
            if port is not None:
                keeper.context(demand_certificate=demand)
    except WattsealError as error:
        yield Check("TLS", State.FAIL, error.code, str(error))
        return
    for expiry in keeper.expiries:
        days = (expiry.at - system.now()).days
        state = State.FAIL if days < 0 else State.WARN if days < SOON_DAYS else State.OK
        found = f"ends {expiry.at:%Y-%m-%d}"
        yield Check(f"{expiry.kind} {expiry.name}", state, found, "" if state is State.OK else "renew it")


def _directory(data: Path) -> Iterator[Check]:
    name = "data directory"
    try:
        found = read_format(data)
    except WattsealError as error:
        yield Check(name, State.FAIL, error.code, str(error))
        return
    if found is None:
        yield Check(name, State.OK, "new", "the first start makes it")
        return
    yield Check(name, State.OK, f"of {found[0]}, format {found[1]} of {FORMAT}")
    yield exposure("data directory access", data, 0o700)


def exposure(name: str, path: Path, mode: int) -> Check:
    """Check that nobody but the user we run as can open `path`."""
    about = path.stat()
    allowed = stat.S_IMODE(about.st_mode)
    if about.st_uid != os.geteuid():
        return Check(name, State.FAIL, f"belongs to user {about.st_uid}", f"chown it to user {os.geteuid()}: {path}")
    if allowed & 0o077:
        return Check(name, State.FAIL, f"{allowed:04o}: open to others", f"chmod {mode:o} {path}")
    return Check(name, State.OK, f"{allowed:04o}: its owner only")


def _disk(data: Path) -> Iterator[Check]:
    place = next(p for p in (data, *data.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / 1024**2:.0f} MiB free"
    if free < LEAST_FREE_BYTES:
        yield Check("disk space", State.FAIL, found, "free some: a full disk stops acknowledgements")
    elif free < ENOUGH_FREE_BYTES:
        yield Check("disk space", State.WARN, found, "free some before it fills")
    else:
        yield Check("disk space", State.OK, found)
    yield _flush(place)


def _flush(place: Path) -> Check:
    name = "disk flush"
    try:
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(b"wattseal doctor")
            probe.flush()
            began = time.monotonic()
            os.fsync(probe.fileno())
            took_ms = (time.monotonic() - began) * 1000
    except OSError as error:
        return Check(name, State.FAIL, f"cannot write: {error.strerror}", f"make {place} writable for this user")
    found = f"{took_ms:.1f} ms"
    if took_ms > SLOW_FLUSH_MS:
        return Check(name, State.WARN, found, "answers wait for it: use a faster or less busy disk")
    return Check(name, State.OK, found)


def _role(data: Path) -> str | None:
    try:
        found = read_format(data)
    except WattsealError:
        return None
    return None if found is None else found[0]


def _journal(data: Path) -> Iterator[Check]:
    try:
        schema = schema_of(data / "journal.sqlite3")
    except WattsealError as error:
        yield Check("journal", State.FAIL, error.code, str(error))
        return
    if schema is not None and schema > HEAD:
        text = "it was used by a newer version: install that one; going back is not possible"
        yield Check("journal", State.FAIL, f"schema {schema}, newer than {HEAD}", text)
    elif schema is None:
        yield Check("journal", State.OK, "none here", "it is made at the first start, or is in PostgreSQL")
    elif schema == HEAD:
        yield Check("journal", State.OK, f"schema {schema}, the newest")
    else:
        yield Check("journal", State.FAIL, f"schema {schema}, not {HEAD}", f"wattseal migrate --data {data}")


def keys(data: Path, role: str) -> Iterator[Check]:
    """Check that no key of the role is missing, and that its owner and nobody else can read each, and the token."""
    files = KeyFiles(data / "keys")
    for name in sorted(set(KEYS.get(role, ())) - set(files.names())):
        yield Check(f"key {name}", State.FAIL, "missing", f"before the next start: {_RESTORE}")
    if not files.directory.is_dir():
        return
    yield exposure("keys directory access", files.directory, 0o700)
    for name in files.names():
        path = files.directory / name
        check = exposure(f"key {name}", path, 0o600)
        yield _readable(check, path) if check.state is State.OK else check
    token = data / "admin-token"
    if token.exists():
        yield exposure("admin token", token, 0o600)


def _readable(check: Check, path: Path) -> Check:
    try:
        if read_secret(path):
            return check
    except WattsealError as error:
        return Check(check.name, State.FAIL, error.code, str(error))
    return Check(check.name, State.FAIL, "empty", _RESTORE)


def _in_use(data: Path) -> bool:
    try:
        lock = os.open(data / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _ports(role: str | None, settings: Settings) -> Iterator[tuple[str, str, int]]:
    serve, emsp = settings.serve, settings.emsp
    if role in (None, "cpo"):
        yield "OCPP port", serve.host, serve.ocpp_port
        for name, port in (("OCPP TLS port", serve.wss_port), ("OCPP mutual TLS port", serve.mutual_port)):
            if port is not None:
                yield name, serve.host, port
        yield "HTTP port", serve.host, serve.http_port
    if role == "emsp":
        yield "HTTP port", emsp.host, emsp.port


def port_free(name: str, host: str, port: int, *, running: bool) -> Check:
    """Try to listen; a port in use is as it should be while the directory's own process runs."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and running:
            return Check(name, State.OK, f"{host}:{port} in use, and so is this directory: it is running")
        reason = error.strerror or type(error).__name__
        return Check(name, State.FAIL, f"{host}:{port}: {reason}", "stop what uses it, or configure another one")
    return Check(name, State.OK, f"{host}:{port} is free")


def _trust(path: Path) -> Check:
    try:
        trust = Trust.parse(path.read_bytes())
    except (OSError, WattsealError) as error:
        return Check("trust file", State.FAIL, f"{path}: {error}", "get it again from whoever runs the registry")
    found = f"{len(trust.registries)} registries, {len(trust.logs)} logs, {len(trust.witnesses)} witnesses"
    return Check("trust file", State.OK, found)
