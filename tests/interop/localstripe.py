"""The program `localstripe`, which speaks Stripe's API: in an environment of its own, out of its lock file."""

import fcntl
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
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


def _pip(folder: Path, names: set[str] | None, *options: str) -> None:
    """Install the packages named out of the lock, by hash; None is all of them."""
    blocks = [found[0] for found in BLOCK.finditer(LOCK.read_text()) if names is None or found[1] in names]
    chosen = folder / "chosen.txt"
    chosen.write_text("".join(blocks))
    words = ["install", "-qq", "--disable-pip-version-check", "--require-hashes", "--no-deps", *options, "-r"]
    done = subprocess.run(  # noqa: S603 - pip of the environment just made
        [folder / "bin" / "python", "-m", "pip", *words, chosen],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode and any(words in done.stderr for words in UNREACHABLE):
        pytest.skip("PyPI cannot be reached, so localstripe cannot be installed")
    assert done.returncode == 0, done.stderr


def installed(config: pytest.Config) -> Path:
    """Return the interpreter of an environment in pytest's cache that has localstripe."""
    folder = Path(config.cache.mkdir("localstripe"))
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "installed"
        if not done.exists() or done.read_bytes() != LOCK.read_bytes():
            done.unlink(missing_ok=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder / "venv"], check=True)  # noqa: S603
            _pip(folder / "venv", {"setuptools"}, "--only-binary", ":all:")
            _pip(folder / "venv", None, "--no-build-isolation")
            done.write_bytes(LOCK.read_bytes())
    return folder / "venv" / "bin" / "python"


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
