"""The repository as its documentation tests see it."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tracked() -> list[Path]:
    """Return the files git tracks, or, outside a checkout, every file in the source folders."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)  # noqa: S607 - git from the path
    if listed.returncode == 0:
        return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]
    folders = ("src", "tests", "docs", "bench", "tools", "requirements", ".ci")
    return [p for p in ROOT.iterdir() if p.is_file()] + [
        p for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts
    ]


def pages() -> list[Path]:
    """Return the Markdown files."""
    return [path for path in tracked() if path.suffix == ".md"]
