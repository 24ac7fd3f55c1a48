"""The program `localstripe`, which speaks Stripe's API: in an environment of its own, out of its lock file."""

import fcntl
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.support.doc_tree import ROOT

LOCK = ROOT / "requirements" / "localstripe.txt"
BLOCK = re.compile(r"^([\w.-]+)==.*\n(?:    .*\n)+", re.MULTILINE)
UNREACHABLE = (
    "No matching distribution",
    "Failed to establish a new connection",
    "Temporary failure in name",
    "timed out",
)
UP_WITHIN_S = 30


def _lock_of(file: Path, names: set[str] | None) -> Path:
    """Write the part of the lock that names these packages to a file; None is all of them."""
    blocks = [found[0] for found in BLOCK.finditer(LOCK.read_text()) if names is None or found[1] in names]
    file.write_text("".join(blocks))
    return file


def _installed(folder: Path, begin: Sequence[str | Path], installer: Sequence[str | Path]) -> str:
    """Make an environment and install the lock into it, by hash; return what went wrong, "" for nothing."""
    words = [*installer, "--require-hashes", "--no-deps"]
    wheels: list[str | Path] = ["--only-binary", ":all:", "-r", _lock_of(folder / "first.txt", {"setuptools"})]
    for command in (
        begin,
        [*words, *wheels],
        [*words, "--no-build-isolation", "-r", _lock_of(folder / "all.txt", None)],
    ):
        done = subprocess.run(  # noqa: S603 - uv or pip, on the environment just made
            [*map(str, command)], capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode:
            return done.stderr or done.stdout
    return ""


def installed(config: pytest.Config) -> Path:
    """Return the interpreter of an environment in pytest's cache that has localstripe.

    uv makes it within a second where pip takes half a minute; pip does where its settings alone say how to reach PyPI.
    """
    folder = Path(config.cache.mkdir("localstripe"))
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done, made = folder / "installed", folder / "venv"
        python = made / "bin" / "python"
        if not done.exists() or done.read_bytes() != LOCK.read_bytes():
            done.unlink(missing_ok=True)
            uv = [sys.executable, "-m", "uv"]
            trouble = _installed(
                folder,
                [*uv, "venv", "--clear", "--python", sys.executable, made],
                [*uv, "pip", "install", "--python", python],
            ) and _installed(
                folder,
                [sys.executable, "-m", "venv", "--clear", made],
                [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"],
            )
            if any(words in trouble for words in UNREACHABLE):
                pytest.skip("PyPI cannot be reached, so localstripe cannot be installed")
            assert not trouble, trouble
            done.write_bytes(LOCK.read_bytes())
    return python


@contextmanager
def localstripe(config: pytest.Config, folder: Path) -> Iterator[str]:
    """Run it meanwhile and return its address."""
    python = installed(config)
    with socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) as taken:
        port = taken.getsockname()[1]
    with (folder / "localstripe.log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - out of its own environment
            [python, "-m", "localstripe", "--port", str(port), "--from-scratch"],
            cwd=folder,
            stdout=log,
            stderr=log,
            env={"HOME": str(folder), "TMPDIR": str(folder), "PATH": "/usr/bin:/bin"},
        )
    try:
        _until_up(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _until_up(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/v1/charges", trust_env=False)
        except httpx.TransportError:
            assert process.poll() is None, "localstripe ended"
            assert time.monotonic() < deadline, "localstripe does not answer"
            time.sleep(0.1)
        else:
            return
