"""The pages' scripts, installed, checked and built away from the working tree."""

import fcntl
import shutil
from pathlib import Path

import pytest
from tests.interop.npm import install, node
from tests.support.doc_tree import ROOT

WEB = ROOT / "web"
FILES = ("package.json", "package-lock.json", ".npmrc", "tsconfig.json", "build.mjs")


def project(config: pytest.Config) -> Path:
    """Return a copy of `web` in pytest's cache with its packages installed; workers share it, and change it in turn."""
    folder = Path(config.cache.mkdir("web"))
    install(folder, WEB, FILES)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _contents(folder / "src") != _contents(WEB / "src"):
            shutil.rmtree(folder / "src", ignore_errors=True)
            shutil.copytree(WEB / "src", folder / "src")
    return folder


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def built(folder: Path, *options: str | Path) -> None:
    ran = node(folder, "build.mjs", *options)
    assert ran.returncode == 0, ran.stderr
    assert not ran.stderr
