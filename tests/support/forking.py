"""`wattseal` commands for tests that start fast: everything is imported once, each process is a fork of that.

`wattseal_command()` is what to run instead of `python -m wattseal`: a launcher of a few milliseconds that stands for
the process, whose arguments, environment, working directory, streams, signals and exit code are the launcher's.
Started as a program this is the process that forks. Tests of starting itself, and of `kill -9`, run the real command.
"""

import ast
import atexit
import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from litestar import Litestar

    from wattseal.serve.api.service import Service

ROOT = Path(__file__).parents[2]
LAUNCHER = Path(__file__).with_name("forked_launcher.py")
COMMANDS = (
    *("serve", "witness", "emsp", "edge"),
    *("month", "audit", "fsck", "invoice", "account", "enrol", "verify", "station", "ledger"),
)
"""Commands whose modules are imported before anything is asked."""
LATER = (
    "anyio._backends._asyncio",
    "duckdb",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
    "wattseal.serve.api.app",
    "wattseal.stores.migrate",
    "wattseal.stores.schema",
    "wattseal.wire.einvoice.attach",
    "wattseal.wire.einvoice.pdf",
    "webauthn",
)
"""What those import only where they need it."""
SOON_S = 0.2
SOONER = (
    *(
        ("wattseal.app.cpo.timers", f"{name}_INTERVAL_S")
        for name in ("ALARMS", "BILLING", "LISTS", "PAYMENTS", "ROLLOUTS")
    ),
    ("wattseal.app.cpo.certificates", "DELIVERY_INTERVAL_S"),
    ("wattseal.app.inventories", "INVENTORY_INTERVAL_S"),
    ("wattseal.app.emsp", "TRUST_CHECK_S"),
)
"""What a process does by the clock every second or two, and here every `SOON_S`: tests wait for it."""


@cache
def wattseal_command() -> tuple[str, ...]:
    """Return the words to put before the arguments of `wattseal`; the process that forks ends with this one."""
    folder = tempfile.TemporaryDirectory(prefix="wattseal-")
    address = Path(folder.name) / "nursery"
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    process = subprocess.Popen(  # noqa: S603 - this file
        [sys.executable, __file__, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()

    def end() -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)
        folder.cleanup()

    atexit.register(end)
    return sys.executable, "-I", "-S", str(LAUNCHER), str(address)


class Forking:
    """Listens at a socket; each connection is one process, for as long as it lives."""

    def __init__(self, address: str) -> None:
        self.ears = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.ears.bind(address)
        self.ears.listen(64)
        self.alive: dict[int, socket.socket] = {}
        self.watch = selectors.DefaultSelector()
        self.woken, self.waking = socket.socketpair()
        self.waking.setblocking(False)  # noqa: FBT003 - the only way to say it
        signal.set_wakeup_fd(self.waking.fileno())
        signal.signal(signal.SIGCHLD, _nothing)
        for each in (self.ears, self.woken):
            self.watch.register(each, selectors.EVENT_READ)
        self.watch.register(sys.stdin, selectors.EVENT_READ)

    def run(self) -> None:
        """Fork and reap until standard input ends; what is alive then is killed."""
        while True:
            for key, _ in self.watch.select():
                if key.fileobj is sys.stdin:
                    for pid in self.alive:
                        os.kill(pid, signal.SIGKILL)
                    return
                if key.fileobj is self.ears:
                    self._fork(self.ears.accept()[0])
                elif key.fileobj is self.woken:
                    self.woken.recv(4096)
                else:
                    self._pass_on(key.data)
            self._reap()

    def _fork(self, launcher: socket.socket) -> None:
        text, streams, _, _ = socket.recv_fds(launcher, 1 << 20, 3)
        while text and not text.endswith(b"\n"):
            text += launcher.recv(1 << 20)
        if not text:
            launcher.close()
            return
        pid = os.fork()
        if pid == 0:
            _become(*ast.literal_eval(text.decode()), streams=streams)
        for stream in streams:
            os.close(stream)
        self.alive[pid] = launcher
        self.watch.register(launcher, selectors.EVENT_READ, pid)

    def _pass_on(self, pid: int) -> None:
        launcher = self.alive.get(pid)
        if launcher is None:
            return
        numbers = launcher.recv(16)
        for number in numbers or [signal.SIGKILL]:
            os.kill(pid, number)
        if not numbers:
            self.watch.unregister(launcher)

    def _reap(self) -> None:
        while self.alive:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            launcher = self.alive.pop(pid)
            with contextlib.suppress(KeyError):
                self.watch.unregister(launcher)
            with contextlib.suppress(OSError):
                launcher.sendall(str(os.waitstatus_to_exitcode(status)).encode())
            launcher.close()


def _become(folder: str, arguments: list[str], environment: dict[str, str], *, streams: list[int]) -> None:
    """Be the process `wattseal ARGUMENTS...` from here on."""
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 1024)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv = ["wattseal", *arguments]
        from wattseal.cli.main import main  # noqa: PLC0415 - the process that starts this one has no need of it

        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 70
    finally:
        for out in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                out.flush()
        os._exit(code)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Wake `select`."""


def put_in_place(owner: object, name: str, stand_in: object) -> None:
    """Have a name of a module mean something else; `AttributeError` where there is no such name any more."""
    getattr(owner, name)
    setattr(owner, name, stand_in)


def prepare() -> None:
    """Import what a process imports later, put the API together, and let no child look through it for garbage."""
    for name in LATER:
        importlib.import_module(name)
    from wattseal.app.cpo import listening  # noqa: PLC0415 - only the process that forks has need of it
    from wattseal.serve.api.app import make_api  # noqa: PLC0415 - as above

    made = make_api(cast("Service", None))

    def ready_made(service: "Service") -> "Litestar":
        made.state["service"] = service
        return made

    put_in_place(listening, "make_api", ready_made)
    for module, name in SOONER:
        put_in_place(importlib.import_module(module), name, SOON_S)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    for _command in COMMANDS:
        importlib.import_module(f"wattseal.cli.{_command}")
    prepare()
    _forking = Forking(sys.argv[1])
    os.write(1, b"ready\n")
    _forking.run()
